"""Numbers and terms of the calibration of micro stations, from `domain/screening/calibration*.csv`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from domain.error import ConfigurationError
from domain.pollutant import SIX_KEYS
from domain.quality_table import FOLDER
from domain.table import Row, load_table

#: What a corrected value is a sum of.
TERMS: Final = ("constant", "measured", "dry", "humidity", "temperature")
#: Terms of every column.
BASIC: Final = TERMS[:2]


@cache
def calibration_terms() -> Mapping[str, tuple[str, ...]]:
    """Terms of each of the six pollutants, constant and measured first."""

    def terms(row: Row) -> tuple[str, tuple[str, ...]]:
        row.text("source")
        own = tuple(row.text("terms").split())
        if not set(own) <= set(TERMS) - set(BASIC):
            raise row.fault("terms", f"some of {' '.join(TERMS[2:])}")
        return row.choice("column", SIX_KEYS), (*BASIC, *own)

    table = dict(load_table(FOLDER / "calibration_column.csv", ("column", "terms", "source"), terms))
    if tuple(table) != SIX_KEYS:
        raise ConfigurationError(f"calibration_column.csv: expected the columns {', '.join(SIX_KEYS)}")
    return table
