"""Integrity checks: their kinds with Chinese words and basis, and dated thresholds, from `domain/integrity/`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from domain.error import ConfigurationError
from domain.family import FAMILIES
from domain.table import CONFIDENCES, Row, load_table

FOLDER: Final = Path(__file__).parent / "integrity"

COMPLIANT: Final = "compliant"
SUSPECTED: Final = "suspected"
UNDETERMINED: Final = "undetermined"
VERDICTS_ZH: Final = MappingProxyType({COMPLIANT: "未见异常", SUSPECTED: "疑似异常", UNDETERMINED: "无法判定"})
#: What may be said of a finding by people, and by the check when it ends.
STATUSES_ZH: Final = MappingProxyType(
    {"open": "待核查", "closed": "已结束", "confirmed": "核查属实", "dismissed": "核查排除"}
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding: family it concerns, name, text to be filled with figures, what makes it matter."""

    kind: str
    family: str
    name_zh: str
    text_zh: str
    basis: str
    confidence: str


@dataclass(frozen=True, slots=True)
class _Threshold:
    kind: str
    name: str
    value: float
    valid_from: dt.date
    valid_to: dt.date | None

    def holds_on(self, day: dt.date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@cache
def kinds() -> Mapping[str, Kind]:
    """Kinds by their key, in the order of the table."""

    def make(row: Row) -> Kind:
        names = row.text("kind"), row.choice("family", FAMILIES), row.text("name_zh"), row.text("text_zh")
        return Kind(*names, row.text("basis"), row.choice("confidence", CONFIDENCES))

    columns = ("kind", "family", "name_zh", "text_zh", "basis", "confidence")
    return MappingProxyType({one.kind: one for one in load_table(FOLDER / "kinds.csv", columns, make)})


@cache
def _thresholds(path: Path) -> tuple[_Threshold, ...]:
    def make(row: Row) -> _Threshold:
        row.text("unit"), row.text("meaning"), row.text("basis"), row.choice("confidence", CONFIDENCES)
        names = row.text("kind"), row.text("threshold")
        end = row.date("valid_to") if row.optional("valid_to") else None
        return _Threshold(*names, row.number("value", 0.0, 1e6), row.date("valid_from"), end)

    columns = ("kind", "threshold", "value", "unit", "valid_from", "valid_to", "meaning", "basis", "confidence")
    return load_table(path, columns, make)


def thresholds(kind: str, day: dt.date, path: Path = FOLDER / "thresholds.csv") -> Mapping[str, float]:
    """Thresholds of a kind of check on a local day.

    Parameters
    ----------
    kind : str
        Key of `kinds`, or ``usual`` for what several share.
    day : date
        Local day of the data.
    path : Path
        The table.

    Returns
    -------
    mapping of str to float
        In the units of the table; of several rows in force the later one counts.

    Raises
    ------
    ConfigurationError
        When the kind has none on that day.
    """
    found = {row.name: row.value for row in _thresholds(path) if row.kind == kind and row.holds_on(day)}
    if not found:
        raise ConfigurationError(f"thresholds of {kind!r} on {day}: found none, expected a row in {path.name}")
    return MappingProxyType(found)
