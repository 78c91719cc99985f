"""Ranking of an area's stations and townships by the composite index, as stored statistics have it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class RankedSite:
    """A station of a period: composite index with all weights 1 (smaller is better), rank, change against last year."""

    area_id: str
    site_id: str
    site_zh: str
    township: str | None
    composite: float
    rank: int
    change_percent: float | None
    change_rank: int | None
    main_zh: str
    completeness_percent: float


def read_ranking(conn: Connection, kind: str, start: dt.date) -> list[RankedSite]:
    """Stations of a month, quarter or year in order of area and rank; those without all six pollutants have no rank."""
    rows = conn.execute(
        "select area_id, site_id, site_zh, township, composite, rank, change_percent, change_rank, main_zh,"
        " completeness_percent from screen.site_ranking where kind = %s and start = %s order by area_id, rank, site_id",
        (kind, start),
    ).fetchall()
    return [RankedSite(*row) for row in rows]
