"""Panels that stand on more than one dashboard, each defined once."""

from __future__ import annotations

from typing import Final

from dashboards.colour import BLUE, GREEN, GREY, ORANGE, RED, word_mapping
from dashboards.panel import Panel
from dashboards.visualisation import console_link, fixed, override, table, timeseries

FINDING: Final = word_mapping(("待核查", ORANGE), ("核查属实", RED), ("核查排除", GREEN), ("已结束", GREY))
DATE_TIME: Final = {"custom_width": 115, "unit": "time:MM-DD HH:mm"}
DATE_TIME_SECONDS: Final = {"custom_width": 130, "unit": "time:MM-DD HH:mm:ss"}
ALERT_PAGE: Final = console_link("在操作台处理", "/alert/${__data.fields.alert_id}")
_CHOSEN: Final = "enterprise_id = any (array[${enterprise:sqlstring}]::text[])"


def outcomes(panel_id: int, title: str, source: tuple[str, str], *, interval: str) -> Panel:
    """Messages over time by what became of them; `source` is a view of schema screen and its column of time."""
    return Panel(
        id=panel_id,
        title=title,
        description="采集程序收到的报文按结果计数：收到 = 入库 + 重复 + 修订 + 拒收。"
        "每一条报文都有下落；全部为空说明采集程序没有收到报文。",
        visualisation=timeseries(decimals=0, bars=True).with_overrides(
            override("入库", color=fixed(GREEN)),
            override("重复", color=fixed(GREY)),
            override("修订", color=fixed(BLUE)),
            override("拒收", color=fixed(RED)),
        ),
        width=12,
        height=9,
        sql=("outcomes",),
        unit="short",
        parameters={"view": source[0], "time": source[1]},
        interval=interval,
    )


def alerts(panel_id: int, description: str, *, of_area: bool, size: tuple[int, int]) -> Panel:
    """Alerts that wait for somebody: of the chosen area, or all of them."""
    return Panel(
        id=panel_id,
        title="待处理告警",
        description=f"{description}点击事项在操作台处理。没有告警时为空。",
        visualisation=table(
            override("时间", **DATE_TIME),
            override("程度", custom_width=60),
            override("类别", custom_width=130),
            override("对象", custom_width=150),
            override("事项", links=[ALERT_PAGE]),
            override("状态", custom_width=75),
            override("次数", custom_width=60, decimals=0),
            override("处理人", custom_width=90),
            override("alert_id", custom_hidden=True),
        ),
        width=size[0],
        height=size[1],
        sql=("alerts",),
        parameters={"chosen": "area_id = ${area:sqlstring}" if of_area else "true"},
        empty="没有待处理的告警",
    )


def findings(panel_id: int, description: str, families: tuple[str, ...], *, of_enterprises: bool) -> Panel:
    """What the integrity checks suspect of some families of devices, of the chosen enterprises or of all."""
    return Panel(
        id=panel_id,
        title="数据真实性疑点",
        description=f"{description}待核查的在前；疑点须现场核查，不是结论。没有疑点时为空。",
        visualisation=table(
            override("疑点", custom_width=170),
            override("企业", custom_width=190),
            override("点位", custom_width=160),
            override("状态", custom_displayMode="color-text", custom_width=85, mappings=[FINDING]),
            override("开始", **DATE_TIME),
            override("至", **DATE_TIME),
        ),
        width=24,
        height=8,
        sql=("findings",),
        empty="所选时段没有疑点",
        parameters={
            "families": ", ".join(f"'{each}'" for each in families),
            "chosen": _CHOSEN if of_enterprises else "true",
        },
    )


def stream(  # noqa: PLR0913 - everything behind the star is named by its caller
    panel_id: int, words: tuple[str, str], sql: str, *, unit: str, decimals: int, interval: str
) -> Panel:
    """One measured quantity over time; `words` are title and description."""
    return Panel(
        id=panel_id,
        title=words[0],
        description=words[1],
        visualisation=timeseries(decimals=decimals),
        width=8,
        height=8,
        sql=(sql,),
        unit=unit,
        interval=interval,
    )
