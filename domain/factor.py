"""HJ 212 factors: what a code measures, which family column it fills and in which unit a device sends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from domain.document import SOURCE, STANDARDS, source
from domain.error import ConfigurationError
from domain.family import FAMILIES
from domain.table import Row, load_table
from domain.unit import UNITS, unit_factor, unit_named

__all__ = ["CANONICAL", "Factor", "aliases", "factor", "factors", "preset_names", "unit_factor", "unit_preset"]

#: Presets derived from other tables: our columns' units, the standard's default units.
CANONICAL: Final = "canonical"
_STANDARD: Final = "hj212-2017"
_NUMBERED: Final = re.compile(r"(g\d{3})\d{2}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Factor:
    """A monitored quantity of HJ 212-2017 annex B.

    Attributes
    ----------
    code : str
        Code of annex B; a code that ends in ``xx`` stands for every device number.
    name_zh : str
        Chinese name.
    unit : str or None
        The standard's default unit of a value; None where it states none, then it must be registered.
    amount_unit : str or None
        Default unit of the amount (field ``Cou``).
    columns : mapping of str to str
        Family -> value column that the factor fills.
    converted : mapping of str to str
        Family -> column of the value converted to reference oxygen (fields ``ZsRtd``, ``ZsAvg`` ...).
    """

    code: str
    name_zh: str
    unit: str | None
    amount_unit: str | None
    columns: Mapping[str, str]
    converted: Mapping[str, str]
    clause: str
    confidence: str


def _factor(row: Row) -> Factor:
    columns = {}
    for cell, family in (("air", "air"), ("stack", "stack"), ("plant", "plant"), ("stack_converted", "stack")):
        if row.optional(cell):
            columns[cell] = row.choice(cell, FAMILIES[family].keys)
    for cell in ("unit", "amount_unit"):
        if row.optional(cell):
            unit_named(row.text(cell))
    converted = {"stack": columns.pop("stack_converted")} if "stack_converted" in columns else {}
    clause, confidence = source(row)
    return Factor(
        code=row.text("code"),
        name_zh=row.text("name_zh"),
        unit=row.optional("unit"),
        amount_unit=row.optional("amount_unit"),
        columns=MappingProxyType(columns),
        converted=MappingProxyType(converted),
        clause=clause,
        confidence=confidence,
    )


@cache
def factors() -> Mapping[str, Factor]:
    """Every known factor by its code (HJ 212-2017 tables B.2, B.3, B.7, B.10 and ozone of HJ 524)."""
    head = ("code", "name_zh", "unit", "amount_unit", "format", "air", "stack", "stack_converted", "plant")
    rows = load_table(STANDARDS / _STANDARD / "factors.csv", (*head, *SOURCE), _factor)
    return MappingProxyType({row.code: row for row in rows})


@cache
def aliases() -> Mapping[str, str]:
    """Other names of a factor -> its code: codes of HJ/T 212-2005 and names seen in the field."""
    known = factors()

    def make(row: Row) -> tuple[str, str]:
        row.choice("generation", ("2005", "field"))
        source(row)
        return row.text("alias"), row.choice("code", known)

    rows = load_table(STANDARDS / _STANDARD / "aliases.csv", ("alias", "code", "generation", *SOURCE), make)
    return MappingProxyType(dict(rows))


@cache
def _names() -> Mapping[str, Factor]:
    known = factors()
    names = {code.casefold(): entry for code, entry in known.items()}
    for alias, code in aliases().items():
        if names.setdefault(alias.casefold(), known[code]).code != code:
            raise ConfigurationError(
                f"hj212-2017/aliases.csv: alias {alias!r} found for {code}, but it is a factor's code"
            )
    return MappingProxyType(names)


def factor(name: str) -> Factor | None:
    """The factor a device calls `name`: a code of 2017 or 2005 or a field name, in any case; None when unknown.

    A code with a device number, such as ``g10102``, is the factor ``g101xx``.
    """
    key = name.strip().casefold()
    return _names().get(key) or _names().get(_NUMBERED.sub(r"\1xx", key))


@cache
def _preset_rows() -> tuple[tuple[str, str | None, str, str], ...]:
    known = factors()

    def make(row: Row) -> tuple[str, str | None, str, str]:
        row.text("why")
        extends = row.choice("extends", (_STANDARD,)) if row.optional("extends") else None
        return row.text("preset"), extends, row.choice("factor", known), unit_named(row.text("unit")).unit

    return load_table(UNITS / "presets.csv", ("preset", "extends", "factor", "unit", "why"), make)


@cache
def preset_names() -> tuple[str, ...]:
    """Names a device may be registered with: ``canonical``, ``hj212-2017`` and those of presets.csv."""
    return (CANONICAL, _STANDARD, *dict.fromkeys(name for name, *_ in _preset_rows()))


@cache
def unit_preset(name: str, family: str = "air") -> Mapping[str, str]:
    """Units in which a device registered with preset `name` sends its factors.

    Parameters
    ----------
    name : str
        One of `preset_names`.
    family : str
        The device's family; it decides the units of ``canonical``.

    Returns
    -------
    mapping of str to str
        Factor code -> unit. A factor that is absent has no agreed unit: its values are rejected, never guessed.
    """
    if name not in preset_names():
        raise ConfigurationError(f"unit preset {name!r} is unknown; expected one of {', '.join(preset_names())}")
    if family not in FAMILIES:
        raise ConfigurationError(f"family {family!r} is unknown; expected one of {', '.join(FAMILIES)}")
    standard = {code: entry.unit for code, entry in factors().items() if entry.unit is not None}
    if name == _STANDARD:
        return MappingProxyType(standard)
    if name == CANONICAL:
        units = {column.key: column.unit for column in FAMILIES[family].columns}
        filled = {code: entry.columns[family] for code, entry in factors().items() if family in entry.columns}
        return MappingProxyType({code: units[column] for code, column in filled.items()})
    rows = [row for row in _preset_rows() if row[0] == name]
    base = standard if any(extends for _, extends, _, _ in rows) else {}
    return MappingProxyType(base | {code: unit for _, _, code, unit in rows})
