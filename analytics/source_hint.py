"""Where pollution comes from, as the wind hints: rose, conditional probability by sector, polar surface, upwind places.

A hint is no proof: it says from where the air came when concentrations were high, and who lies there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

SECTORS: Final = 16
#: Wind below this has no direction to speak of, m/s.
CALM_M_S: Final = 0.5
#: Hours a sector or a point of the surface must rest on to say anything.
LEAST_HOURS: Final = 5
EARTH_KM: Final = 6371.0
#: Widest angle from the wind's direction at which a place counts as upwind, degrees.
WIDEST_DEG: Final = 45.0
#: Farthest place named, km.
FARTHEST_KM: Final = 30.0


@dataclass(frozen=True, slots=True)
class PollutionRose:
    """What was measured by the direction the wind came from; arrays of shape (16,), sector 0 centred on north.

    Attributes
    ----------
    hours : ndarray of int64
        Hours with wind from the sector and a concentration.
    means : ndarray of float64
        Mean concentration; NaN without an hour.
    speeds : ndarray of float64
        Mean wind speed, m/s.
    probabilities : ndarray of float64
        Conditional probability: share of the sector's hours above the threshold; NaN with fewer than five hours.
    threshold : float
        The concentration above which an hour counts as high; NaN without any hour.
    calm_hours : int
        Hours without enough wind, in no sector.
    calm_mean : float
        Their mean concentration.
    """

    hours: Integers
    means: Floats
    speeds: Floats
    probabilities: Floats
    threshold: float
    calm_hours: int
    calm_mean: float


def pollution_rose(values: Floats, directions: Floats, speeds: Floats, *, percent: float = 75.0) -> PollutionRose:
    """Concentrations by wind sector.

    Parameters
    ----------
    values, directions, speeds : ndarray of float64
        Shape (n,): concentration, where the wind came from in degrees, m/s; an hour with a NaN is left out.
    percent : float
        Percentile of the concentrations that is the threshold.

    Returns
    -------
    PollutionRose
        Of the hours in which all three are known.

    Notes
    -----
    Conditional probability function of Ashbaugh and others (1985): m / n per sector.
    """
    known = ~(np.isnan(values) | np.isnan(directions) | np.isnan(speeds))
    value, speed = values[known], speeds[known]
    sector = np.rint(directions[known] / (360.0 / SECTORS)).astype(np.int64) % SECTORS
    threshold = float(np.percentile(value, percent)) if len(value) else float("nan")
    windy = speed >= CALM_M_S
    at = sector[windy]
    hours = np.bincount(at, minlength=SECTORS)
    high = np.bincount(at[value[windy] > threshold], minlength=SECTORS)
    with np.errstate(invalid="ignore"):
        means = np.bincount(at, value[windy], SECTORS) / hours
        mean_speeds = np.bincount(at, speed[windy], SECTORS) / hours
        probabilities = np.where(hours >= LEAST_HOURS, high / hours, np.nan)
    calm = value[~windy]
    calm_mean = float(calm.mean()) if len(calm) else float("nan")
    return PollutionRose(hours, means, mean_speeds, probabilities, threshold, len(calm), calm_mean)


@dataclass(frozen=True, slots=True)
class PolarSurface:
    """Smoothed concentration over the wind; arrays of shape (16, s): sectors by speeds.

    Attributes
    ----------
    speeds : ndarray of float64
        Shape (s,); m/s.
    means : ndarray of float64
        Smoothed concentration; NaN where too few hours are near.
    hours : ndarray of float64
        Hours each point rests on, weighted by nearness.
    """

    speeds: Floats
    means: Floats
    hours: Floats


def polar_surface(
    values: Floats, directions: Floats, speeds: Floats, *, most_m_s: float = 10.0, bandwidth_m_s: float = 0.8
) -> PolarSurface:
    """Bivariate polar plot: mean concentration by wind speed and direction, smoothed by a kernel.

    Parameters
    ----------
    values, directions, speeds : ndarray of float64
        Shape (n,): concentration, where the wind came from in degrees, m/s; an hour with a NaN is left out.
    most_m_s : float
        Highest speed of the surface; it has a point every 0.5 m/s.
    bandwidth_m_s : float
        Standard deviation of the Gaussian kernel in the plane of the wind vector.

    Returns
    -------
    PolarSurface
        Nadaraya-Watson means at each sector's middle and speed.
    """
    known = ~(np.isnan(values) | np.isnan(directions) | np.isnan(speeds))
    angle = np.deg2rad(directions[known])
    east, north = speeds[known] * np.sin(angle), speeds[known] * np.cos(angle)
    grid = np.arange(0.5, most_m_s + 0.25, 0.5)
    middle = np.deg2rad(np.arange(SECTORS) * 360.0 / SECTORS)[:, None]
    means, hours = np.full((SECTORS, len(grid)), np.nan), np.zeros((SECTORS, len(grid)))
    for at in range(SECTORS):
        points_east, points_north = np.sin(middle[at]) * grid, np.cos(middle[at]) * grid
        squared = (points_east[:, None] - east) ** 2 + (points_north[:, None] - north) ** 2
        weights = np.exp(-squared / (2.0 * bandwidth_m_s**2))
        hours[at] = weights.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            means[at] = np.where(hours[at] >= LEAST_HOURS, weights @ values[known] / hours[at], np.nan)
    return PolarSurface(grid, means, hours)


@dataclass(frozen=True, slots=True)
class Upwind:
    """How much each of m places lay upwind of a station during a peak; arrays of shape (m,).

    Attributes
    ----------
    distances_km : ndarray of float64
        Distance from the station.
    bearings : ndarray of float64
        Direction in which the place lies, degrees from north.
    hours : ndarray of int64
        Hours in which the place lay within 45° of where the wind came from.
    scores : ndarray of float64
        0 to 1: the excess concentration of the hours, shared by how near the place lay to the axis of the plume that
        reached the station, halved every 10 km; 0 for a place never upwind or more than 30 km away.
    """

    distances_km: Floats
    bearings: Floats
    hours: Integers
    scores: Floats


def bearings_and_distances(station: tuple[float, float], places: Floats) -> tuple[Floats, Floats]:
    """Bearing (degrees from north) and distance (km, on the sphere) of places, shape (m, 2): longitude, latitude."""
    longitude, latitude = np.deg2rad(station)
    east, north = np.deg2rad(places[:, 0]), np.deg2rad(places[:, 1])
    turn = east - longitude
    y = np.sin(turn) * np.cos(north)
    x = np.cos(latitude) * np.sin(north) - np.sin(latitude) * np.cos(north) * np.cos(turn)
    half = np.sin((north - latitude) / 2) ** 2 + np.cos(latitude) * np.cos(north) * np.sin(turn / 2) ** 2
    return np.rad2deg(np.arctan2(y, x)) % 360.0, 2.0 * EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0.0, 1.0)))


def upwind(
    station: tuple[float, float], places: Floats, excess: Floats, *, directions: Floats, speeds: Floats
) -> Upwind:
    """Places upwind of a station during the hours of a peak.

    Parameters
    ----------
    station : (float, float)
        Longitude and latitude.
    places : ndarray of float64
        Shape (m, 2); longitude and latitude.
    excess : ndarray of float64
        Shape (n,); concentration of each hour above the station's usual one; hours not above 0 do not count.
    directions, speeds : ndarray of float64
        Shape (n,); where the wind came from in degrees, and m/s. Calm hours point nowhere and do not count.

    Returns
    -------
    Upwind
        Per place.

    Notes
    -----
    The crosswind spread is that of Briggs for open country and neutral air: 0.08 x (1 + 0.0001 x)^-1/2, x in metres.
    """
    bearings, distances = bearings_and_distances(station, places)
    counted = ~(np.isnan(excess) | np.isnan(directions) | np.isnan(speeds)) & (excess > 0) & (speeds >= CALM_M_S)
    weight = excess[counted]
    off = np.abs((bearings[:, None] - directions[counted] + 180.0) % 360.0 - 180.0)
    within = (off <= WIDEST_DEG) & (distances <= FARTHEST_KM)[:, None]
    metres = np.maximum(distances, 0.05)[:, None] * 1000.0
    across = metres * np.sin(np.deg2rad(off))
    # The wind of an hour is a mean whose direction wavers by a sector: that widens the plume that is looked for.
    spread = np.hypot(0.08 * metres / np.sqrt(1.0 + 0.0001 * metres), metres * np.sin(np.deg2rad(11.25)))
    share = np.where(within, np.exp(-0.5 * (across / spread) ** 2) * 0.5 ** (distances / 10.0)[:, None], 0.0)
    scores = share @ weight / weight.sum() if weight.sum() > 0 else np.zeros(len(places))
    return Upwind(distances, bearings, within.sum(axis=1), np.asarray(scores))
