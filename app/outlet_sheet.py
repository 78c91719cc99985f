"""Outlets as people keep them in spreadsheets: columns, words, checks, import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from app.registry_sheet import Column, SheetRow, decoded, records_of, sheet_of
from app.registry_table import cell_text
from domain.emission import outlets
from domain.error import ConfigurationError
from domain.production import BASES, FLOW_BASES, OutletRow
from store.connection import Connection
from store.outlet import write_outlets
from store.registration import Entry, read_entries

_KINDS: Final = MappingProxyType({kind.name_zh: key for key, kind in outlets().items()})
_BASES: Final = MappingProxyType({"标干": "dry-standard", "标湿": "wet-standard", "工况": "duct"})
COLUMNS: Final = (
    Column("site", "点位", ("点位编号", "排放口", "排放口编号", "site_id"), help="Stack: id or name of the site."),
    Column("valid_from", "起始日期", ("执行日期",), help="First day, YYYY-MM-DD."),
    Column("valid_to", "终止日期", help="Last day; empty: until further notice."),
    Column("kind", "排放口类型", ("类型",), words=_KINDS, help=f"One of {', '.join(outlets())}."),
    Column("reference_oxygen", "基准含氧量", help="Percent; empty: that of the kind."),
    Column("basis", "浓度基准", (), "dry-standard", _BASES, f"One of {', '.join(BASES)}."),
    Column("flow_basis", "流量基准", (), "dry-standard", _BASES, f"One of {', '.join(FLOW_BASES)}."),
    Column("duct_area_m2", "烟道截面积", help="m²; for a flow from the gas speed."),
    Column("atmospheric_kpa", "大气压力", (), "101.325", help="kPa at the site."),
    Column("permitted_pm_t", "颗粒物许可排放量", help="Permitted total of a year, t."),
    Column("permitted_so2_t", "二氧化硫许可排放量", help="Permitted total of a year, t."),
    Column("permitted_nox_t", "氮氧化物许可排放量", help="Permitted total of a year, t."),
    Column("note", "备注", help="Remark."),
)


@dataclass(frozen=True, slots=True)
class CheckedOutlets:
    """Rows of a sheet after the check, and every fault."""

    rows: tuple[OutletRow, ...]
    faults: tuple[str, ...]


def outlet_cells(row: OutletRow) -> dict[str, str]:
    """An outlet as cells in the program's words."""
    return {column.key: cell_text(getattr(row, column.key)) for column in COLUMNS}


def _site(row: SheetRow, sites: Mapping[str, Entry]) -> str:
    text = row.text("site")
    found = [text] if text in sites else [key for key, each in sites.items() if each["name_zh"] == text]
    serving = [key for key in found if sites[key]["retired_at"] is None and sites[key]["kind"] == "stack"]
    if len(serving) != 1:
        raise row.fault("site", "the id or name of one site of kind stack in service")
    return serving[0]


def _outlet(row: SheetRow, sites: Mapping[str, Entry]) -> OutletRow:
    def number(column: str, low: float, high: float) -> float | None:
        return row.number(column, low, high) if row.optional(column) else None

    start, end = row.date("valid_from"), row.date("valid_to") if row.optional("valid_to") else None
    if end is not None and end < start:
        raise row.fault("valid_to", f"a date from {start} on")
    return OutletRow(
        site=_site(row, sites),
        valid_from=start,
        valid_to=end,
        kind=row.choice("kind", outlets()),
        reference_oxygen=number("reference_oxygen", 0, 20),
        basis=row.choice("basis", BASES),
        flow_basis=row.choice("flow_basis", FLOW_BASES),
        duct_area_m2=number("duct_area_m2", 0.01, 1000),
        atmospheric_kpa=row.number("atmospheric_kpa", 50, 110),
        permitted_pm_t=number("permitted_pm_t", 0, 1e6),
        permitted_so2_t=number("permitted_so2_t", 0, 1e6),
        permitted_nox_t=number("permitted_nox_t", 0, 1e6),
        note=row.optional("note"),
    )


def load_outlets(path: Path, sites: Mapping[str, Entry]) -> CheckedOutlets:
    """Outlets of a CSV file in UTF-8 or GB18030, headings in English or Chinese.

    Parameters
    ----------
    path : Path
        The file; columns it lacks take their defaults.
    sites : mapping of str to Entry
        Sites of the registry by id.

    Returns
    -------
    CheckedOutlets
        Good rows, and a message for every bad one with line, column, what was found and what was expected.
    """
    try:
        text = decoded(path.read_bytes(), path.name)
    except OSError as error:
        raise ConfigurationError(f"{path}: found {error.strerror}, expected a CSV file") from error
    sheet = sheet_of(path.name, records_of(text), COLUMNS, identified=False)
    rows, faults, seen = list[OutletRow](), list(sheet.faults), dict[tuple[str, object], int]()
    for line in sheet.lines:
        cells = {column.key: line.cells.get(column.key, "") or column.default for column in COLUMNS}
        row = SheetRow(path, line.number, MappingProxyType(cells), f"{path.name} line {line.number}", sheet.headings)
        try:
            made = _outlet(row, sites)
            if (key := (made.site, made.valid_from)) in seen:
                raise row.fault("valid_from", f"another day than line {seen[key]} has for this site")
        except ConfigurationError as error:
            faults.append(str(error))
            continue
        seen[key] = line.number
        rows.append(made)
    return CheckedOutlets(tuple(rows), tuple(faults))


def import_outlets(conn: Connection, path: Path) -> CheckedOutlets:
    """Write the outlets of a file, all of them or, when a line is bad, none; committed here."""
    checked = load_outlets(path, read_entries(conn, "site"))
    if not checked.faults:
        write_outlets(conn, checked.rows)
        conn.commit()
    return checked
