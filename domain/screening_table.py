"""Limits of automatic screening per family column, from `domain/screening/<family>.csv`.

They are the house's own judgement, no standard's: impossible values fail, implausible ones are only suspect and stay
in the statistics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from domain.error import ConfigurationError
from domain.family import FAMILIES
from domain.table import Row, load_table

FOLDER: Final = Path(__file__).parent / "screening"
_COLUMNS: Final = (
    "column",
    "fail_low",
    "suspect_low",
    "suspect_high",
    "fail_high",
    "step",
    "constant_h",
    "exempt",
    "basis",
)


@dataclass(frozen=True, slots=True)
class ScreeningLimit:
    """Screening of one column in its unit; NaN = not tested.

    Attributes
    ----------
    column : str
        Key of the family column.
    fail_low, fail_high : float
        Below or above is impossible.
    suspect_low, suspect_high : float
        Below or above is implausible.
    step : float
        Largest plausible change between neighbouring readings at most an hour apart.
    constant_h : float
        Hours of one unchanged value that raise suspicion.
    exempt : float
        This value, and those between 0 and it, may stay unchanged.
    """

    column: str
    fail_low: float
    suspect_low: float
    suspect_high: float
    fail_high: float
    step: float
    constant_h: float
    exempt: float


def _limit(row: Row) -> ScreeningLimit:
    def number(column: str) -> float:
        return row.number(column, -1e15, 1e15) if row.optional(column) else math.nan

    limit = ScreeningLimit(row.text("column"), *(number(column) for column in _COLUMNS[1:-1]))
    ordered = (limit.fail_low, limit.suspect_low, limit.suspect_high, limit.fail_high)
    known = [value for value in ordered if not math.isnan(value)]
    if known != sorted(known):
        raise row.fault("fail_low", "fail_low <= suspect_low <= suspect_high <= fail_high")
    return limit


@cache
def screening_limits(family: str) -> tuple[ScreeningLimit, ...]:
    """Screening limits of every column of a family, in the order of its columns.

    Parameters
    ----------
    family : str
        Key of `domain.family.FAMILIES`.

    Returns
    -------
    tuple of ScreeningLimit
        One per value column.

    Raises
    ------
    ConfigurationError
        For an unknown family, or a table whose columns are not exactly the family's.
    """
    if family not in FAMILIES:
        raise ConfigurationError(f"family {family!r} is unknown, expected one of {', '.join(FAMILIES)}")
    return load_screening_limits(FOLDER / f"{family}.csv", FAMILIES[family].keys)


def load_screening_limits(path: Path, keys: tuple[str, ...]) -> tuple[ScreeningLimit, ...]:
    """Screening limits in a CSV file, whose columns must be exactly `keys`, in that order."""
    table = load_table(path, _COLUMNS, _limit)
    found = tuple(limit.column for limit in table)
    if found != keys:
        raise ConfigurationError(f"{path.name}: found columns {', '.join(found)}, expected {', '.join(keys)}")
    return table
