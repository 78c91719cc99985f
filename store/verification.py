"""What the verification of orders reads besides the hours of meters and stacks: unusual spans, clocks, vehicles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class Gate:
    """Where an enterprise is, for counting vehicles: the box around its sites, in degrees."""

    west: float
    south: float
    east: float
    north: float


#: Around every site of an enterprise, about half a kilometre.
_MARGIN_DEG: Final = 0.005


def read_unusual_spans(
    conn: Connection, enterprise_id: str, area_id: str, low: dt.datetime, high: dt.datetime
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Spans in [low, high) of no usual production: orders to the enterprise, warnings in force in the area."""
    rows = conn.execute(
        "select starts_at, coalesce(ended_at, %(high)s) from reduction_order"
        " where enterprise_id = %(enterprise)s and starts_at < %(high)s and coalesce(ended_at, %(high)s) > %(low)s"
        " union all select issued_at, coalesce(closed_at, %(high)s) from warning"
        " where area_id = %(area)s and issued_at < %(high)s and coalesce(closed_at, %(high)s) > %(low)s",
        {"enterprise": enterprise_id, "area": area_id, "low": low, "high": high},
    ).fetchall()
    return [(row[0], row[1]) for row in rows]


#: Received before the end of their span: the clock is ahead. Received with the same long delay, reading by reading: it
#: is behind. What was kept and sent later comes in bursts, whose delays differ.
_SKEWED: Final = """
select distinct date_bin('1 hour', r.time, timestamptz '1970-01-01 00:00+00')
from plant_reading r
where r.device_id = any(%(devices)s) and r.time >= %(low)s and r.time < %(high)s
group by r.device_id, 1
having min(extract(epoch from r.received_at - r.time) - r.span_s) < -%(tolerance)s
    or (count(*) >= 30 and min(extract(epoch from r.received_at - r.time) - r.span_s) > %(behind)s
        and max(extract(epoch from r.received_at - r.time)) - min(extract(epoch from r.received_at - r.time)) < 60)
"""


def read_skewed_hours(
    conn: Connection, devices: Sequence[str], low: dt.datetime, high: dt.datetime, *, tolerance_s: int = 120
) -> list[dt.datetime]:
    """Hours with low <= hour < high in which the clock of one of the meters was wrong."""
    rows = conn.execute(
        _SKEWED.encode(),
        {"devices": list(devices), "low": low, "high": high, "tolerance": tolerance_s, "behind": 600},
    ).fetchall()
    return [row[0] for row in rows]


def read_gate(conn: Connection, enterprise_id: str) -> Gate | None:
    """The box around an enterprise's stacks and plants, None when none of them has a position."""
    row = conn.execute(
        "select min(longitude), min(latitude), max(longitude), max(latitude) from site"
        " where enterprise_id = %s and kind in ('stack', 'plant') and retired_at is null",
        (enterprise_id,),
    ).fetchone()
    if row is None or row[0] is None:
        return None
    return Gate(row[0] - _MARGIN_DEG, row[1] - _MARGIN_DEG, row[2] + _MARGIN_DEG, row[3] + _MARGIN_DEG)


def read_vehicle_counts(conn: Connection, gate: Gate, low: dt.datetime, high: dt.datetime) -> dict[dt.datetime, int]:
    """Connected vehicles seen within the box in each hour that has any, low <= hour < high."""
    rows = conn.execute(
        "select date_bin('1 hour', time, timestamptz '1970-01-01 00:00+00') as hour, count(distinct device_id)"
        " from vehicle_reading where time >= %s and time < %s and longitude between %s and %s"
        " and latitude between %s and %s group by 1",
        (low, high, gate.west, gate.east, gate.south, gate.north),
    ).fetchall()
    return {row[0]: int(row[1]) for row in rows}
