"""Hours inside confirmed dust processes, and measurements without them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.period import HOUR_S

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

#: Dust is taken out of particles only (环办监测〔2016〕120号).
DUST_POLLUTANTS: Final[tuple[str, ...]] = ("pm25", "pm10")


def dust_hours(hours_s: npt.ArrayLike, starts_s: npt.ArrayLike, ends_s: npt.ArrayLike) -> Booleans:
    """Which hours any dust interval touches.

    Parameters
    ----------
    hours_s : array_like of int
        Any shape; Unix time of the start of each hour.
    starts_s, ends_s : array_like of int
        Shape (m,); Unix time of each interval's start and (exclusive) end, in any order, overlapping or not.

    Returns
    -------
    ndarray of bool
        Same shape as `hours_s`; True when some part of the hour lies inside an interval.
    """
    hours = np.asarray(hours_s, dtype=np.int64)
    begun = np.searchsorted(np.sort(np.asarray(starts_s, dtype=np.int64)), hours + HOUR_S, side="left")
    over = np.searchsorted(np.sort(np.asarray(ends_s, dtype=np.int64)), hours, side="right")
    # Of the intervals begun before the hour ends, some are not over when it starts.
    return np.asarray(begun > over)


def without_dust(hours: Mapping[str, Floats], dusty: Booleans) -> dict[str, Floats]:
    """Hourly values with particles taken out of dusty hours.

    Parameters
    ----------
    hours : mapping of str to ndarray of float64
        Pollutant to hourly values, any shape.
    dusty : ndarray of bool
        Same shape (`dust_hours`).

    Returns
    -------
    dict of str to ndarray of float64
        PM2.5 and PM10 are NaN in dusty hours; other pollutants are the arrays passed in.

    Notes
    -----
    环办监测〔2016〕120号 (one source): for evaluation and ranking; publication and good days keep the hours.
    """
    return {key: np.where(dusty, np.nan, values) if key in DUST_POLLUTANTS else values for key, values in hours.items()}
