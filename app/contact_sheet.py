"""Contacts as people fill them in: one line each, a column per channel, several addresses separated by semicolons."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from app.registry_sheet import Column, Sheet, SheetRow, load_sheet, sheet_of, sheet_text
from app.workbook import SUFFIX, load_records
from domain.alert import CHANNELS, KIND, severities
from domain.error import ConfigurationError
from domain.table import ID
from store.connection import Connection
from store.contact import Contact
from store.registration import read_areas, read_entries

_SEVERITIES: Final = MappingProxyType({one.name_zh: str(level) for level, one in severities().items()})
_HOURS: Final = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
COLUMNS: Final[tuple[Column, ...]] = (
    Column("id", "编号", help="Identifier: lower-case letters, digits, '-' and '_'."),
    Column("name_zh", "姓名", ("名称", "联系人"), help="Name of the person or system."),
    Column("enterprise_id", "企业编号", ("企业",), help="Enterprise; empty = an operator of the bureau."),
    Column("area_id", "行政区", ("区县",), help="Of an operator: only this area; empty = every area."),
    Column("step", "升级次序", default="1", help="Position in the chain: 1 is told first."),
    Column(
        "severity_floor", "最低等级", default="1", words=_SEVERITIES, help="Told of this severity and above: 1 to 4."
    ),
    Column("kinds", "通知类别", help="Kinds of notices, separated by blanks; empty = all."),
    Column("hours", "可联系时段", help="Local hours HH:MM-HH:MM; empty = always. The highest severity does not wait."),
    Column("mqtt", "MQTT", help="Id of the enterprise on whose branch notices are published."),
    Column("webhook", "网络回调", help="URLs, separated by ';'."),
    Column("mail", "电子邮件", ("邮箱",), help="Addresses, separated by ';'."),
    Column("robot", "群机器人", help="Names of gateways in alert_secrets_file, separated by ';'."),
    Column("sms", "短信", ("手机",), help="gateway:number, separated by ';'."),
    Column("note", "备注", help="Remark."),
)


@dataclass(frozen=True, slots=True)
class Places:
    """Ids that contacts may name."""

    enterprises: Collection[str]
    areas: Collection[str]


def contact_places(conn: Connection) -> Places:
    """Enterprises in service and areas, as the database has them."""
    serving = [name for name, entry in read_entries(conn, "enterprise").items() if entry["retired_at"] is None]
    return Places(serving, list(read_areas(conn)))


def load_contact_sheet(path: Path) -> Sheet:
    """A CSV file or Excel workbook of contacts."""
    if path.suffix.lower() == SUFFIX:
        return sheet_of(path.name, load_records(path), COLUMNS)
    return load_sheet(path, COLUMNS)


def contacts_of(
    sheet: Sheet, known: Mapping[str, Mapping[str, Any]], places: Places
) -> tuple[list[Contact], list[str]]:
    """Contacts of a sheet and the faults of the lines that are none.

    Parameters
    ----------
    sheet : Sheet
        As read.
    known : mapping
        Contacts there are by id: columns that the sheet lacks keep what is registered.
    places : Places
        Enterprises and areas there are.

    Returns
    -------
    tuple of (list of Contact, list of str)
        Every fault names line and column.
    """
    contacts: dict[str, Contact] = {}
    faults = list(sheet.faults)
    for line in sheet.lines:
        place = f"{sheet.name} line {line.number}"
        before = known.get(line.cells.get("id", ""))
        start = contact_cells(before) if before else {column.key: column.default for column in COLUMNS}
        given = {key: cell for key, cell in line.cells.items() if cell or before}
        row = SheetRow(Path(sheet.name), line.number, {**start, **given}, place, sheet.headings)
        try:
            contact = contact_row(row, places)
            if contact.id in contacts:
                raise row.fault("id", "an id that no earlier line has")
            contacts[contact.id] = contact
        except ConfigurationError as error:
            faults.append(str(error))
    return list(contacts.values()), faults


def contact_row(row: SheetRow, places: Places) -> Contact:
    """The contact of one row; `ConfigurationError` names the cell that is wrong."""
    name = row.matched("id", ID, "lower-case letters, digits, '-' and '_'").group()
    enterprise, area = row.optional("enterprise_id"), row.optional("area_id")
    if enterprise is not None:
        row.choice("enterprise_id", sorted(places.enterprises))
        row.only_when("area_id", False, "a contact of an enterprise is told of that enterprise")
    if area is not None:
        row.choice("area_id", sorted(places.areas))
    kinds = tuple(row.cells["kinds"].split())
    if not all(KIND.fullmatch(kind) for kind in kinds):
        raise row.fault("kinds", "kinds of notices, separated by blanks")
    opens, closes = _hours(row)
    channels = tuple((channel, address) for channel in CHANNELS for address in _addresses(row, channel, enterprise))
    if not channels:
        raise row.fault("mail", f"at least one address in {', '.join(CHANNELS)}")
    step, floor = row.integer("step", 1, 9), row.integer("severity_floor", 1, 4)
    return Contact(
        name, area, enterprise, row.text("name_zh"), step, floor, kinds or None, opens, closes, row.optional("note"),
        channels,
    )  # fmt: skip


def _hours(row: SheetRow) -> tuple[dt.time | None, dt.time | None]:
    if row.optional("hours") is None:
        return None, None
    match = row.matched("hours", _HOURS, "HH:MM-HH:MM")
    try:
        opens, closes = (dt.time.fromisoformat(part) for part in match.groups())
    except ValueError as error:
        raise row.fault("hours", "HH:MM-HH:MM") from error
    if opens == closes:
        raise row.fault("hours", "two different times, or nothing for always")
    return opens, closes


def _addresses(row: SheetRow, channel: str, enterprise: str | None) -> list[str]:
    found = [part.strip() for part in row.cells[channel].split(";") if part.strip()]
    for address in found:
        if channel == "mqtt" and address != enterprise:
            raise row.fault(channel, f"the id of the contact's enterprise ({enterprise or 'none'})")
        if channel == "mail" and (address.count("@") != 1 or any(letter.isspace() for letter in address)):
            raise row.fault(channel, "mail addresses name@host")
        if channel == "webhook" and not address.startswith(("https://", "http://")):
            raise row.fault(channel, "an address https://host/path")
        if channel == "sms" and ":" not in address:
            raise row.fault(channel, "gateway:number")
    return found


def contact_cells(entry: Mapping[str, Any]) -> dict[str, str]:
    """A contact of the database as cells of its sheet."""
    cells = {column.key: "" for column in COLUMNS}
    for key in ("id", "name_zh", "enterprise_id", "area_id", "step", "severity_floor", "note"):
        cells[key] = "" if entry[key] is None else str(entry[key])
    cells["kinds"] = " ".join(entry["kinds"] or ())
    if entry["opens_at"] is not None:
        cells["hours"] = f"{entry['opens_at']:%H:%M}-{entry['closes_at']:%H:%M}"
    for channel in CHANNELS:
        cells[channel] = ";".join(address for name, address in entry["channels"] if name == channel)
    return cells


def contact_sheet_text(entries: Collection[Mapping[str, Any]], *, chinese: bool) -> str:
    """CSV of contacts that `load_contact_sheet` reads back to the same."""
    return sheet_text(COLUMNS, [contact_cells(entry) for entry in entries], chinese=chinese)
