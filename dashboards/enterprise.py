"""企业在线监测与工况: stacks against their limits, production against treatment, months and permitted totals."""

from __future__ import annotations

from functools import partial
from typing import Final

from dashboards.annotation import WARNINGS
from dashboards.colour import BLUE, GREEN, GREY, ORANGE, RED, steps, word_mapping
from dashboards.dashboard import Dashboard
from dashboards.layout import Heading
from dashboards.panel import Panel
from dashboards.shared import findings, stream
from dashboards.variable import AREA, TOWNSHIP, Variable
from dashboards.visualisation import bargauge, fixed, override, stat, table, text, timeseries

_ANY: Final = steps((None, GREEN), (1, RED))
#: Percent: 95 is the monthly share of hours that ultra-low emission asks for.
_SHARE: Final = steps((None, RED), (95, GREEN))
_PERMITTED: Final = steps((None, GREEN), (90, ORANGE), (100.01, RED))
_VERDICT: Final = word_mapping(("达标", GREEN), ("超标", RED), ("不判定", GREY))
_MONTH: Final = word_mapping(("达到要求", GREEN), ("未达到要求", RED), ("无法判定", GREY))
_STATE: Final = word_mapping(("运行", GREEN), ("含氧量接近空气", ORANGE), ("停运", GREY), ("数据无效", RED))
_DASHED: Final = {"dash": [10, 10], "fill": "dash"}
_MG: Final = "suffix:mg/m³"
_LINK: Final = {
    "title": "只看该排放口",
    "url": "/d/lantian-enterprise?${area:queryparam}&${township:queryparam}&${enterprise:queryparam}"
    "&var-outlet=${__data.fields.site_id}&${__url_time_range}",
}

COUNTS: Final = Panel(
    id=1,
    title="排放口概况",
    description="前 24 个完整小时有数据的排放口、最近一个完整小时超标的排放口、超标的小时数和数据无效的小时数。"
    "标记为停运、校准、维护的数据和无效数据不作超标判定。",
    visualisation=stat(decimals=0).with_overrides(
        override("排放口", color=fixed(BLUE)),
        *(
            override(name, color={"mode": "thresholds"}, thresholds=_ANY)
            for name in ("当前超标", "24小时超标小时", "24小时无效小时")
        ),
    ),
    width=24,
    height=4,
    sql=("counts",),
    unit="none",
)
OUTLETS: Final = Panel(
    id=2,
    title="排放口最近小时（折算浓度，mg/m³）",
    description="每个排放口最近一个完整小时按基准含氧量折算的浓度和当日适用的限值。"
    "含氧量接近 21 % 时折算无意义，不作判定。点击排放口只看该口。",
    visualisation=table(
        override("企业", custom_width=190),
        override("排放口", custom_width=150, links=[_LINK]),
        override("状态", custom_displayMode="color-text", custom_width=100, mappings=[_STATE]),
        override("结论", custom_displayMode="color-background-solid", custom_width=75, mappings=[_VERDICT]),
        override("小时", custom_width=105, unit="time:MM-DD HH:mm"),
        override("颗粒物", custom_width=70, decimals=1),
        override("颗粒物限值", custom_width=85, decimals=0),
        *(override(name, custom_width=65, decimals=1) for name in ("SO2", "NOx")),
        *(override(f"{name}限值", custom_width=75, decimals=0) for name in ("SO2", "NOx")),
        override("氨", custom_width=60, decimals=2),
        override("含氧量", custom_width=75, decimals=1, unit="percent"),
        override("标干流量", custom_width=90, decimals=0, unit="suffix:m³/s"),
        override("site_id", custom_hidden=True),
    ),
    width=24,
    height=9,
    sql=("outlets",),
)


def _converted(panel_id: int, pollutant: str, words: str) -> Panel:
    """Hourly converted concentration of the chosen outlets with the limits in force."""
    return Panel(
        id=panel_id,
        title=f"{words}折算浓度与限值",
        description=f"{words}按基准含氧量折算的小时均值；红色虚线为各排放口当日适用的限值。",
        visualisation=timeseries(decimals=1).with_overrides(
            {
                "matcher": {"id": "byRegexp", "options": "/^限值/"},
                "properties": [
                    {"id": "color", "value": fixed(RED)},
                    {"id": "custom.lineStyle", "value": _DASHED},
                    {"id": "custom.showPoints", "value": "never"},
                    {"id": "custom.spanNulls", "value": True},
                ],
            }
        ),
        width=8,
        height=9,
        sql=("converted", "limit"),
        unit=_MG,
        parameters={"pollutant": pollutant},
        interval="1h",
    )


CONVERTED: Final = (_converted(3, "pm", "颗粒物"), _converted(4, "so2", "二氧化硫"), _converted(5, "nox", "氮氧化物"))


_stream = partial(stream, decimals=1, interval="1h")
STREAMS: Final = (
    _stream(6, ("氨逃逸", "脱硝喷氨过量的迹象；实测干基标态小时均值。"), "ammonia", unit=_MG, decimals=2),
    _stream(
        7,
        ("含氧量", "负荷不变而含氧量上升、污染物下降，可能是掺入空气稀释。"),
        "oxygen",
        unit="percent",
    ),
    _stream(8, ("标干流量", "干基标准状态烟气流量小时均值。"), "flow", unit="suffix:m³/s", decimals=0),
)


def _power(panel_id: int, kind: str, title: str, description: str) -> Panel:
    return Panel(
        id=panel_id,
        title=title,
        description=description,
        visualisation=timeseries(decimals=0),
        width=12,
        height=9,
        sql=("power",),
        unit="suffix:kW",
        parameters={"kind": kind},
        interval="1h",
    )


POWER: Final = (
    _power(
        9, "production", "生产线用电功率", "所选企业各生产线电表的小时平均有功功率；停产时仍有 10 %～25 % 的基础负荷。"
    ),
    _power(
        10,
        "treatment",
        "治理设施用电功率",
        "所选企业各治理设施电表的小时平均有功功率；生产而治理设施不用电，应立即核查。",
    ),
)
MONTH_SHARE: Final = Panel(
    id=11,
    title="本月达标小时比例",
    description="本月已判定小时中全部污染物达标的比例；超低排放要求每月至少 95 % 的小时达标。",
    visualisation=bargauge(_SHARE, rows=True, decimals=1, high=100),
    width=8,
    height=10,
    sql=("month_share",),
    unit="percent",
)
PERMITTED: Final = Panel(
    id=12,
    title="年排放量占许可量",
    description="本年累计排放量占排污许可年许可量的百分比；流量或浓度缺失的小时不计入，实际可能更多。",
    visualisation=bargauge(_PERMITTED, rows=True, decimals=1, high=120),
    width=8,
    height=10,
    sql=("permitted",),
    unit="percent",
)
OVER_HOURS: Final = Panel(
    id=13,
    title="超标小时",
    description="所选时间范围内最近 200 个超标的小时。没有超标时为空。",
    visualisation=table(
        override("小时", custom_width=105, unit="time:MM-DD HH:mm"),
        override("企业", custom_width=150),
        override("排放口", custom_width=120),
        override("污染物", custom_width=80),
        override("折算浓度", custom_displayMode="color-text", custom_width=85, color=fixed(RED), decimals=1),
        override("限值", custom_width=60, decimals=0),
        override("超标倍数", custom_width=80, decimals=2),
        override("含氧量", custom_width=75, decimals=1, unit="percent"),
    ),
    width=8,
    height=10,
    sql=("over_hours",),
    empty="所选时段没有超标的小时",
)
MONTHS: Final = Panel(
    id=14,
    title="逐月达标与排放量",
    description="近 12 个月各排放口各污染物的达标小时比例、超标小时、月排放量和年累计（吨）；"
    "“全部污染物”指同一小时各项都达标。",
    visualisation=table(
        override("排放口", custom_width=160),
        override("月份", custom_width=85),
        override("污染物", custom_width=100),
        override("达标小时比例", custom_width=110, decimals=1, unit="percent"),
        override("结论", custom_displayMode="color-background-solid", custom_width=95, mappings=[_MONTH]),
        *(override(name, custom_width=110, decimals=2) for name in ("本月排放量", "年累计")),
        override("年许可量", custom_width=90, decimals=1),
        override("占许可量", custom_displayMode="color-text", decimals=1, thresholds=_PERMITTED, unit="percent"),
    ),
    width=24,
    height=11,
    sql=("months",),
)
_CHECKED: Final = "恒值、复制、截断、稀释、标记过长、生产而治理停用等检查发现的疑点；"
FINDINGS: Final = findings(16, _CHECKED, ("stack", "plant"), of_enterprises=True)
NOTES: Final = Panel(
    id=15,
    title="说明",
    description="数据来源、无数据时的处理。",
    visualisation=text(
        "**判定**：小时均值按排放口登记的类型、基准含氧量和当日适用的限值判定；登记见 `lantian outlet list`。  \n"
        "**没有数据时**：排放口没有登记时只有实测值而没有限值；设备没有数据见 [数据质量与设备](/d/lantian-data)。  \n"
        "**用电**：生产线、治理设施与电表的对应关系来自登记；功率为小时平均。"
    ),
    width=24,
    height=4,
)

ENTERPRISE_DASHBOARD: Final = Dashboard(
    uid="lantian-enterprise",
    folder="enterprise",
    title="企业在线监测与工况",
    description="排放口浓度与限值、生产与治理用电、月达标率和许可排放量。",
    variables=(
        AREA,
        TOWNSHIP,
        Variable("enterprise", "企业", "enterprise", multiple=True),
        Variable("outlet", "排放口", "outlet", multiple=True),
    ),
    shelves=(
        (COUNTS,),
        (OUTLETS,),
        Heading(100, "排放口小时值"),
        CONVERTED,
        STREAMS,
        Heading(101, "生产与治理"),
        POWER,
        Heading(102, "达标率与排放量"),
        (MONTH_SHARE, PERMITTED, OVER_HOURS),
        (MONTHS,),
        (FINDINGS,),
        (NOTES,),
    ),
    time_from="now-3d",
    time_to="now",
    refresh="1m",
    annotations=(WARNINGS,),
    empty="暂无数据：所选乡镇没有登记的排放口，或在线监测设备没有上报",
)
