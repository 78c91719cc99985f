"""Each panel type drawn plainly as HTML or SVG."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from app.preview.field import Options, colour, field_options, ink, mapped, shown
from app.preview.macro import Scope
from domain.period import ZONE

_PALETTE: Final = (
    *("#7EB26D", "#EAB839", "#6ED0E0", "#EF843C", "#E24D42", "#1F78C1", "#BA43A9", "#705DA0", "#508642"),
    *("#CCA300", "#447EBC", "#C15C17", "#890F02", "#0A437C", "#6D1F62", "#584477"),
)
_WIDTH: Final = 1000


@dataclass(frozen=True, slots=True)
class Frame:
    """The answer to one query."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its points in order of time, None where there is no value."""

    name: str
    points: list[tuple[dt.datetime, float | None]]


def drawing(panel: Options, frames: Sequence[Frame], scope: Scope) -> str:
    """The inside of a panel.

    Parameters
    ----------
    panel : mapping
        As in the dashboard's document.
    frames : sequence of Frame
        One per query.
    scope : Scope
        For the axis of time.

    Returns
    -------
    str
        HTML; the panel's words for no value when there are no rows.
    """
    if panel["type"] == "text":
        return f"<div class=words>{escape(panel['options']['content'])}</div>"
    if not any(frame.rows for frame in frames):
        return f"<div class=empty>{escape(str(panel['fieldConfig']['defaults'].get('noValue', '')))}</div>"
    if panel["type"] in ("timeseries", "state-timeline"):
        series = [line for frame in frames for line in series_of(frame)]
        return (_lines if panel["type"] == "timeseries" else _bands)(panel, series, scope)
    return _DRAWINGS[panel["type"]](panel, frames[0])


def series_of(frame: Frame) -> list[Series]:
    """Lines of a time series answer: by column ``metric`` where there is one, otherwise by column."""
    if "metric" in frame.columns:
        named: dict[str, list[tuple[dt.datetime, float | None]]] = {}
        for time, name, value in frame.rows:
            named.setdefault(name, []).append((time, value))
        return [Series(name, points) for name, points in named.items()]
    return [
        Series(name, [(row[0], row[at]) for row in frame.rows])
        for at, name in enumerate(frame.columns)
        if name != "time"
    ]


def _cell(panel: Options, name: str, value: object, span: tuple[float, float]) -> str:
    options = {**field_options(panel, name), "span": span}
    paint, mode = colour(value, options), options.get("displayMode", "auto")
    style = ""
    if paint and value is not None:
        style = f" style='color:{paint}'" if mode == "color-text" else ""
        if mode == "color-background-solid":
            style = f" style='background:{paint};color:{ink(paint)}'"
    kind = " class=number" if isinstance(value, (int, float)) else ""
    return f"<td{kind}{style}>{escape(shown(value, options))}</td>"


def _table(panel: Options, frame: Frame) -> str:
    kept = [at for at, name in enumerate(frame.columns) if not field_options(panel, name).get("hidden")]
    numbers = [x for row in frame.rows for x in row if isinstance(x, (int, float))]
    span = (min(numbers, default=0.0), max(numbers, default=0.0))
    numeric = {at for at in kept if any(isinstance(row[at], (int, float)) for row in frame.rows)}
    head = "".join(f"<th{' class=number' if at in numeric else ''}>{escape(frame.columns[at])}</th>" for at in kept)
    rows = ("<tr>" + "".join(_cell(panel, frame.columns[at], row[at], span) for at in kept) + "</tr>" for row in frame.rows)
    return f"<div class=scroll><table><tr>{head}</tr>{''.join(rows)}</table></div>"


def _stat(panel: Options, frame: Frame) -> str:
    words = bool(panel["options"]["reduceOptions"]["fields"])
    whole = panel["options"].get("colorMode") == "background"
    parts = []
    for name, value in zip(frame.columns, frame.rows[0], strict=True):
        if isinstance(value, str) and not words:
            continue
        options = field_options(panel, name)
        paint = colour(value, options) if value is not None else ""
        style = f"background:{paint};color:{ink(paint)}" if whole and paint else f"color:{paint}"
        size = "long" if len(shown(value, options)) > 14 else ""
        label = "" if len(frame.columns) == 1 else f"<small>{escape(name)}</small>"
        parts.append(f"<div class='figure {size}' style='{style}'>{label}{escape(shown(value, options))}</div>")
    return f"<div class=figures>{''.join(parts)}</div>"


def _bars(panel: Options, frame: Frame) -> str:
    if panel["options"]["reduceOptions"]["values"]:
        pairs = [(str(name), frame.columns[1], value) for name, value in frame.rows]
    else:
        pairs = [(name, name, value) for name, value in zip(frame.columns, frame.rows[0], strict=True)]
    most = panel["fieldConfig"]["defaults"].get("max") or max((value or 0) for *_, value in pairs) or 1
    lines = []
    for label, column, value in pairs:
        options = field_options(panel, column)
        width = 100 * min(1, (value or 0) / most)
        lines.append(
            f"<div class=bar><span>{escape(label)}</span><i><b style='width:{width:.1f}%;"
            f"background:{colour(value, options)}'></b></i><em>{escape(shown(value, options))}</em></div>"
        )
    return f"<div class=scroll>{''.join(lines)}</div>"


def _map(panel: Options, frame: Frame) -> str:
    layer = panel["options"]["layers"][0]
    at = {name: frame.columns.index(name) for name in frame.columns}
    longitude, latitude = at[layer["location"]["longitude"]], at[layer["location"]["latitude"]]
    value = layer["config"]["style"]["color"]["field"]
    xs, ys = [row[longitude] for row in frame.rows], [row[latitude] for row in frame.rows]
    size = max(max(xs) - min(xs), (max(ys) - min(ys)) * 1.25, 0.01)
    marks = []
    for row, x, y in zip(frame.rows, xs, ys, strict=True):
        left, top = 60 + 800 * (x - min(xs)) / size, 50 + 1000 * (max(ys) - y) / size
        options = field_options(panel, value)
        paint = colour(row[at[value]], options) or "#8E8E8E"
        text = "" if row[at[value]] is None else shown(row[at[value]], options)
        marks.append(
            f"<g><title>{escape(' '.join(str(item) for item in row if item is not None))}</title>"
            f"<circle cx={left:.0f} cy={top:.0f} r=24 fill='{paint}' />"
            f"<text x={left:.0f} y={top + 7:.0f} class=mark fill='{ink(paint)}'>{text}</text></g>"
        )
    high = 100 + 1000 * (max(ys) - min(ys)) / size
    return f"<svg viewBox='0 0 {_WIDTH} {high:.0f}'>{''.join(marks)}</svg>"


def _x(moment: dt.datetime, scope: Scope) -> float:
    return _WIDTH * ((moment - scope.low) / (scope.high - scope.low))


def _lines(panel: Options, series: Sequence[Series], scope: Scope) -> str:
    height = 300
    values = [value for line in series for _, value in line.points if value is not None]
    top = max([*values, 1.0]) * 1.05
    marks = [
        f"<line x1=0 x2={_WIDTH} y1={height * at / 4} y2={height * at / 4} class=grid />"
        f"<text x=2 y={height * at / 4 - 3}>{top * (1 - at / 4):.3g}</text>"
        for at in range(1, 4)
    ]
    legend = []
    for number, line in enumerate(series):
        options = field_options(panel, line.name)
        paint = colour(None, options) or _PALETTE[number % len(_PALETTE)]
        if options.get("drawStyle") == "bars":
            marks.append(_columns(line, scope, paint, height / top))
            legend.append(f"<span><b style='background:{paint}'></b>{escape(line.name)}</span>")
            continue
        dots = options.get("drawStyle") == "points" or len(line.points) == 1
        path, pen = [], "M"
        for moment, value in line.points:
            if value is None:
                pen = "M"
                continue
            x, y = _x(moment, scope), height * (1 - value / top)
            path.append(f"M{x:.1f} {y:.1f}h.1" if dots else f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
        dash = " stroke-dasharray='8 8'" if "lineStyle" in options else ""
        wide = options.get("lineWidth", 1) + dots
        below = next((other for other in series if other.name == options.get("fillBelowTo")), None)
        if below is not None:
            marks.append(_area(line, below, scope, paint, height / top))
        if wide:
            marks.append(f"<path d='{''.join(path)}' stroke='{paint}' stroke-width={wide}{dash} />")
        legend.append(f"<span><b style='background:{paint}'></b>{escape(line.name)}</span>")
    svg = f"<svg viewBox='0 0 {_WIDTH} {height}' preserveAspectRatio=none>{''.join(marks)}</svg>"
    return f"{svg}{_axis(scope)}<div class=legend>{''.join(legend)}</div>"


def _area(upper: Series, lower: Series, scope: Scope, paint: str, per_unit: float) -> str:
    """The space between two lines."""
    there = [(moment, value) for moment, value in upper.points if value is not None]
    back = [(moment, value) for moment, value in reversed(lower.points) if value is not None]
    corners = " ".join(f"{_x(moment, scope):.1f},{300 - value * per_unit:.1f}" for moment, value in there + back)
    return f"<polygon points='{corners}' fill='{paint}' fill-opacity=.2 />"


def _columns(line: Series, scope: Scope, paint: str, per_unit: float) -> str:
    """One upright bar per bucket; bars of several series stand before each other, not on each other."""
    wide = max(_WIDTH * scope.interval_s / (scope.high - scope.low).total_seconds() * 0.8, 1.5)
    boxes = [
        f"<rect x={_x(moment, scope):.1f} width={wide:.1f} y={300 - value * per_unit:.1f}"
        f" height={value * per_unit:.1f} fill='{paint}' fill-opacity=.7 />"
        for moment, value in line.points
        if value
    ]
    return "".join(boxes)


def _bands(panel: Options, series: Sequence[Series], scope: Scope) -> str:
    lines = []
    for line in series:
        options = field_options(panel, line.name)
        boxes = []
        # A state lasts until the next one, the last until the end.
        ends = [moment for moment, _ in line.points[1:]] + [scope.high]
        for (moment, value), end in zip(line.points, ends, strict=True):
            found = mapped(value, options.get("mappings", ()))
            if found:
                x, wide = _x(moment, scope), _x(end, scope) - _x(moment, scope)
                boxes.append(
                    f"<rect x={x:.1f} width={wide + 0.2:.1f} y=0 height=20 fill='{found[1]}'>"
                    f"<title>{found[0]}</title></rect>"
                )
        svg = f"<svg viewBox='0 0 {_WIDTH} 20' preserveAspectRatio=none>{''.join(boxes)}</svg>"
        lines.append(f"<div class=band><span>{escape(line.name)}</span>{svg}</div>")
    return f"<div class=scroll>{''.join(lines)}</div>{_axis(scope)}"


def _axis(scope: Scope) -> str:
    pattern = "%m-%d %H:%M" if scope.high - scope.low < dt.timedelta(days=30) else "%Y-%m-%d"
    moments = [scope.low + (scope.high - scope.low) * at / 4 for at in range(5)]
    return "<div class=axis>" + "".join(f"<span>{m.astimezone(ZONE):{pattern}}</span>" for m in moments) + "</div>"


_DRAWINGS: Final[dict[str, Callable[[Options, Frame], str]]] = {
    "table": _table,
    "stat": _stat,
    "gauge": _stat,
    "bargauge": _bars,
    "geomap": _map,
}
