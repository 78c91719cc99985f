"""Time windows of the plan in the database: their rows, the weather that decides them, and what was decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.period import HOUR_S
from domain.plan import TimeWindow
from store.connection import Connection

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DueRow:
    """Consecutive hours of a window of an area in one state (``in_force``, ``not_met``, ``undetermined``)."""

    window_id: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    state: str
    reason_zh: str


def read_windows(conn: Connection) -> dict[str, list[TimeWindow]]:
    """Windows by area."""
    rows = conn.execute(
        "select area_id, id, clause, what_zh, what_en, months, hours_local, weather_condition, kind, no_rain,"
        " humidity_max, clear_sky from time_window order by area_id, id"
    ).fetchall()
    result: dict[str, list[TimeWindow]] = {}
    for area_id, *fields in rows:
        name, clause, what_zh, what_en, months, hours, condition, kind, no_rain, humidity_max, clear_sky = fields
        first_day, last_day = ((int(text[:2]), int(text[3:])) for text in months.split(".."))
        from_hour, to_hour = (dt.time.fromisoformat(text) for text in hours.split("-"))
        window = TimeWindow(
            id=name,
            clause=clause,
            what_zh=what_zh,
            what_en=what_en,
            months=months,
            hours_local=hours,
            first_day=first_day,
            last_day=last_day,
            from_hour=from_hour,
            to_hour=to_hour,
            weather_condition=condition,
            kind=kind,
            no_rain=no_rain,
            humidity_max=humidity_max,
            clear_sky=clear_sky,
        )
        result.setdefault(area_id, []).append(window)
    return result


def read_rain_and_sky(conn: Connection, area_id: str, low: dt.datetime, high: dt.datetime) -> Mapping[str, Floats]:
    """Hours of an area with low <= hour < high from the factors of table weather_factor.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    area_id : str
        The area; every device of its sites counts.
    low, high : datetime
        Full hours.

    Returns
    -------
    mapping of str to ndarray of float64
        ``rain_mm``: the largest sum that one device measured; ``clear``: 1 when the mean cloud is at most the factor's
        limit, else 0; NaN in hours without a reading.
    """
    count = int((high - low).total_seconds()) // HOUR_S
    result = {"rain_mm": np.full(count, np.nan), "clear": np.full(count, np.nan)}
    rows = conn.execute(
        "select quantity, hour, max(total), avg(mean), min(clear_to) from ("
        " select w.quantity, w.clear_to, date_trunc('hour', r.time, 'UTC') as hour, r.device_id,"
        "  sum(r.value) as total, avg(r.value) as mean from ("
        "   select device_id, time, factor, max(value) as value from factor_reading"
        "   where time >= %(low)s and time < %(high)s and value is not null group by device_id, time, factor) r"
        "  join weather_factor f on f.factor = r.factor"
        "  cross join lateral (select f.quantity, f.clear_to, r.value * f.scale as value) w"
        "  join device d on d.id = r.device_id join site s on s.id = d.site_id and s.area_id = %(area)s"
        "  group by w.quantity, w.clear_to, 3, r.device_id) x group by quantity, hour",
        {"area": area_id, "low": low, "high": high},
    ).fetchall()
    for quantity, hour, total, mean, clear_to in rows:
        at = int((hour - low).total_seconds()) // HOUR_S
        if quantity == "rain_mm":
            result["rain_mm"][at] = total
        else:
            result["clear"][at] = float(mean <= clear_to)
    return result


def replace_due(conn: Connection, area_id: str, low: dt.datetime, rows: Sequence[DueRow]) -> int:
    """Put `rows` in the place of what was decided for the area from `low` on; the caller commits; returns how many."""
    conn.execute("delete from time_window_due where area_id = %s and starts_at >= %s", (area_id, low))
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into time_window_due (area_id, window_id, starts_at, ends_at, state, reason_zh)"
            " values (%s, %s, %s, %s, %s, %s)",
            [(area_id, one.window_id, one.starts_at, one.ends_at, one.state, one.reason_zh) for one in rows],
        )
    return len(rows)


def read_due(conn: Connection, area_id: str | None, low: dt.datetime, high: dt.datetime) -> list[tuple[str, DueRow]]:
    """What was decided for hours with low <= start < high, of one area or of all: area and row, in order of time."""
    rows = conn.execute(
        "select area_id, window_id, starts_at, ends_at, state, reason_zh from time_window_due"
        " where (%(area)s::text is null or area_id = %(area)s) and starts_at >= %(low)s and starts_at < %(high)s"
        " order by starts_at, area_id, window_id",
        {"area": area_id, "low": low, "high": high},
    ).fetchall()
    return [(str(area), DueRow(*fields)) for area, *fields in rows]
