"""Positions of what may be a source, and the hints of the wind as they are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from domain.error import ConfigurationError
from store.connection import Connection
from store.upsert import upsert

Numbers = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class PlacedSite:
    """A site in service with its position; the enterprise whose it is, if any."""

    id: str
    area_id: str
    kind: str
    name_zh: str
    enterprise_zh: str | None
    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class HintRow:
    """Hints of one site and pollutant over so many days; sectors from north on, None where nothing can be said."""

    site_id: str
    pollutant: str
    days: int
    first_hour: dt.datetime
    last_hour: dt.datetime
    threshold: float
    hours: Sequence[int]
    means: Numbers
    speeds: Numbers
    probabilities: Numbers
    calm_hours: int
    calm_mean: float | None
    surface_speeds: Numbers
    surface: Numbers


def read_placed_sites(conn: Connection, area_id: str) -> list[PlacedSite]:
    """Sites of an area in service that have a position; areas themselves and vehicles have none that stays."""
    rows = conn.execute(
        "select s.id, s.area_id, s.kind, s.name_zh, e.name_zh, s.longitude, s.latitude from site s"
        " left join enterprise e on e.id = s.enterprise_id where s.area_id = %s and s.retired_at is null"
        " and s.kind not in ('area', 'vehicle', 'mobile') and s.longitude is not null and s.latitude is not null"
        " order by s.id",
        (area_id,),
    ).fetchall()
    return [PlacedSite(*row) for row in rows]


def read_site(conn: Connection, site_id: str) -> PlacedSite:
    """A site in service with a position; `ConfigurationError` says what is missing."""
    row = conn.execute(
        "select s.id, s.area_id, s.kind, s.name_zh, null, s.longitude, s.latitude from site s"
        " where s.id = %s and s.retired_at is null",
        (site_id,),
    ).fetchone()
    if row is None:
        raise ConfigurationError(f"found no site {site_id!r} in service; see lantian site list")
    if row[5] is None or row[6] is None:
        raise ConfigurationError(f"site {site_id!r} has no position; expected longitude and latitude in the registry")
    return PlacedSite(*row)


def read_air_sites(conn: Connection) -> list[tuple[str, str]]:
    """Sites with air hours, and their areas, for which hints are kept."""
    rows = conn.execute(
        "select site_id, area_id from screen.air_site where kind in ('ambient', 'micro', 'park') order by site_id"
    ).fetchall()
    return [(str(site), str(area)) for site, area in rows]


def write_hints(conn: Connection, rows: Sequence[HintRow]) -> int:
    """Insert or replace hints; the caller commits; returns how many."""
    names = tuple(HintRow.__dataclass_fields__)
    records = (
        tuple(list(value) if isinstance(value := getattr(row, name), (list, tuple)) else value for name in names)
        for row in rows
    )
    return upsert(conn, "source_hint", names, keys=3, records=records)
