"""Reading of the hourly station files of the UCI set "Beijing Multi-Site Air-Quality Data" (PRSA).

One file holds one station: local hours labelled by their start, concentrations in µg/m³ (CO too), ``NA`` for missing.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, TextIO

import numpy as np
import numpy.typing as npt

from domain.error import ConfigurationError
from domain.family import AIR
from domain.period import DAY_S, HOUR_S, OFFSET_S
from domain.pollutant import SIX_KEYS

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_TIME: Final = ("year", "month", "day", "hour")
#: Column of the file and the factor to the canonical unit, by air column.
_NUMBERS: Final[Mapping[str, tuple[str, float]]] = MappingProxyType(
    {
        "pm25": ("PM2.5", 1.0),
        "pm10": ("PM10", 1.0),
        "so2": ("SO2", 1.0),
        "no2": ("NO2", 1.0),
        "co": ("CO", 1000.0),
        "o3": ("O3", 1.0),
        "temperature": ("TEMP", 1.0),
        "pressure": ("PRES", 1.0),
        "wind_speed": ("WSPM", 1.0),
    }
)
_DEW_POINT: Final = "DEWP"
_POINTS: Final = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"]
_DIRECTIONS: Final = {point: str(22.5 * at) for at, point in enumerate(_POINTS)}
_MISSING: Final = frozenset({"NA", "", "NaN"})


@dataclass(frozen=True, slots=True)
class PrsaStation:
    """Hours of one station.

    Attributes
    ----------
    name : str
        Station as the file names it.
    times_s : ndarray of int64
        Shape (n,); Unix time of the start of each hour, ascending.
    values : ndarray of float64
        Shape (n, 12): the columns of `domain.family.AIR` in canonical units; NaN where missing or not in the file.
    dew_points : ndarray of float64
        Shape (n,); ℃, NaN where missing. The files have no humidity; `relative_humidity` follows from it.
    """

    name: str
    times_s: Integers
    values: Floats
    dew_points: Floats

    def year_grid(self, year: int) -> dict[str, Floats]:
        """Hours of local `year` by pollutant, each of shape (days of the year, 24); NaN where the file has no value."""
        start = dt.date(year, 1, 1)
        days = (dt.date(year + 1, 1, 1) - start).days
        first_s = (start - dt.date(1970, 1, 1)).days * DAY_S - OFFSET_S
        slots = (self.times_s - first_s) // HOUR_S
        inside = (slots >= 0) & (slots < days * 24)
        grid = np.full((days * 24, len(SIX_KEYS)), np.nan)
        grid[slots[inside]] = self.values[inside][:, [AIR.position(key) for key in SIX_KEYS]]
        return {key: np.ascontiguousarray(grid[:, at]).reshape(days, 24) for at, key in enumerate(SIX_KEYS)}


def load_prsa(path: Path) -> PrsaStation:
    """Load one station file.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.csv.gz``; columns are found by name, others are ignored.

    Returns
    -------
    PrsaStation
        Hours in ascending order.

    Raises
    ------
    ConfigurationError
        When the file is absent or damaged, a column is absent, a cell is not a number, an hour occurs twice, or the
        file holds two stations. The text names file, line and column.
    """
    try:
        with _opened(path) as stream:
            return _station(path, csv.reader(stream))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path.name}: found no such file, expected a PRSA file (.csv or .csv.gz)") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationError(f"{path.name}: found {error}, expected a PRSA file (.csv or .csv.gz)") from error


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _station(path: Path, reader: Iterator[list[str]]) -> PrsaStation:
    header = next(reader, [])
    wanted = (*_TIME, "station", "wd", *(name for name, _ in _NUMBERS.values()))
    absent = [name for name in wanted if name not in header]
    if absent:
        raise ConfigurationError(f"{path.name} line 1: found columns {header}, expected also {', '.join(absent)}")
    rows = [row for row in reader if row]
    for line, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise ConfigurationError(f"{path.name} line {line}: found {len(row)} cells, expected {len(header)}")
    cells = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(header, ())
    names = sorted(set(cells["station"]))
    if len(names) > 1:
        raise ConfigurationError(f"{path.name}: found stations {', '.join(names)}, expected one station per file")
    times_s = _times(path, cells)
    values = np.full((len(rows), AIR.width), np.nan)
    for key, (name, divisor) in _NUMBERS.items():
        values[:, AIR.position(key)] = _numbers(path, name, cells[name]) / divisor
    directions = [_DIRECTIONS.get(cell, cell) for cell in cells["wd"]]
    values[:, AIR.position("wind_direction")] = _numbers(path, "wd", directions)
    dew_points = _numbers(path, _DEW_POINT, cells[_DEW_POINT]) if _DEW_POINT in header else np.full(len(rows), np.nan)
    order = np.argsort(times_s, kind="stable")
    again = np.flatnonzero(np.diff(times_s[order]) == 0)
    if len(again):
        line = int(order[again[0] + 1]) + 2
        raise ConfigurationError(f"{path.name} line {line}: found an hour that stands above already, expected it once")
    return PrsaStation(names[0] if names else path.name.split(".")[0], times_s[order], values[order], dew_points[order])


def _times(path: Path, cells: Mapping[str, Sequence[str]]) -> Integers:
    """Unix time of each row; a date that does not exist is an error."""
    parts = np.array([_numbers(path, name, cells[name]) for name in _TIME])
    whole = np.isfinite(parts).all(axis=0)
    years, months, days, hours = np.where(whole, parts, 0.0).astype(np.int64)
    if not len(years):
        return np.zeros(0, dtype=np.int64)
    month_starts = (years - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (months - 1)
    dates = month_starts.astype("datetime64[D]") + (days - 1)
    possible = whole & (months >= 1) & (months <= 12) & (days >= 1) & (hours >= 0) & (hours < 24)
    possible &= dates.astype("datetime64[M]") == month_starts
    if not possible.all():
        at = int(np.argmin(possible))
        found = " ".join(cells[name][at] for name in _TIME)
        raise ConfigurationError(f"{path.name} line {at + 2}: found time {found}, expected year month day hour 0-23")
    return np.asarray(dates.astype(np.int64) * DAY_S - OFFSET_S + hours * HOUR_S)


def relative_humidity(temperature: Floats, dew_point: Floats) -> Floats:
    """Relative humidity in percent, at most 100, from temperature and dew point in ℃ (Magnus); any shape."""
    exponents = [17.625 * degrees / (243.04 + degrees) for degrees in (dew_point, temperature)]
    return np.minimum(100.0 * np.exp(exponents[0] - exponents[1]), 100.0)


def _numbers(path: Path, column: str, cells: Sequence[str]) -> Floats:
    try:
        numbers = np.array([np.nan if cell in _MISSING else float(cell) for cell in cells], dtype=np.float64)
    except ValueError:
        numbers = np.full(len(cells), np.inf)
    if np.isinf(numbers).any():
        line, cell = next((line, cell) for line, cell in enumerate(cells, 2) if not _is_number(cell))
        raise ConfigurationError(f"{path.name} line {line}, column {column}: found {cell!r}, expected a number or NA")
    return numbers


def _is_number(cell: str) -> bool:
    try:
        return cell in _MISSING or not math.isinf(float(cell))
    except ValueError:
        return False
