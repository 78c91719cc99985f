"""Reading CSV tables of concentrations: the pollutants' columns are found by name, everything else passes through."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from domain.error import ConfigurationError

Floats = npt.NDArray[np.float64]

CHUNK_ROWS: Final = 20_000
MISSING: Final = frozenset({"", "nan", "na", "n/a", "none", "null", "—", "–", "-", "--", "－", "/"})
_SNIFFED_BYTES: Final = 1 << 20
#: Other names of report columns, normalised; a column's own name is always accepted.
_ALIASES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = MappingProxyType(
    {
        "hour": {key: (f"{key}1h",) for key in ("pm25", "pm10", "so2", "no2", "co", "o3")},
        "day": {
            **{key: (f"{key}24h",) for key in ("pm25", "pm10", "so2", "no2", "co")},
            "o3_8h": ("o38hmax", "mda8", "o3mda8"),
            "o3_1h": ("o31hmax",),
        },
    }
)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a table: their cells, the line on which each starts, and the concentrations by report column."""

    rows: list[list[str]]
    lines: list[int]
    concentrations: dict[str, Floats]


def decoded(stream: BinaryIO, encoding: str) -> io.TextIOBase:
    """Text of a CSV stream.

    Parameters
    ----------
    stream : binary file
        Read from its position on; need not be seekable.
    encoding : str
        A codec name, or ``auto``: UTF-8 (a byte order mark is dropped) unless the first mebibyte is not UTF-8, then
        GB18030.

    Returns
    -------
    text file
        Line ends are kept as they are, as the `csv` module wants them.
    """
    head = stream.read(_SNIFFED_BYTES)
    if encoding == "auto":
        encoding = "utf-8-sig"
        try:
            # The last few bytes may be half a character when more follows.
            head[: -4 if len(head) == _SNIFFED_BYTES else None].decode()
        except UnicodeDecodeError as error:
            if len(head) < _SNIFFED_BYTES or error.start < len(head) - 8:
                encoding = "gb18030"
    return io.TextIOWrapper(io.BufferedReader(_Rejoined(head, stream)), encoding=encoding, newline="")


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes have been read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._head:
            piece: bytes | memoryview = self._head[: len(buffer)]
            self._head = self._head[len(piece) :]
        else:
            piece = self._rest.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def normal_name(name: str) -> str:
    """A column name without case, blanks, dots, dashes, underscores and subscripts: ``PM₂.₅`` is ``pm25``."""
    return re.sub(r"[\s._-]", "", unicodedata.normalize("NFKC", name).casefold())


def column_positions(header: Sequence[str], columns: Sequence[str], report: str) -> dict[str, int]:
    """Where the header holds each report column.

    Parameters
    ----------
    header : sequence of str
        Names as the file has them.
    columns : sequence of str
        Report columns to look for.
    report : str
        ``hour`` or ``day``: decides which other names are accepted (``O3_1h`` is the ``o3`` of an hour).

    Returns
    -------
    dict of str to int
        Columns found; a column's own name goes before another name for it.

    Raises
    ------
    ConfigurationError
        When two columns could be the same one, or none is found.
    """
    names = [normal_name(name) for name in header]
    found: dict[str, int] = {}
    for column in columns:
        for accepted in ((normal_name(column),), _ALIASES[report].get(column, ())):
            places = [at for at, name in enumerate(names) if name in accepted]
            if len(places) > 1:
                both = " and ".join(repr(header[at]) for at in places)
                raise ConfigurationError(f"line 1: found columns {both}, expected one column for {column}")
            if places:
                found[column] = places[0]
                break
    if not found:
        raise ConfigurationError(f"line 1: found columns {', '.join(header)}, expected some of {', '.join(columns)}")
    return found


class PollutantTable:
    """A CSV text of concentrations, read in chunks so that its size does not matter.

    Parameters
    ----------
    stream : text file
        Opened with ``newline=""``.
    name : str
        What messages call it.
    """

    def __init__(self, stream: io.TextIOBase, name: str) -> None:
        self._name = name
        self._reader = csv.reader(stream)
        self._rows = self._numbered()
        self.header: list[str] = next(self._rows, (0, []))[1]
        if not self.header:
            raise ConfigurationError(f"{name}: found no line, expected a header with column names")

    def chunks(self, positions: Mapping[str, int], rows: int = CHUNK_ROWS) -> Iterator[Chunk]:
        """Rows in chunks of `rows`, with the columns at `positions` as numbers (NaN = missing)."""
        kept: list[list[str]] = []
        lines: list[int] = []
        for line, row in self._rows:
            if len(row) != len(self.header):
                raise ConfigurationError(
                    f"{self._name} line {line}: found {len(row)} cells, expected {len(self.header)} as in the header"
                )
            kept.append(row)
            lines.append(line)
            if len(kept) == rows:
                yield self._chunk(kept, lines, positions)
                kept, lines = [], []
        if kept:
            yield self._chunk(kept, lines, positions)

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        """Non-empty rows with the number of the line on which each starts."""
        while True:
            line = self._reader.line_num + 1
            try:
                row = next(self._reader)
            except StopIteration:
                return
            except UnicodeDecodeError as error:
                raise ConfigurationError(
                    f"{self._name} after line {line - 1}: found bytes that are not {error.encoding}, "
                    "expected one encoding throughout; name it with --encoding"
                ) from error
            except csv.Error as error:
                raise ConfigurationError(f"{self._name} line {line}: found {error}, expected CSV") from error
            if row:
                yield line, row

    def _chunk(self, rows: list[list[str]], lines: list[int], positions: Mapping[str, int]) -> Chunk:
        concentrations = {}
        for column, at in positions.items():
            cells = [row[at] for row in rows]
            try:
                concentrations[column] = np.array([_number(cell) for cell in cells], dtype=np.float64)
            except ValueError:
                line, cell = next((line, cell) for line, cell in zip(lines, cells, strict=True) if _is_bad(cell))
                raise ConfigurationError(
                    f"{self._name} line {line}, column {self.header[at]}: found {cell!r}, expected a number, "
                    "or nothing, NaN, NA or — for a missing value"
                ) from None
        return Chunk(rows, lines, concentrations)


@lru_cache(maxsize=1 << 16)  # published concentrations repeat: most cells were seen before
def _number(cell: str) -> float:
    """The number in a cell, NaN when it is missing; `ValueError` for anything else."""
    text = cell.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    if text.casefold() in MISSING:
        return np.nan
    raise ValueError(text)


def _is_bad(cell: str) -> bool:
    try:
        _number(cell)
    except ValueError:
        return True
    return False
