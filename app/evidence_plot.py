"""Plots of the evidence report as SVG: what a line drew against its usual and the allowed power, hour by hour."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from domain.period import ZONE
from store.order import Verification

WIDTH: Final = 960
HEIGHT: Final = 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 24, 52
#: Verdict -> colour of its band; told apart by more than red and green.
COLOURS: Final = {"fulfilled": "#2E9E6B", "suspected": "#D1495B", "undetermined": "#B9BEC7"}
_LINES: Final = (
    ("baseline_kw", "同期常态", "#8892A0", "4 4"),
    ("allowed_kw", "允许值", "#E08E0B", "8 4"),
    ("power_kw", "实际用电功率", "#1F5FAF", ""),
)


def power_plot(rows: Sequence[Verification]) -> str:
    """A plot of the hours of one measure: power, usual and allowed power in kW, and a band of verdicts.

    Parameters
    ----------
    rows : sequence of Verification
        In order of time.

    Returns
    -------
    str
        An SVG element; a sentence when there is no hour or no power was measured.
    """
    if not rows:
        return "<p class=empty>没有已核验的小时。</p>"
    first, last = rows[0].hour, rows[-1].hour + dt.timedelta(hours=1)
    span = (last - first).total_seconds()
    values = [value for row in rows for key, *_ in _LINES if (value := getattr(row, key)) is not None]
    if not values:
        return "<p class=empty>没有用电数据。</p>"
    top = _round_top(max(values))

    def x(moment: dt.datetime) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (moment - first).total_seconds() / span

    def y(value: float) -> float:
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top

    parts = [_grid(first, last, top, x=x, y=y), *(_band(row, x) for row in rows)]
    for key, _, colour, dash in _LINES:
        stroke = f"fill=none stroke='{colour}' stroke-width=1.8 stroke-dasharray='{dash}'"
        parts.append(f"<path d='{_steps(rows, key, x=x, y=y)}' {stroke} />")
    legend = "".join(
        f"<line x1={_LEFT + at * 150} x2={_LEFT + at * 150 + 26} y1={HEIGHT - 8} y2={HEIGHT - 8} stroke='{colour}'"
        f" stroke-width=2 stroke-dasharray='{dash}' /><text x={_LEFT + at * 150 + 32} y={HEIGHT - 4}>{name}</text>"
        for at, (_, name, colour, dash) in enumerate(_LINES)
    )
    label = f"{first.astimezone(ZONE):%m-%d %H:%M} 至 {last.astimezone(ZONE):%m-%d %H:%M} 逐时用电功率与核验结论"
    return f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label='{escape(label)}'>{''.join(parts)}{legend}</svg>"


def _round_top(value: float) -> float:
    """A round number a little above `value`, whose quarters are round too."""
    size = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(part * size for part in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10, 12) if part * size >= value * 1.02)


def _grid(
    first: dt.datetime,
    last: dt.datetime,
    top: float,
    *,
    x: Callable[[dt.datetime], float],
    y: Callable[[float], float],
) -> str:
    """Axes: four levels of power, a mark every six or twenty-four hours."""
    levels = "".join(
        f"<line x1={_LEFT} x2={WIDTH - _RIGHT} y1={y(top * part / 4):.1f} y2={y(top * part / 4):.1f} class=grid />"
        f"<text x={_LEFT - 6} y={y(top * part / 4) + 4:.1f} text-anchor=end>{top * part / 4:,.0f}</text>"
        for part in range(5)
    )
    step = dt.timedelta(hours=6 if last - first <= dt.timedelta(hours=80) else 24)
    local = first.astimezone(ZONE)
    tick = local.replace(hour=0, minute=0) + step * -(-(local - local.replace(hour=0, minute=0)) // step)
    marks = []
    while tick <= last:
        text = f"{tick:%m-%d}" if tick.hour == 0 else f"{tick:%H}时"
        marks.append(f"<text x={x(tick):.1f} y={HEIGHT - 24} text-anchor=middle>{text}</text>")
        tick += step
    return f"{levels}<text x=4 y=11>kW</text>{''.join(marks)}"


def _band(row: Verification, x: Callable[[dt.datetime], float]) -> str:
    left, right = x(row.hour), x(row.hour + dt.timedelta(hours=1))
    return (
        f"<rect x={left:.1f} y={HEIGHT - _BOTTOM + 4} width={right - left + 0.3:.1f} height=8"
        f" fill='{COLOURS[row.verdict]}' />"
    )


def _steps(
    rows: Sequence[Verification], key: str, *, x: Callable[[dt.datetime], float], y: Callable[[float], float]
) -> str:
    """The way of one line in steps, broken where a value is missing."""
    parts, pen_up = [], True
    for row in rows:
        value = getattr(row, key)
        if value is None:
            pen_up = True
            continue
        left, right, level = x(row.hour), x(row.hour + dt.timedelta(hours=1)), y(value)
        parts.append(f"{'M' if pen_up else 'L'}{left:.1f} {level:.1f}H{right:.1f}")
        pen_up = False
    return "".join(parts)
