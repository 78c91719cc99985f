"""Daily values of the six pollutants from a grid of hours, by the validity rules of GB 3095 and HJ 663."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.averaging import Statistic, daily_maximum, daily_mean, maximum_8h
from domain.pollutant import SIX_KEYS
from domain.standard import Validity

Floats = npt.NDArray[np.float64]

#: Daily columns in order: the names of the daily report of HJ 633.
DAY_COLUMNS: Final[tuple[str, ...]] = (*(key for key in SIX_KEYS if key != "o3"), "o3_8h", "o3_1h")
#: The daily column that stands for each pollutant in period statistics (HJ 663 table 1).
EVALUATED_COLUMN: Final[Mapping[str, str]] = {key: "o3_8h" if key == "o3" else key for key in SIX_KEYS}


def daily_values(hours: Mapping[str, Floats], *, rules: Validity, o3_limit: float) -> dict[str, Statistic]:
    """Daily means, and for O3 the daily maximum 8 h and 1 h values.

    Parameters
    ----------
    hours : mapping of str to ndarray of float64
        Pollutant to hourly values, shape (..., 24); µg/m³, CO mg/m³; NaN = missing. Pollutants may be absent.
    rules : Validity
        `domain.standard.validity()`.
    o3_limit : float
        Limit of the daily maximum 8 h mean: a day with fewer windows than required counts when it exceeds this.

    Returns
    -------
    dict of str to Statistic
        Daily column (`DAY_COLUMNS`) to values of shape (...). The 1 h maximum needs as many hours as a daily mean.

    Notes
    -----
    GB 3095-2026 table 4, HJ 663-2013 6.1.2.
    """
    result: dict[str, Statistic] = {}
    for pollutant, grid in hours.items():
        if pollutant != "o3":
            result[pollutant] = daily_mean(grid, minimum_hours=rules.hours_per_day)
            continue
        result["o3_8h"] = maximum_8h(
            grid, minimum_hours=rules.hours_per_8h, minimum_windows=rules.windows_per_day, limit=o3_limit
        )
        result["o3_1h"] = daily_maximum(grid, minimum_hours=rules.hours_per_day)
    return result


def area_mean(stations: Floats) -> Floats:
    """Daily value of an area: the mean of its stations' valid daily values, shape (stations, ...) -> (...).

    HJ 663-2013: a place is judged on the mean of its stations. Days are averaged over stations first, then evaluated
    as one station would be; NaN where no station has a valid value.
    """
    counts = np.count_nonzero(~np.isnan(stations), axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(stations, axis=0) / counts)
