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
    aqi_steps,
    category_mapping,
    level_mapping,
    steps,
    word_mapping,
)
from dashboards.dashboard import Dashboard
from dashboards.layout import Heading
from dashboards.panel import Panel
from dashboards.variable import AREA, TOWNSHIP, Variable
from dashboards.visualisation import bargauge, fixed, geomap, override, stat, state_timeline, table, text, timeseries
from domain.pollutant import POLLUTANTS, Pollutant
from domain.standard import validity

_CO: Final = POLLUTANTS["co"]
#: Shares of hours below which a day has too few hours to count, and below which something is wrong.
_DAY_PERCENT: Final = round(100 * validity().hours_per_day / 24, 1)
_COMPLETE: Final = steps((None, RED), (50, ORANGE), (_DAY_PERCENT, GREEN))
#: Minutes: readings come every minute; ten is late, an hour is silence.
_AGE: Final = steps((None, GREEN), (10, ORANGE), (60, RED))
#: Minutes since the end of a neighbour's hour: the next one is due after sixty.
_LATE: Final = steps((None, GREEN), (90, ORANGE), (240, RED))
_WINDOW_STATE: Final = word_mapping(
    ("生效", ORANGE), ("条件不满足", GREEN), ("无法判定", GREY), ("待判定", GREY), ("非管控季节", GREY)
)
_AREA: Final = "区域值为各参评站点的平均。"

AQI: Final = Panel(
    id=1,
    title="区域实时 AQI",
    description=f"最近一小时的空气质量指数，按 HJ 633 由六项 1 小时平均浓度计算。"
    f"{_AREA}不随所选乡镇变化。缺项且不大于 100 时按标准不发布。",
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
    description="所选乡镇的站点；标记颜色和数字为最近一小时 AQI，点击标记看六项浓度。"
    "底图来自互联网，内网环境下只显示标记。",
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
    "url": "/d/lantian-air?${area:queryparam}&${township:queryparam}&${kind:queryparam}"
    "&var-site=${__data.fields.site_id}&${__url_time_range}",
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
    "未测到条件时为“无法判定”；不在规定月份的列为“非管控季节”。",
    visualisation=table(
        override("条款", custom_width=80),
        override("要求", custom_width=80),
        override("内容", custom_width=330),
        override("月份", custom_width=120),
        override("时段", custom_width=120),
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
    width=10,
    height=10,
    sql=("completeness",),
    unit="percent",
)
NEIGHBOURS: Final = Panel(
    id=22,
    title="相邻县区实时（µg/m³，CO 为 mg/m³）",
    description="相邻县区送来的最近一小时（方案第 32 条信息共享）；时效为该小时结束后经过的分钟数。"
    "登记相邻县区和交换见 docs/exchange.md。",
    visualisation=table(
        override("县区", custom_width=90),
        override("AQI", custom_displayMode="color-background-solid", custom_width=55, thresholds=aqi_steps()),
        override("级别", custom_displayMode="color-background-solid", custom_width=85, mappings=[category_mapping()]),
        override("首要污染物", custom_width=150),
        *(override(POLLUTANTS[key].symbol, custom_width=58) for key in ("pm25", "pm10", "so2", "no2", "o3")),
        override(_CO.symbol, custom_width=55, decimals=_CO.decimals),
        override("小时", custom_width=105, unit="time:MM-DD HH:mm"),
        override("时效", custom_displayMode="color-text", custom_width=75, decimals=0, thresholds=_LATE, unit="m"),
    ),
    width=14,
    height=9,
    sql=("neighbours",),
    empty="没有登记相邻县区，或尚未收到其数据（lantian exchange add）",
)
NEIGHBOUR_AQI: Final = Panel(
    id=23,
    title="本县与相邻县区 AQI",
    description="本县（粗线）与相邻县区逐小时 AQI；时间范围较长时取时段内最大值。上风向县区先升高，提示区域传输。",
    visualisation=timeseries(decimals=0).with_overrides(override("本县", color=fixed(BLUE), custom_lineWidth=4)),
    width=10,
    height=9,
    sql=("neighbour_aqi",),
    unit="none",
    interval="1h",
)
NOTES: Final = Panel(
    id=20,
    title="说明",
    description="数据来源、无数据时的处理。",
    visualisation=text(
        "**指数**：每小时由六项 1 小时平均浓度按 HJ 633 当日适用版本计算；颗粒物 1 小时浓度按 24 小时分指数表评定。"
        "小时以起点标示，浓度按 GB/T 8170 修约。  \n"
        "**没有数据时**：先看 [数据质量与设备](/d/lantian-data)："
        "设备全部“未上报”说明采集程序没有收到报文（`lantian status`）；"
        "设备正常而没有小时值，说明统计程序没有运行（`lantian settle`）；"
        "报文被拒收时，那里的“最近拒收的报文”写明原因。回放历史数据时请调整右上角的时间范围。  \n"
        "**乡镇**：只列出和画出所选乡镇的站点；区域平均不属于任何乡镇，由“站点类型”选择，留作对照。  \n"
        "**目标**：见 [目标与实绩](/d/lantian-targets)；**相邻县区**：数据由其自行负责，不参与本县评价。"
    ),
    width=14,
    height=10,
)

AIR_DASHBOARD: Final = Dashboard(
    uid="lantian-air",
    folder="air",
    title="实时空气质量",
    description="区域和各站点的实时 AQI、六项污染物与限值、数据完整率和时效。",
    variables=(
        AREA,
        TOWNSHIP,
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
        Heading(102, "相邻县区"),
        (NEIGHBOURS, NEIGHBOUR_AQI),
        Heading(101, "数据完整率"),
        (SITE_COMPLETENESS, NOTES),
    ),
    time_from="now-48h",
    time_to="now",
    refresh="1m",
    annotations=(WARNINGS, DUST),
    empty="暂无数据：所选乡镇没有站点，或站点设备没有上报（数据质量与设备）",
)
