"""Emission limits of stacks: kinds of outlets with their reference oxygen, dated hourly limits, validity rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from domain.document import SOURCE, source, standard_folder
from domain.error import ConfigurationError
from domain.family import STACK
from domain.table import Row, load_rows, load_table

INDUSTRIES: Final[tuple[str, ...]] = ("steel", "coking", "cement", "power")
ULTRA_LOW: Final = "emission-ultra-low"


@dataclass(frozen=True, slots=True)
class Outlet:
    """A kind of outlet; `reference_oxygen` in percent of dry gas, None where nothing is converted."""

    outlet: str
    name_zh: str
    name_en: str
    industry: str
    reference_oxygen: float | None
    clause: str
    confidence: str


@dataclass(frozen=True, slots=True)
class EmissionLimit:
    """Limit of hourly means of one pollutant (a column of the stack family), mg/m³; both days are inside."""

    outlet: str
    pollutant: str
    limit: float
    valid_from: dt.date
    valid_to: dt.date | None
    clause: str
    confidence: str

    def holds_on(self, day: dt.date) -> bool:
        """Whether the limit judges data of local `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class EmissionRules:
    """Validity and conversion (HJ 212-2017 annex D), and the least share of compliant hours.

    Kelvin, kPa, percent.
    """

    minutes_per_hour: float
    hours_per_day: float
    standard_temperature: float
    standard_pressure: float
    oxygen_of_air: float
    oxygen_ceiling: float
    compliant_percent: float


@cache
def outlets(standard: str = ULTRA_LOW) -> Mapping[str, Outlet]:
    """Kinds of outlets by their key, such as ``coke_oven``."""
    return load_outlets(standard_folder(standard))


def load_outlets(folder: Path) -> Mapping[str, Outlet]:
    """Kinds of outlets in `folder`/outlets.csv; each key once."""
    seen: set[str] = set()

    def make(row: Row) -> Outlet:
        key = row.text("outlet")
        if key in seen:
            raise row.fault("outlet", "an outlet that no earlier row has")
        seen.add(key)
        oxygen = row.number("reference_oxygen", 0.0, 20.0) if row.optional("reference_oxygen") else None
        names = row.text("name_zh"), row.text("name_en"), row.choice("industry", INDUSTRIES)
        return Outlet(key, *names, oxygen, *source(row))

    columns = ("outlet", "name_zh", "name_en", "industry", "reference_oxygen", *SOURCE)
    return MappingProxyType({one.outlet: one for one in load_table(folder / "outlets.csv", columns, make)})


@cache
def emission_limit_rows(standard: str = ULTRA_LOW) -> tuple[EmissionLimit, ...]:
    """Every limit of a set, of all outlets and dates."""
    return load_emission_limits(standard_folder(standard))


def load_emission_limits(folder: Path) -> tuple[EmissionLimit, ...]:
    """Limits in `folder`/limits.csv; days of one outlet and pollutant may not overlap."""
    known = load_outlets(folder)
    before: dict[tuple[str, str], EmissionLimit] = {}

    def make(row: Row) -> EmissionLimit:
        names = row.choice("outlet", known), row.choice("pollutant", STACK.keys)
        start, end = row.date("valid_from"), row.date("valid_to") if row.optional("valid_to") else None
        if end is not None and end < start:
            raise row.fault("valid_to", f"a date from {start} on")
        former = before.get(names)
        if former is not None and (former.valid_to is None or start <= former.valid_to):
            raise row.fault("valid_from", f"a date after {former.valid_to or 'an earlier row with a last day'}")
        before[names] = EmissionLimit(*names, row.number("limit", 0.0, 1e6), start, end, *source(row))
        return before[names]

    return load_table(folder / "limits.csv", ("outlet", "pollutant", "limit", "valid_from", "valid_to", *SOURCE), make)


def emission_limits(outlet: str, day: dt.date, standard: str = ULTRA_LOW) -> Mapping[str, EmissionLimit]:
    """Limits of one kind of outlet by pollutant.

    Parameters
    ----------
    outlet : str
        Key of `outlets`.
    day : date
        Local day of the data.
    standard : str
        Folder of `domain/standards` that has the limits.

    Returns
    -------
    mapping of str to EmissionLimit
        Only pollutants with a limit on that day; empty before the first limit.
    """
    if outlet not in outlets(standard):
        raise ConfigurationError(f"outlet {outlet!r} is unknown; expected one of {', '.join(outlets(standard))}")
    rows = emission_limit_rows(standard)
    return MappingProxyType({row.pollutant: row for row in rows if row.outlet == outlet and row.holds_on(day)})


@cache
def emission_rules(standard: str = ULTRA_LOW) -> EmissionRules:
    """Rules of a set of limits."""
    rows = load_rows(standard_folder(standard) / "rules.csv", ("rule", "value", "unit", "meaning", *SOURCE))
    for row in rows:
        source(row)
    values = {row.text("rule"): row.number("value", 0.0, 1e4) for row in rows}
    expected = {field.name for field in fields(EmissionRules)}
    if set(values) != expected:
        raise ConfigurationError(f"{standard}/rules.csv: found rules {sorted(values)}, expected {sorted(expected)}")
    return EmissionRules(**values)
