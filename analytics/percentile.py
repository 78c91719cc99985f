"""Percentiles of daily values as HJ 663 defines them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def percentile(values: npt.ArrayLike, percent: int) -> Floats:
    """The `percent`-th percentile along the last axis, missing values left out.

    Parameters
    ----------
    values : array_like
        Shape (..., n); any unit, NaN = missing.
    percent : int
        0-100; a whole number, so that the rank is exact.

    Returns
    -------
    ndarray of float64
        Shape (...); unrounded, NaN where everything is missing.

    Notes
    -----
    HJ 663-2013 annex A: ascending X(1..n), k = 1 + (n - 1) p%, s = floor(k), X(s) + (X(s+1) - X(s)) (k - s).
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"percent is {percent}, expected 0 to 100")
    data = np.asarray(values, dtype=np.float64)
    if not data.shape[-1]:
        return np.full(data.shape[:-1], np.nan)
    ordered = np.sort(data, axis=-1)  # NaN last
    counts = np.count_nonzero(~np.isnan(ordered), axis=-1)
    hundredths = np.maximum(counts - 1, 0) * percent
    below, fractions = hundredths // 100, (hundredths % 100) / 100.0
    above = np.minimum(below + 1, np.maximum(counts - 1, 0))
    low = np.take_along_axis(ordered, below[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, above[..., None], axis=-1)[..., 0]
    return np.asarray(low + (high - low) * fractions)
