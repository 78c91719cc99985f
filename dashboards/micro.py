"""微站网格: micro stations raw and calibrated, beside their neighbours and reference stations, their calibrations."""

from __future__ import annotations

from typing import Final

from dashboards.annotation import DUST, WARNINGS
from dashboards.colour import BLUE, GREEN, GREY, ORANGE, RED, steps, word_mapping
from dashboards.dashboard import Dashboard
from dashboards.layout import Heading
from dashboards.panel import Panel
from dashboards.variable import AREA, TOWNSHIP, Variable
from dashboards.visualisation import bargauge, fixed, geomap, override, stat, table, text, timeseries

#: Colours to find a station by; the pollutant is chosen, so they follow the share of the neighbours, not a limit.
_RATIO: Final = steps((None, GREEN), (1.5, ORANGE), (2, RED))
_STATE: Final = word_mapping(("已校准", GREEN), ("外推", ORANGE), ("未校准", GREY))
_USED: Final = word_mapping(("采用", GREEN), ("未采用", GREY))
_FLAG: Final = word_mapping(("无效", RED), ("可疑", ORANGE), ("提示", GREY))
_UNITS: Final = "浓度单位：CO 为 mg/m³，其余为 µg/m³。"
_LINK: Final = {
    "title": "只看该站",
    "url": "/d/lantian-micro?${area:queryparam}&${pollutant:queryparam}&${township:queryparam}"
    "&var-station=${__data.fields.site_id}&${__url_time_range}",
}
_WINDS: Final = ("1 m/s 以下", "1～2 m/s", "2～3 m/s", "3～5 m/s", "5 m/s 以上")
_HEAT: Final = {"color": {"mode": "continuous-YlRd"}, "custom_displayMode": "color-background-solid", "decimals": 1}
_TIME: Final = {"custom_width": 115, "unit": "time:MM-DD HH:mm"}

COUNTS: Final = Panel(
    id=1,
    title="微站概况",
    description="所选乡镇的微站总数、最近有数据的微站、所选污染物有现行校准的微站、最新小时有小时值的微站。",
    visualisation=stat(decimals=0).with_overrides(
        override("微站", color=fixed(BLUE)),
        *(override(name, color=fixed(GREEN)) for name in ("在线", "已校准", "最新小时有数据")),
    ),
    width=24,
    height=4,
    sql=("counts",),
    unit="none",
)
MAP: Final = Panel(
    id=2,
    title="微站浓度分布",
    description=f"所选乡镇各微站最近小时的校准值（没有校准时为原始值）。{_UNITS}底图来自互联网，内网环境下只显示标记。",
    visualisation=geomap(steps((None, BLUE)), latitude="纬度", longitude="经度", value="浓度"),
    width=10,
    height=13,
    sql=("map",),
    unit="none",
)
STATIONS: Final = Panel(
    id=3,
    title="微站与邻站",
    description=f"所选乡镇各微站最近小时的原始值和校准值，与全部微站中位数之比；明显偏高的可能有附近污染源或仪器故障。{_UNITS}"
    "点击微站只看该站。微站数据不参与达标评价。",
    visualisation=table(
        override("微站", custom_width=150, links=[_LINK]),
        override("乡镇", custom_width=110),
        *(override(name, custom_width=90, decimals=1) for name in ("原始值", "校准值", "全部微站中位数")),
        override("与中位数之比", custom_displayMode="color-text", custom_width=95, decimals=2, thresholds=_RATIO),
        override("校准", custom_displayMode="color-text", custom_width=75, mappings=[_STATE]),
        override("小时", **_TIME),
        override("site_id", custom_hidden=True),
    ),
    width=14,
    height=13,
    sql=("stations",),
)
SERIES: Final = Panel(
    id=4,
    title="各微站小时浓度",
    description=f"所选微站的校准值，没有校准时为原始值；至多画平均最高的 20 个。{_UNITS}",
    visualisation=timeseries(decimals=1),
    width=12,
    height=10,
    sql=("series",),
    unit="none",
    interval="1h",
)
COMPARED: Final = Panel(
    id=5,
    title="原始、校准与参比站",
    description=f"所选微站平均的原始值和校准值，与区域各标准站平均。{_UNITS}",
    visualisation=timeseries(decimals=1).with_overrides(
        override("原始值", color=fixed(GREY)),
        override("校准值", color=fixed(BLUE), custom_lineWidth=3),
        override("参比站", color=fixed(ORANGE), custom_lineStyle={"dash": [10, 10], "fill": "dash"}),
    ),
    width=12,
    height=10,
    sql=("compared", "reference"),
    unit="none",
    interval="1h",
)
PEAKS: Final = Panel(
    id=6,
    title="微站高值",
    description=f"所选乡镇、所选时间范围内达到全部微站中位数 1.5 倍以上的小时，最突出的在前（至多 50 条）。{_UNITS}"
    "没有高值时为空。",
    visualisation=table(
        override("小时", **_TIME),
        override("微站", custom_width=150),
        override("浓度", custom_width=80, decimals=1),
        override("全部微站中位数", custom_width=125, decimals=1),
        override("之比", custom_displayMode="color-text", decimals=2, thresholds=_RATIO),
    ),
    width=10,
    height=10,
    sql=("peaks",),
    empty="所选时段没有高值",
)
FINDINGS: Final = Panel(
    id=7,
    title="微站质控发现",
    description="所选乡镇、所选时间范围内（至多 30 天）微站数据未通过的检查和原因。没有发现时为空。",
    visualisation=table(
        override("小时", **_TIME),
        override("微站", custom_width=130),
        override("参数", custom_width=95),
        override("标识", custom_displayMode="color-text", custom_width=60, mappings=[_FLAG]),
        override("检查", custom_width=110),
    ),
    width=14,
    height=10,
    sql=("quality_findings",),
    empty="所选时段没有质控发现",
)
CALIBRATIONS: Final = Panel(
    id=8,
    title="校准版本",
    description="所选污染物每个微站的校准版本：参比站、训练时段、相关系数和校准前后的误差。未采用的写明理由。",
    visualisation=table(
        override("微站", custom_width=130),
        override("污染物", custom_width=130),
        override("版本", custom_width=55),
        override("参比站", custom_width=110),
        override("距离", custom_width=80, decimals=0, unit="lengthm"),
        override("训练起", custom_width=95, unit="time:YYYY-MM-DD"),
        override("训练止", custom_width=95, unit="time:YYYY-MM-DD"),
        *(override(name, custom_width=85, decimals=2) for name in ("R", "RMSE", "校准前RMSE", "偏差", "校准前偏差")),
        override("结论", custom_displayMode="color-text", custom_width=70, mappings=[_USED]),
    ),
    width=24,
    height=10,
    sql=("calibrations",),
)
ROSE: Final = Panel(
    id=10,
    title="各风向平均浓度（近 30 天）",
    description="所选微站在 16 个来风方位上的平均浓度（多站按小时数加权）；风速低于 0.5 m/s 的静风小时不计。"
    f"微站没有测风时用区域的风。{_UNITS}",
    visualisation=bargauge(steps((None, BLUE)), rows=True, decimals=1),
    width=8,
    height=13,
    sql=("rose",),
    unit="none",
)
PROBABILITY: Final = Panel(
    id=11,
    title="各风向高值概率（近 30 天）",
    description="来风于该方位的小时中，浓度高于第 75 百分位的比例（多站取平均）；不足 5 小时的方位不列。"
    "明显高于 25 % 的方位值得排查。",
    visualisation=bargauge(steps((None, GREEN), (25, ORANGE), (50, RED)), rows=True, decimals=0, high=100),
    width=8,
    height=13,
    sql=("probability",),
    unit="percent",
)
SURFACE: Final = Panel(
    id=12,
    title="风向风速与浓度（近 30 天）",
    description="按来风方位和风速平滑后的平均浓度，颜色越深越高；低风速处高为近处排放，高风速处高为扬尘或较远的来源。"
    f"附近不足 5 小时处为空。{_UNITS}",
    visualisation=table(override("风向", custom_width=75), *(override(name, **_HEAT) for name in _WINDS)),
    width=8,
    height=13,
    sql=("surface",),
)
HINTS: Final = Panel(
    id=13,
    title="高值来向",
    description="各所选微站近 7 天和近 30 天高值概率最大的来风方位，与两者是否一致；"
    "用命令 `lantian trace --site 站点 --from 起 --to 止` 查该方位的企业和站点。",
    visualisation=table(
        override("微站", custom_width=150),
        *(
            item
            for days in (7, 30)
            for item in (
                override(f"{days} 天来向", custom_width=95),
                override(f"{days} 天高值概率", custom_width=115, decimals=0, unit="percent"),
                override(f"{days} 天该向均值", custom_width=115, decimals=1),
                override(f"{days} 天该向小时", custom_width=115),
            )
        ),
        override("更新时间", **_TIME),
    ),
    width=24,
    height=8,
    sql=("hints",),
)
UPWIND: Final = Panel(
    id=14,
    title="高值方位的企业和站点（近 30 天）",
    description="位于高值概率不低于 25 % 的方位、30 km 以内的登记点位（至多 50 条）；"
    "只是排查线索，不是结论。没有时为空。",
    visualisation=table(
        override("微站", custom_width=150),
        override("企业或站点", custom_width=250),
        override("点位", custom_width=150),
        override("方位", custom_width=75),
        override("距离", custom_width=85, decimals=1, unit="lengthkm"),
        override("该向高值概率", decimals=0, unit="percent"),
    ),
    width=24,
    height=8,
    sql=("upwind",),
    empty="没有高值概率不低于 25 % 的方位",
)
NOTES: Final = Panel(
    id=9,
    title="说明",
    description="数据来源、无数据时的处理。",
    visualisation=text(
        "**校准**：微站与最近的参比站按稳健回归（含湿度和温度项）校准，原始值始终保留；"
        "校准值不参与达标评价，评价只用标准站。  \n"
        "**外推**：浓度或温湿度超出训练范围时标记为外推。  \n"
        "**来源线索**：每六小时按近 7 天和近 30 天更新，只是排查线索，不是结论；"
        "`lantian trace` 按一次高值列出上风向的企业和站点。  \n"
        "**没有数据时**：校准需要足够的同期小时值，"
        "看定时任务（[系统运行](/d/lantian-system)）或运行 `lantian calibrate`。"
    ),
    width=24,
    height=4,
)

MICRO_DASHBOARD: Final = Dashboard(
    uid="lantian-micro",
    folder="micro",
    title="微站网格",
    description="微站浓度分布、原始与校准、邻站比较、高值、来源线索和校准版本。",
    variables=(
        AREA,
        Variable("pollutant", "污染物", "pollutant"),
        TOWNSHIP,
        Variable("station", "微站", "station", multiple=True),
    ),
    shelves=(
        (COUNTS,),
        (MAP, STATIONS),
        (SERIES, COMPARED),
        Heading(100, "高值与质控"),
        (PEAKS, FINDINGS),
        Heading(102, "来源线索"),
        (ROSE, PROBABILITY, SURFACE),
        (HINTS,),
        (UPWIND,),
        Heading(101, "校准"),
        (CALIBRATIONS,),
        (NOTES,),
    ),
    time_from="now-3d",
    time_to="now",
    refresh="1m",
    annotations=(WARNINGS, DUST),
    empty="暂无数据：还没有微站上报，或校准、来源线索尚未计算（系统运行）",
)
