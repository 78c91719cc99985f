"""Rows of the registers: from the description of a register to columns of a sheet, checked values and ids."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from app.registry_sheet import Column, SheetRow
from app.registry_table import Entry, Known, RegistryTable, cell_text
from domain.period import ZONE, local_date
from domain.register import Field, Register

ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}")
_TRUTHS: Final = MappingProxyType(
    {
        **{"是": "true", "否": "false", "已接入": "true", "未接入": "false", "有": "true", "无": "false"},
        **{"TRUE": "true", "FALSE": "false", "1": "true", "0": "false"},
    }
)
_MOMENT: Final = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?)? ?(Z|[+-]\d{2}:?\d{2})?"
)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def register_columns(register: Register) -> tuple[Column, ...]:
    """Columns of a register's sheets: the id, the fields with units in their headings, the area."""
    fields = tuple(
        Column(
            each.key,
            f"{each.heading_zh}（{each.unit}）" if each.unit else each.heading_zh,
            each.aliases,
            each.default,
            _TRUTHS if each.type == "truth" else each.words,
            each.help,
        )
        for each in register.fields
    )
    name = Column("id", "编号", register.id_aliases, help="Identifier: letters, digits and . _ : + -, at most 120.")
    return (name, *fields, Column("area_id", "行政区", ("area", "区县"), help="Area; by default the only one."))


def register_table(register: Register, known: Known, now: dt.datetime) -> RegistryTable:
    """A register as a table whose rows the registry's sheet reader checks.

    Parameters
    ----------
    register : Register
        Its description.
    known : Known
        Entries of the register itself and of those it refers to, by their names.
    now : datetime
        Nothing that is past may be later.

    Returns
    -------
    RegistryTable
        Its check accepts one entry only for each set of natural fields.
    """
    same: dict[tuple[Any, ...], str] = {}
    for each in known.entries[register.name].values():
        if register.natural and each["retired_at"] is None:
            same[_natural(register, each)] = each["id"]

    def check(row: SheetRow, known: Known) -> Entry:
        name = row.matched("id", ID, "letters, digits and . _ : + -, at most 120").group()
        entry: Entry = {"id": name, "area_id": known.area(row)}
        entry |= {each.key: field_value(row, each, known, now) for each in register.fields}
        _check_together(row, register, entry, known)
        if register.natural:
            other = same.setdefault(_natural(register, entry), name)
            if other != name:
                names = ", ".join(register.natural)
                raise row.fault("id", f"{other}, for that entry has the same {names}")
        return entry

    return RegistryTable(register.name, register.title_zh, register_columns(register), check, register.listed)


def _natural(register: Register, entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return (entry["area_id"], *(entry[key] for key in register.natural))


def natural_id(register: Register, row: SheetRow, known: Known, now: dt.datetime) -> str:
    """The id that the natural fields of a row make; the same row makes the same id."""
    parts = []
    for each in register.fields:
        if each.key in register.natural:
            value = field_value(row, each, known, now)
            if isinstance(value, dt.datetime):
                value = f"{value:%Y%m%dT%H%M%S}"
            parts.append(f"{value:.5f}" if isinstance(value, float) else str(value))
    return "-".join(parts)


def field_value(row: SheetRow, field: Field, known: Known, now: dt.datetime) -> Any:
    """The value of a cell, None when it is empty; a fault names the cell."""
    key = field.key
    if not row.optional(key):
        if field.required:
            raise row.fault(key, f"a {field.type}")
        return None
    if field.type == "integer":
        high = min(int(field.high), local_date(now).year) if field.past else int(field.high)
        return row.integer(key, int(field.low), high)
    if field.type == "date":
        return _past(row, field, _date(row, key), local_date(now))
    if field.type == "time":
        return _past(row, field, _moment(row, key), now)
    return known.named(row, key, field.refers) if field.type == "reference" else _READERS[field.type](row, field)


def _text(row: SheetRow, field: Field) -> str:
    if _CONTROL.search(row.text(field.key)):
        raise row.fault(field.key, "a text without control characters")
    return row.text(field.key)


_READERS: Final[Mapping[str, Callable[[SheetRow, Field], Any]]] = MappingProxyType(
    {
        "text": _text,
        "number": lambda row, field: row.number(field.key, field.low, field.high),
        "truth": lambda row, field: row.truth(field.key),
        "choice": lambda row, field: row.choice(field.key, field.allowed),
    }
)


def _past(row: SheetRow, field: Field, value: Any, now: Any) -> Any:
    if field.past and value > now:
        last = f"{now.astimezone(ZONE):%Y-%m-%d %H:%M}" if isinstance(now, dt.datetime) else now
        raise row.fault(field.key, f"nothing later than now ({last})")
    return value


def _matched(row: SheetRow, column: str, expected: str) -> tuple[str | None, ...]:
    text = row.text(column).replace("年", "-").replace("月", "-").replace("日", " ").replace("/", "-").strip()
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise row.fault(column, expected)
    return match.groups()


def _date(row: SheetRow, column: str) -> dt.date:
    expected = "a date such as 2025-10-12"
    year, month, day, *rest = _matched(row, column, expected)
    if any(part is not None and part.strip("0") for part in rest):
        raise row.fault(column, f"{expected}, without a time of day")
    try:
        return dt.date(int(year or 0), int(month or 0), int(day or 0))
    except ValueError as error:
        raise row.fault(column, expected) from error


def _moment(row: SheetRow, column: str) -> dt.datetime:
    """A local time, or one with an offset; in the zone of the plan either way."""
    expected = "a date and a local time such as 2025-10-12 14:30"
    *parts, zone = _matched(row, column, expected)
    if parts[3] is None:
        raise row.fault(column, expected)
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    try:
        moment = dt.datetime(year, month, day, hour, minute, second, tzinfo=ZONE)
        if zone is not None:
            moment = moment.replace(tzinfo=dt.datetime.strptime(zone, "%z").tzinfo).astimezone(ZONE)
    except (ValueError, OverflowError) as error:
        raise row.fault(column, expected) from error
    return moment


def _check_together(row: SheetRow, register: Register, entry: Mapping[str, Any], known: Known) -> None:
    """Rules about several fields."""
    for each in register.fields:
        value = entry[each.key]
        if value is None and each.needed_when is not None:
            other, values = each.needed_when
            if cell_text(entry[other]) in values:
                raise row.fault(each.key, f"a {each.type} because {other} is {cell_text(entry[other])}")
        if (
            value is not None
            and each.not_before
            and entry[each.not_before] is not None
            and value < entry[each.not_before]
        ):
            raise row.fault(each.key, f"nothing before {each.not_before} ({cell_text(entry[each.not_before])})")
        if value is not None and each.refers and known.entries[each.refers][value]["area_id"] != entry["area_id"]:
            raise row.fault(each.key, f"an entry of {each.refers} in area {entry['area_id']}")


def shown_text(value: object) -> str:
    """A value as people write it: local time, numbers without needless decimals."""
    if isinstance(value, dt.datetime):
        local = value.astimezone(ZONE)
        return f"{local:%Y-%m-%d %H:%M:%S}" if local.second else f"{local:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return cell_text(value)
