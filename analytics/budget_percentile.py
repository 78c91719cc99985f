"""Year-end budget of a percentile target: days above the limit it still bears, and where the percentile is heading."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from analytics.budget import CARRYOVER, LEAST_SHARE, Projection, mean_of_known, prediction, shared_mean
from analytics.percentile import percentile


def further_days_above(days_above: int, valid_days: int, remaining_days: int, *, percent: int) -> int:
    """Number of the remaining days that may lie above the limit, however far, so that the percentile keeps it.

    Parameters
    ----------
    days_above, valid_days : int
        Days so far above the limit, and with a value.
    remaining_days : int
        Days still to come, all taken as valid.
    percent : int
        1-99.

    Returns
    -------
    int
        0 or more up to `remaining_days`; below 0 so many days too many lie above it already: only values that exceed
        it by little could still keep it, by the interpolation between two days.

    Notes
    -----
    HJ 663-2013 annex A: the percentile lies at rank k = 1 + (n - 1) p%, so the days from rank ceil(k) down must keep
    the limit.
    """
    if not 0 <= days_above <= valid_days or remaining_days < 0:
        raise ValueError(
            f"{days_above} above of {valid_days} days, {remaining_days} to come: expected 0 <= above <= valid"
        )
    count = valid_days + remaining_days
    if not count:
        return 0
    rank = math.ceil(1 + (count - 1) * Fraction(percent, 100))
    return min(count - rank - days_above, remaining_days)


def year_end_percentile(
    so_far: npt.ArrayLike, history: npt.ArrayLike, percent: int, *, level: float = 0.8, carryover: float = CARRYOVER
) -> Projection:
    """Annual percentile to be expected from the days so far and the remaining days of past years.

    Parameters
    ----------
    so_far : array_like
        Shape (..., m): daily values of this year, above 0; NaN = no valid value.
    history : array_like
        Shape (..., h, n): daily values of h past years on the same n calendar days, NaN = none.
    percent : int
        Which percentile.
    level : float
        Probability of the interval.
    carryover : float
        How much of this year's anomaly so far lasts, as in `analytics.budget.year_end_projection`.

    Returns
    -------
    Projection
        `remaining_means` is NaN: a percentile has none.

    Notes
    -----
    Per past year h with at least three quarters of the days in both parts, z_h is the logarithm of the percentile of
    this year's days and the rest of h, which is multiplied by (mean so far of this year / that of h) ** carryover. The
    value is exp(mean of z), the interval that of one more draw from a normal distribution.
    """
    current, past = np.asarray(so_far, dtype=np.float64), np.asarray(history, dtype=np.float64)
    elapsed, length = current.shape[-1], past.shape[-1]
    if elapsed > length:
        raise ValueError(f"{elapsed} days so far of a year of {length}, expected no more than it has")
    mean, days = mean_of_known(current)
    former, former_share = shared_mean(past[..., :elapsed])
    _, rest_share = shared_mean(past[..., elapsed:])
    anchored = ((days > 0) & (carryover != 0))[..., None]
    usable = (rest_share >= LEAST_SHARE) & ((former_share >= LEAST_SHARE) | ~anchored)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(anchored, (mean[..., None] / former) ** carryover, 1.0)
    rest = past[..., elapsed:] * scale[..., None]
    own = np.broadcast_to(current[..., None, :], (*past.shape[:-1], elapsed))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(usable, np.log(percentile(np.concatenate((own, rest), axis=-1), percent)), np.nan)
    centre, reach, years = prediction(logs, level)
    if elapsed == length:
        with np.errstate(divide="ignore", invalid="ignore"):
            centre, reach = np.log(percentile(current, percent)), np.zeros_like(centre)
    low, high = np.exp(centre - reach), np.exp(centre + reach)
    return Projection(np.exp(centre), low, high, np.full_like(centre, np.nan), years)
