"""Trends of yearly, quarterly or monthly values: Spearman (Daniel) by the table, Mann-Kendall, Theil-Sen.

Every function takes many series at once, shape (..., n), oldest first; NaN is a period without a valid value. Periods
are equally spaced; a missing one keeps its place in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, rankdata

from domain.ranking import spearman_critical

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LEAST_PERIODS: Final = 5
#: Numbers below this part of the largest possible one are what floating-point sums leave of zero.
_NOTHING: Final = 1e-12
#: Pairs handled at a time, so that many long series do not fill the memory.
_PAIRS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class SpearmanTrend:
    """Result of `spearman_trend`; arrays of shape (...).

    Attributes
    ----------
    coefficients : ndarray of float64
        Rank correlation with time, -1 to 1; 0 for constant values, NaN below five periods.
    critical : ndarray of float64
        Critical value for the number of periods, one-sided; NaN below five.
    direction : ndarray of int64
        1 rising, -1 falling, 0 no significant trend or too few periods.
    periods : ndarray of int64
        Periods with a value.
    """

    coefficients: Floats
    critical: Floats
    direction: Integers
    periods: Integers


@dataclass(frozen=True, slots=True)
class MonotonicTrend:
    """Result of `mann_kendall`; arrays of shape (...).

    Attributes
    ----------
    tau : ndarray of float64
        Kendall's tau-b with time; NaN with fewer than two different values.
    z : ndarray of float64
        Normal score with correction for continuity and ties; 0 for constant values, NaN below three periods.
    p_values : ndarray of float64
        Two-sided, by the normal approximation.
    slopes : ndarray of float64
        Theil-Sen: median of the slopes of all pairs, unit per period; NaN below two.
    slopes_low, slopes_high : ndarray of float64
        Sen's confidence interval of the slope.
    periods : ndarray of int64
        Periods with a value.
    """

    tau: Floats
    z: Floats
    p_values: Floats
    slopes: Floats
    slopes_low: Floats
    slopes_high: Floats
    periods: Integers


def spearman_trend(values: npt.ArrayLike, *, significance: float = 0.05) -> SpearmanTrend:
    """Daniel's trend test: Spearman's rank correlation of values with time against the table of critical values.

    Parameters
    ----------
    values : array_like
        Shape (..., n), oldest first; NaN = missing.
    significance : float
        0.05 or 0.01, one-sided.

    Returns
    -------
    SpearmanTrend
        A trend is significant when the coefficient reaches the critical value.

    Notes
    -----
    HJ 663-2013: r = 1 - 6 sum(d**2) / (n**3 - n). Ties take their mean rank and the correlation of the ranks is used,
    which is the same without ties; the short formula would call constant values a trend (r = 0.5).
    """
    data = np.asarray(values, dtype=np.float64)
    present = ~np.isnan(data)
    periods = present.sum(axis=-1)
    ranks = np.where(present, rankdata(np.where(present, data, np.inf), axis=-1), 0.0) if data.size else data
    times = np.where(present, np.cumsum(present, axis=-1), 0)
    middle = (periods + 1)[..., None] / 2.0
    by_value, by_time = np.where(present, ranks - middle, 0.0), np.where(present, times - middle, 0.0)
    full = np.sqrt((by_value**2).sum(axis=-1) * (by_time**2).sum(axis=-1))
    together = (by_value * by_time).sum(axis=-1)
    coefficients = np.divide(together, full, out=np.zeros_like(full), where=full > 0)
    coefficients = np.where(periods >= LEAST_PERIODS, np.clip(coefficients, -1.0, 1.0), np.nan)
    critical = _critical(periods, significance)
    # The table has three decimals, and so has the coefficient it is compared with.
    reached = np.round(np.abs(np.nan_to_num(coefficients)), 3) >= np.where(np.isnan(critical), np.inf, critical)
    direction = np.where(reached, np.sign(np.nan_to_num(coefficients)), 0.0).astype(np.int64)
    return SpearmanTrend(coefficients, critical, direction, np.asarray(periods, dtype=np.int64))


def _critical(periods: npt.NDArray[np.int_], significance: float) -> Floats:
    """Critical value for each number of periods: of the table's row, or of the next smaller, stricter one."""
    table = spearman_critical(significance)
    numbers, levels = np.array(list(table)), np.array([np.nan, *table.values()])
    return np.asarray(levels[np.searchsorted(numbers, periods, side="right")])


def mann_kendall(values: npt.ArrayLike, *, confidence: float = 0.95) -> MonotonicTrend:
    """Mann-Kendall test and Theil-Sen slope.

    Parameters
    ----------
    values : array_like
        Shape (..., n), oldest first; NaN = missing.
    confidence : float
        Of the interval of the slope.

    Returns
    -------
    MonotonicTrend
        The normal approximation is meant for ten periods or more; below, read the slope and Spearman's table.

    Notes
    -----
    S = sum of the signs of all later minus earlier values; Var(S) = (n(n-1)(2n+5) - sum t(t-1)(2t+5)) / 18 with t the
    sizes of groups of equal values; Z = (S -+ 1) / sqrt(Var). Sen (1968) for the slope and its interval.
    """
    data = np.asarray(values, dtype=np.float64)
    shape, length = data.shape[:-1], data.shape[-1]
    rows = data.reshape(-1, length) if length else np.full((int(np.prod(shape)), 1), np.nan)
    pairs = max(rows.shape[1] * (rows.shape[1] - 1) // 2, 1)
    step = max(_PAIRS // pairs, 1)
    parts = [_trend_of(rows[at : at + step], confidence) for at in range(0, len(rows), step)]
    joined = np.concatenate(parts, axis=1) if parts else np.zeros((7, 0))
    tau, z, p_values, slopes, low, high, periods = (row.reshape(shape) for row in joined)
    return MonotonicTrend(tau, z, p_values, slopes, low, high, periods.astype(np.int64))


def _trend_of(rows: Floats, confidence: float) -> Floats:
    """The seven results of `MonotonicTrend` for rows of series, shape (7, rows)."""
    earlier, later = np.triu_indices(rows.shape[1], 1)
    differences = rows[:, later] - rows[:, earlier]
    periods = np.count_nonzero(~np.isnan(rows), axis=1).astype(np.float64)
    score = np.nansum(np.sign(differences), axis=1)
    variance = (periods * (periods - 1) * (2 * periods + 5) - _tie_terms(rows)) / 18.0
    usable = (variance > _NOTHING) & (periods >= 3)
    deviation = np.sqrt(np.where(usable, variance, np.nan))
    z = np.where(periods >= 3, np.nan_to_num((score - np.sign(score)) / deviation), np.nan)
    all_pairs = np.count_nonzero(~np.isnan(differences), axis=1)
    unequal = np.count_nonzero(differences != 0, axis=1) - np.count_nonzero(np.isnan(differences), axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        tau = score / np.sqrt(all_pairs * unequal.astype(np.float64))
    slopes = np.sort(differences / (later - earlier), axis=1)  # NaN last
    reach = norm.ppf(0.5 + confidence / 2.0) * np.nan_to_num(deviation)
    # Rank of the bounds among the ordered slopes, counted from 0 (Gilbert 1987 section 16.5, as scipy rounds them).
    lower = np.round((all_pairs - reach) / 2.0).astype(np.int64)
    upper = np.round((all_pairs + reach) / 2.0).astype(np.int64)
    return np.vstack(
        [
            tau,
            z,
            2.0 * norm.sf(np.abs(z)),
            (_at_rank(slopes, (all_pairs - 1) // 2, all_pairs) + _at_rank(slopes, all_pairs // 2, all_pairs)) / 2.0,
            _at_rank(slopes, lower - 1, all_pairs),
            _at_rank(slopes, upper, all_pairs),
            periods,
        ]
    )


def _at_rank(ordered: Floats, ranks: npt.NDArray[np.int_], counts: npt.NDArray[np.int_]) -> Floats:
    """Element of each row at a rank, kept within the row's first `counts`; NaN for an empty row."""
    padded = np.column_stack([ordered, np.full(len(ordered), np.nan)])
    inside = np.where(counts > 0, np.clip(ranks, 0, np.maximum(counts - 1, 0)), ordered.shape[1])
    return np.asarray(np.take_along_axis(padded, inside[:, None], axis=1)[:, 0])


def _tie_terms(rows: Floats) -> Floats:
    """Sum of t(t-1)(2t+5) over the groups of equal values of each row."""
    # Each of the t members of a group has t equals, itself included, so dividing by t counts the group once.
    equals = np.zeros(rows.shape)
    for at in range(rows.shape[1]):
        equals += rows == rows[:, at : at + 1]
    return np.asarray(((equals - 1) * (2 * equals + 5)).sum(axis=1, where=equals > 0))
