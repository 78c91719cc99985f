"""目标与实绩: every target of the plan with its actual, and the year's air quality behind the measured ones."""

from __future__ import annotations

from typing import Final

from dashboards.annotation import DUST, WARNINGS
from dashboards.colour import (
    GREEN,
    GREY,
    ORANGE,
    RED,
    STATUSES,
    VERDICTS,
    status_mapping,
    steps,
    word_mapping,
)
from dashboards.dashboard import Dashboard
from dashboards.layout import Heading
from dashboards.panel import Panel
from dashboards.ranking import RANKING, TOWNSHIP_RANKING
from dashboards.variable import AREA, Variable
from dashboards.visualisation import bargauge, console_link, fixed, gauge, override, stat, table, text, timeseries
from domain.level import LEVELS
from domain.pollutant import POLLUTANTS

_PM25: Final = POLLUTANTS["pm25"]
_UNIT: Final = f"suffix:{_PM25.unit}"
#: Beyond the limit itself: a share of exactly 100 % complies.
_OVER: Final = 100.01
_SHARE: Final = steps((None, GREEN), (90, ORANGE), (_OVER, RED))
_LEVEL_WORDS: Final = {f"level_{level.level}": level.category_zh for level in LEVELS}
_STATUS_CELL: Final = {"custom_displayMode": "color-background-solid", "mappings": [status_mapping()]}
_VERDICT_CELL: Final = {"custom_displayMode": "color-background-solid", "mappings": [word_mapping(*VERDICTS)]}

#: Editions of GB 3095 as the tables of the standards name them.
_EDITIONS: Final = {
    "options": {
        "2012": {"index": 0, "text": "GB 3095-2012"},
        "2026-transitional": {"index": 1, "text": "2026（过渡阶段）"},
        "2026-final": {"index": 2, "text": "2026（第二阶段）"},
    },
    "type": "value",
}
_TARGET_PAGE: Final = console_link("在操作台查看和填报", "/target/${__data.fields.area_id}/${__data.fields.target_id}")

STATUS_COUNTS: Final = Panel(
    id=1,
    title="各状态目标数",
    description="实施方案全部目标按状态计数。已到期目标按到期时段评判；未到期目标按最新时段评判，"
    "“有风险”指目前数值未满足目标但尚可挽回。",
    visualisation=stat(decimals=0).with_overrides(
        *(override(word, color=fixed(colour)) for _, word, colour in STATUSES)
    ),
    width=14,
    height=4,
    sql=("status_counts",),
    unit="suffix:项",
)
PM25_SENTENCE: Final = Panel(
    id=2,
    title="PM2.5 年均目标结论（${year} 年）",
    description="区域 PM2.5 年均浓度与方案第 31 条目标的比较；年度结束后给出该年结果，"
    "进行中给出剩余天数允许的平均浓度。"
    "区域浓度为各参评站点的平均。",
    visualisation=stat(fields="/.*/", background=False),
    width=10,
    height=4,
    sql=("pm25_sentence",),
)
TARGETS: Final = Panel(
    id=3,
    title="全部目标",
    description="按条款排列。实绩与状态属于“评判时段”：有到期日的目标取到期所在时段（未到该时段时取最新时段），"
    "按月、按季的目标取最新时段；"
    "评判时段之后若已有新数据，列于“最新时段”两栏。“其余日均上限”为剩余天数的平均浓度最多可为多少才能实现目标，"
    "负数表示已无法实现。",
    visualisation=table(
        override("条款", custom_width=95),
        override("指标", custom_width=235, links=[_TARGET_PAGE]),
        override("目标", custom_width=100),
        override("实绩", custom_width=75),
        override("状态", custom_width=85, **_STATUS_CELL),
        override("到期", custom_width=95),
        override("责任单位", custom_width=160),
        override("评判时段", custom_width=90),
        override("最新时段实绩", custom_width=105),
        override("最新时段状态", custom_width=105, **_STATUS_CELL),
        override("其余日均上限", custom_width=105, decimals=1),
        override("数据截至", custom_width=100),
        override("来源", custom_width=60),
        override("说明", custom_width=260),
        override("target_id", custom_hidden=True),
        override("area_id", custom_hidden=True),
    ),
    width=24,
    height=26,
    sql=("targets",),
)
PM25_GAUGE: Final = Panel(
    id=4,
    title="PM2.5 年均占目标（${year} 年）",
    description="年均浓度（按规定修约）除以目标值。超过 100 % 为未满足目标，90 % 以上提示余量不足。",
    visualisation=gauge(_SHARE, low=0, high=150, decimals=0),
    width=5,
    height=8,
    sql=("pm25_gauge",),
    unit="percent",
)
PM25_NOW: Final = Panel(
    id=5,
    title="PM2.5 年均与余量（${year} 年）",
    description="年均至今为有效日均值的平均，按规定修约；其余日均值上限为剩余每天的平均浓度最多可为多少，"
    "年度结束后为空。",
    visualisation=stat(background=False).with_overrides(
        override("年均至今", decimals=_PM25.decimals, unit=_UNIT),
        override("目标（不高于）", unit=_UNIT),
        override("其余日均值上限", decimals=1, noValue="—", unit=_UNIT),
        override("有效天数", unit="suffix:天"),
        override("剩余天数", unit="suffix:天"),
    ),
    width=5,
    height=8,
    sql=("pm25_now",),
    unit=_UNIT,
)
PM25_CUMULATIVE: Final = Panel(
    id=6,
    title="PM2.5 年内累计平均与目标",
    description="每年 1 月 1 日起有效日均值的累计平均（粗线）、目标值（红色虚线）和日均值（点）。"
    "随右上角的时间范围显示，默认为上一年和本年。",
    visualisation=timeseries(decimals=1).with_overrides(
        override("年内累计平均", color=fixed("#1F60C4"), custom_lineWidth=3, custom_showPoints="never"),
        override(
            "目标",
            color=fixed(RED),
            custom_lineStyle={"dash": [10, 10], "fill": "dash"},
            custom_showPoints="never",
        ),
        override(
            "日均值",
            color=fixed(GREY),
            custom_drawStyle="points",
            custom_pointSize=3,
            decimals=_PM25.decimals,
        ),
    ),
    width=14,
    height=8,
    sql=("pm25_cumulative",),
    unit=_UNIT,
)
POLLUTANTS_YEAR: Final = Panel(
    id=7,
    title="六项污染物年评价（${year} 年）",
    description="年均值和日均值百分位数与 GB 3095 二级限值比较；限值取评价年适用的版本。"
    "有效天数不足时列出数值但不作结论。"
    "CO 单位为 mg/m³，其余为 µg/m³。“剔除沙尘”为去掉经确认的沙尘时段后的颗粒物数值，结论仍按实测值。",
    visualisation=table(
        override("污染物", custom_width=150),
        override("统计量", custom_width=175),
        override("数值", custom_width=60),
        override("剔除沙尘", custom_width=80),
        override("限值", custom_width=70),
        override("单位", custom_width=70),
        override("占限值", custom_width=80, decimals=0, unit="percent"),
        override("结论", custom_width=85, **_VERDICT_CELL),
        override("有效天数", custom_width=85),
        override("限值版本", custom_width=130, mappings=[_EDITIONS]),
    ),
    width=14,
    height=11,
    sql=("pollutants_year",),
)
POLLUTANTS_BAR: Final = Panel(
    id=8,
    title="六项占限值百分比（${year} 年）",
    description="各项年统计量（按规定修约）除以适用的二级限值；超过 100 % 为超标。",
    visualisation=bargauge(_SHARE, rows=True, decimals=0, high=150),
    width=10,
    height=11,
    sql=("pollutants_bar",),
    unit="percent",
)
GOOD_DAYS: Final = Panel(
    id=9,
    title="优良天数与优良率（${year} 年）",
    description="日 AQI 不大于 100 的天数及其占有效天数的比例；六项评价须全部达标且有效天数足够。",
    visualisation=stat(fields="/.*/", background=False).with_overrides(
        override("优良天数", unit="suffix:天"),
        override("优良率", decimals=1, unit="percent"),
        override("有效天数", unit="suffix:天"),
        override("六项评价", mappings=[word_mapping(*VERDICTS)]),
    ),
    width=12,
    height=6,
    sql=("good_days",),
    unit="suffix:天",
)
DAYS_BY_LEVEL: Final = Panel(
    id=10,
    title="各级别天数（${year} 年）",
    description="按每天适用的 HJ 633 版本评定的日 AQI 级别计数，颜色为该标准规定的颜色。",
    visualisation=bargauge(steps((None, GREY)), rows=False, decimals=0, horizontal=False).with_overrides(
        *(override(level.category_zh, color=fixed(level.hex)) for level in LEVELS)
    ),
    width=12,
    height=6,
    sql=("days_by_level",),
    unit="suffix:天",
    parameters=_LEVEL_WORDS,
)
MONTHS: Final = Panel(
    id=11,
    title="逐月统计（${year} 年）",
    description="月平均浓度（O3 为日最大 8 小时第 90 百分位，CO 为日均值第 95 百分位，mg/m³；其余 µg/m³），"
    "优良率按有效天数计算，"
    "污染天数为 AQI 大于 100 的天数，重污染天数为 AQI 大于 200 的天数。",
    visualisation=table(
        override("月份", custom_width=95),
        override("优良率", decimals=1, unit="percent"),
        override("CO P95", decimals=POLLUTANTS["co"].decimals),
    ),
    width=24,
    height=11,
    sql=("months",),
)
ROLLING: Final = Panel(
    id=14,
    title="滚动 12 个月与三年评价",
    description="最近一个完整月份为止的 12 个月，以及最近三个完整年度；百分位数按 HJ 663 公式计算，每天更新。"
    "与年限值对照，不作达标结论；天数按年评价的要求判断是否足够。CO 单位为 mg/m³，其余为 µg/m³。",
    visualisation=table(
        override("类别", custom_width=105),
        override("时段", custom_width=160),
        override("污染物", custom_width=165),
        override("统计量", custom_width=185),
        override("数值", custom_width=70),
        override("剔除沙尘", custom_width=85),
        override("年限值", custom_width=70),
        override(
            "占限值", custom_displayMode="color-text", custom_width=80, decimals=0, thresholds=_SHARE, unit="percent"
        ),
        override("单位", custom_width=70),
        override("有效天数", custom_width=85),
        override("完整率", custom_width=80, decimals=1, unit="percent"),
    ),
    width=24,
    height=11,
    sql=("rolling",),
)
NOTES: Final = Panel(
    id=12,
    title="说明",
    description="数据来源、无数据时的处理。",
    visualisation=text(
        "**数据来源**：只读视图 `screen.target_status`、`screen.pm25_year`、`screen.period` 等；"
        "浓度按 GB/T 8170 修约，"
        "限值与指数版本按数据日期选用。  \n"
        "**没有数据时**：目标表为空，表示县级数据集尚未载入，请运行 `lantian up` 或 `lantian migrate`；"
        "状态为“待填报”的目标由责任单位填报；"
        "状态为“暂无数据”的目标，请到 [实时空气质量](/d/lantian-air) 查看站点是否有数据，"
        "并运行 `lantian settle`。  \n"
        "**时间**：北京时间。年度变量决定各“（年）”面板；累计平均图按右上角的时间范围。"
    ),
    width=24,
    height=4,
)

TARGETS_DASHBOARD: Final = Dashboard(
    uid="lantian-targets",
    folder="targets",
    title="目标与实绩",
    description="实施方案各项目标的实绩、状态、到期日和责任单位，以及年度空气质量评价。",
    variables=(AREA, Variable("year", "年度", "year")),
    shelves=(
        (STATUS_COUNTS, PM25_SENTENCE),
        (PM25_GAUGE, PM25_NOW, PM25_CUMULATIVE),
        Heading(100, "方案目标"),
        (TARGETS,),
        Heading(101, "年度评价"),
        (GOOD_DAYS, DAYS_BY_LEVEL),
        (POLLUTANTS_YEAR, POLLUTANTS_BAR),
        (MONTHS,),
        (ROLLING,),
        (TOWNSHIP_RANKING,),
        (RANKING,),
        (NOTES,),
    ),
    time_from="now-1y/y",
    time_to="now/y",
    refresh="5m",
    annotations=(DUST, WARNINGS),
    empty="暂无数据：该年还没有有效的日均值",
)
