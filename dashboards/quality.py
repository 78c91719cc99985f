"""数据质量与设备: completeness, health of devices, what was rejected and why, corrections."""

from __future__ import annotations

from typing import Final

from dashboards.annotation import DUST, WARNINGS
from dashboards.colour import GREEN, GREY, ORANGE, RED, STATES, steps, word_mapping
from dashboards.dashboard import Dashboard
from dashboards.layout import Heading
from dashboards.panel import Panel
from dashboards.shared import DATE_TIME, DATE_TIME_SECONDS, outcomes
from dashboards.variable import AREA, Variable
from dashboards.visualisation import bargauge, console_link, fixed, override, stat, table, text, timeseries
from domain.standard import validity

#: Percent; 95 is what target monitor_online asks for.
_EFFECTIVE: Final = steps((None, RED), (80, ORANGE), (95, GREEN))
#: Share of hours below which a day has too few hours to count.
_DAY_PERCENT: Final = round(100 * validity().hours_per_day / 24, 1)
_DEVICE_PAGE: Final = console_link("在操作台查看设备", "/device?text=${__value.text:percentencode}")
_AGE: Final = steps((None, GREEN), (10, ORANGE), (60, RED))
_SHARE: Final = steps((None, "text"), (1, ORANGE), (5, RED))
_WAITING: Final = steps((None, GREEN), (1, ORANGE))
_JUDGEMENT: Final = word_mapping(("有效", GREEN), ("无效", RED))
_REVIEW: Final = word_mapping(("待复审", ORANGE), ("已生效", GREEN), ("已撤回", GREY))
_DECISIONS: Final = word_mapping(("待审核", ORANGE), ("已采纳", GREEN), ("未采纳", GREY))

STATE_COUNTS: Final = Panel(
    id=1,
    title="设备状态",
    description="3 个上报周期（至少 5 分钟）内有数据为正常，60 分钟内为迟报，更久为中断。",
    visualisation=stat(decimals=0).with_overrides(
        *(override(word, color=fixed(colour)) for word, colour in STATES),
    ),
    width=10,
    height=4,
    sql=("states",),
    unit="suffix:台",
)
EFFECTIVE: Final = Panel(
    id=2,
    title="传输有效率",
    description="各设备传输有效率的平均：收到条数占应有条数的比例乘以有效数据占收到数据的比例。",
    visualisation=stat(thresholds=_EFFECTIVE, decimals=1),
    width=8,
    height=4,
    sql=("effective",),
    unit="percent",
)
REJECTED: Final = Panel(
    id=3,
    title="拒收（24 小时）",
    description="近 24 小时拒收的报文数；原文和原因都保留，改正后可重放。近 30 天没有拒收时为空。",
    visualisation=stat(thresholds=_WAITING, decimals=0),
    width=3,
    height=4,
    sql=("rejected",),
    empty="没有拒收",
    unit="suffix:条",
)
REVISIONS_WAITING: Final = Panel(
    id=4,
    title="待定修正",
    description="等待审核的数据修正条数；采纳以后才参与统计。没有修正时为空。",
    visualisation=stat(thresholds=_WAITING, decimals=0),
    width=3,
    height=4,
    sql=("revisions_waiting",),
    empty="没有修正",
    unit="suffix:条",
)
HEALTH: Final = Panel(
    id=5,
    title="设备健康",
    description="中断和有效率低的在前。时钟偏差为接收时间减数据时段终点（秒），负值说明设备时钟偏快；"
    "重复和拒收为今日报文中的百分比。",
    visualisation=table(
        override("设备", custom_width=160, links=[_DEVICE_PAGE]),
        override("点位", custom_width=140),
        override("类别", custom_width=90),
        override("协议", custom_width=75),
        override(
            "状态", custom_displayMode="color-background-solid", custom_width=75, mappings=[word_mapping(*STATES)]
        ),
        override("连接", custom_width=65),
        override("时效", custom_displayMode="color-text", custom_width=85, decimals=0, thresholds=_AGE, unit="m"),
        override("时钟偏差", custom_width=85, decimals=0, unit="s"),
        *(
            override(
                name,
                custom_displayMode="color-text",
                custom_width=95,
                decimals=1,
                thresholds=_EFFECTIVE,
                unit="percent",
            )
            for name in ("今日有效率", "本月有效率")
        ),
        *(
            override(
                name, custom_displayMode="color-text", custom_width=75, decimals=1, thresholds=_SHARE, unit="percent"
            )
            for name in ("重复", "拒收")
        ),
        override("最近错误", custom_width=260),
        override("错误时间", **DATE_TIME_SECONDS),
    ),
    width=24,
    height=13,
    sql=("health",),
)
LOWEST: Final = Panel(
    id=6,
    title="本月传输有效率最低的设备",
    description="至多 15 台；方案第 35 条要求稳定传输，考核线为 95 %。",
    visualisation=bargauge(_EFFECTIVE, rows=True, decimals=1, high=100),
    width=9,
    height=10,
    sql=("lowest",),
    unit="percent",
)
COMPLETENESS: Final = Panel(
    id=7,
    title="各站每日完整率",
    description="每日有效小时值占应有小时值的比例（只计该站当日报送的污染物）；"
    f"低于 {_DAY_PERCENT:g} % 时日均值可能无效（每日至少 {validity().hours_per_day} 个小时值）。",
    visualisation=timeseries(decimals=0),
    width=15,
    height=10,
    sql=("completeness",),
    unit="percent",
    interval="1d",
)
LEDGER: Final = outcomes(8, "接收账目", ("ledger_hour", "hour"), interval="1h")
REJECT_REASONS: Final = Panel(
    id=9,
    title="拒收原因",
    description="拒收的报文按原因计数（近 30 天）。",
    visualisation=timeseries(decimals=0, bars=True),
    width=12,
    height=9,
    sql=("reject_reasons",),
    empty="所选时段没有拒收的报文",
    unit="short",
    interval="1h",
)
REJECTS: Final = Panel(
    id=10,
    title="最近拒收的报文",
    description="所选时间范围内（至多 30 天）最近 200 条拒收的报文、原因和说明；同样的说明也已发到设备的错误主题。",
    visualisation=table(
        override("接收时间", **DATE_TIME_SECONDS),
        override("设备", custom_width=150, links=[_DEVICE_PAGE]),
        override("原因", custom_width=130),
        override("说明", custom_width=320),
        override("主题", custom_width=260),
    ),
    width=12,
    height=10,
    sql=("rejects",),
    empty="所选时段没有拒收的报文",
)
REVISIONS: Final = Panel(
    id=11,
    title="数据修正",
    description="同一时刻再次报送的不同数值：原值不变，采纳以后才参与统计。待审核者在前；点击编号在操作台审核。",
    visualisation=table(
        override("编号", custom_width=65, links=[console_link("在操作台审核", "/revision")]),
        override("接收时间", **DATE_TIME_SECONDS),
        override("设备", custom_width=150),
        override("点位", custom_width=130),
        override("数据时间", **DATE_TIME),
        override("状态", custom_displayMode="color-text", custom_width=75, mappings=[_DECISIONS]),
        override("审核人", custom_width=90),
    ),
    width=12,
    height=10,
    sql=("revisions",),
    empty="近 30 天没有数据修正",
)
REVIEWS: Final = Panel(
    id=13,
    title="数据审核（两级）",
    description="一人初审、另一人复审；复审通过的结论优先于自动质控标识，原值不变。待复审者在前；点击编号在操作台处理。",
    visualisation=table(
        override("编号", custom_width=65, links=[console_link("在操作台处理", "/review")]),
        override("点位", custom_width=130),
        override("设备", custom_width=140),
        override("监测项", custom_width=80),
        override("时段起", **DATE_TIME),
        override("时段止", **DATE_TIME),
        override("结论", custom_displayMode="color-text", custom_width=60, mappings=[_JUDGEMENT]),
        override("状态", custom_displayMode="color-text", custom_width=75, mappings=[_REVIEW]),
        override("初审", custom_width=130),
        override("复审", custom_width=130),
    ),
    width=24,
    height=8,
    sql=("reviews",),
    empty="所选时段没有数据审核（操作台“数据审核”）",
)
NOTES: Final = Panel(
    id=12,
    title="说明",
    description="数据来源、无数据时的处理。",
    visualisation=text(
        "**每一条报文都有下落**：入库、重复、修订或拒收；拒收的保留原文和原因，"
        "改正后用 `lantian reject replay` 重放。  \n"
        "**设备显示未上报**：核对设备编号和账号（`lantian device show`），看拒收原因是否为“设备未登记”"
        "（`lantian device pending` 可批准）。  \n"
        "**时钟偏差大**：HJ 212 设备可用 `lantian device command` 校时。"
    ),
    width=24,
    height=4,
)

QUALITY_DASHBOARD: Final = Dashboard(
    uid="lantian-data",
    folder="data",
    title="数据质量与设备",
    description="设备状态、传输有效率、完整率、接收账目、拒收原因和数据修正。",
    variables=(AREA, Variable("family", "设备类别", "family", multiple=True)),
    shelves=(
        (STATE_COUNTS, EFFECTIVE, REJECTED, REVISIONS_WAITING),
        (HEALTH,),
        (LOWEST, COMPLETENESS),
        Heading(100, "接收与拒收"),
        (LEDGER, REJECT_REASONS),
        (REJECTS, REVISIONS),
        (REVIEWS,),
        (NOTES,),
    ),
    time_from="now-7d",
    time_to="now",
    refresh="1m",
    annotations=(WARNINGS, DUST),
    empty="暂无数据：还没有登记的设备，或采集程序没有运行（lantian status）",
)
