"""Ranking of an area's stations and townships by the composite index, and the weights that it has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from domain.pollutant import SIX_KEYS
from store.connection import Connection
from store.register import Author


@dataclass(frozen=True, slots=True)
class RankedSite:
    """A station of a period by its composite index (smaller is better).

    `composite` has all weights 1, `weighted` those in force (`weights_zh`); changes are in percent against the same
    period of last year under the limits and weights of this one; `*_without_dust` leave out the dust hours of the
    particles. None = not known.
    """

    area_id: str
    site_id: str
    site_zh: str
    township: str | None
    site_kind: str
    composite: float
    rank: int
    change_percent: float | None
    change_rank: int | None
    weighted: float | None
    weighted_rank: int | None
    weighted_change_percent: float | None
    weighted_change_rank: int | None
    composite_without_dust: float | None
    rank_without_dust: int | None
    weighted_without_dust: float | None
    weights_zh: str
    main_zh: str
    completeness_percent: float


@dataclass(frozen=True, slots=True)
class RankedTownship:
    """A township of a period by the mean index of its `stations`; micro ones count where it has no other.

    Otherwise as `RankedSite`; `reference`: its stations are none of micro stations.
    """

    area_id: str
    township: str
    stations: int
    reference: bool
    composite: float
    rank: int
    change_percent: float | None
    change_rank: int | None
    weighted: float | None
    weighted_rank: int | None
    weighted_change_percent: float | None
    weighted_change_rank: int | None
    composite_without_dust: float | None
    weighted_without_dust: float | None
    weights_zh: str
    completeness_percent: float


@dataclass(frozen=True, slots=True)
class IndexWeights:
    """Weights by pollutant for periods that end on `first_day` or later; of one first day the newest counts."""

    id: int
    first_day: dt.date
    weights: Mapping[str, float]
    author: Author
    entered_at: dt.datetime
    counts: bool


def read_ranking(conn: Connection, kind: str, start: dt.date) -> list[RankedSite]:
    """Stations of a month, quarter or year in order of area and rank; those without all six pollutants have no rank."""
    rows = conn.execute(
        "select area_id, site_id, site_zh, township, site_kind, composite, rank, change_percent, change_rank, weighted,"
        " weighted_rank, weighted_change_percent, weighted_change_rank, composite_without_dust, rank_without_dust,"
        " weighted_without_dust, weights_zh, main_zh, completeness_percent"
        " from screen.site_ranking where kind = %s and start = %s order by area_id, weighted_rank, rank, site_id",
        (kind, start),
    ).fetchall()
    return [RankedSite(*row) for row in rows]


def read_townships(conn: Connection, kind: str, start: dt.date) -> list[RankedTownship]:
    """Townships of a month, quarter or year in order of area and rank; those of which no station has an index lack."""
    rows = conn.execute(
        "select area_id, township, stations, reference, composite, rank, change_percent, change_rank, weighted,"
        " weighted_rank, weighted_change_percent, weighted_change_rank, composite_without_dust, weighted_without_dust,"
        " weights_zh, completeness_percent from screen.township_ranking"
        " where kind = %s and start = %s order by area_id, weighted_rank, rank, township",
        (kind, start),
    ).fetchall()
    return [RankedTownship(*row) for row in rows]


def read_weights(conn: Connection) -> list[IndexWeights]:
    """Every set of weights ever entered, by first day, the newest of a day last."""
    rows = conn.execute(
        "select id, first_day, entered_by, reason, entered_at, counts, pm25, pm10, so2, no2, co, o3"
        " from screen.index_weight order by first_day, id"
    ).fetchall()
    keys = ("pm25", "pm10", "so2", "no2", "co", "o3")
    return [
        IndexWeights(row[0], row[1], dict(zip(keys, row[6:], strict=True)), Author(row[2], row[3]), row[4], row[5])
        for row in rows
    ]


def add_weights(conn: Connection, first_day: dt.date, weights: Mapping[str, float], author: Author) -> int:
    """Add a set of weights, one per pollutant; earlier sets stay on record.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    first_day : date
        Counts for periods whose last day is this one or later, until the next set's.
    weights : mapping
        Each of the six pollutants to its weight, 0 or more, not all 0.
    author : Author
        Who, and why.

    Returns
    -------
    int
        Number of the set.
    """
    if set(weights) != set(SIX_KEYS):
        raise ValueError(f"found weights of {', '.join(weights)}, expected each of {', '.join(SIX_KEYS)}")
    row = conn.execute(
        "insert into index_weight (first_day, pm25, pm10, so2, no2, co, o3, entered_by, reason)"
        " values (%(day)s, %(pm25)s, %(pm10)s, %(so2)s, %(no2)s, %(co)s, %(o3)s, %(by)s, %(why)s) returning id",
        {**weights, "day": first_day, "by": author.name, "why": author.why},
    ).fetchone()
    assert row is not None
    return int(row[0])
