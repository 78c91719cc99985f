"""Weather of a valley county in the Lvliang mountains (about 37.3 N, 1,150 m), the same for every run of one seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.period import DAY_S, HOUR_S, OFFSET_S
from firmware_sim.episode import Episode, episode_strength
from firmware_sim.noise import Floats, Times, constant, drift

YEAR_S: Final = 365.2425 * DAY_S
#: Direction from which the valley wind comes by day (up the valley); by night it comes from the opposite side.
VALLEY_WIND_DEG: Final = 215.0


@dataclass(frozen=True, slots=True)
class Sky:
    """Where the simulation stands: the seed and the episodes asked for."""

    seed: int
    episodes: tuple[Episode, ...] = ()


@dataclass(frozen=True, slots=True)
class Weather:
    """Weather at one site; one value per moment.

    `temperature` in ℃, `humidity` in %, `pressure` in hPa, `wind_speed` in m/s, `wind_direction` in ° (from where,
    clockwise from north), `episode` 0-1 the strength of a pollution episode.
    """

    temperature: Floats
    humidity: Floats
    pressure: Floats
    wind_speed: Floats
    wind_direction: Floats
    episode: Floats


def season(times_s: Times, peak_day: float) -> Floats:
    """Yearly cosine, +1 on `peak_day` of the year (0-365), -1 half a year later."""
    # The phase is counted from 1970-01-01 local time.
    return np.asarray(np.cos(2 * np.pi * ((times_s + OFFSET_S) / YEAR_S - peak_day / 365.2425)))


def daily(times_s: Times, peak_hour: float, cycles: int = 1) -> Floats:
    """Daily cosine, +1 at local `peak_hour`; `cycles` periods a day."""
    hours = (times_s + OFFSET_S) % DAY_S / HOUR_S
    return np.asarray(np.cos(2 * np.pi * cycles * (hours - peak_hour) / 24))


def weather(sky: Sky, site: str, times_s: Times) -> Weather:
    """Weather at `site` at the given moments.

    Parameters
    ----------
    sky : Sky
        Seed and episodes.
    site : str
        Identifier of the site; sites differ by a little height and exposure.
    times_s : ndarray of int64
        Unix times in seconds, one dimension.

    Returns
    -------
    Weather
        Arrays of the shape of `times_s`; nothing is missing.
    """
    seed = sky.seed
    episode = episode_strength(times_s, seed, sky.episodes)
    synoptic = drift(seed, "synoptic", times_s, 4 * DAY_S)
    sunny = np.clip(0.6 + 0.3 * drift(seed, "sun", times_s, 2 * DAY_S), 0.1, 1.0)
    height_m = 40.0 * constant(seed, f"height@{site}")
    temperature = (
        8.4
        + 14.3 * season(times_s, 200)
        + 8.5 * sunny * daily(times_s, 15)
        + 3.2 * synoptic
        + 0.8 * drift(seed, "air mass", times_s, DAY_S // 2)
        + 0.3 * drift(seed, f"temperature@{site}", times_s, 3 * HOUR_S)
        - 0.0065 * height_m
    )
    humidity = (
        57.0
        + 13.0 * season(times_s, 225)
        - 16.0 * sunny * daily(times_s, 15)
        + 13.0 * drift(seed, "moisture", times_s, 2 * DAY_S)
        + 1.5 * drift(seed, f"humidity@{site}", times_s, 2 * HOUR_S)
        + 12.0 * episode
    )
    pressure = (
        888.0
        + 5.0 * season(times_s, 5)
        - 4.0 * synoptic
        + 0.8 * daily(times_s, 10, 2)
        + 0.4 * drift(seed, "pressure", times_s, 6 * HOUR_S)
        - 0.11 * height_m
    )
    speed, direction = _wind(seed, site, times_s, episode)
    return Weather(temperature, np.clip(humidity, 10.0, 99.0), pressure, speed, direction, episode)


def _wind(seed: int, site: str, times_s: Times, episode: Floats) -> tuple[Floats, Floats]:
    """Speed and direction: the large-scale wind plus the valley's own, both weak while an episode lasts."""
    valley = 0.9 * daily(times_s, 15) * np.clip(1.0 + 0.3 * season(times_s, 160), 0.0, None)
    axis = np.radians(VALLEY_WIND_DEG + 15.0 * constant(seed, f"axis@{site}"))
    spring = 1.0 + 0.25 * season(times_s, 100)
    east = 1.1 * spring * drift(seed, "wind east", times_s, DAY_S) + valley * np.sin(axis)
    north = 1.1 * spring * drift(seed, "wind north", times_s, DAY_S) + 0.4 + valley * np.cos(axis)
    east = east + 0.35 * drift(seed, f"gust east@{site}", times_s, HOUR_S)
    north = north + 0.35 * drift(seed, f"gust north@{site}", times_s, HOUR_S)
    calm = 1.0 - 0.6 * episode
    speed = 0.2 + calm * np.hypot(east, north)
    return speed, np.degrees(np.arctan2(east, north)) % 360.0
