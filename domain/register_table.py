"""The registers that the plan asks for, each described once, and the targets they feed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.reduction_register import REDUCTION_LINE, REDUCTION_MEASURE
from domain.register import Field, Register

_NOTE: Final = Field("note", "备注", "text", "Remark.")
_TOWNSHIP: Final = Field("township", "乡镇", "text", "Township.", aliases=("所在乡镇",))
_LONGITUDE: Final = Field("longitude", "经度", "number", "Degrees east.", unit="°", low=73, high=136)
_LATITUDE: Final = Field("latitude", "纬度", "number", "Degrees north.", unit="°", low=3, high=54)

#: Ways in which a straw-fire point is seen (clause 23).
FIRE_SOURCES: Final = MappingProxyType(
    {"卫星": "satellite", "视频": "video", "无人机": "drone", "卫星遥感": "satellite", "高清视频": "video"}
)
FIRE_RESULTS: Final = MappingProxyType(
    {"待核查": "pending", "属实": "confirmed", "其他火情": "other_fire", "误报": "none", "非火点": "none"}
)
#: The ten kinds of sources of an urban emission inventory.
EMISSION_SOURCES: Final = MappingProxyType(
    {
        "化石燃料固定燃烧源": "combustion",
        "工艺过程源": "process",
        "移动源": "mobile",
        "溶剂使用源": "solvent",
        "农业源": "agriculture",
        "扬尘源": "dust",
        "生物质燃烧源": "biomass",
        "储存运输源": "storage",
        "废弃物处理源": "waste",
        "其他排放源": "other",
    }
)
EMISSION_POLLUTANTS: Final = MappingProxyType(
    {
        "二氧化硫": "so2",
        "氮氧化物": "nox",
        "一氧化碳": "co",
        "挥发性有机物": "vocs",
        "氨": "nh3",
        "可吸入颗粒物": "pm10",
        "细颗粒物": "pm25",
        "黑碳": "bc",
        "有机碳": "oc",
        "SO2": "so2",
        "NOx": "nox",
        "NOX": "nox",
        "CO": "co",
        "VOCs": "vocs",
        "VOCS": "vocs",
        "NH3": "nh3",
        "PM10": "pm10",
        "PM2.5": "pm25",
        "BC": "bc",
        "OC": "oc",
    }
)
#: Emission stages of non-road machinery; `stage0` is older than stage I.
NONROAD_STAGES: Final = MappingProxyType(
    {
        "国一前": "stage0",
        "国一": "stage1",
        "国二": "stage2",
        "国三": "stage3",
        "国四": "stage4",
        "新能源": "electric",
        "国Ⅰ": "stage1",
        "国Ⅱ": "stage2",
        "国Ⅲ": "stage3",
        "国Ⅳ": "stage4",
        "第一阶段": "stage1",
        "第二阶段": "stage2",
        "第三阶段": "stage3",
        "第四阶段": "stage4",
        "电动": "electric",
    }
)
FURNACE_KINDS: Final = MappingProxyType(
    {
        "锅炉": "boiler",
        "茶水炉": "water_heater",
        "经营性炉灶": "stove",
        "烘干设备": "dryer",
        "工业炉窑": "furnace",
        "其他": "other",
        "炉窑": "furnace",
        "炉灶": "stove",
    }
)
FURNACE_FUELS: Final = MappingProxyType(
    {"燃煤": "coal", "燃气": "gas", "生物质": "biomass", "燃油": "oil", "电": "electricity", "煤": "coal"}
)

STRAW_FIRE: Final = Register(
    "straw_fire",
    "秸秆焚烧火点",
    "23",
    (
        Field("seen_at", "发现时间", "time", "When it was seen.", required=True, past=True, aliases=("时间",)),
        Field("longitude", "经度", "number", "Degrees east.", required=True, unit="°", low=73, high=136),
        Field("latitude", "纬度", "number", "Degrees north.", required=True, unit="°", low=3, high=54),
        Field("source", "来源", "choice", "What saw it.", required=True, words=FIRE_SOURCES, aliases=("监测手段",)),
        _TOWNSHIP,
        Field("place", "地点", "text", "Place in words.", aliases=("位置",)),
        Field(
            "result",
            "核查结果",
            "choice",
            "What the check found.",
            required=True,
            words=FIRE_RESULTS,
            default="pending",
        ),
        Field(
            "checked_by",
            "核查人",
            "text",
            "Who checked it on the spot.",
            needed_when=("result", ("confirmed", "other_fire", "none")),
        ),
        Field("checked_at", "核查时间", "time", "When it was checked.", past=True, not_before="seen_at"),
        _NOTE,
    ),
    ("seen_at", "source", "township", "result", "checked_by"),
    natural=("seen_at", "longitude", "latitude", "source"),
)
FUME_PURIFIER: Final = Register(
    "fume_purifier",
    "餐饮油烟净化设施",
    "28",
    (
        Field("name_zh", "餐饮单位", "text", "Restaurant or canteen.", required=True, aliases=("单位名称", "名称")),
        Field("address", "地址", "text", "Address."),
        _TOWNSHIP,
        Field("model", "型号", "text", "Model of the purifier."),
        Field(
            "installed_on",
            "安装日期",
            "date",
            "When it was installed; empty: long ago. Not due in the quarter of its installation.",
            past=True,
        ),
        Field("removed_on", "拆除日期", "date", "When it was taken away.", past=True, not_before="installed_on"),
        _NOTE,
    ),
    ("name_zh", "township", "installed_on", "removed_on"),
    id_aliases=("设施编号", "净化设施编号"),
)
FUME_CLEANING: Final = Register(
    "fume_cleaning",
    "油烟净化设施清洗台账",
    "28",
    (
        Field(
            "purifier_id",
            "净化设施编号",
            "reference",
            "Purifier: its id or the name of its restaurant.",
            required=True,
            refers="fume_purifier",
            aliases=("设施编号", "餐饮单位"),
        ),
        Field("cleaned_on", "清洗日期", "date", "Day of the cleaning.", required=True, past=True),
        Field("cleaned_by", "清洗单位", "text", "Who cleaned it.", required=True, aliases=("清洗人",)),
        Field("work", "作业内容", "text", "Cleaning, repair, replacement."),
        Field("evidence", "凭证", "text", "Number or address of the receipt or photograph."),
        _NOTE,
    ),
    ("purifier_id", "cleaned_on", "cleaned_by"),
    natural=("purifier_id", "cleaned_on"),
)
EMISSION: Final = Register(
    "emission",
    "大气污染源排放清单",
    "36",
    (
        Field("year", "年份", "integer", "Year of the inventory.", required=True, low=2000, high=2100, past=True),
        Field("source", "排放源", "choice", "Kind of source.", required=True, words=EMISSION_SOURCES),
        Field("pollutant", "污染物", "choice", "Pollutant.", required=True, words=EMISSION_POLLUTANTS),
        Field(
            "amount_t",
            "排放量",
            "number",
            "Emission of the year.",
            required=True,
            unit="t",
            low=0,
            aliases=("排放量t",),
        ),
        Field("method", "核算方法", "text", "How it was computed."),
        Field("compiled_by", "编制单位", "text", "Who compiled it."),
        _NOTE,
    ),
    ("year", "source", "pollutant", "amount_t"),
    natural=("year", "source", "pollutant"),
)
NONROAD: Final = Register(
    "nonroad",
    "非道路移动机械",
    "15",
    (
        Field("name_zh", "机械名称", "text", "Name of the machine.", required=True, aliases=("设备名称",)),
        Field("kind", "机械类型", "text", "Kind of machine, such as 挖掘机."),
        Field(
            "stage", "排放阶段", "choice", "Emission stage.", required=True, words=NONROAD_STAGES, aliases=("排放标准",)
        ),
        Field("owner", "所有人", "text", "Owner.", required=True, aliases=("所属单位",)),
        Field("power_kw", "额定功率", "number", "Rated power.", unit="kW", low=0, high=10_000),
        Field("made_on", "出厂日期", "date", "Day of manufacture.", past=True),
        _TOWNSHIP,
        Field("work_place", "使用场所", "text", "Where it works.", aliases=("使用地点",)),
        Field("scrapped_on", "淘汰日期", "date", "When it went out of use.", past=True, not_before="made_on"),
        _NOTE,
    ),
    ("name_zh", "stage", "owner", "scrapped_on"),
    id_aliases=("环保编码", "环保登记编码", "机械编码"),
)
COAL_BOILER: Final = Register(
    "coal_boiler",
    "燃煤锅炉与炉窑",
    "11",
    (
        Field("name_zh", "使用单位", "text", "Who uses it.", required=True, aliases=("单位名称", "名称")),
        Field("kind", "设施类型", "choice", "Kind of facility.", required=True, words=FURNACE_KINDS, aliases=("类型",)),
        Field("fuel", "燃料", "choice", "What it burns.", required=True, words=FURNACE_FUELS, default="coal"),
        Field(
            "capacity_t_h",
            "额定蒸发量",
            "number",
            "Rated steam per hour; every boiler needs it.",
            unit="t/h",
            low=0,
            high=5000,
            aliases=("蒸吨", "吨位"),
            needed_when=("kind", ("boiler",)),
        ),
        Field("purpose", "用途", "text", "Heating, production."),
        _TOWNSHIP,
        _LONGITUDE,
        _LATITUDE,
        Field("installed_on", "投用日期", "date", "When it came into use.", past=True),
        Field(
            "closed_on", "淘汰日期", "date", "When it was closed or dismantled.", past=True, not_before="installed_on"
        ),
        Field("replacement", "替代方式", "text", "What replaced it."),
        _NOTE,
    ),
    ("name_zh", "kind", "fuel", "capacity_t_h", "closed_on"),
    id_aliases=("设施编号", "锅炉编号"),
)
BUILDING_SITE: Final = Register(
    "building_site",
    "建筑工地",
    "17",
    (
        Field("name_zh", "工地名称", "text", "Name of the site.", required=True, aliases=("项目名称", "名称")),
        Field("builder", "施工单位", "text", "Who builds."),
        Field("area_m2", "建筑面积", "number", "Building area.", required=True, unit="m²", low=0, aliases=("面积",)),
        Field("started_on", "开工日期", "date", "When work began or will."),
        Field("ended_on", "完工日期", "date", "When work ended.", past=True, not_before="started_on"),
        Field("video_connected", "视频已接入", "truth", "Whether its video reaches the platform.", default="false",
              aliases=("是否接入视频",)),
        Field(
            "video_link",
            "视频链接",
            "text",
            "Address or channel number of the video.",
            needed_when=("video_connected", ("true",)),
            aliases=("视频地址",),
        ),
        _TOWNSHIP,
        _LONGITUDE,
        _LATITUDE,
        _NOTE,
    ),
    ("name_zh", "builder", "area_m2", "video_connected", "ended_on"),
    id_aliases=("工地编号", "项目编号"),
)  # fmt: skip
CLEAN_COAL: Final = Register(
    "clean_coal",
    "清洁煤抽检批次",
    "中政办发〔2024〕18号 三",
    (
        Field("supplier", "供应单位", "text", "Supplier.", required=True, aliases=("供煤单位",)),
        Field("sampled_on", "抽样日期", "date", "Day of sampling.", required=True, past=True, aliases=("抽检日期",)),
        Field("quantity_t", "批量", "number", "Size of the batch.", unit="t", low=0),
        Field("heat_kcal_kg", "热值", "number", "Calorific value.", required=True, unit="kcal/kg", low=0, high=9000),
        Field("sulfur_percent", "硫分", "number", "Sulfur.", required=True, unit="%", low=0, high=100),
        Field("ash_percent", "灰分", "number", "Ash.", required=True, unit="%", low=0, high=100),
        Field("inspected_by", "检验单位", "text", "Laboratory.", required=True),
        Field("report_number", "报告编号", "text", "Number of the report."),
        _NOTE,
    ),
    ("supplier", "sampled_on", "heat_kcal_kg", "sulfur_percent", "ash_percent"),
    id_aliases=("批次编号", "批次号", "批次"),
)
REGISTERS: Final[Mapping[str, Register]] = MappingProxyType(
    {
        register.name: register
        for register in (
            *(STRAW_FIRE, FUME_PURIFIER, FUME_CLEANING, EMISSION, NONROAD, COAL_BOILER, BUILDING_SITE, CLEAN_COAL),
            *(REDUCTION_LINE, REDUCTION_MEASURE),
        )
    }
)
#: Target of the plan -> the register that shows whether it is in use, and others whose changes change the figure.
FEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "fume_cleaning": ("fume_purifier", "fume_cleaning"),
        "nonroad_stage1": ("nonroad",),
        "coal_boilers_35t": ("coal_boiler",),
        "site_video_share": ("building_site",),
        "clean_coal_heat": ("clean_coal",),
        "clean_coal_sulfur": ("clean_coal",),
        "clean_coal_ash": ("clean_coal",),
        "reduction_list_cover": ("reduction_measure",),
    }
)
