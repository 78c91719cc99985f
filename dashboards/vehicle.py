"""移动源OBD: heavy vehicles on line, their latest state, and one vehicle's streams."""

from __future__ import annotations

from functools import partial
from typing import Final

from dashboards.annotation import WARNINGS
from dashboards.colour import BLUE, GREEN, GREY, ORANGE, RED, steps, word_mapping
from dashboards.dashboard import Dashboard
from dashboards.layout import Heading
from dashboards.panel import Panel
from dashboards.shared import findings, stream
from dashboards.variable import AREA, Variable
from dashboards.visualisation import fixed, geomap, override, stat, table, text

_LAMP: Final = word_mapping(("正常", GREEN), ("故障灯亮", RED), ("未知", GREY), ("未上报", GREY))
#: ppm behind the catalyst: colours to find a vehicle by, no limit of a standard.
_NOX: Final = steps((None, GREEN), (200, ORANGE), (500, RED))
_REAGENT: Final = steps((None, RED), (10, ORANGE), (20, GREEN))
_CONVERSION: Final = steps((None, RED), (40, ORANGE), (70, GREEN))
_LINK: Final = {
    "title": "看该车数据流",
    "url": "/d/lantian-vehicle?${area:queryparam}&var-vehicle=${__data.fields.device_id}&${__url_time_range}",
}

COUNTS: Final = Panel(
    id=1,
    title="车辆概况",
    description="已联网的重型车、今日有数据的车、最近一条数据中故障灯亮的车和反应剂余量低于 10 % 的车。",
    visualisation=stat(decimals=0).with_overrides(
        override("联网车辆", color=fixed(BLUE)),
        override("今日上报", color=fixed(GREEN)),
        override("故障灯亮", color={"mode": "thresholds"}, thresholds=steps((None, GREEN), (1, RED))),
        override("反应剂不足", color={"mode": "thresholds"}, thresholds=steps((None, GREEN), (1, ORANGE))),
    ),
    width=24,
    height=4,
    sql=("counts",),
    unit="suffix:辆",
)
VEHICLES: Final = Panel(
    id=2,
    title="车辆最近数据",
    description="每辆车最近一条数据；转化率为 1 减下游与上游 NOx 之比，冷车和怠速时偏低属正常。点击车辆看数据流。",
    visualisation=table(
        override("车辆", custom_width=150, links=[_LINK]),
        override("企业", custom_width=150),
        override("故障灯", custom_displayMode="color-background-solid", custom_width=85, mappings=[_LAMP]),
        override("最近数据", custom_width=125, unit="time:MM-DD HH:mm:ss"),
        override("车速", custom_width=80, decimals=0, unit="suffix:km/h"),
        override("上游NOx", custom_width=90, decimals=0, unit="suffix:ppm"),
        override(
            "下游NOx",
            custom_displayMode="color-text",
            custom_width=90,
            decimals=0,
            thresholds=_NOX,
            unit="suffix:ppm",
        ),
        override(
            "转化率",
            custom_displayMode="color-text",
            custom_width=80,
            decimals=0,
            thresholds=_CONVERSION,
            unit="percent",
        ),
        override("SCR出口温度", custom_width=105, decimals=0, unit="celsius"),
        override(
            "反应剂余量",
            custom_displayMode="color-text",
            custom_width=95,
            decimals=0,
            thresholds=_REAGENT,
            unit="percent",
        ),
        override("DPF压差", custom_width=85, decimals=1, unit="suffix:kPa"),
        override("冷却液温度", custom_width=95, decimals=0, unit="celsius"),
        override("累计里程", custom_width=100, decimals=0, unit="suffix:km"),
        override("device_id", custom_hidden=True),
    ),
    width=15,
    height=12,
    sql=("vehicles",),
)
MAP: Final = Panel(
    id=3,
    title="车辆位置",
    description="最近一条带定位的数据；颜色和数字为下游 NOx（ppm）。底图来自互联网，内网环境下只显示标记。",
    visualisation=geomap(_NOX, latitude="纬度", longitude="经度", value="下游NOx").with_overrides(
        override("车速", unit="suffix:km/h"), override("时间", unit="time:MM-DD HH:mm:ss")
    ),
    width=9,
    height=12,
    sql=("map",),
    unit="none",
)


_stream = partial(stream, decimals=0, interval="10s")
STREAMS: Final = (
    _stream(
        4,
        ("NOx 上游与下游", "SCR 前后 NOx 浓度；温度足够而下游接近上游，说明催化未工作。"),
        "nox",
        unit="suffix:ppm",
    ),
    _stream(
        5,
        ("SCR 温度", "SCR 入口和出口温度；低于约 200 ℃ 时不喷反应剂。"),
        "scr",
        unit="celsius",
    ),
    _stream(
        6,
        ("反应剂与油箱", "反应剂余量和油箱液位；行驶而反应剂从不下降是篡改的迹象。"),
        "level",
        unit="percent",
    ),
    _stream(7, ("车速", "OBD 车速。"), "speed", unit="suffix:km/h"),
    _stream(8, ("发动机转速", "发动机转速。"), "engine", unit="suffix:r/min"),
    _stream(
        9,
        ("DPF 压差", "颗粒捕集器前后压差；运转而压差为零，可能已拆除。"),
        "dpf",
        unit="suffix:kPa",
        decimals=2,
    ),
)
_CHECKED: Final = "下游 NOx 不降、反应剂不消耗、DPF 压差消失、数据流冻结等检查发现的疑点；"
FINDINGS: Final = findings(11, _CHECKED, ("vehicle",), of_enterprises=False)
NOTES: Final = Panel(
    id=10,
    title="说明",
    description="数据来源、无数据时的处理。",
    visualisation=text(
        "**数据来源**：GB 17691 远程排放管理车载终端。缺失值按标准的无效编码识别，不参与计算。  \n"
        "**没有数据时**：车辆停驶时没有数据属正常；终端已上线而没有数据，"
        "请看 [数据质量与设备](/d/lantian-data) 中的拒收原因（VIN 与登记不符最常见）。"
    ),
    width=24,
    height=4,
)

VEHICLE_DASHBOARD: Final = Dashboard(
    uid="lantian-vehicle",
    folder="vehicle",
    title="移动源OBD",
    description="重型车联网情况、最近状态和单车数据流。",
    variables=(AREA, Variable("vehicle", "车辆", "vehicle")),
    shelves=((COUNTS,), (VEHICLES, MAP), Heading(100, "单车数据流"), STREAMS[:3], STREAMS[3:], (FINDINGS,), (NOTES,)),
    time_from="now-24h",
    time_to="now",
    refresh="1m",
    annotations=(WARNINGS,),
    empty="暂无数据：还没有车辆上报（车辆停驶时属正常）",
)
