"""Time windows of the plan: what they ask for by the weather as measured; told when one comes into force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import numpy as np

from analytics.window import IN_FORCE, NOT_MET, UNDETERMINED, Weather, WindowRow, all_window_rows
from app.job.forecast import read_history
from domain.period import HOUR_S, local_date, midnight
from domain.plan import TimeWindow
from store.alert import clear_alert, raise_alert
from store.alert_record import AlertKey, Place
from store.alert_rule import read_rules
from store.connection import Connection
from store.time_window import DueRow, read_rain_and_sky, read_windows, replace_due

KIND: Final = "time_window"
_STATES: Final = {NOT_MET: "not_met", UNDETERMINED: "undetermined", IN_FORCE: "in_force"}
_MINOR: Final = 1
#: Hours for which the newest measurement stands for the running hour.
_CARRIED_H: Final = 2


def settle_windows(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Decide the windows of yesterday and today anew, and raise or end the hint of each that is in force now."""
    counts = {"rows": 0, "raised": 0, "ended": 0}
    low = midnight(local_date(now) - dt.timedelta(days=1))
    severity = rule.severity if (rule := read_rules(conn).get(KIND)) is not None else _MINOR
    for area_id, windows in read_windows(conn).items():
        hours_s, weather = read_weather(conn, area_id, low, now)
        found = all_window_rows(windows, hours_s, weather)
        rows = [DueRow(one.window, one.start, one.end, _STATES[one.state], one.reason_zh) for one in found]
        with conn.transaction():
            counts["rows"] += replace_due(conn, area_id, low, rows)
            for window in windows:
                here = [one for one in found if one.window == window.id and one.start <= now < one.end]
                changed = _told(conn, (area_id, window), here[0] if here else None, severity=severity, now=now)
                counts["raised"] += changed == "raised"
                counts["ended"] += changed == "ended"
    return counts


def read_weather(conn: Connection, area_id: str, low: dt.datetime, now: dt.datetime) -> tuple[np.ndarray, Weather]:
    """Hours from `low` to the running one with the weather of an area; the running hour has the newest of two hours."""
    running = now.replace(minute=0, second=0, microsecond=0)
    high = running + dt.timedelta(hours=1)
    count = int((high - low).total_seconds()) // HOUR_S
    hours_s = int(low.timestamp()) + HOUR_S * np.arange(count, dtype=np.int64)
    history = read_history(conn, area_id, area_id, low, now)
    humidity = np.full(count, np.nan)
    at = (history.first_s - int(hours_s[0])) // HOUR_S
    humidity[at : at + len(history)] = history.hours["humidity"]
    measured = read_rain_and_sky(conn, area_id, low, high)
    series = [measured["rain_mm"], humidity, measured["clear"]]
    return hours_s, Weather(*(_carried(values) for values in series))


def _carried(values: np.ndarray) -> np.ndarray:
    """The series with its last hour, when unknown, as the newest of the hours just before."""
    recent = values[-1 - _CARRIED_H :]
    known = recent[~np.isnan(recent)]
    return values if not np.isnan(values[-1]) or not len(known) else np.append(values[:-1], known[-1])


def _told(
    conn: Connection, place: tuple[str, TimeWindow], row: WindowRow | None, *, severity: int, now: dt.datetime
) -> str | None:
    area_id, window = place
    key = AlertKey(KIND, KIND, f"{area_id}/{window.id}")
    if row is None or row.state != IN_FORCE:
        return "ended" if clear_alert(conn, key, now=now) is not None else None
    alert = raise_alert(
        conn,
        key,
        severity=severity,
        subject_zh=f"时段管控提示：{window.what_zh}",
        body_zh=row.reason_zh,
        evidence={
            "window": window.id,
            "clause": window.clause,
            "from": row.start.isoformat(),
            "to": row.end.isoformat(),
        },
        now=now,
        place=Place(area_id),
    )
    return None if alert is None else "raised"
