"""A station's peak traced upwind: which hours, which wind, which enterprises and sites lay there."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from analytics.source_hint import CALM_M_S, PollutionRose, pollution_rose, upwind
from app.job.forecast import read_history
from domain.error import ConfigurationError
from domain.period import HOUR_S, ZONE
from store.connection import Connection
from store.source_hint import PlacedSite, read_placed_sites, read_site

#: Days before the span whose median is what is usual at the station.
USUAL_DAYS = 30


@dataclass(frozen=True, slots=True)
class Suspect:
    """A place that lay upwind; `score` is its share of the excess, see `analytics.source_hint.upwind`."""

    place: PlacedSite
    distance_km: float
    bearing: float
    hours: int
    score: float


@dataclass(frozen=True, slots=True)
class Trace:
    """What is known of a station's peak; concentrations in the pollutant's unit.

    Attributes
    ----------
    usual : float
        Median of the 30 days before, of the span itself when nothing was measured then.
    hours : list of (datetime, float, float or None, float or None)
        Hour, concentration, where the wind came from, wind speed.
    counted : int
        Hours above the usual with wind.
    rose : PollutionRose
        Of the 30 days and the span.
    suspects : list of Suspect
        Places upwind, the likeliest first.
    """

    station: PlacedSite
    pollutant: str
    usual: float
    hours: list[tuple[dt.datetime, float, float | None, float | None]]
    counted: int
    rose: PollutionRose
    suspects: list[Suspect]


def read_trace(conn: Connection, site_id: str, pollutant: str, *, low: dt.datetime, high: dt.datetime) -> Trace:
    """Trace the hours of a site with low <= hour < high.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    site_id : str
        The station; wind it does not measure is that of its area.
    pollutant : str
        One of the six.
    low, high : datetime
        Bounds.

    Returns
    -------
    Trace
        With the ten likeliest places.

    Raises
    ------
    ConfigurationError
        When the site is unknown or has no position, or nothing was measured in the span.
    """
    station = read_site(conn, site_id)
    history = read_history(conn, site_id, station.area_id, low - dt.timedelta(days=USUAL_DAYS), high)
    values, directions, speeds = (history.hours[key] for key in (pollutant, "wind_direction", "wind_speed"))
    inside = history.hours_s >= low.timestamp()
    if np.isnan(values[inside]).all():
        raise ConfigurationError(f"site {site_id!r}: found no hour of {pollutant} in the span, expected some")
    before = values[~inside]
    usual = float(np.nanmedian(before if not np.isnan(before).all() else values[inside]))
    places = [place for place in read_placed_sites(conn, station.area_id) if place.id != station.id]
    excess = values[inside] - usual
    found = upwind(
        (station.longitude, station.latitude),
        np.array([[place.longitude, place.latitude] for place in places]).reshape(-1, 2),
        excess,
        directions=directions[inside],
        speeds=speeds[inside],
    )
    order = [int(at) for at in np.argsort(-found.scores) if found.scores[at] > 0]
    suspects = [
        Suspect(
            place=places[at],
            distance_km=float(found.distances_km[at]),
            bearing=float(found.bearings[at]),
            hours=int(found.hours[at]),
            score=float(found.scores[at]),
        )
        for at in order
    ]
    rows = [
        (
            dt.datetime.fromtimestamp(int(history.hours_s[at]), ZONE),
            float(values[at]),
            _known(directions[at]),
            _known(speeds[at]),
        )
        for at in np.flatnonzero(inside & ~np.isnan(values))
    ]
    counted = int(np.count_nonzero((excess > 0) & (speeds[inside] >= CALM_M_S) & ~np.isnan(directions[inside])))
    return Trace(station, pollutant, usual, rows, counted, pollution_rose(values, directions, speeds), suspects[:10])


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def span(first: dt.datetime, last: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Local bounds as full hours; `ConfigurationError` for an empty span or one of more than a month."""
    low, high = (moment.replace(minute=0, second=0, microsecond=0, tzinfo=ZONE) for moment in (first, last))
    if not dt.timedelta(0) < high - low <= dt.timedelta(days=31):
        raise ConfigurationError(
            f"--from {first:%F %H:%M} --to {last:%F %H:%M}: expected 1 to {31 * 86400 // HOUR_S} hours"
        )
    return low, high
