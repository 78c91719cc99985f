"""Versions of the stations' forecast models, their skill, and what the forecasts as issued were worth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from domain.period import HOUR_S
from store.connection import Connection


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A version of a station's model; `parameters` are arrays in NumPy's npz format."""

    id: int
    site_id: str
    method: str
    first_hour: dt.datetime
    last_hour: dt.datetime
    issues: int
    trained_at: dt.datetime
    parameters: bytes


@dataclass(frozen=True, slots=True)
class NewModel:
    """A model just fitted to the hours from `first_hour` to `last_hour`."""

    site_id: str
    method: str
    first_hour: dt.datetime
    last_hour: dt.datetime
    issues: int
    parameters: bytes


@dataclass(frozen=True, slots=True)
class SkillRow:
    """Errors of one item at one lead (hours, for kind ``day`` days) over so many issue times; `coverage` a share."""

    kind: str
    item: str
    lead: int
    count: int
    rmse: float
    rmse_persistence: float
    rmse_climatology: float
    bias: float
    coverage: float


@dataclass(frozen=True, slots=True)
class SkillSpan:
    """What a set of skill rows is about: site, basis, model (only of basis ``training``) and span of hours."""

    site_id: str
    basis: str
    model_id: int | None
    first_hour: dt.datetime
    last_hour: dt.datetime


@dataclass(frozen=True, slots=True)
class IssuedDay:
    """A daily AQI as issued, the outcome, what persistence and climatology would have said; `lead` in days ahead."""

    lead: int
    value: float
    low: float
    high: float
    outcome: float
    persistence: float | None
    climatology: float | None


def read_forecast_sites(conn: Connection) -> list[tuple[str, str]]:
    """Sites that are forecast, with their area: pseudo-sites of areas that have evaluated sites, then these."""
    rows = conn.execute(
        "select id, area_id from site s where retired_at is null and (evaluated or (kind = 'area' and exists"
        " (select from site m where m.area_id = s.area_id and m.evaluated and m.retired_at is null)))"
        " order by kind <> 'area', id"
    ).fetchall()
    return [(str(site), str(area)) for site, area in rows]


def insert_model(conn: Connection, model: NewModel, now: dt.datetime) -> int:
    """Keep a new version of a station's model; returns its id. The caller commits."""
    row = conn.execute(
        "insert into forecast_model (site_id, method, first_hour, last_hour, issues, parameters, trained_at)"
        " values (%s, %s, %s, %s, %s, %s, %s) returning id",
        (
            *(model.site_id, model.method, model.first_hour, model.last_hour, model.issues),
            *(model.parameters, now),
        ),
    ).fetchone()
    assert row is not None
    return int(row[0])


def read_model(conn: Connection, site_id: str, method: str) -> StoredModel | None:
    """Newest version of a site's model by this method, None when there is none."""
    row = conn.execute(
        "select id, site_id, method, first_hour, last_hour, issues, trained_at, parameters from forecast_model"
        " where site_id = %s and method = %s order by id desc limit 1",
        (site_id, method),
    ).fetchone()
    return None if row is None else StoredModel(*row)


def read_trained_at(conn: Connection, method: str) -> dict[str, dt.datetime]:
    """When the newest model of each site was fitted."""
    rows = conn.execute(
        "select site_id, max(trained_at) from forecast_model where method = %s group by site_id", (method,)
    ).fetchall()
    return dict(rows)


def insert_skill(conn: Connection, span: SkillSpan, rows: Sequence[SkillRow], now: dt.datetime) -> None:
    """Keep the skill of a model or of forecasts as issued; the caller commits."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into forecast_skill (site_id, model_id, basis, kind, item, lead, first_hour, last_hour, count,"
            " rmse, rmse_persistence, rmse_climatology, bias, coverage, computed_at)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    *(span.site_id, span.model_id, span.basis, row.kind, row.item, row.lead),
                    *(span.first_hour, span.last_hour, row.count, row.rmse),
                    *(row.rmse_persistence, row.rmse_climatology, row.bias, row.coverage, now),
                )
                for row in rows
            ],
        )


def read_issued_hours(conn: Connection, site_id: str) -> set[int]:
    """Newest hours (Unix hour numbers) that the site's own forecasts of the last ten days rest on."""
    rows = conn.execute(
        "select distinct extract(epoch from last_hour)::bigint from forecast"
        " where site_id = %s and issuer_id = 'lantian' and last_hour > now() - interval '10 days'",
        (site_id,),
    ).fetchall()
    return {int(row[0]) // HOUR_S for row in rows}


def read_issued_days(conn: Connection, site_id: str, low: dt.date, high: dt.date) -> list[IssuedDay]:
    """Daily AQI of our own forecasts for days with low <= day < high that have an AQI since.

    Of each day and lead the last issue of the local day that lies so many days before. Persistence is the AQI of the
    day before the issue, climatology the mean AQI of the month in the three years before.
    """
    rows = conn.execute(
        "with told as (select distinct on (d.day, d.day - screen.local_day(f.issued_at)) d.day,"
        "  screen.local_day(f.issued_at) as issued, v.value, coalesce(v.low, v.value) as low,"
        "  coalesce(v.high, v.value) as high"
        " from forecast f join forecast_series s on s.forecast_id = f.id and s.kind = 'day' and s.item = 'aqi'"
        " cross join lateral unnest(s.values, s.low, s.high) with ordinality as v (value, low, high, at)"
        " cross join lateral (select screen.local_day(s.first) + (v.at - 1)::int as day) d"
        " where f.site_id = %(site)s and f.issuer_id = 'lantian' and v.value is not null"
        "  and d.day >= %(low)s and d.day < %(high)s and d.day > screen.local_day(f.issued_at)"
        " order by d.day, d.day - screen.local_day(f.issued_at), f.issued_at desc, f.id desc)"
        " select t.day - t.issued, t.value, t.low, t.high, o.aqi_available, p.aqi_available,"
        "  (select avg(c.aqi_available) from air_day c where c.site_id = %(site)s"
        "   and extract(month from c.day) = extract(month from t.day) and c.day < t.issued"
        "   and c.day >= t.issued - 1100)::float8"
        " from told t join air_day o on o.site_id = %(site)s and o.day = t.day and o.aqi_available is not null"
        " left join air_day p on p.site_id = %(site)s and p.day = t.issued - 1",
        {"site": site_id, "low": low, "high": high},
    ).fetchall()
    return [IssuedDay(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class SkillShown:
    """Newest skill of a site, item and lead as screens show it."""

    site_id: str
    basis: str
    kind: str
    item: str
    lead: int
    count: int
    rmse: float
    below_persistence_percent: float | None
    below_climatology_percent: float | None
    coverage_percent: float


def read_skill(conn: Connection, site_id: str | None = None) -> list[SkillShown]:
    """Newest skill of one site or of all."""
    rows = conn.execute(
        "select site_id, basis, kind, item, lead, count, rmse, below_persistence_percent, below_climatology_percent,"
        " coverage_percent from screen.forecast_skill where %(site)s::text is null or site_id = %(site)s"
        " order by site_id, basis, kind, item, lead",
        {"site": site_id},
    ).fetchall()
    return [SkillShown(*row) for row in rows]
