"""Statistics over twelve rolling months and three years."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from store.connection import Connection
from store.upsert import upsert


@dataclass(frozen=True, slots=True)
class RollingRow:
    """One statistic of one pollutant, unrounded and rounded; `without_dust_*` is None where no dust is taken out."""

    site: str
    kind: str
    start: dt.date
    last_day: dt.date
    pollutant: str
    statistic: str
    value: float
    published: float
    without_dust_value: float | None
    without_dust_published: float | None
    valid_days: int
    days: int
    valid: bool
    limit_value: float | None
    limit_edition: str


def read_day_sites(conn: Connection, low: dt.date, high: dt.date) -> list[str]:
    """Sites, areas' pseudo-sites included, that have a day with low <= day < high."""
    rows = conn.execute(
        "select s.id from site s where exists (select from air_day d where d.site_id = s.id and d.day >= %s"
        " and d.day < %s) order by s.id",
        (low, high),
    ).fetchall()
    return [row[0] for row in rows]


def write_rolling(
    conn: Connection, site: str, periods: Sequence[tuple[str, dt.date]], rows: Sequence[RollingRow]
) -> int:
    """Replace the statistics of the periods (kind, first day) of a site; returns how many rows were written."""
    conn.execute(
        "delete from rolling_statistic r using unnest(%s::text[], %s::date[]) as k (kind, start)"
        " where r.site_id = %s and r.kind = k.kind and r.start = k.start",
        ([kind for kind, _ in periods], [start for _, start in periods], site),
    )
    if not rows:
        return 0
    keys = ("site", "kind", "start", "pollutant", "statistic")
    names = (*keys, *(name for name in RollingRow.__dataclass_fields__ if name not in keys))
    records = (tuple(getattr(row, name) for name in names) for row in rows)
    return upsert(conn, "rolling_statistic", ("site_id", *names[1:]), keys=len(keys), records=records)
