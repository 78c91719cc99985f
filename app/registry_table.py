"""The three tables of the registry as people fill them in: their columns and the words people use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from app.registry_check import Entry, Known, device_entry, enterprise_entry, site_entry
from app.registry_sheet import Column, SheetRow
from domain.family import FAMILIES
from domain.network import CRC_POLICIES, PROTOCOLS, REVISION_POLICIES, SITE_KINDS
from domain.plan import GRADES

__all__ = ["DEVICE", "ENTERPRISE", "SITE", "TABLES", "Column", "Entry", "Known", "RegistryTable", "cell_text"]

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
        "秸秆火点": "straw_fire",
        "仅链路": "link",
        "视频链路": "link",
    }
)
_LABELS: Final = MappingProxyType({"起点": "start", "终点": "end", "开始": "start", "结束": "end"})
_POLICIES: Final = MappingProxyType({"声明即生效": "explicit", "直接生效": "accept", "人工审核": "review"})
_CHECKSUMS: Final = MappingProxyType({"标准": "exact", "字节颠倒": "swapped", "Modbus": "modbus", "MODBUS": "modbus"})


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
    enterprise_entry,
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
    site_entry,
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
    device_entry,
    ("id", "site_id", "family", "protocol", "mn", "interval_s"),
)
TABLES: Final = MappingProxyType({table.name: table for table in (ENTERPRISE, SITE, DEVICE)})
