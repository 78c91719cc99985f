"""What the operator's overview shows: the area's air now and before, targets, devices, what waits for a person."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class AirNow:
    """Latest finished hour of one site; everything None before its first statistics.

    `aqi_available` is the largest index there is when the edition publishes none; `age_s` that of the newest reading.
    """

    site_id: str
    site_zh: str
    kind_zh: str
    hour: dt.datetime | None
    aqi: int | None
    aqi_available: int | None
    level: int | None
    category_zh: str | None
    primary_zh: str | None
    pm25: float | None
    pm10: float | None
    so2: float | None
    no2: float | None
    co: float | None
    o3: float | None
    age_s: float | None


@dataclass(frozen=True, slots=True)
class TrendHour:
    """One hour of the trend; `aqi` and `level` None where there is no index."""

    hour: dt.datetime
    aqi: int | None
    level: int | None


@dataclass(frozen=True, slots=True)
class TargetAtRisk:
    """A target that is missed or at risk in the period that decides it or in the running one."""

    target_id: str
    indicator_zh: str
    target_zh: str
    period_zh: str | None
    actual: float | None
    unit_zh: str
    status: str
    status_zh: str
    due_zh: str
    responsible_zh: str
    complete: bool


@dataclass(frozen=True, slots=True)
class SilentDevice:
    """A device in service that has sent nothing for an hour (or ever: `age_s` None)."""

    device_id: str
    site_zh: str
    kind: str
    family: str
    state: str
    age_s: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits for somebody's decision, and how many devices report."""

    strangers: int
    revisions: int
    reviews: int
    devices: int
    reporting: int


_AIR: Final = """
select site_id, site_zh, kind_zh, hour, aqi, aqi_available, level, category_zh, primary_zh, pm25, pm10, so2, no2, co,
    o3, age_minutes * 60
from screen.site_now
"""


def read_area_air(conn: Connection, area: str) -> AirNow | None:
    """The area's own mean; None for an unknown area."""
    row = conn.execute(f"{_AIR} where site_id = %s", (area,)).fetchone()
    return None if row is None else AirNow(*row)


def read_station_air(conn: Connection, area: str) -> list[AirNow]:
    """Ambient and park stations of an area, in the order that lists show them."""
    rows = conn.execute(
        f"{_AIR} where area_id = %s and kind in ('ambient', 'park') order by kind_order, site_id", (area,)
    ).fetchall()
    return [AirNow(*row) for row in rows]


def read_trend(conn: Connection, site: str, since: dt.datetime) -> list[TrendHour]:
    """Hours of a site with an index, oldest first, from `since` to the last finished one."""
    rows = conn.execute(
        "select hour, coalesce(aqi, aqi_available), level from screen.air_hour"
        " where site_id = %s and hour >= %s and hour < date_trunc('hour', now()) order by hour",
        (site, since),
    ).fetchall()
    return [TrendHour(*row) for row in rows]


def read_targets_at_risk(conn: Connection, area: str) -> list[TargetAtRisk]:
    """Targets that need somebody, missed ones first, then by the plan's order."""
    rows = conn.execute(
        "select target_id, indicator_zh, target_zh, period_zh, actual, unit_zh, status, status_zh, due_zh,"
        " responsible_zh, complete from screen.target_status where area_id = %s and status in ('missed', 'at_risk')"
        " order by status = 'at_risk', position",
        (area,),
    ).fetchall()
    return [TargetAtRisk(*row) for row in rows]


def read_silent_devices(conn: Connection, area: str) -> list[SilentDevice]:
    """Devices in service that are silent, the one silent for the shortest time first, those never heard last."""
    rows = conn.execute(
        "select device_id, site_zh, kind, family, state, age_minutes * 60 from screen.device_now"
        " where area_id = %s and state in ('silent', 'never') order by age_minutes nulls last, device_id",
        (area,),
    ).fetchall()
    return [SilentDevice(*row) for row in rows]


def read_waiting(conn: Connection, area: str) -> Waiting:
    """Counts of what waits."""
    row = conn.execute(
        "select (select count(distinct split_part(topic, '/', 5)) from reject r"
        "   where r.reason = 'unknown_device' and r.replayed_at is null"
        "   and not exists (select from device d where d.id = split_part(r.topic, '/', 5))"
        "   and not exists (select from stranger_refusal f where f.withdrawn_at is null"
        "     and f.device_id = split_part(r.topic, '/', 5) and f.protocol = split_part(r.topic, '/', 4))),"
        " (select count(*) from revision where status = 'proposed'),"
        " (select count(*) from screen.review where status = 'proposed'),"
        " count(*), count(*) filter (where state = 'online') from screen.device_now where area_id = %s",
        (area,),
    ).fetchone()
    assert row is not None
    return Waiting(*row)
