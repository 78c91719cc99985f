"""Forecasts: written as issued, read back as the best outlook of a moment."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from domain.error import ConfigurationError
from domain.outlook import DayOutlook, Outlook, RollingOutlook
from domain.period import ZONE, local_date, midnight
from store.connection import Connection

Numbers = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class ForecastSeries:
    """One item of a forecast over consecutive hours or days; None where there is no value.

    Attributes
    ----------
    kind : str
        One of `domain.outlook.FORECAST_KINDS`.
    item : str
        One of `domain.outlook.FORECAST_ITEMS`.
    first : datetime
        Start of the first hour, or local midnight of the first day.
    values, low, high : sequence of float or None
        Expected value and interval; concentrations in µg/m³.
    primaries : sequence of str, optional
        Primary pollutants of each day, joined by a comma.
    """

    kind: str
    item: str
    first: dt.datetime
    values: Numbers
    low: Numbers
    high: Numbers
    primaries: Sequence[str | None] | None = None


@dataclass(frozen=True, slots=True)
class NewForecast:
    """A forecast to keep: whose, for which site, when issued, by what edition its indices are, where it came from."""

    site_id: str
    issuer_id: str
    issued_at: dt.datetime
    edition: str
    origin: str
    series: Sequence[ForecastSeries]
    model_id: int | None = None
    last_hour: dt.datetime | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of what it says, so that the same forecast delivered twice is kept once."""
        said = [
            [
                one.kind,
                one.item,
                one.first.timestamp(),
                *map(list, (one.values, one.low, one.high, one.primaries or ())),
            ]
            for one in sorted(self.series, key=lambda one: (one.kind, one.item))
        ]
        return hashlib.sha256(json.dumps([self.edition, said]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues forecasts; of several the one with the lowest rank counts, for `valid_h` hours after each issue."""

    id: str
    name_zh: str
    source: str
    rank: int
    valid_h: int
    retired_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ForecastIssue:
    """A stored forecast, without its values."""

    id: int
    site_id: str
    issuer_id: str
    issued_at: dt.datetime
    received_at: dt.datetime
    origin: str
    items: list[str]


def write_forecast(conn: Connection, forecast: NewForecast) -> int | None:
    """Keep a forecast; the caller commits.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    forecast : NewForecast
        What was issued; a later one of the same issue time and other content is kept beside it and counts instead.

    Returns
    -------
    int or None
        Its id, None when the same forecast is there already.
    """
    row = conn.execute(
        "insert into forecast (site_id, issuer_id, issued_at, edition, model_id, last_hour, digest, origin)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing returning id",
        (
            *(forecast.site_id, forecast.issuer_id, forecast.issued_at, forecast.edition),
            *(forecast.model_id, forecast.last_hour, forecast.digest, forecast.origin),
        ),
    ).fetchone()
    if row is None:
        return None
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into forecast_series (forecast_id, kind, item, first, values, low, high, primaries)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    *(row[0], one.kind, one.item, one.first, list(one.values), list(one.low), list(one.high)),
                    None if one.primaries is None else list(one.primaries),
                )
                for one in forecast.series
            ],
        )
    return int(row[0])


def read_outlook(conn: Connection, site_id: str, now: dt.datetime) -> Outlook:
    """What is expected of a site, as known at `now`.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    site_id : str
        A site, or an area for its pseudo-site.
    now : datetime
        The moment; a forecast issued or received later does not exist yet, one older than its issuer's `valid_h` no
        longer counts.

    Returns
    -------
    Outlook
        For every day and hour the forecast of the issuer with the lowest rank, of one issuer the newest. Without any
        forecast both sequences are empty.
    """
    rows = conn.execute(
        "select f.kind, f.target, f.value, f.low, f.high, f.primaries, i.source, f.issuer_id, f.issued_at"
        " from screen.forecast_at(%(now)s) f join forecast_issuer i on i.id = f.issuer_id"
        " where f.site_id = %(site)s and f.item = 'aqi' and f.target >= %(first)s and f.kind in ('day', 'rolling')"
        " order by f.target",
        {"now": now, "site": site_id, "first": midnight(local_date(now))},
    ).fetchall()
    days = [
        DayOutlook(
            *(local_date(target), round(value), round(low), round(high)),
            *(tuple(primaries.split(",")) if primaries else (), source, issuer, issued_at),
        )
        for kind, target, value, low, high, primaries, source, issuer, issued_at in rows
        if kind == "day"
    ]
    rolling = [
        RollingOutlook(target.astimezone(ZONE), round(value), round(low), round(high), issued_at)
        for kind, target, value, low, high, _, _, _, issued_at in rows
        if kind == "rolling"
    ]
    return Outlook(site_id, now, tuple(days), tuple(rolling))


def read_place_ids(conn: Connection) -> set[str]:
    """Sites and areas (their pseudo-sites) in service, for which there may be forecasts."""
    return {str(row[0]) for row in conn.execute("select id from site where retired_at is null").fetchall()}


@dataclass(frozen=True, slots=True)
class ForecastValue:
    """One value of the best forecast of a site, as screens show it."""

    site_id: str
    kind: str
    item: str
    time: dt.datetime
    value: float
    low: float
    high: float
    primaries: str | None
    issuer_zh: str
    issued_at: dt.datetime


def read_best(conn: Connection, site_id: str, now: dt.datetime) -> list[ForecastValue]:
    """Best hours and days of a site as known at `now`, in order of kind, item and time."""
    rows = conn.execute(
        "select f.site_id, f.kind, f.item, f.target, f.value, f.low, f.high, f.primaries, i.name_zh, f.issued_at"
        " from screen.forecast_at(%s) f join forecast_issuer i on i.id = f.issuer_id"
        " where f.site_id = %s order by f.kind, f.item, f.target",
        (now, site_id),
    ).fetchall()
    return [ForecastValue(*row) for row in rows]


def read_issuers(conn: Connection) -> dict[str, Issuer]:
    """Issuers by id, retired ones included."""
    rows = conn.execute(
        "select id, name_zh, source, rank, valid_h, retired_at from forecast_issuer order by rank, id"
    ).fetchall()
    return {row[0]: Issuer(*row) for row in rows}


def insert_issuer(conn: Connection, issuer: Issuer, by: str) -> None:
    """Register an official issuer; `ConfigurationError` when its id is taken."""
    found = conn.execute(
        "insert into forecast_issuer (id, name_zh, source, rank, valid_h, registered_by)"
        " values (%s, %s, %s, %s, %s, %s) on conflict do nothing",
        (issuer.id, issuer.name_zh, issuer.source, issuer.rank, issuer.valid_h, by),
    )
    if not found.rowcount:
        raise ConfigurationError(f"issuer {issuer.id!r} is registered already; expected another id")


def retire_issuer(conn: Connection, issuer_id: str, now: dt.datetime) -> None:
    """Forecasts of the issuer no longer count from `now` on; `ConfigurationError` when there is none in service."""
    found = conn.execute(
        "update forecast_issuer set retired_at = %s where id = %s and source = 'official' and retired_at is null",
        (now, issuer_id),
    )
    if not found.rowcount:
        raise ConfigurationError(f"found no official issuer {issuer_id!r} in service; see lantian forecast issuer list")


def read_issues(conn: Connection, site_id: str | None = None, *, limit: int = 20) -> list[ForecastIssue]:
    """The newest forecasts as issued, of one site or of all."""
    rows = conn.execute(
        "select f.id, f.site_id, f.issuer_id, f.issued_at, f.received_at, f.origin,"
        " array(select s.kind || ' ' || s.item from forecast_series s"
        "  where s.forecast_id = f.id order by 1)"
        " from forecast f where %(site)s::text is null or f.site_id = %(site)s"
        " order by f.issued_at desc, f.id desc limit %(limit)s",
        {"site": site_id, "limit": limit},
    ).fetchall()
    return [ForecastIssue(*row) for row in rows]
