"""Quality test of hours: two columns of a device whose course is each other's at the neighbours (crossed cells)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from analytics.quality import QUALITY_LIMITS, Booleans, Floats, Integers, QualityLimits, median, verdict
from domain.flag import NOT_EVALUATED, Flags


def exchange_flags(
    near: Sequence[Integers],
    first: Floats,
    second: Floats,
    *,
    score: float,
    limits: QualityLimits = QUALITY_LIMITS,
) -> Flags:
    """Sites whose two pollutants go with the other pollutant of the neighbours better than with their own.

    Over the last `exchange_hours` the courses of a site's two columns are compared with those of its neighbours'
    medians by Spearman's rank correlation, so that gain, zero and scale of its cells do not matter. The score is what
    the columns gain by being read the other way round: ``r(first, theirs second) + r(second, theirs first) -
    r(first, theirs first) - r(second, theirs second)``, from -4 to 4; a sound site is far below 0.

    Parameters
    ----------
    near : sequence of ndarray of int64
        Neighbours of each of s sites (`analytics.quality_hour.neighbours`).
    first, second : ndarray of float64
        Shape (t, s); consecutive hours of the two pollutants, NaN = missing.
    score : float
        Least score of an exchange, above 0.
    limits : QualityLimits, optional
        ``exchange_*`` and ``spatial_least``.

    Returns
    -------
    ndarray of uint8
        Shape (t, s), of both columns; `SUSPECT` from the score on; `NOT_EVALUATED` where either value is missing, or
        fewer than `exchange_least_hours` of the last hours have both, at the site and at `spatial_least` neighbours.
    """
    count = int(limits.exchange_hours)
    flags = np.full(first.shape, NOT_EVALUATED, dtype=np.uint8)
    for site, others in enumerate(near):
        own = np.stack((first[:, site], second[:, site]))
        if len(others) < limits.spatial_least or np.isnan(own).any(axis=0).all():
            continue
        theirs = np.stack([_centre(values[:, others], limits.spatial_least) for values in (first, second)])
        whole = ~np.isnan(own + theirs).any(axis=0)
        padded = np.pad(whole, (count - 1, 0))
        known = whole & (np.convolve(padded, np.ones(count, np.int64), "valid") >= limits.exchange_least_hours)
        gained = np.full(len(first), np.nan)
        gained[known] = _gain(own, theirs, padded, ends=np.flatnonzero(known), count=count)
        flags[:, site] = verdict(gained >= score, known)
    return flags


def _centre(values: Floats, least: float) -> Floats:
    """Median of the neighbours at each hour; NaN where fewer than `least` have measured."""
    centre, measured = median(values)
    return np.where(measured >= least, centre, np.nan)


def _gain(own: Floats, theirs: Floats, whole: Booleans, *, ends: Integers, count: int) -> Floats:
    """Score of the windows of `count` hours that end with the hours `ends`; `whole` is padded by ``count - 1``."""
    known = np.lib.stride_tricks.sliding_window_view(whole, count)[ends]
    mine, their = ([_ranks(line, known, ends, count) for line in lines] for lines in (own, theirs))
    r = [[np.sum(mine[row] * their[column], axis=1) for column in range(2)] for row in range(2)]
    return np.asarray(r[0][1] + r[1][0] - r[0][0] - r[1][1])


def _ranks(line: Floats, known: Booleans, ends: Integers, count: int) -> Floats:
    """Ranks within each window, centred and of length 1, nought where not known; all nought where nothing varies."""
    padded = np.concatenate((np.full(count - 1, np.nan), line))
    windows = np.lib.stride_tricks.sliding_window_view(padded, count)[ends]
    ranks = np.where(known, rankdata(np.where(known, windows, np.inf), axis=1), 0.0)
    centred = np.where(known, ranks - ranks.sum(axis=1, keepdims=True) / known.sum(axis=1, keepdims=True), 0.0)
    length = np.sqrt(np.sum(centred**2, axis=1, keepdims=True))
    return np.asarray(np.divide(centred, length, out=np.zeros_like(centred), where=length > 0))
