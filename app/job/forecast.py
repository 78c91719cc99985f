"""Forecasts of every evaluated site and area: models refitted, forecasts issued, and judged by what came."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.forecast_model import HORIZON_H, METHOD, HistoryError
from analytics.forecast_rolling import REACH_H, ROLLING_ITEMS
from analytics.forecast_skill import Forecasts, skill
from analytics.index import daily_index, primary_pollutants
from analytics.station_forecast import History, LeadSkill, StationForecast, forecast_station, learn
from app.forecast_parameter import model_bytes, model_from_bytes
from domain.document import edition_named
from domain.edition import aqi_edition, limit_edition
from domain.family import AIR
from domain.period import HOUR_S, ZONE, local_date, midnight
from domain.standard import Validity, report_items, validity
from store.connection import Connection
from store.forecast import ForecastSeries, NewForecast, write_forecast
from store.forecast_model import (
    IssuedDay,
    NewModel,
    SkillRow,
    SkillSpan,
    insert_model,
    insert_skill,
    read_forecast_sites,
    read_issued_days,
    read_issued_hours,
    read_model,
    read_trained_at,
)
from store.statistic import read_hours

Floats = npt.NDArray[np.float64]

#: Learnt from: the newest four years at most. Refitted when the model is as old as this.
LONGEST_HISTORY: Final = dt.timedelta(days=4 * 366)
REFIT_AFTER: Final = dt.timedelta(days=7)
#: Models fitted in one run of the job, so that other jobs get their turn.
FITS_A_RUN: Final = 3
#: What the predictors look back, and a day for hours that are late.
LOOK_BACK: Final = dt.timedelta(days=24)
#: Oldest newest hour that a forecast may rest on.
LATEST_LAG_H: Final = 6
#: Days as issued that are judged together.
JUDGED_DAYS: Final = 90
_HOUR: Final = dt.timedelta(hours=1)
_WEATHER: Final = ("temperature", "humidity", "pressure", "wind_speed", "wind_direction")


def train(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Fit models to sites whose newest is a week old, three a run; a site with under 90 days of history has to wait."""
    trained = read_trained_at(conn, METHOD)
    counts = {"fitted": 0, "too_short": 0}
    for site_id, area_id in read_forecast_sites(conn):
        if site_id in trained and now - trained[site_id] < REFIT_AFTER:
            continue
        if counts["fitted"] >= FITS_A_RUN:
            break
        history = read_history(conn, site_id, area_id, now - LONGEST_HISTORY, now)
        try:
            model, skills = learn([history], aqi_edition(local_date(now)), rules_of(now))
        except HistoryError:
            counts["too_short"] += 1
            continue
        measured = np.flatnonzero(~np.isnan(history.hours["pm25"]) | ~np.isnan(history.hours["o3"]))
        first, last = (moment(int(history.hours_s[at])) for at in measured[[0, -1]])
        with conn.transaction():
            version = insert_model(
                conn, NewModel(site_id, METHOD, first, last, model.hourly.issues, model_bytes(model)), now
            )
            insert_skill(conn, SkillSpan(site_id, "training", version, first, last), list(map(_skill_row, skills)), now)
        counts["fitted"] += 1
    return counts


def issue(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Issue a forecast of every site that has a model and a newest hour no forecast rests on yet."""
    counts = {"issued": 0, "without_model": 0, "without_recent_hour": 0}
    for site_id, area_id in read_forecast_sites(conn):
        stored = read_model(conn, site_id, METHOD)
        if stored is None:
            counts["without_model"] += 1
            continue
        history = read_history(conn, site_id, area_id, now - LOOK_BACK, now)
        row = newest_row(history)
        if row is None:
            counts["without_recent_hour"] += 1
            continue
        last_s = int(history.hours_s[row])
        if last_s // HOUR_S in read_issued_hours(conn, site_id):
            continue
        model = model_from_bytes(stored.parameters)
        found = forecast_station(model, history, np.array([row]), rules_of(now))
        series = forecast_series(found, moment(last_s), model.rolling.edition)
        if not series:
            counts["without_recent_hour"] += 1
            continue
        forecast = NewForecast(
            *(site_id, "lantian", now, model.rolling.edition, f"job forecast, {METHOD}", series),
            *(stored.id, moment(last_s)),
        )
        with conn.transaction():
            counts["issued"] += write_forecast(conn, forecast) is not None
    return counts


def judge_issued(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Judge the daily AQI as issued over the last 90 finished days beside persistence and climatology."""
    today = local_date(now)
    first = today - dt.timedelta(days=JUDGED_DAYS)
    counts = {"judged": 0}
    for site_id, _ in read_forecast_sites(conn):
        days = read_issued_days(conn, site_id, first, today)
        rows = [
            row
            for lead in sorted({day.lead for day in days})
            if (row := _issued_skill(lead, [day for day in days if day.lead == lead])) is not None
        ]
        if rows:
            span = SkillSpan(site_id, "issued", None, midnight(first), midnight(today))
            with conn.transaction():
                insert_skill(conn, span, rows, now)
        counts["judged"] += len(rows)
    return counts


def read_history(conn: Connection, site_id: str, area_id: str, low: dt.datetime, high: dt.datetime) -> History:
    """Finished hours of a site with low <= hour < high; weather it does not measure is the area's.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    site_id, area_id : str
        The site and its area.
    low, high : datetime
        Bounds; the running hour of `high` is left out.

    Returns
    -------
    History
        From the first stored hour on, at least one hour.
    """
    first_s = int(low.timestamp()) // HOUR_S * HOUR_S
    last_s = int(high.timestamp()) // HOUR_S * HOUR_S
    grids = {}
    for place in dict.fromkeys((site_id, area_id)):
        rows = read_hours(conn, [place], moment(first_s), moment(last_s))
        grid = np.full(((last_s - first_s) // HOUR_S, AIR.width), np.nan)
        grid[(rows.hours_s - first_s) // HOUR_S] = rows.values
        grids[place] = grid
    own = grids[site_id]
    for key in _WEATHER:
        at = AIR.position(key)
        own[:, at] = np.where(np.isnan(own[:, at]), grids[area_id][:, at], own[:, at])
    there = np.flatnonzero(~np.isnan(own).all(axis=1))
    start = int(there[0]) if len(there) else len(own) - 1
    return History(
        first_s + start * HOUR_S, {key: np.ascontiguousarray(own[start:, at]) for at, key in enumerate(AIR.keys)}
    )


def newest_row(history: History) -> int | None:
    """Position of the newest hour in which any forecast pollutant was measured; None when older than six hours."""
    measured = np.flatnonzero(~np.isnan([history.hours[key] for key in ("pm25", "pm10", "o3")]).all(axis=0))
    return int(measured[-1]) if len(measured) and len(history) - 1 - measured[-1] <= LATEST_LAG_H else None


def forecast_series(found: StationForecast, last_hour: dt.datetime, edition: str) -> list[ForecastSeries]:
    """Series of the one issue time of `found`, which rests on `last_hour`; items without any value are left out."""
    first = last_hour + _HOUR
    hours = (found.hours, found.hours_low, found.hours_high)
    series = [
        _series("hour", item, first, [part[0, at] for part in hours]) for at, item in enumerate(("pm25", "pm10", "o3"))
    ]
    rolling = (found.rolling, found.rolling_low, found.rolling_high)
    leads = np.flatnonzero([(first + lead * _HOUR).astimezone(ZONE).hour == 23 for lead in range(REACH_H)])
    day = midnight(local_date(first + int(leads[0]) * _HOUR))
    for at, item in enumerate(ROLLING_ITEMS):
        named = _primaries(found.rolling[0][:, leads], edition) if item == "aqi" else None
        series.append(_series("rolling", item, first, [part[0, at, :HORIZON_H] for part in rolling]))
        series.append(_series("day", item, day, [part[0, at, leads] for part in rolling], named))
    return [one for one in series if any(value is not None for value in one.values)]


def _series(
    kind: str, item: str, first: dt.datetime, parts: Sequence[Floats], primaries: list[str | None] | None = None
) -> ForecastSeries:
    values, low, high = ([None if np.isnan(each) else round(float(each), 1) for each in part] for part in parts)
    return ForecastSeries(kind, item, first, values, low, high, primaries)


def _primaries(daily: Floats, edition: str) -> list[str | None]:
    """Primary pollutants of each day from its concentrations, shape (4, days), keys joined by a comma."""
    index = daily_index(edition, dict(zip(ROLLING_ITEMS[:-1], daily[:-1], strict=True)))
    items = {item.column: item.pollutant for item in report_items(edition, "day")}
    named = primary_pollutants(edition, index.iaqi, index.computed_aqi)
    keys = [[items[index.columns[at]] for at in np.flatnonzero(row)] for row in named]
    return [",".join(dict.fromkeys(row)) or None for row in keys]


def _skill_row(one: LeadSkill) -> SkillRow:
    found = one.skill
    return SkillRow(
        *(one.kind, one.item, one.lead, found.count),
        *(found.rmse, found.rmse_persistence, found.rmse_climatology, found.bias, found.coverage),
    )


def _issued_skill(lead: int, days: list[IssuedDay]) -> SkillRow | None:
    columns = [
        np.array([getattr(day, name) for day in days], dtype=np.float64)
        for name in ("value", "low", "high", "outcome", "persistence", "climatology")
    ]
    found = skill(Forecasts(*columns))
    return None if found is None else _skill_row(LeadSkill("day", "aqi", lead, found))


def rules_of(now: dt.datetime) -> Validity:
    """Minima of hours and windows in force at `now`."""
    return validity(edition_named("limits", limit_edition(local_date(now))).standard)


def moment(unix_s: int) -> dt.datetime:
    """Aware moment of a Unix time."""
    return dt.datetime.fromtimestamp(unix_s, dt.UTC)
