"""The quarterly report of the plan: every target with its status and responsible body."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Final

from app.report.content import Column, Report, table
from app.report.past_target import past_target_rows
from domain.period import midnight, period_end, period_start
from store.air_report import read_target_periods, read_target_rows
from store.connection import Connection
from store.public import read_area_zh

_NOW_ZH: Final = "目标状态为编制时的状态，与“目标与实绩”看板一致。"
_PAST_ZH: Final = (
    "目标状态为本季度末的状态：监测类用现存的日值算到季度末为止，按月、按季的目标取季度末以前最近一个已结束的时段，"
    "填报类取所属日期在季度末以前的填报；台账类没有当时的快照，列编制时的状态并注明。"
)


def plan_report(conn: Connection, area: str, day: dt.date, *, now: dt.datetime) -> Report:
    """Targets as they stood at the end of the quarter that holds `day`, while it runs as they stand at `now`, and the
    actuals of periods that began in it.

    Parameters
    ----------
    conn : Connection
        In one snapshot.
    area : str
        Whose.
    day : date
        A local day of the quarter.
    now : datetime
        When the figures are read.

    Returns
    -------
    Report
        `empty` when the area has no targets.
    """
    start = period_start("quarter", day)
    end = period_end("quarter", start)
    quarter = (start.month + 2) // 3
    targets, over = read_target_rows(conn, area), now >= midnight(end)
    if over:
        targets = past_target_rows(conn, area, targets, end)
    area_zh = read_area_zh(conn, area) or area
    counts = Counter(row["status_zh"] for row in targets)
    words = "、".join(f"{name} {count} 项" for name, count in counts.most_common())
    columns = (
        *(Column("position", "序号", 0), Column("indicator_zh", "指标"), Column("target_zh", "目标")),
        *(Column("period_zh", "评价时段"), Column("actual", "实绩"), Column("unit_zh", "单位")),
        *(Column("status_zh", "状态"), Column("due_zh", "期限"), Column("responsible_zh", "责任单位")),
        *(Column("as_of", "数据截至"), Column("remark_zh", "说明")),
    )
    periods = (
        *(Column("indicator_zh", "指标"), Column("period_start", "时段起始"), Column("as_of", "数据截至")),
        *(Column("actual", "实绩"), Column("unit", "单位"), Column("status_zh", "状态")),
        Column("valid_days", "有效天数", 0),
    )
    return Report(
        stem=f"plan-{area}-{start.year}Q{quarter}",
        title_zh=f"{area_zh}行动计划目标进展季报",
        area_zh=area_zh,
        period_zh=f"{start.year}年第{quarter}季度" + ("" if over else "（未结束，数据截至编制时）"),
        edition="",
        known_at=now,
        summary=[f"共 {len(targets)} 项目标：{words}。" if targets else "没有登记目标。"],
        parts=[
            table("targets", "一、全部目标", columns, targets, note=_PAST_ZH if over else _NOW_ZH),
            table(
                "quarter",
                "二、本季度开始的评价时段",
                periods,
                read_target_periods(conn, area, start, end),
                empty="本季度没有新开始的评价时段有实绩。",
            ),
        ],
        remarks=["“待填报”和“暂无数据”不是达标或未达标的结论。"],
        empty=not targets,
    )
