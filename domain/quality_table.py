"""Thresholds, floors, sentences and devices of the further quality tests, from `domain/screening/quality*.csv`.

Most numbers are the house's own judgement; each row says so in `source` and `confidence`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from domain.error import ConfigurationError
from domain.family import AIR
from domain.flag import FAIL, NOT_EVALUATED, SUSPECT
from domain.table import CONFIDENCES, Row, load_table

FOLDER: Final = Path(__file__).parent / "screening"
#: Severity of a test -> flag of a value that fails it; a note doubts nothing.
SEVERITIES: Final = {"fail": FAIL, "suspect": SUSPECT, "note": NOT_EVALUATED}


@dataclass(frozen=True, slots=True)
class Threshold:
    """One number of a quality or integrity test, with its unit, source and confidence."""

    parameter: str
    value: float
    unit: str
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class ColumnFloor:
    """What the tests need to know of one air column in its unit; NaN = the test does not look at it.

    Attributes
    ----------
    column : str
        Key of the column of family ``air``.
    spike_floor, spatial_floor : float
        Smaller deviations are never found.
    rate : float
        Largest plausible change per hour.
    drift_offset, drift_ratio : float
        Relation to the neighbours, and the factor by which it must change to be a drift (above 1).
    optical : bool
        Wet air disturbs a light-scattering measurement of it.
    source, confidence : str
        Where the numbers come from and how sure they are.
    """

    column: str
    spike_floor: float
    rate: float
    spatial_floor: float
    drift_offset: float
    drift_ratio: float
    optical: bool
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class QualityTest:
    """One automatic test: bit of the mask, key, ``reading`` or ``hour``, severity, and its words in two languages."""

    bit: int
    key: str
    level: str
    severity: str
    name_zh: str
    sentence_zh: str
    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class InstrumentKind:
    """What the devices of a kind of site are like.

    Attributes
    ----------
    kind : str
        Kind of the site.
    optical : bool
        Particles are counted by light scattering.
    compared : bool
        Compared with neighbours.
    reference : bool
        Reference instruments: they decide compliance, and micro stations are calibrated by them.
    """

    kind: str
    optical: bool
    compared: bool
    reference: bool


@dataclass(frozen=True, slots=True)
class Channel:
    """Twin channels of one sensor: the two factors that both measure `column`."""

    column: str
    first: str
    second: str


def load_thresholds(path: Path) -> dict[str, Threshold]:
    """Thresholds of a CSV file by parameter.

    Parameters
    ----------
    path : Path
        Table with the columns parameter, value, unit, source, confidence; every value is above 0.

    Returns
    -------
    dict
        In file order.

    Raises
    ------
    ConfigurationError
        For a faulty cell or a parameter that stands twice.
    """
    names = ("parameter", "value", "unit", "source", "confidence")

    def threshold(row: Row) -> Threshold:
        value = row.number("value", 0, 1e12)
        if not value:
            raise row.fault("value", "a number above 0")
        unit, source = row.text("unit"), row.text("source")
        return Threshold(row.text("parameter"), value, unit, source, row.choice("confidence", CONFIDENCES))

    table = load_table(path, names, threshold)
    found = {row.parameter: row for row in table}
    if len(found) != len(table):
        raise ConfigurationError(f"{path.name}: found a parameter twice, expected each once")
    return found


def numbers(path: Path, expected: tuple[str, ...]) -> dict[str, float]:
    """Values of a table of thresholds, whose parameters must be exactly `expected` (in any order)."""
    table = load_thresholds(path)
    if set(table) != set(expected):
        different = sorted(set(table) ^ set(expected))
        raise ConfigurationError(f"{path.name}: {', '.join(different)} missing or unknown, expected each once")
    return {name: row.value for name, row in table.items()}


@cache
def column_floors() -> tuple[ColumnFloor, ...]:
    """What the tests know of every column of family ``air``, in the order of its columns."""
    figures = ("spike_floor", "rate", "spatial_floor", "drift_offset", "drift_ratio")

    def floor(row: Row) -> ColumnFloor:
        spike, rate, spatial, offset, ratio = (
            row.number(name, 0, 1e6) if row.optional(name) else math.nan for name in figures
        )
        if ratio <= 1:
            raise row.fault("drift_ratio", "a factor above 1")
        row.only_when("drift_offset", not math.isnan(ratio), "drift_ratio stands beside it")
        confidence, source = row.choice("confidence", CONFIDENCES), row.text("source")
        optical = row.truth("optical")
        return ColumnFloor(row.text("column"), spike, rate, spatial, offset, ratio, optical, source, confidence)

    table = load_table(FOLDER / "quality_column.csv", ("column", *figures, "optical", "source", "confidence"), floor)
    if tuple(row.column for row in table) != AIR.keys:
        raise ConfigurationError(f"quality_column.csv: expected the columns {', '.join(AIR.keys)}")
    return table


@dataclass(frozen=True, slots=True)
class ExchangePair:
    """Two air columns that a crossed connection exchanges, and the score from which on they count as exchanged."""

    first: str
    second: str
    score: float


@cache
def exchange_pairs() -> tuple[ExchangePair, ...]:
    """Pairs of air columns that are compared crosswise with the neighbours."""

    def pair(row: Row) -> ExchangePair:
        score = row.number("score", 0, 4)
        if not score:
            raise row.fault("score", "a number above 0")
        row.text("source"), row.choice("confidence", CONFIDENCES)
        return ExchangePair(row.choice("first", AIR.keys), row.choice("second", AIR.keys), score)

    return load_table(FOLDER / "quality_exchange.csv", ("first", "second", "score", "source", "confidence"), pair)


@cache
def quality_tests() -> tuple[QualityTest, ...]:
    """Every automatic test, by ascending bit; bits are powers of two."""
    texts = ("name_zh", "sentence_zh", "name", "sentence")

    def test(row: Row) -> QualityTest:
        level, severity = row.choice("level", ("reading", "hour")), row.choice("severity", tuple(SEVERITIES))
        return QualityTest(row.integer("bit", 1), row.text("key"), level, severity, *map(row.text, texts))

    table = load_table(FOLDER / "quality_test.csv", ("bit", "key", "level", "severity", *texts), test)
    if [row.bit for row in table] != [1 << at for at in range(len(table))]:
        raise ConfigurationError("quality_test.csv: expected the bits 1, 2, 4, ... in order")
    return table


@cache
def instrument_kinds() -> Mapping[str, InstrumentKind]:
    """Kinds of sites with air instruments."""

    def kind(row: Row) -> InstrumentKind:
        row.text("source")
        return InstrumentKind(row.text("kind"), row.truth("optical"), row.truth("compared"), row.truth("reference"))

    names = ("kind", "optical", "compared", "reference", "source")
    return {row.kind: row for row in load_table(FOLDER / "quality_kind.csv", names, kind)}


def reference_kinds() -> tuple[str, ...]:
    """Kinds of sites whose values decide compliance, in the order of the table."""
    return tuple(kind.kind for kind in instrument_kinds().values() if kind.reference)


@cache
def channels() -> tuple[Channel, ...]:
    """Twin channels, one entry per column at most."""

    def channel(row: Row) -> Channel:
        row.text("source")
        return Channel(row.choice("column", AIR.keys), row.text("first"), row.text("second"))

    return load_table(FOLDER / "quality_channel.csv", ("column", "first", "second", "source"), channel)
