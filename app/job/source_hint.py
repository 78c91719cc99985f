"""Pollution roses, conditional probabilities and polar surfaces of every air station over the last days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import numpy as np

from analytics.source_hint import polar_surface, pollution_rose
from analytics.station_forecast import History
from app.job.forecast import moment, read_history
from domain.pollutant import SIX_KEYS
from store.connection import Connection
from store.source_hint import HintRow, read_air_sites, write_hints

DAYS: Final = (7, 30)


def settle_hints(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Compute the hints of every station anew; wind a station does not measure is its area's."""
    written = 0
    for site_id, area_id in read_air_sites(conn):
        rows = []
        for days in DAYS:
            history = read_history(conn, site_id, area_id, now - dt.timedelta(days=days), now)
            rows += [row for key in SIX_KEYS if (row := hint_row(site_id, history, key, days)) is not None]
        with conn.transaction():
            written += write_hints(conn, rows)
    return {"written": written}


def hint_row(site_id: str, history: History, pollutant: str, days: int) -> HintRow | None:
    """Hints of one pollutant, None without an hour that has both concentration and wind."""
    series = history.hours[pollutant], history.hours["wind_direction"], history.hours["wind_speed"]
    rose, surface = pollution_rose(*series), polar_surface(*series)
    if np.isnan(rose.threshold):
        return None
    first_s, last_s = (int(history.hours_s[at]) for at in (0, -1))
    return HintRow(
        site_id=site_id,
        pollutant=pollutant,
        days=days,
        first_hour=moment(first_s),
        last_hour=moment(last_s),
        threshold=rose.threshold,
        hours=rose.hours.tolist(),
        means=_numbers(rose.means),
        speeds=_numbers(rose.speeds),
        probabilities=_numbers(rose.probabilities),
        calm_hours=rose.calm_hours,
        calm_mean=None if np.isnan(rose.calm_mean) else rose.calm_mean,
        surface_speeds=surface.speeds.tolist(),
        surface=_numbers(surface.means.ravel()),
    )


def _numbers(values: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
