"""Drawings of reports as SVG: bars or lines over equal steps, gaps where there is no value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from app.report.content import Chart, Line

_WIDTH: Final = 720
_HEIGHT: Final = 220
_LEFT: Final = 44
_RIGHT: Final = 8
_TOP: Final = 14
_BOTTOM: Final = 26
_FLOOR: Final = _HEIGHT - _BOTTOM
_PALETTE: Final = ("#1f6fb2", "#d0642b", "#3b8f4c", "#7d4fa3", "#8a6d1d", "#b23a5b")
_MOST_LABELS: Final = 16


def step_above(highest: float, steps: int = 4) -> float:
    """The smallest round step (1, 2, 2.5 or 5 times a power of ten) of which `steps` reach `highest`; 1 for zero."""
    least = highest / steps if highest > 0 else 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-12))


def draw(chart: Chart) -> Markup:
    """A drawing as an ``svg`` with a title; words instead when no series has a value."""
    known = [value for line in chart.lines for value in line.values if value is not None]
    if not known:
        return Markup('<p class="empty">本期没有可绘制的数据。</p>')
    step = step_above(max([*known, chart.limit or 0.0]))
    scale = (_FLOOR - _TOP) / (4 * step)
    parts = [
        Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(_WIDTH, _HEIGHT, chart.title_zh),
        *_grid(step, scale),
        *_labels(chart.labels),
    ]
    for number, line in enumerate(chart.lines):
        paint = _PALETTE[number % len(_PALETTE)]
        parts += _bars(line, paint, scale) if chart.kind == "bars" else [_path(line, paint, scale)]
    if chart.limit is not None:
        y = _FLOOR - chart.limit * scale
        parts.append(
            Markup('<line class="limit" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
                _LEFT, _WIDTH - _RIGHT, y=y
            )
        )
    parts.append(Markup("</svg>"))
    return Markup("").join([*parts, _legend(chart)])


def _step(count: int) -> float:
    return (_WIDTH - _LEFT - _RIGHT) / max(1, count)


def _grid(step: float, scale: float) -> list[Markup]:
    parts = []
    for at in range(5):
        y = _FLOOR - at * step * scale
        parts.append(
            Markup(
                '<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>'
                '<text x="{}" y="{:.1f}" text-anchor="end">{:g}</text>'
            ).format(_LEFT, _WIDTH - _RIGHT, _LEFT - 5, y + 4, at * step, y=y)
        )
    return parts


def _labels(labels: Sequence[str]) -> list[Markup]:
    every = math.ceil(len(labels) / _MOST_LABELS)
    return [
        Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
            _LEFT + (at + 0.5) * _step(len(labels)), _HEIGHT - 8, label
        )
        for at, label in enumerate(labels)
        if at % every == 0
    ]


def _bars(line: Line, paint: str, scale: float) -> list[Markup]:
    step = _step(len(line.values))
    colours = line.colours or [None] * len(line.values)
    return [
        Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.2f}" height="{:.1f}" fill="{}"/>').format(
            _LEFT + (at + 0.1) * step, _FLOOR - value * scale, step * 0.8, value * scale, colours[at] or paint
        )
        for at, value in enumerate(line.values)
        if value is not None
    ]


def _path(line: Line, paint: str, scale: float) -> Markup:
    step, steps, pen = _step(len(line.values)), [], "M"
    for at, value in enumerate(line.values):
        if value is None:
            pen = "M"
            continue
        steps.append(f"{pen}{_LEFT + (at + 0.5) * step:.1f} {_FLOOR - value * scale:.1f}" + "h.1" * (pen == "M"))
        pen = "L"
    drawn = Markup('<path d="{}" fill="none" stroke="{}" stroke-width="1.8" stroke-linecap="round"/>').format(
        "".join(steps), paint
    )
    return drawn + Markup("").join(
        Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2.5" fill="{}"/>').format(
            _LEFT + (at + 0.5) * step, _FLOOR - value * scale, paint
        )
        for at, value in enumerate(line.values)
        if value is not None and _alone(line.values, at)
    )


def _alone(values: Sequence[float | None], at: int) -> bool:
    """Whether the value at a position has none before and none after it."""
    return all(value is None for value in (*values[max(0, at - 1) : at], *values[at + 1 : at + 2]))


def _legend(chart: Chart) -> Markup:
    names = [
        Markup('<span><i style="background:{}"></i>{}</span>').format(_PALETTE[at % len(_PALETTE)], line.name)
        for at, line in enumerate(chart.lines)
        if not line.colours
    ]
    if chart.limit is not None:
        names.append(Markup('<span><i class="limit"></i>{}</span>').format(chart.limit_zh))
    if chart.unit:
        names.append(Markup("<span>单位：{}</span>").format(chart.unit))
    return Markup('<p class="legend">{}</p>').format(Markup("").join(names))
