"""重污染预警与应急: level in force, forecast with interval, orders, acknowledgements, verified reductions."""

from __future__ import annotations

from typing import Final

from dashboards.annotation import DUST, WARNINGS
from dashboards.colour import BLUE, GREEN, GREY, ORANGE, RED, aqi_steps, category_mapping, steps, word_mapping
from dashboards.dashboard import Dashboard
from dashboards.layout import Heading
from dashboards.panel import Json, Panel
from dashboards.shared import DATE_TIME, alerts
from dashboards.variable import AREA, Variable
from dashboards.visualisation import console_link, fixed, override, stat, state_timeline, table, text, timeseries
from domain.pollutant import POLLUTANTS
from domain.warning import BY_KEY

_PM25: Final = POLLUTANTS["pm25"]
_LEVELS: Final = tuple(BY_KEY[key] for key in ("yellow", "orange", "red"))
_LEVEL_WORDS: Final = word_mapping(
    ("无预警", GREEN), ("待确认", BLUE), *((level.name_zh, level.hex) for level in _LEVELS), ("已解除", GREY)
)
#: Numbers that `levels.sql` gives the states.
_LEVEL_BANDS: Final[Json] = {
    "options": {
        "0": {"color": GREEN, "index": 0, "text": "无预警"},
        "1": {"color": BLUE, "index": 1, "text": "待确认"},
        **{str(at): {"color": level.hex, "index": at, "text": level.name_zh} for at, level in enumerate(_LEVELS, 2)},
    },
    "type": "value",
}
#: Numbers that `verdict_bands.sql` gives the verdicts.
_VERDICT_BANDS: Final[Json] = {
    "options": {
        "1": {"color": GREEN, "index": 0, "text": "已落实"},
        "2": {"color": GREY, "index": 1, "text": "无法判定"},
        "3": {"color": RED, "index": 2, "text": "涉嫌未落实"},
    },
    "type": "value",
}
_IN_FORCE: Final = word_mapping(("生效", ORANGE), ("已结束", GREY))
_WARNING_PAGE: Final = console_link("在操作台查看", "/warning/${__data.fields.warning_id}")
_CHOOSE: Final = {
    "title": "看该预警",
    "url": "/d/lantian-warning?${area:queryparam}&var-warning=${__data.fields.warning_id}&${__url_time_range}",
}
_ORDER_PAGE: Final = console_link("在操作台查看命令", "/order/${__data.fields.order_id}")
_ANY: Final = steps((None, GREEN), (1, RED))
_SUSPECTED: Final = {"custom_displayMode": "color-text", "thresholds": _ANY}
_SKILL: Final = steps((None, RED), (0, ORANGE), (15, GREEN))
_INTERVAL: Final = (
    override("预报上限", color=fixed(BLUE), custom_fillBelowTo="预报下限", custom_fillOpacity=15, custom_lineWidth=0),
    override("预报下限", color=fixed(BLUE), custom_lineWidth=0),
)

NOW: Final = Panel(
    id=1,
    title="预警状态",
    description="现行的重污染天气预警等级；“待确认”为系统提出、等待人工确认的建议。",
    visualisation=stat(fields="/.*/", mappings=(_LEVEL_WORDS,)),
    width=5,
    height=5,
    sql=("now",),
)
PERIOD: Final = Panel(
    id=2,
    title="预警时段",
    description="现行预警或建议的预计起止时间（北京时间）；没有预警时为短横。",
    visualisation=stat(fields="/.*/", background=False),
    width=6,
    height=5,
    sql=("period",),
)
ANSWERS: Final = Panel(
    id=3,
    title="通知与回执（近 7 天）",
    description="发给企业的预警、命令和解除通知数，已回执数，以及逾期未回执的通知数。没有通知时为空。",
    visualisation=stat(decimals=0).with_overrides(
        override("已通知", color=fixed(BLUE)),
        override("已回执", color=fixed(GREEN)),
        override("逾期未回执", color={"mode": "thresholds"}, thresholds=_ANY),
    ),
    width=7,
    height=5,
    sql=("answers",),
    empty="近 7 天没有通知",
    unit="suffix:件",
)
VERDICTS: Final = Panel(
    id=4,
    title="减排核验（生产线·小时）",
    description="所选预警中每条生产线每小时按用电和工况核验的结论数。数据缺失不作结论，计入“无法判定”。",
    visualisation=stat(decimals=0).with_overrides(
        override("已落实", color=fixed(GREEN)),
        override("涉嫌未落实", color={"mode": "thresholds"}, thresholds=_ANY),
        override("无法判定", color=fixed(GREY)),
    ),
    width=6,
    height=5,
    sql=("verdicts",),
    empty="没有核验",
    unit="none",
)
AQI: Final = Panel(
    id=5,
    title="日 AQI 实况与预报",
    description="区域日 AQI 实况（粗线）和预报；阴影为预报区间（统计预报为 80 % 区间）。有官方预报时采用官方预报。",
    visualisation=timeseries(decimals=0).with_overrides(
        override("实况日AQI", color=fixed(ORANGE), custom_lineWidth=3),
        override("预报日AQI", color=fixed(BLUE), custom_lineStyle={"dash": [10, 10], "fill": "dash"}),
        *_INTERVAL,
    ),
    width=12,
    height=9,
    sql=("aqi_actual", "aqi_forecast"),
    unit="none",
)
PM25: Final = Panel(
    id=6,
    title="PM2.5 小时实况与 72 小时预报",
    description="区域 PM2.5 小时浓度实况和未来 72 小时预报；阴影为预报区间。",
    visualisation=timeseries(decimals=_PM25.decimals).with_overrides(
        override("实况PM2.5", color=fixed(ORANGE), custom_showPoints="never"),
        override(
            "预报PM2.5",
            color=fixed(BLUE),
            custom_lineStyle={"dash": [10, 10], "fill": "dash"},
            custom_showPoints="never",
        ),
        *_INTERVAL,
    ),
    width=12,
    height=9,
    sql=("pm25_actual", "pm25_forecast"),
    unit=f"suffix:{_PM25.unit}",
    interval="1h",
)
FORECAST_DAYS: Final = Panel(
    id=7,
    title="未来几天",
    description="每天的预报 AQI、区间、级别和首要污染物，以及来源和发布时间。",
    visualisation=table(
        override("日期", custom_width=100),
        override("AQI", custom_displayMode="color-background-solid", custom_width=65, thresholds=aqi_steps()),
        override("区间", custom_width=90),
        override("级别", custom_displayMode="color-background-solid", custom_width=85, mappings=[category_mapping()]),
        override("来源", custom_width=85),
        override("发布时间", **DATE_TIME),
    ),
    width=12,
    height=7,
    sql=("forecast_days",),
    empty="还没有预报：每小时发布一次，需要足够的历史小时值",
)
ALERTS: Final = alerts(8, "所选区域尚未处理完的告警，程度重的在前。", of_area=True, size=(12, 7))
LEVELS: Final = Panel(
    id=9,
    title="预警等级变化",
    description="所选时间范围内预警等级的变化。",
    visualisation=state_timeline(_LEVEL_BANDS),
    width=12,
    height=7,
    sql=("levels",),
    unit="none",
)
EPISODES: Final = Panel(
    id=10,
    title="历次预警",
    description="最近 50 次发布过的预警，及其减排命令核验的生产线·小时数。点击发布时间看该次预警，点击状态到操作台。",
    visualisation=table(
        override("最高级别", custom_displayMode="color-background-solid", custom_width=90, mappings=[_LEVEL_WORDS]),
        override("状态", custom_width=75, links=[_WARNING_PAGE]),
        override("发布", links=[_CHOOSE], **DATE_TIME),
        override("解除", **DATE_TIME),
        override("持续", custom_width=75, decimals=0, unit="h"),
        override("涉嫌未落实", **_SUSPECTED),
        override("warning_id", custom_hidden=True),
    ),
    width=12,
    height=9,
    sql=("episodes",),
    empty="还没有发布过预警",
)
EVENTS: Final = Panel(
    id=11,
    title="预警经过",
    description="所选预警的每一步：谁在何时做了什么，理由是什么。",
    visualisation=table(
        override("时间", **DATE_TIME),
        override("动作", custom_width=85),
        override("原状态", custom_width=80),
        override("新状态", custom_displayMode="color-text", custom_width=80, mappings=[_LEVEL_WORDS]),
        override("建议级别", custom_width=80),
        override("操作人", custom_width=90),
    ),
    width=12,
    height=9,
    sql=("events",),
    empty="还没有发布过预警",
)
ORDERS: Final = Panel(
    id=12,
    title="减排命令",
    description="所选预警中每家企业的命令：通知是否送达、何时回执、措施数和按小时核验的结论数。涉嫌未落实须现场核查，系统不作处罚。",
    visualisation=table(
        override("企业", custom_width=220, links=[_ORDER_PAGE]),
        override("绩效", custom_width=60),
        override("级别", custom_displayMode="color-text", custom_width=80, mappings=[_LEVEL_WORDS]),
        override("起", **DATE_TIME),
        override("止", **DATE_TIME),
        override("通知", custom_width=80),
        override("回执时间", **DATE_TIME),
        override("涉嫌未落实", **_SUSPECTED),
        override("order_id", custom_hidden=True),
    ),
    width=24,
    height=8,
    sql=("orders",),
    empty="所选预警没有减排命令；发布预警后按减排清单自动下达",
)
MEASURES: Final = Panel(
    id=13,
    title="措施与落实",
    description="所选预警中命令的每项措施和核验的小时数；涉嫌未落实的在前。",
    visualisation=table(
        override("企业", custom_width=190),
        override("生产线", custom_width=120),
        override("措施", custom_width=80),
        override("限至", custom_width=65, decimals=0, unit="percent"),
        override("要求", custom_width=220),
        override("涉嫌未落实", **_SUSPECTED),
    ),
    width=12,
    height=9,
    sql=("measures",),
    empty="所选预警没有措施",
)
VERDICT_BANDS: Final = Panel(
    id=14,
    title="逐小时核验结论",
    description="所选预警中每条生产线每小时的结论；灰色为数据不足，无法判定。",
    visualisation=state_timeline(_VERDICT_BANDS),
    width=12,
    height=9,
    sql=("verdict_bands",),
    empty="没有核验结论：预警期间每 15 分钟核验一次",
    unit="none",
    interval="1h",
)
POWER: Final = Panel(
    id=15,
    title="实际用电与基线",
    description="所选生产线的实际功率、同星期同小时的基线和命令允许的上限；另列治理设施功率。",
    visualisation=timeseries(decimals=0).with_overrides(
        override("实际功率", color=fixed(ORANGE), custom_lineWidth=3),
        override("基线", color=fixed(GREY), custom_lineStyle={"dash": [10, 10], "fill": "dash"}),
        override("允许上限", color=fixed(RED), custom_lineStyle={"dash": [4, 6], "fill": "dash"}),
        override("治理设施", color=fixed(GREEN)),
    ),
    width=12,
    height=9,
    sql=("power",),
    empty="没有核验：先选一条有用电计量的生产线",
    unit="suffix:kW",
    interval="1h",
)
OVERDUE: Final = Panel(
    id=16,
    title="逾期未回执",
    description="已过回执期限而无人回执的通知，已逐级提醒的次数。没有时为空。",
    visualisation=table(
        override("企业", custom_width=190, links=[console_link("在操作台查看", "/overdue")]),
        override("事项", custom_width=230),
        override("程度", custom_width=60),
        override("应回执时间", **DATE_TIME),
        override("已逾期", custom_displayMode="color-text", decimals=0, thresholds=steps((None, RED)), unit="m"),
    ),
    width=12,
    height=9,
    sql=("overdue",),
    empty="没有逾期未回执的通知",
)
SKILL: Final = Panel(
    id=18,
    title="预报技巧",
    description="统计预报的均方根误差与持续性预报、气候平均预报之比较：低于二者的百分数越大越好，负数表示不如它；"
    "区间覆盖率应接近 80 %。“实际发布”为发布后的检验，“训练留出”为未参加拟合的时段。",
    visualisation=table(
        override("站点", custom_width=150),
        override("依据", custom_width=85),
        override("项目", custom_width=90),
        override("时效", custom_width=90),
        *(override(name, custom_width=100, decimals=1) for name in ("RMSE", "持续性RMSE", "气候RMSE", "偏差")),
        override("低于持续性", custom_displayMode="color-text", decimals=0, thresholds=_SKILL, unit="percent"),
        override("低于气候", custom_displayMode="color-text", decimals=0, thresholds=_SKILL, unit="percent"),
        override("区间覆盖率", decimals=0, unit="percent"),
        override("样本数", custom_width=80),
        override("计算时间", custom_width=125, unit="time:MM-DD HH:mm"),
    ),
    width=24,
    height=9,
    sql=("skill",),
)
NEIGHBOURS: Final = Panel(
    id=19,
    title="相邻县区预警",
    description="相邻县区送来的预警，生效的在前（方案第 32 条信息共享）。",
    visualisation=table(
        override("县区", custom_width=90),
        override("级别", custom_displayMode="color-text", custom_width=85, mappings=[_LEVEL_WORDS]),
        override("状态", custom_displayMode="color-text", custom_width=75, mappings=[_IN_FORCE]),
        *(override(name, **DATE_TIME) for name in ("发布", "起", "止", "解除")),
    ),
    width=12,
    height=7,
    sql=("neighbours",),
    empty="没有收到相邻县区的预警（lantian exchange add）",
)
NOTES: Final = Panel(
    id=17,
    title="说明",
    description="数据来源、无数据时的处理。",
    visualisation=text(
        "**预警**：等级条件按有日期的规则（现行为 2024 年修订），默认由人在操作台确认；省、市命令可规定最低等级。  \n"
        "**核验**：以同星期、同小时的历史用电为基线，扣除停机过程和基础负荷；"
        "没有数据、表计中断或时钟偏差大时不作结论。  \n"
        "**没有数据时**：没有发布过预警时，命令和核验各栏为空；"
        "预报为空时看 [系统运行](/d/lantian-system) 中的定时任务。"
    ),
    width=24,
    height=5,
)

WARNING_DASHBOARD: Final = Dashboard(
    uid="lantian-warning",
    folder="warning",
    title="重污染预警与应急",
    description="预警等级、预报、减排命令、回执和落实核验。",
    variables=(
        AREA,
        Variable("warning", "预警", "warning"),
        Variable("line", "生产线", "line"),
    ),
    shelves=(
        (NOW, PERIOD, ANSWERS, VERDICTS),
        (AQI, PM25),
        (FORECAST_DAYS, ALERTS),
        (LEVELS, NEIGHBOURS),
        (EPISODES, EVENTS),
        Heading(100, "减排命令与回执"),
        (ORDERS,),
        (MEASURES, VERDICT_BANDS),
        (POWER, OVERDUE),
        Heading(101, "预报检验"),
        (SKILL,),
        (NOTES,),
    ),
    time_from="now-7d",
    time_to="now+4d",
    refresh="1m",
    annotations=(WARNINGS, DUST),
    empty="暂无数据：还没有预报或小时值（系统运行）",
)
