"""What is published to everybody: read from views of schema `screen` alone, as role lantian_reader."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql

from domain.publication import printed_columns
from domain.standard import Report
from store.connection import Connection

_VIEWS: Final[dict[Report, tuple[str, str]]] = {"hour": ("public_hour", "hour"), "day": ("public_day", "day")}


@dataclass(frozen=True, slots=True)
class PublicSite:
    """A station whose values are published, or the area's mean; `monitored` are the pollutants of its plan."""

    site_id: str
    site_zh: str
    kind: str
    kind_zh: str
    longitude: float | None
    latitude: float | None
    monitored: Sequence[str]


@dataclass(frozen=True, slots=True)
class PublicValue:
    """One hour or day of a site: concentrations and individual indices by report column, None where there is none."""

    site_id: str
    time: dt.datetime | dt.date
    concentrations: dict[str, float | None]
    iaqi: dict[str, int | None]
    aqi: int | None
    level: int | None
    primary_zh: str | None
    primary: Sequence[str]
    edition: str
    settled_at: dt.datetime


@dataclass(frozen=True, slots=True)
class PublicWarning:
    """A warning in force; `forecast_level` is the worst level forecast for its days, None without a forecast."""

    level: str
    level_zh: str
    issued_at: dt.datetime
    starts_at: dt.datetime
    ends_at: dt.datetime
    forecast_level: int | None


@dataclass(frozen=True, slots=True)
class PublicForecast:
    """A day to come."""

    day: dt.date
    aqi: int
    aqi_low: int | None
    aqi_high: int | None
    level: int | None
    category_zh: str | None
    primary_zh: str | None
    issuer_zh: str
    issued_at: dt.datetime


@dataclass(frozen=True, slots=True)
class PublicEmission:
    """One hour of one pollutant of an outlet, mg/m³; `converted` is what the limit is compared with."""

    enterprise_id: str
    enterprise_zh: str
    site_id: str
    site_zh: str
    hour: dt.datetime
    pollutant: str
    pollutant_zh: str
    value: float | None
    converted: float | None
    limit: float | None
    state_zh: str
    verdict_zh: str
    position: int


def read_area_zh(conn: Connection, area: str) -> str | None:
    """Name of an area, None for an unknown one."""
    row = conn.execute("select name_zh from screen.area where area_id = %s", (area,)).fetchone()
    return None if row is None else str(row[0])


def read_public_sites(conn: Connection, area: str) -> list[PublicSite]:
    """The area's mean first, then its stations."""
    rows = conn.execute(
        "select site_id, site_zh, kind, kind_zh, longitude, latitude, monitored from screen.public_site"
        " where area_id = %s order by kind_order, site_id",
        (area,),
    ).fetchall()
    return [PublicSite(*row) for row in rows]


def read_public_values(conn: Connection, area: str, report: Report, first: Any, end: Any) -> list[PublicValue]:
    """Finished hours or days of every published site.

    Parameters
    ----------
    conn : Connection
        As role lantian_reader.
    area : str
        Whose.
    report : {"hour", "day"}
        Which.
    first, end : datetime or date
        From `first` to before `end`.

    Returns
    -------
    list of PublicValue
        By site, oldest first; rounded as published.
    """
    view, time = _VIEWS[report]
    columns = [each.column for each in printed_columns(report)]
    names = [*columns, *(f"iaqi_{column}" for column in columns)]
    rows = conn.execute(
        sql.SQL(
            "select site_id, {time}, aqi, level, primary_zh, primary_pollutants, edition, settled_at, {names}"
            " from screen.{view} where area_id = %s and {time} >= %s and {time} < %s"
            " order by kind_order, site_id, {time}"
        ).format(
            time=sql.Identifier(time),
            names=sql.SQL(", ").join(map(sql.Identifier, names)),
            view=sql.Identifier(view),
        ),
        (area, first, end),
    ).fetchall()
    count = len(columns)
    return [
        PublicValue(
            row[0], row[1], dict(zip(columns, row[8 : 8 + count], strict=True)),
            dict(zip(columns, row[8 + count :], strict=True)), *row[2:8],
        )
        for row in rows
    ]  # fmt: skip


def read_public_warning(conn: Connection, area: str) -> PublicWarning | None:
    """The heavy-pollution warning in force, None when there is none."""
    row = conn.execute(
        "select w.level, w.level_zh, w.issued_at, w.starts_at, w.ends_at, ("
        "  select max(f.level) from screen.forecast_day f where f.site_id = w.area_id"
        "  and f.day between screen.local_day(w.starts_at) and screen.local_day(w.ends_at))"
        " from screen.warning_now w where w.area_id = %s and w.level <> 'none'",
        (area,),
    ).fetchone()
    return None if row is None else PublicWarning(*row)


def read_public_forecast(conn: Connection, area: str) -> list[PublicForecast]:
    """Days after today that have a forecast for the area."""
    rows = conn.execute(
        "select day, aqi, aqi_low, aqi_high, level, category_zh, primary_zh, issuer_zh, issued_at"
        " from screen.forecast_day where site_id = %s and day > screen.today() order by day",
        (area,),
    ).fetchall()
    return [PublicForecast(*row) for row in rows]


def read_public_emissions(conn: Connection, area: str, since: dt.datetime, end: dt.datetime) -> list[PublicEmission]:
    """Hours of the outlets of enterprises with limits, newest first within each outlet.

    Parameters
    ----------
    conn : Connection
        As role lantian_reader.
    area : str
        Whose enterprises.
    since, end : datetime
        From `since` to before `end`.

    Returns
    -------
    list of PublicEmission
        By enterprise, outlet, hour and pollutant.
    """
    rows = conn.execute(
        "select enterprise_id, enterprise_zh, site_id, site_zh, hour, pollutant, pollutant_zh, value, converted,"
        " limit_value, state_zh, verdict_zh, position from screen.stack_hour"
        " where area_id = %s and enterprise_id is not null and hour >= %s and hour < %s"
        " order by enterprise_id, site_id, hour desc, position",
        (area, since, end),
    ).fetchall()
    return [PublicEmission(*row) for row in rows]


def read_observations(  # noqa: PLR0913 - everything behind the star is named by its caller
    conn: Connection, site: str, column: str, *, since: dt.datetime | None, before: dt.datetime | None,
    newest_first: bool, limit: int, offset: int,
) -> list[tuple[dt.datetime, float, dt.datetime]]:  # fmt: skip
    """Hours of one site and column that have a value: start of the hour, value, when it was settled.

    Parameters
    ----------
    conn : Connection
        As role lantian_reader.
    site, column : str
        Which; `column` as in view ``screen.public_hour``.
    since, before : datetime, optional
        From `since` to before `before`.
    newest_first : bool
        The order.
    limit, offset : int
        Which part.

    Returns
    -------
    list of tuple
        At most `limit` rows.
    """
    order = sql.SQL("desc" if newest_first else "asc")
    rows = conn.execute(
        sql.SQL(
            "select hour, {column}, settled_at from screen.public_hour where site_id = %s and {column} is not null"
            " and hour >= coalesce(%s::timestamptz, '-infinity')"
            " and hour < coalesce(%s::timestamptz, date_trunc('hour', now())) and hour < date_trunc('hour', now())"
            " order by hour {order} limit %s offset %s"
        ).format(column=sql.Identifier(column), order=order),
        (site, since, before, limit, offset),
    ).fetchall()
    return [(hour, float(value), settled) for hour, value, settled in rows]


def count_observations(
    conn: Connection, site: str, column: str, since: dt.datetime | None, before: dt.datetime | None
) -> int:
    """How many hours `read_observations` could give.

    Parameters
    ----------
    conn : Connection
        As role lantian_reader.
    site, column : str
        Which.
    since, before : datetime, optional
        From `since` to before `before`.
    """
    row = conn.execute(
        sql.SQL(
            "select count({column}) from screen.public_hour where site_id = %s"
            " and hour >= coalesce(%s::timestamptz, '-infinity')"
            " and hour < coalesce(%s::timestamptz, date_trunc('hour', now())) and hour < date_trunc('hour', now())"
        ).format(column=sql.Identifier(column)),
        (site, since, before),
    ).fetchone()
    assert row is not None
    return int(row[0])
