"""The three tables of the registry as people fill them in: columns, words, and the check of a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from app.registry_sheet import Column, SheetRow
from domain.error import ConfigurationError
from domain.factor import factor, preset_names, unit_preset
from domain.family import FAMILIES, SPANS_ZH
from domain.network import CRC_POLICIES, LABELS, PROTOCOLS, REVISION_POLICIES, SITE_KINDS
from domain.plan import GRADES
from domain.table import ID
from domain.unit import unit_factor, unit_named

Entry = dict[str, Any]

_NUMBER: Final = re.compile(r"[0-9A-Za-z_-]{1,24}")
_TRUTHS: Final = MappingProxyType(
    {
        "是": "true",
        "否": "false",
        "有": "true",
        "无": "false",
        "TRUE": "true",
        "FALSE": "false",
        "1": "true",
        "0": "false",
    }
)
_KINDS: Final = MappingProxyType(
    {
        "标准站": "ambient",
        "微站": "micro",
        "园区站": "park",
        "排放口": "stack",
        "生产设施": "plant",
        "车辆": "vehicle",
        "走航": "mobile",
        "恶臭": "odour",
        "工地": "construction",
        "视频": "video",
        "国控站": "ambient",
        "乡镇站": "ambient",
        "微型站": "micro",
        "烟囱": "stack",
        "走航车": "mobile",
        "建筑工地": "construction",
    }
)
_GRADES: Final = MappingProxyType(
    {"A级": "A", "B级": "B", "C级": "C", "D级": "D", "引领性": "leading", "非引领性": "not-leading"}
)
_FAMILIES: Final = MappingProxyType(
    {"环境空气": "air", "固定污染源烟气": "stack", "重型车": "vehicle", "工况用电": "plant", "烟气": "stack"}
)
_PROTOCOLS: Final = MappingProxyType(
    {
        "HJ212": "hj212",
        "HJ 212": "hj212",
        "HJ212-2017": "hj212",
        "JSON": "json",
        "GB17691": "gb17691",
        "GB 17691": "gb17691",
    }
)
_LABELS: Final = MappingProxyType({"起点": "start", "终点": "end", "开始": "start", "结束": "end"})
_POLICIES: Final = MappingProxyType({"声明即生效": "explicit", "直接生效": "accept", "人工审核": "review"})
_CHECKSUMS: Final = MappingProxyType({"标准": "exact", "字节颠倒": "swapped", "Modbus": "modbus", "MODBUS": "modbus"})
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


@dataclass(frozen=True, slots=True)
class RegistryTable:
    """One table: its name, Chinese title, columns, the check that makes an entry, and how an entry is written."""

    name: str
    title_zh: str
    columns: tuple[Column, ...]
    check: Callable[[SheetRow, Known], Entry]
    listed: tuple[str, ...]

    def cells(self, entry: Mapping[str, Any]) -> dict[str, str]:
        """An entry as cells in the program's words; `check` makes the same entry of them."""
        return {column.key: cell_text(entry.get(column.key)) for column in self.columns}


def cell_text(value: object) -> str:
    """A value as the text of a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ";".join(f"{code}={unit}" for code, unit in sorted(value.items()))
    return str(value)


def _truth(row: SheetRow, column: str) -> bool | None:
    return row.truth(column) if row.optional(column) else None


def _id(row: SheetRow) -> str:
    return row.matched("id", ID, "lower-case letters, digits, '-' and '_', at most 63").group()


def _enterprise(row: SheetRow, known: Known) -> Entry:
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


def _site(row: SheetRow, known: Known) -> Entry:
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


def _device(row: SheetRow, known: Known) -> Entry:
    name, protocol = _id(row), row.choice("protocol", PROTOCOLS)
    number = row.optional("mn")
    if number is None and protocol == "hj212":
        raise row.fault("mn", "the equipment number because protocol is hj212")
    if number is not None:
        if protocol == "json":
            raise row.fault("mn", "nothing because protocol is json")
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


ENTERPRISE: Final = RegistryTable(
    "enterprise",
    "企业",
    (
        Column("id", "企业编号", ("编号", "企业代码"), help="Identifier: lower-case letters, digits, - and _."),
        Column("name_zh", "企业名称", ("企业", "名称", "单位名称"), help="Chinese name."),
        Column("industry", "行业", ("所属行业", "行业类别"), help="Industry."),
        Column("permit_number", "排污许可证编号", ("许可证编号", "排污许可证"), help="Number of the discharge permit."),
        Column("permit", "是否持证", ("排污许可管理",), words=_TRUTHS, help="Whether managed by permit: true, false."),
        Column("grade", "绩效等级", ("绩效分级", "绩效评级"), words=_GRADES, help=f"One of {', '.join(GRADES)}."),
        Column("key_industry", "重点行业", ("是否重点行业",), "false", _TRUTHS, "Whether of a key industry."),
        Column("named_2024", "2024年底点名企业", (), "false", _TRUTHS, "Whether named for the end of 2024."),
        Column("ultra_low", "超低排放改造", (), "false", _TRUTHS, "Whether due for ultra-low-emission rating."),
        Column(
            "on_reduction_list", "应急减排清单", ("减排清单",), words=_TRUTHS, help="Whether on the reduction list."
        ),
        Column("clause", "条款", ("方案条款",), help="Clause of the plan."),
        Column("area_id", "行政区", ("area", "区县"), help="Area; by default the only one."),
        Column("note", "备注", help="Remark."),
    ),
    _enterprise,
    ("id", "name_zh", "industry", "grade", "permit_number"),
)
SITE: Final = RegistryTable(
    "site",
    "点位",
    (
        Column(
            "id", "点位编号", ("编号", "站点编号", "点位代码"), help="Identifier: lower-case letters, digits, - and _."
        ),
        Column("name_zh", "点位名称", ("名称", "点位", "站点", "站点名称"), help="Chinese name."),
        Column("kind", "类型", ("点位类型", "站点类型"), words=_KINDS, help=f"One of {', '.join(SITE_KINDS)}."),
        Column("township", "乡镇", ("所在乡镇",), help="Township."),
        Column("longitude", "经度", help="Degrees east."),
        Column("latitude", "纬度", help="Degrees north."),
        Column("evaluated", "参与评价", ("是否参与评价",), "false", _TRUTHS, "Whether it enters the mean of its area."),
        Column("enterprise_id", "企业", ("enterprise", "企业编号", "所属企业"), help="Enterprise: id or name."),
        Column("area_id", "行政区", ("area", "区县"), help="Area; by default the only one."),
        Column("note", "备注", help="Remark."),
    ),
    _site,
    ("id", "name_zh", "kind", "township", "enterprise_id"),
)
DEVICE: Final = RegistryTable(
    "device",
    "设备",
    (
        Column("id", "设备编号", ("编号", "设备代码"), help="Identifier: lower-case letters, digits, - and _."),
        Column("site_id", "点位", ("site", "点位编号", "站点", "所属点位"), help="Site: id or name."),
        Column("family", "监测类别", ("类别", "数据类别"), "air", _FAMILIES, f"One of {', '.join(FAMILIES)}."),
        Column("protocol", "协议", ("通信协议",), "json", _PROTOCOLS, f"One of {', '.join(PROTOCOLS)}."),
        Column("mn", "MN", ("MN号", "设备唯一标识", "数采仪MN"), help="Equipment number of HJ 212."),
        Column("span_s", "覆盖时长", ("数据周期",), "60", help="Seconds one reading covers, 0 = an instant."),
        Column("interval_s", "上报间隔", ("采集间隔",), "60", help="Expected seconds between readings."),
        Column("label", "时标", ("时标含义",), "start", _LABELS, "start or end: what its time names."),
        Column("zone_offset_s", "时区偏移", (), "28800", help="Seconds its clock is ahead of UTC."),
        Column("rank", "优先级", (), "1", help="The lower one is preferred within a site."),
        Column("revision_policy", "修正策略", (), "explicit", _POLICIES, f"One of {', '.join(REVISION_POLICIES)}."),
        Column("unit_preset", "单位预设", help="Preset of units, such as hj212-2017 or ambient-field."),
        Column("units", "因子单位", ("单位",), help="Units of single factors: a34004=µg/m³;a21005=mg/m³."),
        Column("crc_policy", "校验方式", (), "exact", _CHECKSUMS, f"One of {', '.join(CRC_POLICIES)}."),
        Column("factor_columns", "因子对应列", help="Columns of codes the standard does not place: d20105=voltage_a."),
    ),
    _device,
    ("id", "site_id", "family", "protocol", "mn", "interval_s"),
)
TABLES: Final = MappingProxyType({table.name: table for table in (ENTERPRISE, SITE, DEVICE)})
