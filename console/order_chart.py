"""What the meters say about an ordered measure: power by hour against what is usual and allowed, with verdicts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from alerting.wording import measure_zh
from console.evidence import VERDICTS_ZH
from console.rendering import local_text
from store.connection import Connection
from store.order import OrderMeasure, Verification, read_order_measures, read_verifications

_WIDTH: Final = 720
_HEIGHT: Final = 190
_LEFT: Final = 46
_TOP: Final = 8
_FLOOR: Final = 140
_STRIP: Final = 148


@dataclass(frozen=True, slots=True)
class MeasureChart:
    """A measure with its verdicts: counts of hours, the plot (None before the first verdict)."""

    measure: OrderMeasure
    text_zh: str
    hours: dict[str, int]
    rows: Sequence[Verification]
    plot: Markup | None


def order_charts(conn: Connection, order: int) -> list[MeasureChart]:
    """Measures of an order in its order, each with what was verified so far."""
    measures = read_order_measures(conn, [order])
    found = read_verifications(conn, [one.id for one in measures])
    charts = []
    for measure in measures:
        rows = [row for row in found if row.order_measure_id == measure.id]
        hours = {verdict: sum(row.verdict == verdict for row in rows) for verdict in VERDICTS_ZH}
        charts.append(MeasureChart(measure, measure_zh(measure), hours, rows, power_plot(rows) if rows else None))
    return charts


def power_plot(rows: Sequence[Verification]) -> Markup:
    """Power as bars, usual and allowed power as steps, one mark per verdict below.

    Parameters
    ----------
    rows : sequence of Verification
        At least one, by hour.

    Returns
    -------
    Markup
        An ``svg``; verdicts differ in form as well as in shade.
    """
    first, last = rows[0].hour, rows[-1].hour
    count = int((last - first) / dt.timedelta(hours=1)) + 1
    step = (_WIDTH - _LEFT) / count
    powers = [
        each for row in rows for each in (row.power_kw, row.baseline_kw, row.suspected_above_kw) if each is not None
    ]
    highest = max([1.0, *powers]) * 1.08
    scale = (_FLOOR - _TOP) / highest
    said = "，".join(f"{text} {sum(row.verdict == key for row in rows)} 小时" for key, text in VERDICTS_ZH.items())
    parts = [
        Markup('<svg class="power" viewBox="0 0 {} {}" role="img" aria-label="逐小时用电功率：{}">').format(
            _WIDTH, _HEIGHT, said
        )
    ]
    for share in (0.0, 0.5, 1.0):
        value = highest / 1.08 * share
        y = _FLOOR - value * scale
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(_LEFT, _WIDTH, y=y)
        )
        parts.append(Markup('<text x="{}" y="{:.1f}" text-anchor="end">{:.0f}</text>').format(_LEFT - 5, y + 4, value))
    for row in rows:
        parts.append(_hour(row, _LEFT + int((row.hour - first) / dt.timedelta(hours=1)) * step, step, scale))
    every = max(1, -(-count // 6))
    for index in range(0, count, every):
        x = _LEFT + (index + 0.5) * step
        label = local_text(first + dt.timedelta(hours=index), "%d日%H时")
        parts.append(Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(x, _HEIGHT - 6, label))
    parts.append(Markup("</svg>"))
    return Markup("").join(parts)


def _hour(row: Verification, x: float, step: float, scale: float) -> Markup:
    tip = f"{local_text(row.hour)} {VERDICTS_ZH[row.verdict]}" + (
        f"，{row.power_kw:.0f} kW" if row.power_kw is not None else ""
    )
    width = max(step - 1.5, 0.6)
    parts = [Markup("<g><title>{}</title>").format(tip)]
    if row.power_kw is not None:
        height = max(row.power_kw * scale, 0.5)
        parts.append(
            Markup('<rect class="bar {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                row.verdict, x, _FLOOR - height, width, height
            )
        )
    for name, value in (("baseline", row.baseline_kw), ("allowed", row.allowed_kw)):
        if value is not None:
            y = _FLOOR - value * scale
            parts.append(
                Markup('<line class="{}" x1="{:.1f}" x2="{:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
                    name, x, x + step, y=y
                )
            )
    depth = {"fulfilled": 5, "suspected": 16, "undetermined": 10}[row.verdict]
    parts.append(
        Markup('<rect class="mark {}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/></g>').format(
            row.verdict, x, _STRIP, width, depth
        )
    )
    return Markup("").join(parts)
