"""实时空气质量: the county's and every station's index now, six pollutants against limits, completeness and age."""

from __future__ import annotations

from typing import Final

from dashboards.annotation import DUST, WARNINGS
from dashboards.colour import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    STATES,
    aqi_steps,
    category_mapping,
    level_mapping,
    steps,
    word_mapping,
)
from dashboards.dashboard import Dashboard
from dashboards.layout import Heading
from dashboards.panel import Panel
from dashboards.variable import Variable
from dashboards.visualisation import bargauge, fixed, geomap, override, stat, state_timeline, table, text, timeseries
from domain.pollutant import POLLUTANTS, Pollutant
from domain.standard import validity

_CO: Final = POLLUTANTS["co"]
#: Shares of hours below which a day has too few hours to count, and below which something is wrong.
_DAY_PERCENT: Final = round(100 * validity().hours_per_day / 24, 1)
_COMPLETE: Final = steps((None, RED), (50, ORANGE), (_DAY_PERCENT, GREEN))
#: Minutes: readings come every minute; ten is late, an hour is silence.
_AGE: Final = steps((None, GREEN), (10, ORANGE), (60, RED))
_WINDOW_STATE: Final = word_mapping(("生效", ORANGE), ("条件不满足", GREEN), ("无法判定", GREY))
_AREA: Final = "区域值为各参评站点的平均。"

AQI: Final = Panel(
    id=1,
    title="区域实时 AQI",
    description=f"最近一小时的空气质量指数，按 HJ 633 由六项 1 小时平均浓度计算。"
    f"{_AREA}缺项且不大于 100 时按标准不发布。",
    visualisation=stat(thresholds=aqi_steps(), decimals=0),
    width=4,
    height=4,
    sql=("area_aqi",),
    unit="none",
)
CATEGORY: Final = Panel(
    id=2,
    title="级别",
    description="最近一小时 AQI 的类别，颜色为 HJ 633 规定的颜色。",
    visualisation=stat(fields="/.*/", mappings=(category_mapping(),)),
    width=4,
    height=4,
    sql=("area_category",),
)
PRIMARY: Final = Panel(
    id=3,
    title="首要污染物",
    description="AQI 大于 50 时分指数最大的污染物，并列时全部列出。",
    visualisation=stat(fields="/.*/", background=False),
    width=4,
    height=4,
    sql=("area_primary",),
)
HOUR: Final = Panel(
    id=4,
    title="最新小时",
    description="以上数值所属的小时（北京时间）。",
    visualisation=stat(fields="/.*/", background=False),
    width=4,
    height=4,
    sql=("area_hour",),
)
AGE: Final = Panel(
    id=5,
    title="数据时效",
    description="参评站点中最新一条数据距现在的分钟数：10 分钟以上偏慢，60 分钟以上中断。",
    visualisation=stat(thresholds=_AGE, decimals=0),
    width=4,
    height=4,
    sql=("area_age",),
    unit="m",
)
COMPLETENESS: Final = Panel(
    id=6,
    title="24 小时完整率",
    description="前 24 个整小时内有效小时值占应有小时值的比例（只计该站报送的污染物）。"
    f"低于 {_DAY_PERCENT:g} % 时日均值可能无效（每日至少 {validity().hours_per_day} 个小时值）。",
    visualisation=stat(thresholds=_COMPLETE, decimals=0),
    width=4,
    height=4,
    sql=("area_completeness",),
    unit="percent",
)
MAP: Final = Panel(
    id=7,
    title="站点 AQI 分布",
    description="标记颜色和数字为最近一小时 AQI，点击标记看六项浓度。底图来自互联网，内网环境下只显示标记。",
    visualisation=geomap(aqi_steps(), latitude="纬度", longitude="经度", value="AQI").with_overrides(
        override("CO", decimals=_CO.decimals)
    ),
    width=9,
    height=13,
    sql=("map",),
    unit="none",
)
_LINK: Final = {
    "title": "只看该站",
    "url": "/d/lantian-air?${area:queryparam}&${kind:queryparam}&var-site=${__data.fields.site_id}&${__url_time_range}",
}
SITES: Final = Panel(
    id=8,
    title="站点实时（µg/m³，CO 为 mg/m³）",
    description="各站最近一小时的 AQI、级别、首要污染物和六项 1 小时平均浓度，"
    "以及近 24 小时完整率和数据时效（分钟）。点击站名只看该站。",
    visualisation=table(
        override("站点", custom_width=125, links=[_LINK]),
        override("类型", custom_width=75),
        override("AQI", custom_displayMode="color-background-solid", custom_width=55, thresholds=aqi_steps()),
        override("级别", custom_displayMode="color-background-solid", custom_width=80, mappings=[category_mapping()]),
        override("首要污染物", custom_width=140),
        *(override(POLLUTANTS[key].symbol, custom_width=58) for key in ("pm25", "pm10", "so2", "no2", "o3")),
        override(_CO.symbol, custom_width=55, decimals=_CO.decimals),
        override("小时", custom_width=100, unit="time:MM-DD HH:mm"),
        override(
            "完整率", custom_displayMode="color-text", custom_width=75, decimals=0, thresholds=_COMPLETE, unit="percent"
        ),
        override("时效", custom_displayMode="color-text", custom_width=75, decimals=0, thresholds=_AGE, unit="m"),
        override("site_id", custom_hidden=True),
    ),
    width=15,
    height=13,
    sql=("sites",),
)
WINDOWS: Final = Panel(
    id=21,
    title="今日时段管控",
    description="方案规定的洒水抑尘、户外喷涂等时段今日是否生效，按实测的雨、湿度和天空状况判定，每十分钟更新；"
    "未测到条件时为“无法判定”。没有适用时段时为空。",
    visualisation=table(
        override("条款", custom_width=80),
        override("要求", custom_width=80),
        override("内容", custom_width=330),
        override("起", custom_width=65, unit="time:HH:mm"),
        override("止", custom_width=65, unit="time:HH:mm"),
        override("判定", custom_displayMode="color-background-solid", custom_width=95, mappings=[_WINDOW_STATE]),
        override("现在", custom_width=55),
    ),
    width=24,
    height=6,
    sql=("windows",),
)
LEVELS_TIMELINE: Final = Panel(
    id=9,
    title="逐小时级别",
    description="各站逐小时 AQI 级别；时间范围较长时取时段内最高级别，空白为没有发布指数。",
    visualisation=state_timeline(level_mapping()),
    width=24,
    height=9,
    sql=("levels",),
    unit="none",
    interval="1h",
)


def _concentration(panel_id: int, pollutant: Pollutant, averaging: str, words: str) -> Panel:
    """Hourly values of one pollutant at the chosen sites with the limit of `averaging` in force at each time."""
    limit = override(
        f"限值（{words}）",
        color=fixed(RED),
        custom_lineStyle={"dash": [10, 10], "fill": "dash"},
        custom_showPoints="never",
        custom_spanNulls=True,
    )
    return Panel(
        id=panel_id,
        title=pollutant.title_zh,
        description=f"{pollutant.name_zh}逐小时浓度；红色虚线为 GB 3095 二级{words}限值，随数据日期适用的版本变化。"
        "时间范围较长时为时段平均。",
        visualisation=timeseries(decimals=pollutant.decimals).with_overrides(limit),
        width=8,
        height=8,
        sql=("concentration", "limit"),
        unit=f"suffix:{pollutant.unit}",
        parameters={"pollutant": pollutant.key, "averaging": averaging},
        interval="1h",
    )


#: Particles have no hourly limit: they are drawn against the limit of 24 hours.
CONCENTRATIONS: Final = tuple(
    _concentration(10 + at, POLLUTANTS[key], averaging, words)
    for at, (key, averaging, words) in enumerate(
        (
            ("pm25", "24h", "24小时平均"),
            ("pm10", "24h", "24小时平均"),
            ("o3", "1h", "1小时平均"),
            ("so2", "1h", "1小时平均"),
            ("no2", "1h", "1小时平均"),
            ("co", "1h", "1小时平均"),
        )
    )
)
SITE_COMPLETENESS: Final = Panel(
    id=16,
    title="各站 24 小时完整率",
    description=COMPLETENESS.description,
    visualisation=bargauge(_COMPLETE, rows=True, decimals=0, high=100),
    width=9,
    height=12,
    sql=("completeness",),
    unit="percent",
)
DEVICES: Final = Panel(
    id=17,
    title="设备状态与数据时效",
    description="状态：3 个上报周期（至少 5 分钟）内有数据为正常，60 分钟内为迟报，更久为中断。"
    "时效为最近一条数据距现在的分钟数。"
    "连接为设备在消息服务器上的登录状态。",
    visualisation=table(
        override("设备", custom_width=160),
        override("站点", custom_width=130),
        override("协议", custom_width=70),
        override(
            "状态", custom_displayMode="color-background-solid", custom_width=75, mappings=[word_mapping(*STATES)]
        ),
        override("时效", custom_displayMode="color-text", custom_width=85, decimals=0, thresholds=_AGE, unit="m"),
        override("最近数据时间", custom_width=125, unit="time:MM-DD HH:mm:ss"),
        override("最近接收", custom_width=125, unit="time:MM-DD HH:mm:ss"),
        override("连接", custom_width=65),
    ),
    width=15,
    height=12,
    sql=("devices",),
)
LEDGER: Final = Panel(
    id=18,
    title="接收账目（每小时报文数）",
    description="采集程序收到的报文按结果计数：收到 = 入库 + 重复 + 修订 + 拒收。",
    visualisation=timeseries(decimals=0, bars=True).with_overrides(
        override("入库", color=fixed(GREEN)),
        override("重复", color=fixed(GREY)),
        override("修订", color=fixed(BLUE)),
        override("拒收", color=fixed(RED)),
    ),
    width=9,
    height=9,
    sql=("ledger",),
    unit="short",
    interval="1h",
)
REJECTS: Final = Panel(
    id=19,
    title="最近拒收的报文",
    description="所选时间范围内（至多 30 天）最近 200 条拒收的报文、原因和说明；同样的说明也已发到设备的错误主题。",
    visualisation=table(
        override("接收时间", custom_width=125, unit="time:MM-DD HH:mm:ss"),
        override("设备", custom_width=150),
        override("原因", custom_width=130),
        override("说明", custom_width=300),
        override("主题", custom_width=260),
    ),
    width=15,
    height=9,
    sql=("rejects",),
)
NOTES: Final = Panel(
    id=20,
    title="说明",
    description="数据来源、无数据时的处理。",
    visualisation=text(
        "**指数**：每小时由六项 1 小时平均浓度按 HJ 633 当日适用版本计算；颗粒物 1 小时浓度按 24 小时分指数表评定。"
        "小时以起点标示，浓度按 GB/T 8170 修约。  \n"
        "**没有数据时**：先看“设备状态”：全部“未上报”说明采集程序没有收到报文（`lantian status`）；"
        "设备正常而没有小时值，"
        "说明统计程序没有运行（`lantian settle`）；报文被拒收时，“最近拒收的报文”写明原因。"
        "回放历史数据时请调整右上角的时间范围。  \n"
        "**目标**：见 [目标与实绩](/d/lantian-targets)。"
    ),
    width=24,
    height=4,
)

AIR_DASHBOARD: Final = Dashboard(
    uid="lantian-air",
    folder="air",
    title="实时空气质量",
    description="区域和各站点的实时 AQI、六项污染物与限值、数据完整率和时效。",
    variables=(
        Variable("area", "区域", "area"),
        Variable(
            "kind",
            "站点类型",
            "kind",
            multiple=True,
            chosen=(("区域平均", "area"), ("标准站", "ambient"), ("园区站", "park")),
        ),
        Variable("site", "站点", "site", multiple=True),
    ),
    shelves=(
        (AQI, CATEGORY, PRIMARY, HOUR, AGE, COMPLETENESS),
        (MAP, SITES),
        (LEVELS_TIMELINE,),
        (WINDOWS,),
        Heading(100, "六项污染物与限值"),
        CONCENTRATIONS[:3],
        CONCENTRATIONS[3:],
        Heading(101, "数据完整率、时效与接收"),
        (SITE_COMPLETENESS, DEVICES),
        (LEDGER, REJECTS),
        (NOTES,),
    ),
    time_from="now-48h",
    time_to="now",
    refresh="1m",
    annotations=(WARNINGS, DUST),
)
