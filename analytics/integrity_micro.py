"""Micro stations whose surroundings are washed: particles fall there and nowhere else, gases do not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analytics.integrity import Check, Floats, Found, checked, runs, undetermined
from domain.period import HOUR_S


def _relative(own: Floats, others: Floats, least: float) -> Floats:
    """Own over the median of the neighbours of each hour; NaN with fewer than `least` of them."""
    counts = np.count_nonzero(~np.isnan(others), axis=0)
    middle = np.full(others.shape[1], np.nan)
    enough = counts >= max(least, 1)
    if enough.any():
        middle[enough] = np.nanmedian(others[:, enough], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(middle > 0, own / middle, np.nan)


def selective_cleaning(  # noqa: PLR0913 - keyword-only
    hours_s: npt.ArrayLike,
    values: npt.ArrayLike,
    neighbours: npt.ArrayLike,
    *,
    judged: npt.ArrayLike,
    largest_ratio: float,
    gas_ratio: float,
    least_humidity: float,
    least_neighbours: float,
    least_hours: float,
    usual_hours: float,
) -> Check:
    """Hours in which a station's coarse particles fall against its neighbours while its gases stay.

    Parameters
    ----------
    hours_s : array_like of int
        Shape (n,); ascending Unix times of hours.
    values : array_like
        Shape (k, n) with k >= 3: PM10, relative humidity, then gases; NaN = none.
    neighbours : array_like
        Shape (k, m, n); the same of m stations around.
    judged : array_like of bool
        Shape (n,); hours to be judged; the others give the usual relation.
    largest_ratio : float
        PM10 against the neighbours in units of the usual.
    gas_ratio : float
        Least median relation of the gases, in units of the usual: a dead instrument falls everywhere.
    least_humidity : float
        Least rise of humidity against the neighbours, points; not asked for where it is not measured.
    least_neighbours, least_hours, usual_hours : float
        Least stations around, shortest time, hours that make the usual known.

    Returns
    -------
    Check
        Figures: ``ratio_percent``, ``gas_percent``, ``hours``, ``humidity`` where it is measured.
    """
    hours, own = np.asarray(hours_s, dtype=np.int64), np.asarray(values, dtype=np.float64)
    around, now = np.asarray(neighbours, dtype=np.float64), np.asarray(judged, dtype=np.bool_)
    relations = np.stack([_relative(own[at], around[at], least_neighbours) for at in range(len(own)) if at != 1])
    counts = np.count_nonzero(~np.isnan(relations[:, ~now]), axis=1)
    usual = np.full(len(relations), np.nan)
    for at in np.flatnonzero(counts >= usual_hours).tolist():
        usual[at] = np.nanmedian(relations[at, ~now])
    if np.isnan(usual[0]) or np.isnan(usual[1:]).all():
        return undetermined("usual relation to the neighbours")
    shares = relations / usual[:, None]
    wetter = _risen(own[1], around[1], now, least_neighbours)
    with np.errstate(invalid="ignore"):
        gases = _median(shares[1:])
        seen = now & ~np.isnan(shares[0]) & ~np.isnan(gases)
        low = seen & (shares[0] <= largest_ratio) & (gases >= gas_ratio)
        low &= np.isnan(wetter) | (wetter >= least_humidity)
    if not seen.any():
        return undetermined("hours of particles and gases beside neighbours")
    found = []
    for a, b in zip(*(part.tolist() for part in runs(low, hours, gap_s=1.5 * HOUR_S)), strict=True):
        if b - a + 1 >= least_hours:
            wet = wetter[a : b + 1]
            figures = {
                "ratio_percent": 100.0 * float(shares[0, a : b + 1].mean()),
                "gas_percent": 100.0 * float(gases[a : b + 1].mean()),
                "hours": float(b - a + 1),
            }
            if (~np.isnan(wet)).any():
                figures["humidity"] = float(np.nanmean(wet))
            found.append(Found(int(hours[a]), int(hours[b]) + HOUR_S - 1, figures))
    return checked(found)


def _median(columns: Floats) -> Floats:
    """Median of each column of the array over the values that are no NaN; NaN where there is none."""
    result = np.full(columns.shape[1], np.nan)
    known = ~np.isnan(columns).all(axis=0)
    if known.any():
        result[known] = np.nanmedian(columns[:, known], axis=0)
    return result


def _risen(own: Floats, others: Floats, judged: npt.NDArray[np.bool_], least: float) -> Floats:
    """Humidity above the neighbours' median less its usual excess; NaN where unknown."""
    counts = np.count_nonzero(~np.isnan(others), axis=0)
    excess = np.full(own.shape, np.nan)
    enough = counts >= max(least, 1)
    if enough.any():
        excess[enough] = own[enough] - np.nanmedian(others[:, enough], axis=0)
    before = excess[~judged]
    known = before[~np.isnan(before)]
    return np.asarray(excess - np.median(known)) if len(known) else np.full(own.shape, np.nan)
