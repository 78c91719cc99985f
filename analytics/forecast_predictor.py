"""What is known at an issue time, as predictors of the forecast: pollution of the last days, weather and its change.

Row i knows hour i and all hours before it and nothing later. There is no weather forecast in it: what the wind,
pressure and dew point do now, and how they have changed, stands for the weather to come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.averaging import running_mean
from domain.period import DAY_S, HOUR_S, OFFSET_S

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Pollutants among the predictors and what is added before the logarithm, in their units.
LOG_OFFSETS: Final[Mapping[str, float]] = {"pm25": 5.0, "pm10": 5.0, "o3": 5.0, "no2": 5.0, "co": 0.1, "so2": 5.0}
WEATHER: Final[tuple[str, ...]] = ("temperature", "humidity", "pressure", "wind_speed", "wind_direction")
#: Pollutants whose plain concentrations enter unpenalised, so that an hour ahead rests on the newest value.
FREE_KEYS: Final[tuple[str, ...]] = ("pm25", "pm10", "o3")
FREE: Final[tuple[str, ...]] = tuple(f"{key}, plain{part}" for key in FREE_KEYS for part in ("", " 3h", " 24h"))
#: Longest gap that the last known value bridges, and the share of a mean's hours that must be there.
BRIDGED_H: Final = 6
LEAST_SHARE: Final = 0.5
#: Predictors whose products (and squares) enter too: how pollution, wind and season act together.
INTERACTING: Final[tuple[str, ...]] = (
    *("pm25", "pm25 24h", "pm25 72h", "o3 24h", "temperature", "dew_point", "pressure", "pressure change 24h"),
    *("wind_east 6h", "wind_north 6h", "wind_east 24h", "wind_north 24h", "wind_speed 6h"),
    *("temperature change 24h", "dew_point change 24h", "season sin", "season cos", "hour sin", "hour cos"),
)
_YEAR_S: Final = 365.2425 * DAY_S


@dataclass(frozen=True, slots=True)
class Predictors:
    """Predictors of n issue times.

    Attributes
    ----------
    names : tuple of str
        The k predictors, e.g. ``pm25 24h`` (mean of the logarithm over 24 hours).
    values : ndarray of float64
        Shape (n, k); NaN where not enough was measured.
    """

    names: tuple[str, ...]
    values: Floats


def predictors(hours: Mapping[str, Floats], first_s: int) -> Predictors:
    """Predictors of each hour of a series as issue time, the hour itself being known.

    Parameters
    ----------
    hours : mapping of str to ndarray of float64
        The six pollutants and `WEATHER`, each of shape (n,), consecutive hours; canonical units, NaN = missing. A key
        that is absent was not measured.
    first_s : int
        Unix time of the start of the first hour.

    Returns
    -------
    Predictors
        n rows in the same order.
    """
    count = len(next(iter(hours.values())))
    known = {key: hours.get(key, np.full(count, np.nan)) for key in (*LOG_OFFSETS, *WEATHER)}
    columns: dict[str, Floats] = {}
    for key, offset in LOG_OFFSETS.items():
        columns |= _pollution(key, np.log(np.maximum(known[key], 0.0) + offset))
    for key in FREE_KEYS:
        columns |= _plain(key, known[key])
    for name, series in _weather(known).items():
        columns |= _state_and_change(name, series)
    columns |= _calendar(first_s + HOUR_S * np.arange(count, dtype=np.int64))
    return Predictors(tuple(columns), np.column_stack(list(columns.values())))


def trailing_mean(series: Floats, window: int, share: float = LEAST_SHARE) -> Floats:
    """Mean of the `window` hours that end with each hour, NaN with less than `share` of them (shape kept)."""
    padded = np.concatenate((np.full(window - 1, np.nan), series))
    means = running_mean(padded, minimum_hours=max(1, int(np.ceil(share * window))), window=window)
    return means.valid_values


def last_known(series: Floats, longest: int = BRIDGED_H) -> Floats:
    """Each hour's value, or the newest of the `longest` hours before; NaN when there is none."""
    positions = np.arange(len(series))
    newest = np.maximum.accumulate(np.where(np.isnan(series), -1, positions))
    near = (newest >= 0) & (positions - newest <= longest)
    return np.where(near, series[np.maximum(newest, 0)], np.nan)


def _before(series: Floats, hours: int) -> Floats:
    shifted = np.full(len(series), np.nan)
    shifted[hours:] = series[: max(len(series) - hours, 0)]
    return shifted


def _pollution(key: str, logs: Floats) -> dict[str, Floats]:
    day = trailing_mean(logs, 24)
    newest = last_known(logs)
    return {
        key: newest,
        **{
            f"{key} {window}h": trailing_mean(logs, window, 0.3 if window == 3 else LEAST_SHARE)
            for window in (3, 6, 12)
        },
        f"{key} 24h": day,
        f"{key} 72h": trailing_mean(logs, 72),
        f"{key} 21d": trailing_mean(logs, 21 * 24),
        f"{key} 24h, a day ago": _before(day, 24),
        f"{key}, next hour a day ago": _before(newest, 23),
    }


def _plain(key: str, series: Floats) -> dict[str, Floats]:
    """Concentrations as they are: the newest, its mean over 3 hours and over a day."""
    return {
        f"{key}, plain": last_known(series),
        f"{key}, plain 3h": trailing_mean(series, 3, 0.3),
        f"{key}, plain 24h": trailing_mean(series, 24),
    }


def _weather(known: Mapping[str, Floats]) -> dict[str, Floats]:
    """Temperature, dew point (Magnus), pressure and the wind as a vector (where it blows to) and its speed."""
    temperature, humidity = known["temperature"], known["humidity"]
    excess = np.log(np.clip(humidity, 1.0, 100.0) / 100.0) + 17.625 * temperature / (243.04 + temperature)
    direction, speed = np.deg2rad(known["wind_direction"]), known["wind_speed"]
    return {
        "temperature": temperature,
        "dew_point": 243.04 * excess / (17.625 - excess),
        "pressure": known["pressure"],
        "wind_east": -np.sin(direction) * speed,
        "wind_north": -np.cos(direction) * speed,
        "wind_speed": np.log1p(np.maximum(speed, 0.0)),
    }


def _state_and_change(name: str, series: Floats) -> dict[str, Floats]:
    newest = last_known(series)
    return {
        name: newest,
        **{f"{name} {window}h": trailing_mean(series, window) for window in (6, 24, 72)},
        **{f"{name} change {hours}h": newest - _before(newest, hours) for hours in (3, 12, 24)},
    }


def _calendar(hours_s: Integers) -> dict[str, Floats]:
    """Hour of the day and season as waves, their products, and the weekend."""
    local = hours_s + OFFSET_S
    hour = 2.0 * np.pi * (local % DAY_S) / DAY_S
    season = 2.0 * np.pi * (local % _YEAR_S) / _YEAR_S
    daily = {"hour sin": np.sin(hour), "hour cos": np.cos(hour)}
    daily |= {"half day sin": np.sin(2 * hour), "half day cos": np.cos(2 * hour)}
    yearly = {"season sin": np.sin(season), "season cos": np.cos(season)}
    both = {f"{a} x {b}": daily[a] * yearly[b] for a in daily for b in yearly}
    yearly |= {"half year sin": np.sin(2 * season), "half year cos": np.cos(2 * season)}
    weekday = (local // DAY_S + 3) % 7  # 1970-01-01 was a Thursday
    return {**daily, **yearly, **both, "weekend": (weekday >= 5).astype(np.float64)}
