"""The emergency reduction list (应急减排清单) as two registers: production lines with emissions, measures per level."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from domain.register import Field, Register

#: Processes whose shut-down and base load differ (domain/response/processes.csv).
PROCESSES: Final = MappingProxyType(
    {
        "烧结": "sinter",
        "球团": "pellet",
        "高炉": "blast_furnace",
        "转炉": "converter",
        "焦炉": "coke_oven",
        "水泥窑": "cement_kiln",
        "水泥磨": "cement_mill",
        "燃煤锅炉": "coal_boiler",
        "其他": "other",
        "炼焦": "coke_oven",
        "锅炉": "coal_boiler",
    }
)
MEASURE_LEVELS: Final = MappingProxyType(
    {
        **{"黄色": "yellow", "橙色": "orange", "红色": "red"},
        **{"黄色预警": "yellow", "橙色预警": "orange", "红色预警": "red"},
        **{"Ⅲ级": "yellow", "Ⅱ级": "orange", "Ⅰ级": "red"},
    }
)
MEASURE_KINDS: Final = MappingProxyType(
    {
        "停产": "stop",
        "限产": "limit",
        "工艺调整": "process",
        "运输管控": "transport",
        "自主减排": "self",
        "停": "stop",
        "禁运": "transport",
        "运输": "transport",
    }
)
#: Emission stages of lorries that are not let in.
TRANSPORT_STAGES: Final = MappingProxyType(
    {
        "国三及以下": "stage3",
        "国四及以下": "stage4",
        "国五及以下": "stage5",
        "全部": "all",
        "国Ⅲ及以下": "stage3",
        "国Ⅳ及以下": "stage4",
        "国Ⅴ及以下": "stage5",
    }
)
#: Emission of a line in a day of normal production, by pollutant of the required share.
POLLUTANT_FIELDS: Final = MappingProxyType({"so2": "so2_t_d", "nox": "nox_t_d", "pm": "pm_t_d", "vocs": "vocs_t_d"})
_NAMES_ZH: Final = MappingProxyType(
    {"so2": "二氧化硫", "nox": "氮氧化物", "pm": "颗粒物", "vocs": "挥发性有机物"}
)  # fmt: skip


def _emission(pollutant: str) -> Field:
    name = _NAMES_ZH[pollutant]
    help_text = f"Emission of {pollutant} in a day of normal production."
    return Field(
        POLLUTANT_FIELDS[pollutant],
        f"{name}日排放量",
        "number",
        help_text,
        unit="t/d",
        low=0,
        high=1000,
        aliases=(name,),
    )


REDUCTION_LINE: Final = Register(
    "reduction_line",
    "应急减排清单 生产线",
    "33",
    (
        Field(
            "enterprise_id",
            "企业",
            "reference",
            "Enterprise: id or name.",
            required=True,
            refers="enterprise",
            aliases=("企业名称", "企业编号"),
        ),
        Field("name_zh", "生产线", "text", "Name of the line.", required=True, aliases=("生产线名称", "名称")),
        Field("process", "工序", "choice", "Process.", required=True, words=PROCESSES, default="other"),
        *map(_emission, POLLUTANT_FIELDS),
        Field("note", "备注", "text", "Remark."),
    ),
    ("enterprise_id", "name_zh", "process", "so2_t_d", "nox_t_d", "pm_t_d", "vocs_t_d"),
    id_aliases=("生产线编号",),
)
REDUCTION_MEASURE: Final = Register(
    "reduction_measure",
    "应急减排清单 减排措施",
    "33",
    (
        Field(
            "scope",
            "适用范围",
            "choice",
            "One enterprise, or every one of an industry.",
            required=True,
            words=MappingProxyType({"企业": "enterprise", "行业": "industry"}),
            default="enterprise",
        ),
        Field(
            "enterprise_id",
            "企业",
            "reference",
            "Enterprise: id or name.",
            refers="enterprise",
            needed_when=("scope", ("enterprise",)),
            aliases=("企业名称", "企业编号"),
        ),
        Field("industry", "行业", "text", "Industry.", needed_when=("scope", ("industry",))),
        Field(
            "line_id",
            "生产线编号",
            "reference",
            "Line: id or name; empty for the whole enterprise.",
            refers="reduction_line",
            aliases=("生产线",),
        ),
        Field("level", "预警等级", "choice", "Level.", required=True, words=MEASURE_LEVELS, aliases=("等级",)),
        Field("kind", "措施类型", "choice", "Kind of measure.", required=True, words=MEASURE_KINDS, aliases=("措施",)),
        Field(
            "limit_percent",
            "负荷上限",
            "number",
            "Largest share of normal production.",
            unit="%",
            low=0,
            high=100,
            needed_when=("kind", ("limit",)),
        ),
        Field(
            "stage",
            "禁行排放阶段",
            "choice",
            "Lorries of this stage and older are not let in.",
            words=TRANSPORT_STAGES,
            needed_when=("kind", ("transport",)),
        ),
        Field(
            "reduction_percent",
            "减排比例",
            "number",
            "Share of the line's emission; by default what stop or limit means.",
            unit="%",
            low=0,
            high=100,
            needed_when=("kind", ("process", "self")),
        ),
        Field("months", "适用时段", "text", "MM-DD..MM-DD, both inside; empty for the whole year."),
        Field("detail", "措施内容", "text", "What has to be done, in words.", required=True, aliases=("具体措施",)),
        Field("note", "备注", "text", "Remark."),
    ),
    ("enterprise_id", "industry", "line_id", "level", "kind", "limit_percent", "detail"),
    id_aliases=("措施编号",),
)
