"""Prediction intervals from the errors that held-out forecasts had at the same lead and a similar level.

For each series (an item at a lead) the held-out forecasts are cut by their level into parts of equal count; the
quantiles of the errors within each part, laid around a new forecast, are its interval (conformal prediction by level).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

COVERAGE: Final = 0.8
#: Errors of years to come are a little larger than those of blocks held out: these quantiles hold 80 % of them.
_TAKEN: Final = 0.82
PARTS: Final = 8


@dataclass(frozen=True, slots=True)
class IntervalTable:
    """Error quantiles of s series at p levels each.

    Attributes
    ----------
    levels, low, high : ndarray of float64
        Shape (s, p): mean forecast of each part, ascending, and the quantiles of outcome minus forecast there. A series
        without outcomes is NaN throughout.
    """

    levels: Floats
    low: Floats
    high: Floats

    def around(self, values: Floats) -> tuple[Floats, Floats]:
        """Ends of the interval around forecasts of shape (n, s), which hold them; linear between levels."""
        low, high = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
        for at in range(values.shape[1]):
            below = np.interp(values[:, at], self.levels[at], np.minimum(self.low[at], 0.0))
            above = np.interp(values[:, at], self.levels[at], np.maximum(self.high[at], 0.0))
            low[:, at], high[:, at] = values[:, at] + below, values[:, at] + above
        return low, high


def interval_table(forecasts: Floats, outcomes: Floats) -> IntervalTable:
    """Error quantiles by series and level.

    Parameters
    ----------
    forecasts, outcomes : ndarray of float64
        Shape (n, s); pairs with a NaN are left out.

    Returns
    -------
    IntervalTable
        With `PARTS` levels per series.
    """
    series = forecasts.shape[1]
    levels, low, high = (np.full((series, PARTS), np.nan) for _ in range(3))
    tail = (1.0 - _TAKEN) / 2.0
    for at in range(series):
        both = ~(np.isnan(forecasts[:, at]) | np.isnan(outcomes[:, at]))
        if not both.any():
            continue
        expected, errors = forecasts[both, at], outcomes[both, at] - forecasts[both, at]
        order = np.argsort(expected, kind="stable")
        for part, rows in enumerate(np.array_split(order, PARTS)):
            chosen = rows if len(rows) else order
            levels[at, part] = expected[chosen].mean()
            low[at, part], high[at, part] = np.quantile(errors[chosen], [tail, 1.0 - tail])
    return IntervalTable(levels, low, high)
