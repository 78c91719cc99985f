"""How good forecasts are: their errors beside those of persistence and of climatology over the same issue times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.forecast_model import FORECAST_KEYS, HORIZON_H
from analytics.forecast_predictor import last_known
from domain.period import DAY_S, HOUR_S, OFFSET_S

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Skill:
    """Errors of one item at one lead over `count` issue times; `coverage` is the share of outcomes in the interval."""

    count: int
    rmse: float
    rmse_persistence: float
    rmse_climatology: float
    bias: float
    coverage: float

    @property
    def below_persistence(self) -> float:
        """By which share the RMSE lies below that of persistence."""
        return 1.0 - self.rmse / self.rmse_persistence

    @property
    def below_climatology(self) -> float:
        """By which share the RMSE lies below that of climatology."""
        return 1.0 - self.rmse / self.rmse_climatology


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Forecasts of one item at one lead with the outcomes and both references; arrays of shape (n,), NaN = none."""

    values: Floats
    low: Floats
    high: Floats
    outcomes: Floats
    persistence: Floats
    climatology: Floats


def skill(forecasts: Forecasts) -> Skill | None:
    """Skill over the issue times at which everything is known, None when there is none."""
    parts = (forecasts.values, forecasts.outcomes, forecasts.persistence, forecasts.climatology)
    known = ~np.any([np.isnan(part) for part in parts], axis=0)
    count = int(known.sum())
    if not count:
        return None
    came = forecasts.outcomes[known]
    errors = [part[known] - came for part in (forecasts.values, forecasts.persistence, forecasts.climatology)]
    rmse = [float(np.sqrt(np.mean(error**2))) for error in errors]
    covered = (forecasts.low[known] <= came) & (came <= forecasts.high[known])
    return Skill(count, rmse[0], rmse[1], rmse[2], float(errors[0].mean()), float(covered.mean()))


def persistence_hours(measured: Mapping[str, Floats]) -> Floats:
    """What each hour as issue time would expect if nothing changed: shape (n, 3, 72).

    Particles: the newest value, at most six hours old. O3, which follows the sun: the value of the same clock hour of
    the 24 hours before the issue. At 24, 48 and 72 hours both are the same.
    """
    rows = []
    for key in FORECAST_KEYS:
        series = measured[key]
        if key != "o3":
            rows.append(np.repeat(last_known(series)[:, None], HORIZON_H, axis=1))
            continue
        padded = np.concatenate((np.full(23, np.nan), series))
        day = np.lib.stride_tricks.sliding_window_view(padded, 24)
        rows.append(np.tile(day, (1, HORIZON_H // 24)))
    return np.stack(rows, axis=1)


def month_and_hour(hours_s: Integers) -> tuple[Integers, Integers]:
    """Local month 0-11 and hour 0-23 of each Unix time."""
    local = np.asarray(hours_s, dtype=np.int64) + OFFSET_S
    months = (local // DAY_S).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    return months, local % DAY_S // HOUR_S


def climatology(series: Floats, groups: Integers, count: int) -> Floats:
    """Mean of each of `count` groups of a series, NaN left out; the mean of all for a group without values."""
    present = ~np.isnan(series)
    sums = np.bincount(groups[present], series[present], count)
    numbers = np.bincount(groups[present], minlength=count)
    overall = sums.sum() / numbers.sum() if numbers.sum() else np.nan
    return np.where(numbers > 0, sums / np.maximum(numbers, 1), overall)
