"""Time windows of the county plan: hours in which something is due, forbidden or to be avoided, by measured weather.

A missing measurement decides nothing: where the plan's condition hangs on it, the hour is undetermined.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.period import DAY_S, HOUR_S, OFFSET_S, ZONE
from domain.plan import TimeWindow

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

#: States of an hour.
OUTSIDE: Final = 0
NOT_MET: Final = 1
UNDETERMINED: Final = 2
IN_FORCE: Final = 3

#: Bits of `WindowState.failed` and `.unknown`: the conditions of a window.
RAIN: Final = 1
HUMIDITY: Final = 2
SKY: Final = 4
_WORDS: Final = {
    RAIN: ("有降水", "降水无数据"),
    HUMIDITY: ("相对湿度高于{humidity:g}%", "相对湿度无数据"),
    SKY: ("非晴天", "天空状况无数据"),
}
_KIND_ZH: Final = {"do": "应执行", "forbid": "禁止", "avoid": "应避开"}


@dataclass(frozen=True, slots=True)
class Weather:
    """Hourly weather of one place; arrays of shape (n,), NaN = not measured.

    Attributes
    ----------
    rain_mm : ndarray of float64
        Precipitation of the hour; any above 0 is rain.
    humidity : ndarray of float64
        Relative humidity, percent.
    clear : ndarray of float64
        1 clear sky, 0 not.
    """

    rain_mm: Floats
    humidity: Floats
    clear: Floats

    @classmethod
    def unknown(cls, count: int) -> Weather:
        """Weather of which nothing was measured for `count` hours."""
        return cls(*(np.full(count, np.nan) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class WindowState:
    """State of one window in each hour; arrays of shape (n,).

    Attributes
    ----------
    states : ndarray of int64
        `OUTSIDE` the window's days or hours, `NOT_MET` when a condition fails, `UNDETERMINED` when none fails and one
        is not known, `IN_FORCE` otherwise.
    failed, unknown : ndarray of int64
        Bits `RAIN`, `HUMIDITY`, `SKY` of conditions that fail, or are not known; 0 outside.
    """

    states: Integers
    failed: Integers
    unknown: Integers


@dataclass(frozen=True, slots=True)
class WindowRow:
    """Consecutive hours of one window in one state for one reason; `end` is outside."""

    window: str
    clause: str
    kind: str
    what_zh: str
    state: int
    start: dt.datetime
    end: dt.datetime
    reason_zh: str


def within_window(window: TimeWindow, hours_s: npt.ArrayLike) -> Booleans:
    """Which hours some part of the window's days and times of day covers.

    Parameters
    ----------
    window : TimeWindow
        Days may run over the turn of the year (``11-15..03-15``).
    hours_s : array_like of int
        Any shape; Unix time of the start of each hour.

    Returns
    -------
    ndarray of bool
        Same shape; local time (UTC+8). First and last day are inside, the last time of day is not.
    """
    local = np.asarray(hours_s, dtype=np.int64) + OFFSET_S
    days = (local // DAY_S).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    dates = (months.astype(np.int64) % 12 + 1) * 100 + (days - months).astype(np.int64) + 1
    first, last = (month * 100 + day for month, day in (window.first_day, window.last_day))
    season = (dates >= first) & (dates <= last) if first <= last else (dates >= first) | (dates <= last)
    second = local % DAY_S
    opens, closes = (at.hour * 3600 + at.minute * 60 for at in (window.from_hour, window.to_hour))
    return np.asarray(season & (second + HOUR_S > opens) & (second < closes))


def window_state(window: TimeWindow, hours_s: npt.ArrayLike, weather: Weather) -> WindowState:
    """State of a window in each hour.

    Parameters
    ----------
    window : TimeWindow
        What the plan asks for (`domain.county.load_county(...).time_windows`).
    hours_s : array_like of int
        Shape (n,); Unix time of the start of each hour.
    weather : Weather
        As measured in these hours, shape (n,).

    Returns
    -------
    WindowState
        Conditions hold together: no rain, humidity at most the window's, clear sky, each where the window names it.

    Notes
    -----
    Plan of the county, clauses 16, 18 and 26.
    """
    inside = within_window(window, hours_s)
    failed, unknown = np.zeros(inside.shape, dtype=np.int64), np.zeros(inside.shape, dtype=np.int64)
    asked: list[tuple[int, Floats, Booleans]] = []
    if window.no_rain:
        asked.append((RAIN, weather.rain_mm, weather.rain_mm > 0))
    if window.humidity_max is not None:
        asked.append((HUMIDITY, weather.humidity, weather.humidity > window.humidity_max))
    if window.clear_sky:
        asked.append((SKY, weather.clear, weather.clear < 1))
    for bit, values, fails in asked:
        failed |= np.where(inside & fails, bit, 0)
        unknown |= np.where(inside & np.isnan(values), bit, 0)
    states = np.select([~inside, failed > 0, unknown > 0], [OUTSIDE, NOT_MET, UNDETERMINED], default=IN_FORCE).astype(
        np.int64
    )
    return WindowState(states, failed, unknown)


def window_rows(window: TimeWindow, hours_s: npt.ArrayLike, weather: Weather) -> tuple[WindowRow, ...]:
    """Hours of a window joined to rows, each with its reason in Chinese.

    Parameters
    ----------
    window : TimeWindow
        What the plan asks for.
    hours_s : array_like of int
        Shape (n,); Unix time of the start of each hour, ascending; a gap ends a row.
    weather : Weather
        Shape (n,).

    Returns
    -------
    tuple of WindowRow
        In order of time; hours outside the window have none. Rows begin and end at the window's own times of day.
    """
    hours = np.asarray(hours_s, dtype=np.int64)
    found = window_state(window, hours, weather)
    if not len(hours):
        return ()
    key = found.states * 64 + found.failed * 8 + found.unknown
    edges = np.flatnonzero((np.diff(key) != 0) | (np.diff(hours) != HOUR_S)) + 1
    starts, ends = np.concatenate(([0], edges)), np.concatenate((edges, [len(hours)]))
    return tuple(
        _row(window, found, int(start), (int(hours[start]), int(hours[end - 1]) + HOUR_S))
        for start, end in zip(starts, ends, strict=True)
        if found.states[start] != OUTSIDE
    )


def all_window_rows(windows: Sequence[TimeWindow], hours_s: npt.ArrayLike, weather: Weather) -> tuple[WindowRow, ...]:
    """Rows of several windows, by their start and then in the order of `windows`."""
    rows = [row for window in windows for row in window_rows(window, hours_s, weather)]
    return tuple(sorted(rows, key=lambda row: row.start))


def _row(window: TimeWindow, found: WindowState, at: int, span_s: tuple[int, int]) -> WindowRow:
    start, end = (dt.datetime.fromtimestamp(second, ZONE) for second in span_s)
    opens = dt.datetime.combine(start.date(), window.from_hour, ZONE)
    closes = dt.datetime.combine((end - dt.timedelta(seconds=1)).date(), window.to_hour, ZONE)
    state = int(found.states[at])
    return WindowRow(
        window=window.id,
        clause=window.clause,
        kind=window.kind,
        what_zh=window.what_zh,
        state=state,
        start=max(start, opens),
        end=min(end, closes),
        reason_zh=_reason(window, state, int(found.failed[at]), int(found.unknown[at])),
    )


def _reason(window: TimeWindow, state: int, failed: int, unknown: int) -> str:
    """Why an hour is in its state, as operators read it."""
    span = f"{window.first_day[0]}月{window.first_day[1]}日至{window.last_day[0]}月{window.last_day[1]}日"
    span += f"{window.from_hour:%H:%M}—{window.to_hour:%H:%M}"
    words = [
        pair[0].format(humidity=window.humidity_max) if failed & bit else pair[1]
        for bit, pair in _WORDS.items()
        if (failed if state == NOT_MET else unknown) & bit
    ]
    if state == NOT_MET:
        return f"{span}，{'、'.join(words)}，条件不满足"
    if state == UNDETERMINED:
        return f"{span}，{'、'.join(words)}，无法判定"
    conditions = [
        text
        for text, asked in (
            ("无降水", window.no_rain),
            (f"相对湿度不高于{window.humidity_max:g}%" if window.humidity_max is not None else "", window.humidity_max),
            ("晴天", window.clear_sky),
        )
        if asked is not None and asked is not False
    ]
    return f"{'，'.join([span, *conditions])}：{_KIND_ZH[window.kind]}"
