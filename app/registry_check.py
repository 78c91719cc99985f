"""Checking a row of the registry: what a cell may hold, and what the registry must know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from app.registry_sheet import SheetRow
from domain.error import ConfigurationError
from domain.factor import factor, preset_names, unit_preset
from domain.family import FAMILIES, SPANS_ZH
from domain.network import CRC_POLICIES, LABELS, PROTOCOLS, REVISION_POLICIES, SITE_KINDS
from domain.plan import GRADES
from domain.table import ID
from domain.unit import unit_factor, unit_named

Entry = dict[str, Any]

_NUMBER: Final = re.compile(r"[0-9A-Za-z_-]{1,24}")
_GEOGRAPHY: Final = MappingProxyType({"longitude": (73.0, 136.0), "latitude": (3.0, 54.0)})


@dataclass(slots=True)
class Known:
    """What a row is checked against: entries of the registry by table and id, and the rows accepted before it.

    Attributes
    ----------
    areas : mapping of str to str
        Id -> Chinese name.
    entries : mapping of str to dict
        Table -> id -> entry as `store.registration.read_entries` gives it, retired ones included.
    """

    areas: Mapping[str, str]
    entries: Mapping[str, dict[str, Entry]]
    numbers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        devices = self.entries["device"].values()
        self.numbers = {each["mn"]: each["id"] for each in devices if each["mn"] and each["retired_at"] is None}

    def named(self, row: SheetRow, column: str, table: str) -> str:
        """Id in service of what the cell names by its id or by its Chinese name."""
        text, entries = row.text(column), self.entries[table]
        found = [text] if text in entries else [key for key, each in entries.items() if each["name_zh"] == text]
        serving = [key for key in found if entries[key]["retired_at"] is None]
        if len(serving) == 1:
            return serving[0]
        problem = "which is retired" if found else "which is not registered"
        if len(serving) > 1:
            raise row.fault(column, f"the id of one {table}: {', '.join(serving)} have that name")
        raise row.fault(column, f"the id or name of a {table} in service ({text} is one {problem})")

    def area(self, row: SheetRow) -> str:
        """Area that the cell names; an empty cell means the only one."""
        text = row.cells["area_id"]
        if not text and len(self.areas) == 1:
            return next(iter(self.areas))
        found = [text] if text in self.areas else [key for key, name in self.areas.items() if name == text]
        if len(found) != 1:
            raise row.fault("area_id", f"one of {', '.join(self.areas) or 'none, for no area is registered'}")
        return found[0]


def _truth(row: SheetRow, column: str) -> bool | None:
    return row.truth(column) if row.optional(column) else None


def _id(row: SheetRow) -> str:
    return row.matched("id", ID, "lower-case letters, digits, '-' and '_', at most 63").group()


def enterprise_entry(row: SheetRow, known: Known) -> Entry:
    """An enterprise's row as an entry; `ConfigurationError` names the first cell at fault."""
    return {
        "id": _id(row),
        "area_id": known.area(row),
        "name_zh": row.text("name_zh"),
        "industry": row.text("industry"),
        "permit_number": row.optional("permit_number"),
        "permit": True if row.optional("permit_number") and not row.optional("permit") else _truth(row, "permit"),
        "grade": row.choice("grade", GRADES) if row.optional("grade") else None,
        "key_industry": row.truth("key_industry"),
        "named_2024": row.truth("named_2024"),
        "ultra_low": row.truth("ultra_low"),
        "on_reduction_list": _truth(row, "on_reduction_list"),
        "clause": row.cells["clause"],
        "note": row.optional("note"),
    }


def site_entry(row: SheetRow, known: Known) -> Entry:
    """A site's row as an entry; `ConfigurationError` names the first cell at fault."""
    kind = row.choice("kind", SITE_KINDS)
    if kind in ("stack", "plant") and not row.optional("enterprise_id"):
        raise row.fault("enterprise_id", f"the id or name of an enterprise because kind is {kind}")
    if row.truth("evaluated") and kind != "ambient":
        raise row.fault("evaluated", f"false because kind is {kind}: only ambient stations are evaluated")
    position = {
        name: row.number(name, *_GEOGRAPHY[name]) if row.optional(name) else None for name in ("longitude", "latitude")
    }
    if None in position.values() and set(position.values()) != {None}:
        missing = next(name for name, value in position.items() if value is None)
        raise row.fault(missing, "a number because the other coordinate is given")
    return {
        "id": _id(row),
        "area_id": known.area(row),
        "enterprise_id": known.named(row, "enterprise_id", "enterprise") if row.optional("enterprise_id") else None,
        "kind": kind,
        "name_zh": row.text("name_zh"),
        "township": row.optional("township"),
        **position,
        "evaluated": row.truth("evaluated"),
        "note": row.optional("note"),
    }


def device_entry(row: SheetRow, known: Known) -> Entry:
    """A device's row as an entry, its number remembered in `known`; `ConfigurationError` names a cell at fault."""
    name, protocol = _id(row), row.choice("protocol", PROTOCOLS)
    number = row.optional("mn")
    if number is None and protocol == "hj212":
        raise row.fault("mn", "the equipment number because protocol is hj212")
    if number is not None:
        if protocol not in ("hj212", "gb17691"):
            raise row.fault("mn", f"nothing because protocol is {protocol}")
        row.matched("mn", _NUMBER, "1 to 24 letters or digits")
        if known.numbers.get(number, name) != name:
            raise row.fault("mn", f"a number of its own: device {known.numbers[number]} has it")
    if row.integer("span_s") not in SPANS_ZH:
        raise row.fault("span_s", f"one of {', '.join(map(str, SPANS_ZH))}")
    family = row.choice("family", FAMILIES)
    entry = {
        "id": name,
        "site_id": known.named(row, "site_id", "site"),
        "protocol": protocol,
        "family": family,
        "mn": number,
        "label": row.choice("label", LABELS),
        "zone_offset_s": row.integer("zone_offset_s", -43200, 50400),
        "span_s": row.integer("span_s"),
        "interval_s": row.integer("interval_s", 1, 86400),
        "rank": row.integer("rank", 1, 99),
        "revision_policy": row.choice("revision_policy", REVISION_POLICIES),
        "units": _units(row, protocol, family),
        "crc_policy": row.choice("crc_policy", CRC_POLICIES),
        "factor_columns": _factor_columns(row, family),
    }
    if number is not None:
        known.numbers[number] = name
    return entry


def _units(row: SheetRow, protocol: str, family: str) -> dict[str, str]:
    """Units of the preset, changed and extended by single ones."""
    preset = row.optional("unit_preset")
    if preset is not None:
        row.choice("unit_preset", preset_names())
    elif not row.optional("units") and protocol == "hj212":
        raise row.fault(
            "unit_preset", f"one of {', '.join(preset_names())}, or single units, because protocol is hj212"
        )
    units = dict(unit_preset(preset, family)) if preset else {}
    for part in row.cells["units"].replace("；", ";").replace(",", ";").split(";"):
        if part.strip():
            code, equals, unit = part.partition("=")
            if not equals or not code.strip():
                raise row.fault("units", f"factor=unit, such as a34004=µg/m³, instead of {part.strip()!r}")
            units[code.strip()] = _unit(row, code.strip(), unit, family)
    return units


def _factor_columns(row: SheetRow, family: str) -> dict[str, str]:
    """Columns that single codes of the device fill: ``d20105=voltage_a;d20106=voltage_b``."""
    columns = {}
    for part in row.cells["factor_columns"].replace("；", ";").replace(",", ";").split(";"):
        if part.strip():
            code, equals, column = (text.strip() for text in part.partition("="))
            if not (equals and code and column in FAMILIES[family].keys):
                raise row.fault("factor_columns", f"factor=column of family {family} instead of {part.strip()!r}")
            columns[code] = column
    return columns


def _unit(row: SheetRow, code: str, unit: str, family: str) -> str:
    """The unit's usual spelling; it must lead to the unit of the column that the factor fills."""
    try:
        found, known = unit_named(unit).unit, factor(code)
        columns = [names[family] for names in (known.columns, known.converted) if family in names] if known else []
        for column in columns:
            target = FAMILIES[family].columns[FAMILIES[family].position(column)].unit
            unit_factor(found, target, column, state="stack" if family == "stack" else "ambient")
    except ConfigurationError as error:
        raise row.fault("units", f"a unit that fits {code}: {error}") from error
    return found
