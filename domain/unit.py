"""Units of measurement: exact factors between them and the state of the air that a concentration refers to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from domain.document import SOURCE, source, standards
from domain.error import ConfigurationError
from domain.table import Row, load_table

UNITS: Final = Path(__file__).parent / "units"
State = Literal["ambient", "stack"]

#: Litres per mole: ambient gases at 298.15 K and 101.325 kPa (GB 3095-2026 3.14), R = 8.314462618 J/(mol K);
#: flue gas at 273 K with the rounded 22.4 of HJ 212-2017 annex D.
_MOLAR_VOLUMES: Final[Mapping[str, Fraction]] = MappingProxyType(
    {"ambient": Fraction("8.314462618") * Fraction("298.15") / Fraction("101.325"), "stack": Fraction("22.4")}
)
_MASS: Final = "mass concentration"
_VOLUME: Final = "volume fraction"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: its spelling, its dimension and its size in that dimension's smallest unit."""

    unit: str
    dimension: str
    size: Fraction


@dataclass(frozen=True, slots=True)
class ReferenceState:
    """The air that concentrations of some pollutants refer to; None: the actual air while sampling."""

    standard: str
    pollutants: tuple[str, ...]
    temperature_k: float | None
    pressure_kpa: float | None
    valid_from: dt.date
    valid_to: dt.date | None
    clause: str
    confidence: str


@cache
def _spellings() -> Mapping[str, Unit]:
    def make(row: Row) -> tuple[Unit, tuple[str, ...]]:
        unit = Unit(row.text("unit"), row.text("dimension"), row.fraction("size"))
        return unit, (unit.unit, *row.cells["aliases"].split())

    found: dict[str, Unit] = {}
    for unit, names in load_table(UNITS / "units.csv", ("unit", "dimension", "size", "aliases"), make):
        for name in names:
            if found.setdefault(name, unit) != unit:
                raise ConfigurationError(
                    f"units/units.csv: spelling {name!r} found for {unit.unit} and {found[name].unit}"
                )
    return MappingProxyType(found)


def unit_named(name: str) -> Unit:
    """The unit spelled `name` (``ug/m3`` is ``µg/m³``); `ConfigurationError` for an unknown spelling."""
    unit = _spellings().get(name.strip().replace(" ", ""))
    if unit is None:
        raise ConfigurationError(f"unit {name!r} is unknown; expected one of {', '.join(sorted(_spellings()))}")
    return unit


@cache
def _molar_masses() -> Mapping[str, Fraction]:
    def make(row: Row) -> tuple[str, Fraction, tuple[str, str]]:
        return row.text("pollutant"), row.fraction("molar_mass"), source(row)

    rows = load_table(UNITS / "gases.csv", ("pollutant", "molar_mass", *SOURCE), make)
    return MappingProxyType({pollutant: mass for pollutant, mass, _ in rows})


@cache
def unit_factor(from_unit: str, to_unit: str, pollutant: str | None = None, *, state: State = "ambient") -> float:
    """Number that turns a value in `from_unit` into one in `to_unit`.

    Parameters
    ----------
    from_unit, to_unit : str
        Any spelling of domain/units/units.csv.
    pollutant : str, optional
        Family column such as ``so2`` or ``nox_converted``; needed between volume fraction and mass concentration.
    state : {'ambient', 'stack'}
        Air of the mass concentration: 298.15 K and 101.325 kPa (GB 3095), or 22.4 L/mol (HJ 212-2017 annex D).

    Returns
    -------
    float
        Computed exactly, rounded once. An impossible conversion is a `ConfigurationError` that names both units.
    """
    start, end = unit_named(from_unit), unit_named(to_unit)
    factor = start.size / end.size
    if start.dimension == end.dimension:
        return float(factor)
    if {start.dimension, end.dimension} != {_MASS, _VOLUME}:
        raise ConfigurationError(
            f"no conversion from {from_unit!r} ({start.dimension}) to {to_unit!r} ({end.dimension}); "
            "expected two units of one dimension"
        )
    mass = _molar_masses().get((pollutant or "").removesuffix("_converted"))
    if mass is None:
        raise ConfigurationError(
            f"no conversion from {from_unit!r} to {to_unit!r} for pollutant {pollutant!r}; "
            f"expected one of {', '.join(_molar_masses())}"
        )
    # 1 nmol/mol weighs mass / molar volume micrograms in a cubic metre, a thousand times as many nanograms.
    nanograms = 1000 * mass / _MOLAR_VOLUMES[state]
    return float(factor * nanograms if start.dimension == _VOLUME else factor / nanograms)


@cache
def reference_states() -> tuple[ReferenceState, ...]:
    """States that GB 3095 asks concentrations to be reported at, over time (amendment of 2018; GB 3095-2026 4.3)."""
    found: list[ReferenceState] = []
    for edition in standards().values():
        if edition.editions[0].kind == "limits":
            found += _load_states(edition.id)
    return tuple(found)


def _load_states(standard: str) -> tuple[ReferenceState, ...]:
    def make(row: Row) -> ReferenceState:
        known = row.optional("temperature_k") is not None
        clause, confidence = source(row)
        return ReferenceState(
            standard=standard,
            pollutants=tuple(row.text("pollutants").split()),
            temperature_k=row.number("temperature_k") if known else None,
            pressure_kpa=row.number("pressure_kpa") if known else None,
            valid_from=row.date("valid_from"),
            valid_to=row.date("valid_to") if row.optional("valid_to") else None,
            clause=clause,
            confidence=confidence,
        )

    columns = ("pollutants", "temperature_k", "pressure_kpa", "valid_from", "valid_to", *SOURCE)
    return load_table(UNITS.parent / "standards" / standard / "reference_state.csv", columns, make)


def reference_state(pollutant: str, day: dt.date) -> ReferenceState:
    """State at which `pollutant` is reported on local `day`; the first one for days before it.

    Parameters
    ----------
    pollutant : str
        Key such as ``so2``.
    day : date
        Local day of the data.

    Returns
    -------
    ReferenceState
        The latest state begun by `day`; `ConfigurationError` for a pollutant without one.
    """
    states = [state for state in reference_states() if pollutant in state.pollutants]
    if not states:
        raise ConfigurationError(f"pollutant {pollutant!r} has no reference state; expected one named by GB 3095")
    begun = [state for state in states if state.valid_from <= day]
    return max(begun, key=lambda state: state.valid_from) if begun else states[0]
