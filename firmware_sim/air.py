"""Pollutant concentrations that follow from weather, season, traffic, heating and industry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from domain.period import DAY_S, HOUR_S
from firmware_sim.noise import Floats, Times, constant, drift
from firmware_sim.weather import Sky, Weather, daily, season, weather

#: How strongly traffic and industry reach a site of a kind: (traffic, industry).
EXPOSURE: Mapping[str, tuple[float, float]] = {
    "ambient": (1.0, 1.0),
    "micro": (1.1, 1.1),
    "park": (0.8, 1.7),
    "construction": (1.1, 1.0),
}


@dataclass(frozen=True, slots=True)
class Exposure:
    """Emissions around one site, 1 for the county's mean."""

    traffic: float
    industry: float
    dust: float


def exposure(seed: int, site: str, kind: str) -> Exposure:
    """Exposure of `site`, from its kind and, a little, from chance."""
    traffic, industry = EXPOSURE.get(kind, (1.0, 1.0))
    vary = [float(np.exp(0.13 * constant(seed, f"{what}@{site}"))) for what in ("traffic", "industry", "dust")]
    dust = 1.6 if kind == "construction" else 0.5 + 0.5 * industry
    return Exposure(traffic * vary[0], industry * vary[1], dust * vary[2])


def concentrations(sky: Sky, site: str, kind: str, times_s: Times) -> dict[str, Floats]:
    """Weather and the six pollutants in the air at `site`, by the columns of the air family.

    Parameters
    ----------
    sky : Sky
        Seed and episodes.
    site : str
        Identifier of the site.
    kind : str
        Kind of the site (``ambient``, ``micro``, ``park``, ``construction``, ...).
    times_s : ndarray of int64
        Unix times in seconds, one dimension.

    Returns
    -------
    dict of str to ndarray of float64
        ``pm25 pm10 so2 no2 o3`` in µg/m³, ``co`` in mg/m³, ``temperature`` ℃, ``humidity`` %, ``pressure`` hPa,
        ``wind_speed`` m/s, ``wind_direction`` °. PM2.5 never exceeds PM10; nothing is missing.
    """
    here = weather(sky, site, times_s)
    around = exposure(sky.seed, site, kind)
    winter = 0.5 * (1.0 + season(times_s, 12))
    trapped = _trapped(sky.seed, times_s, here)
    local = 1.0 + 0.06 * drift(sky.seed, f"local@{site}", times_s, 2 * HOUR_S)
    fine = (
        _fine(sky.seed, times_s, here, winter, trapped) * local * (0.35 + 0.35 * around.industry + 0.3 * around.traffic)
    )
    values = {"pm25": fine, "pm10": fine + _coarse(sky.seed, times_s, here, around)}
    values |= _gases(times_s, here, around, winter, trapped * local)
    for name in ("temperature", "humidity", "pressure", "wind_speed", "wind_direction"):
        values[name] = getattr(here, name)
    return values


def _trapped(seed: int, times_s: Times, here: Weather) -> Floats:
    """How much the air is held near the ground, about 1 on average: low wind, night, days of stagnation."""
    wind = np.clip((1.7 / (0.5 + here.wind_speed)) ** 0.4, 0.5, 1.6)
    mixing = 1.0 - 0.16 * daily(times_s, 15) + 0.07 * daily(times_s, 8.5, 2)
    days = np.exp(0.38 * drift(seed, "stagnation", times_s, 3 * DAY_S) - 0.07)
    return np.asarray(wind * mixing * days * (1.0 + 0.5 * here.episode))


def _fine(seed: int, times_s: Times, here: Weather, winter: Floats, trapped: Floats) -> Floats:
    """PM2.5: heating in winter, haze growing in damp air, and the episode's load."""
    haze = np.clip(1.0 + 0.006 * (here.humidity - 55.0), 0.75, 1.3)
    usual = (18.5 + 27.0 * winter**1.3) * trapped * haze
    load = 165.0 + 35.0 * drift(seed, "load", times_s, DAY_S // 2) + 14.0 * daily(times_s, 22)
    return np.maximum(usual + here.episode * load, 1.0)


def _coarse(seed: int, times_s: Times, here: Weather, around: Exposure) -> Floats:
    """PM10 above PM2.5: dust of roads, works and coal yards, and days of blown sand in spring."""
    dry = np.clip(1.5 - 0.009 * here.humidity, 0.6, 1.4)
    busy = 1.0 + 0.2 * daily(times_s, 18) + 0.1 * daily(times_s, 8, 2)
    usual = 25.0 * dry * busy * np.exp(0.3 * drift(seed, "dust", times_s, DAY_S))
    spring = np.clip(season(times_s, 105), 0.0, None)
    sand = 170.0 * spring * np.clip(drift(seed, "sand", times_s, 2 * DAY_S) - 1.5, 0.0, None)
    return np.asarray(np.maximum(usual * around.dust + sand, 1.0))


def _gases(times_s: Times, here: Weather, around: Exposure, winter: Floats, trapped: Floats) -> dict[str, Floats]:
    """SO2, NO2, CO and O3."""
    rush = 1.0 + 0.22 * daily(times_s, 20) + 0.18 * daily(times_s, 8, 2)
    no2 = (13.0 + 16.0 * winter) * around.traffic * trapped * rush + 18.0 * here.episode
    so2 = (6.0 + 12.0 * winter) * around.industry * trapped * (1.0 + 0.15 * daily(times_s, 10)) + 6.0 * here.episode
    co = (0.40 + 0.50 * winter) * (0.5 * around.traffic + 0.5 * around.industry) * trapped + 0.9 * here.episode
    # Ozone is made in warm sunlit afternoons, is brought down from above, and is eaten by fresh NO at night.
    warm = np.clip((here.temperature - 2.0) / 26.0, 0.0, 1.4)
    made = 88.0 * warm**1.5 * np.clip(daily(times_s, 15.5) + 0.15, 0.0, None)
    brought = 58.0 + 22.0 * season(times_s, 165)
    o3 = (brought + made) * (1.0 - 0.25 * here.episode) - 0.55 * no2
    return {"so2": so2, "no2": no2, "co": co, "o3": np.maximum(o3, 3.0)}
