"""Daily statistics of the 24 hours that end with an hour, along the last axis of arrays of any shape."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.averaging import HOURS_A_DAY, WINDOW_H, running_mean
from domain.standard import Validity

Floats = npt.NDArray[np.float64]

#: 8 h windows within 24 hours.
WINDOWS_A_DAY: Final = HOURS_A_DAY - WINDOW_H + 1


def rolling_mean_24h(hours: Floats, rules: Validity) -> Floats:
    """Mean of each 24 consecutive hours: shape (..., h) -> (..., h - 23), empty when h < 24; NaN where not valid."""
    return running_mean(hours, minimum_hours=rules.hours_per_day, window=HOURS_A_DAY).valid_values


def rolling_maximum_8h(hours: Floats, rules: Validity) -> Floats:
    """Highest of the 17 8 h means within each 24 consecutive hours.

    Parameters
    ----------
    hours : ndarray of float64
        Shape (..., h) without gaps in time; NaN = missing.
    rules : Validity
        Hours that make a window valid, and windows that make a day.

    Returns
    -------
    ndarray of float64
        Shape (..., h - 23), empty along the last axis when h < 24; NaN with fewer valid windows than `rules` ask for.
    """
    windows = running_mean(hours, minimum_hours=rules.hours_per_8h).valid_values
    days = max(windows.shape[-1] - WINDOWS_A_DAY + 1, 0)
    maxima = np.full((*windows.shape[:-1], days), -np.inf)
    counts = np.zeros_like(maxima)
    for offset in range(WINDOWS_A_DAY if days else 0):
        part = windows[..., offset : offset + days]
        np.fmax(maxima, part, out=maxima)
        counts += ~np.isnan(part)
    return np.where(counts >= rules.windows_per_day, maxima, np.nan)
