"""Reading of the hourly station files of the UCI set "Beijing Multi-Site Air-Quality Data" (PRSA).

One file holds one station: local hours labelled by their start, concentrations in µg/m³ (CO too), ``NA`` for missing.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from app.registry_sheet import decoded
from domain.error import ConfigurationError
from domain.family import AIR
from domain.period import DAY_S, HOUR_S, OFFSET_S
from domain.pollutant import SIX_KEYS
from domain.screening_table import screening_limits

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
_MISSING: Final = frozenset({"NA", "", "NaN", "nan", "—", "-"})


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


def load_prsa(path: Path, *, possible_only: bool = True) -> PrsaStation:
    """Load one station file.

    Parameters
    ----------
    path : Path
        ``.csv`` or ``.csv.gz``, UTF-8 or GB18030; columns are found by name whatever their case, others are ignored.
    possible_only : bool
        Whether a value that the range test of the platform would fail is an error; false where values are to be
        tested.

    Returns
    -------
    PrsaStation
        Hours in ascending order.

    Raises
    ------
    ConfigurationError
        When the file is absent or damaged, a column is absent, a cell is not a number or no possible value, an hour
        occurs twice, or the file holds two stations. The text names file, line and column.
    """
    return parse_prsa(read_prsa(path), path.name, possible_only=possible_only)


def read_prsa(path: Path) -> bytes:
    """The bytes of a station file; `ConfigurationError` when it is absent or cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path.name}: found no such file, expected a PRSA file (.csv or .csv.gz)") from error
    except OSError as error:
        raise ConfigurationError(f"{path.name}: found {error}, expected a PRSA file (.csv or .csv.gz)") from error


def parse_prsa(content: bytes, name: str, *, possible_only: bool = True) -> PrsaStation:
    """The station in the bytes of a file called `name`; as `load_prsa`."""
    path = Path(name)
    try:
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        return _station(path, csv.reader(io.StringIO(decoded(content, path.name), newline="")), possible_only)
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise ConfigurationError(f"{path.name}: found {error}, expected a PRSA file (.csv or .csv.gz)") from error


def _rows(path: Path, reader: Any) -> tuple[list[str], list[list[str]], list[int]]:
    """Headings as the files spell them, rows that are not blank, and the line of each."""
    wanted = (*_TIME, "station", "wd", *(name for name, _ in _NUMBERS.values()))
    spelt = {name.casefold(): name for name in (*wanted, _DEW_POINT)}
    found: list[str] = next(reader, [])
    header = [spelt.get(name.strip().casefold(), name) for name in found]
    absent = [name for name in wanted if name not in header]
    if absent:
        raise ConfigurationError(f"{path.name} line 1: found columns {found}, expected also {', '.join(absent)}")
    twice = [name for name in spelt.values() if header.count(name) > 1]
    if twice:
        raise ConfigurationError(f"{path.name} line 1: found {', '.join(twice)} twice, expected each column once")
    rows, lines = [], []
    for row in reader:
        if row and len(row) != len(header):
            place = f"{path.name} line {reader.line_num}"
            raise ConfigurationError(f"{place}: found {len(row)} cells, expected {len(header)}")
        if row:
            rows.append(row)
            lines.append(int(reader.line_num))
    return header, rows, lines


def _station(path: Path, reader: Any, possible_only: bool) -> PrsaStation:
    header, rows, lines = _rows(path, reader)
    cells = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(header, ())
    names = sorted(set(cells["station"]))
    if len(names) > 1:
        raise ConfigurationError(f"{path.name}: found stations {', '.join(names)}, expected one station per file")
    table = _Table(path, cells, lines)
    times_s = _times(table)
    values = np.full((len(rows), AIR.width), np.nan)
    for key, (name, divisor) in _NUMBERS.items():
        numbers = table.numbers(name)
        if possible_only:
            table.refuse_impossible(name, key, numbers, divisor)
        values[:, AIR.position(key)] = numbers / divisor
    values[:, AIR.position("wind_direction")] = table.numbers("wd", _DIRECTIONS)
    dew_points = table.numbers(_DEW_POINT) if _DEW_POINT in header else np.full(len(rows), np.nan)
    order = np.argsort(times_s, kind="stable")
    again = np.flatnonzero(np.diff(times_s[order]) == 0)
    if len(again):
        first, second = (lines[int(order[again[0] + at])] for at in (0, 1))
        raise ConfigurationError(
            f"{path.name} line {second}: found the hour of line {first} again, expected each hour once"
        )
    return PrsaStation(names[0] if names else path.name.split(".")[0], times_s[order], values[order], dew_points[order])


@dataclass(frozen=True, slots=True)
class _Table:
    """Cells of a file by column, and the line of each row."""

    path: Path
    cells: Mapping[str, Sequence[str]]
    lines: Sequence[int]

    def numbers(self, column: str, words: Mapping[str, str] = MappingProxyType({})) -> Floats:
        """A column as numbers, NaN where missing; `words` stand for numbers."""
        cells = [words.get(cell, cell) for cell in map(str.strip, self.cells[column])]
        try:
            numbers = np.array([np.nan if cell in _MISSING else float(cell) for cell in cells], dtype=np.float64)
        except ValueError:
            numbers = np.full(len(cells), np.inf)
        if np.isinf(numbers).any():
            at = next(at for at, cell in enumerate(cells) if not _is_number(cell))
            raise self.fault(at, column, "a number or NA")
        return numbers

    def refuse_impossible(self, column: str, key: str, numbers: Floats, divisor: float) -> None:
        """Raise for a value that cannot be, such as a -999 that was meant as missing."""
        limit = next(row for row in screening_limits(AIR.key) if row.column == key)
        low, high = limit.fail_low * divisor, limit.fail_high * divisor
        wrong = np.flatnonzero((numbers < low) | (numbers > high))
        if len(wrong):
            raise self.fault(
                int(wrong[0]), column, f"a value from {low:g} to {high:g}, or NA where nothing was measured"
            )

    def fault(self, at: int, column: str, expected: str) -> ConfigurationError:
        """Error about the cell of a row."""
        found = self.cells[column][at]
        return ConfigurationError(
            f"{self.path.name} line {self.lines[at]}, column {column}: found {found!r}, expected {expected}"
        )


def _times(table: _Table) -> Integers:
    """Unix time of each row; a date that does not exist is an error."""
    parts = np.array([table.numbers(name) for name in _TIME])
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
        found = " ".join(table.cells[name][at] for name in _TIME)
        place = f"{table.path.name} line {table.lines[at]}"
        raise ConfigurationError(f"{place}: found time {found}, expected year month day hour 0-23")
    return np.asarray(dates.astype(np.int64) * DAY_S - OFFSET_S + hours * HOUR_S)


def relative_humidity(temperature: Floats, dew_point: Floats) -> Floats:
    """Relative humidity in percent, at most 100, from temperature and dew point in ℃ (Magnus); any shape."""
    exponents = [17.625 * degrees / (243.04 + degrees) for degrees in (dew_point, temperature)]
    return np.minimum(100.0 * np.exp(exponents[0] - exponents[1]), 100.0)


def _is_number(cell: str) -> bool:
    try:
        return cell in _MISSING or not math.isinf(float(cell))
    except ValueError:
        return False
