"""Rankings of 目标与实绩: stations and townships by their composite index of a year."""

from __future__ import annotations

from typing import Final

from dashboards.panel import Panel
from dashboards.visualisation import override, table

_INDEX: Final = {"custom_width": 85, "decimals": 2}
_PLACE: Final = {"custom_width": 75}
_CHANGE: Final = {"custom_width": 90, "decimals": 1, "unit": "percent"}
_RANKED: Final = (
    "综合指数为六项年统计量与二级限值之比的和（各项权重 1），加权指数按该年适用的权重计算；越小越好，并列同名次。"
    "变化率与上一年比较，负数为改善。“剔除沙尘”不计经确认的沙尘时段，只供对照。"
)
RANKING: Final = Panel(
    id=13,
    title="站点综合指数排名（${year} 年）",
    description=f"{_RANKED}缺任一项的站点不参加排名。",
    visualisation=table(
        override("名次", custom_width=55),
        override("站点", custom_width=130),
        override("乡镇", custom_width=120),
        *(override(name, **_INDEX) for name in ("综合指数", "上年指数", "剔除沙尘", "加权指数")),
        *(override(name, **_PLACE) for name in ("变化名次", "加权名次")),
        *(override(name, **_CHANGE) for name in ("变化率", "加权变化率")),
        override("剔除沙尘名次", custom_width=105),
        override("剔除沙尘变化率", custom_width=115, decimals=1, unit="percent"),
        *(override(name, custom_width=105) for name in ("加权变化名次", "加权剔除名次")),
        override("加权剔除沙尘", custom_width=105, decimals=2),
        override("主要污染物", custom_width=150),
        override("数据完整率", custom_width=90, decimals=0, unit="percent"),
    ),
    width=24,
    height=8,
    sql=("ranking",),
)
TOWNSHIP_RANKING: Final = Panel(
    id=15,
    title="乡镇综合指数排名（${year} 年）",
    description=f"{_RANKED}乡镇取其站点指数的平均；只有没有标准站的乡镇才用微站（见“依据”）。",
    visualisation=table(
        override("名次", custom_width=55),
        override("乡镇", custom_width=150),
        *(override(name, **_INDEX) for name in ("综合指数", "剔除沙尘", "加权指数")),
        *(override(name, **_PLACE) for name in ("变化名次", "加权名次", "站点数", "依据")),
        *(override(name, **_CHANGE) for name in ("变化率", "加权变化率")),
        override("加权变化名次", custom_width=105),
        override("加权剔除沙尘", custom_width=105, decimals=2),
        override("数据完整率", custom_width=90, decimals=0, unit="percent"),
    ),
    width=24,
    height=8,
    sql=("township_ranking",),
    empty="该年没有乡镇的站点六项齐全，或站点没有登记乡镇",
)
