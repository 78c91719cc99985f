"""CSV tables of the house: rows whose faults name file, line, column, what was found and what was expected."""

from __future__ import annotations

import csv
import datetime as dt
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar

from domain.error import ConfigurationError

T = TypeVar("T")

#: How sure a transcribed row is: the standard's own text, two sources, one source, from memory (unverified).
CONFIDENCES: Final[tuple[str, ...]] = ("P", "v2", "v1", "mem")
#: Identifiers of counties, sites, devices, targets: also topic levels, so no blank, slash or capital.
ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_TRUTHS: Final = MappingProxyType({"true": True, "false": False})


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. Every reader raises a `ConfigurationError` that points at the cell."""

    path: Path
    line: int
    cells: Mapping[str, str]

    def fault(self, column: str, expected: str) -> ConfigurationError:
        """The error for a cell: where it is, what it holds and what was expected."""
        found = self.cells.get(column, "")
        return ConfigurationError(
            f"{self.path.parent.name}/{self.path.name} line {self.line}, column {column}: "
            f"found {found!r}, expected {expected}"
        )

    def optional(self, column: str) -> str | None:
        """The cell's text, or None when it is empty."""
        return self.cells[column] or None

    def text(self, column: str) -> str:
        """The cell's text; an empty cell is a fault."""
        if not self.cells[column]:
            raise self.fault(column, "a text")
        return self.cells[column]

    def choice(self, column: str, allowed: Collection[str]) -> str:
        """The cell's text, which must be one of `allowed`."""
        if self.cells[column] not in allowed:
            raise self.fault(column, f"one of {', '.join(allowed) or 'none, for none is known'}")
        return self.cells[column]

    def truth(self, column: str) -> bool:
        """The cell as a boolean written ``true`` or ``false``."""
        return _TRUTHS[self.choice(column, tuple(_TRUTHS))]

    def fraction(self, column: str) -> Fraction:
        """The cell as an exact decimal number."""
        try:
            if "/" in self.cells[column]:
                raise ValueError("a quotient is not a decimal number")
            return Fraction(self.cells[column])
        except ValueError as error:
            raise self.fault(column, "a decimal number") from error

    def number(self, column: str, low: float = -1e12, high: float = 1e12) -> float:
        """The cell as a finite number within `low` and `high`."""
        value = float(self.fraction(column))
        if not low <= value <= high:
            raise self.fault(column, f"a number from {low:g} to {high:g}")
        return value

    def integer(self, column: str, low: int = -(10**12), high: int = 10**12) -> int:
        """The cell as a whole number within `low` and `high`."""
        try:
            value = int(self.cells[column])
        except ValueError as error:
            raise self.fault(column, "a whole number") from error
        if not low <= value <= high:
            raise self.fault(column, f"a whole number from {low} to {high}")
        return value

    def date(self, column: str) -> dt.date:
        """The cell as a date ``YYYY-MM-DD``."""
        try:
            return dt.date.fromisoformat(self.cells[column])
        except ValueError as error:
            raise self.fault(column, "a date YYYY-MM-DD") from error

    def matched(self, column: str, pattern: re.Pattern[str], expected: str) -> re.Match[str]:
        """The match of `pattern` with the whole cell; `expected` says in words what it asks for."""
        match = pattern.fullmatch(self.text(column))
        if match is None:
            raise self.fault(column, expected)
        return match

    def new_id(self, seen: set[str]) -> str:
        """The cell ``id``, an `ID` that is not in `seen`; it is added there."""
        name = self.matched("id", ID, "lower-case letters, digits, '-' and '_'").group()
        if name in seen:
            raise self.fault("id", "an id that no earlier row has")
        seen.add(name)
        return name

    def only_when(self, column: str, needed: bool, reason: str) -> None:
        """Demand a value in `column` when `needed`, else that it is empty."""
        if bool(self.optional(column)) != needed:
            raise self.fault(column, f"{'a value' if needed else 'nothing'} because {reason}")


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path.parent.name}/{path.name}: found no such file, expected a CSV table") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path.parent.name}/{path.name}: found bytes that are not UTF-8 at byte {error.start}, expected UTF-8 text"
        ) from error
    return ["\n" if line.startswith("#") else line for line in text.splitlines(keepends=True)]


def load_rows(path: Path, columns: tuple[str, ...]) -> tuple[Row, ...]:
    """Rows of a UTF-8 CSV file; lines that start with ``#`` are remarks.

    Parameters
    ----------
    path : Path
        The file; its first line (remarks aside) names the columns, in any order.
    columns : tuple of str
        Every column the file must have; it may have no other.

    Returns
    -------
    tuple of Row
        Cells stripped of surrounding blanks, in file order.
    """
    reader = csv.reader(_lines(path))
    numbered: Iterator[tuple[int, list[str]]] = ((reader.line_num, cells) for cells in reader if cells)
    place = f"{path.parent.name}/{path.name}"
    header = [cell.strip() for cell in next(numbered, (0, []))[1]]
    if sorted(header) != sorted(columns):
        raise ConfigurationError(f"{place} line 1: found columns {header}, expected {list(columns)}")
    rows: list[Row] = []
    faults: list[str] = []
    for line, cells in numbered:
        if len(cells) != len(header):
            faults.append(f"{place} line {line}: found {len(cells)} cells, expected {len(header)}")
            continue
        stripped = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        rows.append(Row(path, line, MappingProxyType(stripped)))
    if faults:
        raise ConfigurationError("\n".join(faults))
    return tuple(rows)


def load_table(path: Path, columns: tuple[str, ...], make: Callable[[Row], T]) -> tuple[T, ...]:
    """Build one object per row; when rows are bad, one error lists every one of them.

    Parameters
    ----------
    path : Path
        The CSV file.
    columns : tuple of str
        The columns it must have.
    make : callable
        Turns a `Row` into the object; raises `ConfigurationError` through the row's readers.

    Returns
    -------
    tuple
        The objects in file order.
    """
    made: list[T] = []
    faults: list[str] = []
    for row in load_rows(path, columns):
        try:
            made.append(make(row))
        except ConfigurationError as error:
            faults.append(str(error))
    if faults:
        raise ConfigurationError("\n".join(faults))
    return tuple(made)


def load_toml(path: Path) -> dict[str, object]:
    """The top table of a TOML file; `ConfigurationError` names the file and the syntax error."""
    place = f"{path.parent.name}/{path.name}"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"{place}: found no such file, expected a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{place}: found {error}, expected a TOML file in UTF-8") from error
