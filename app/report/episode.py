"""The episode report: the pages of the evidence, and the steps and measures as tables."""

from __future__ import annotations

import datetime as dt

from app.evidence import Evidence
from app.report.content import Column, Report, table
from store.air_report import read_episode_tables
from store.connection import Connection


def episode_report(conn: Connection, evidence: Evidence, *, now: dt.datetime) -> Report:
    """Tables of an issued warning for Excel and CSV; its pages are those of `app.evidence`."""
    number = evidence.warning.id
    events, measures = read_episode_tables(conn, number)
    steps = (
        *(Column("at", "时间"), Column("action_zh", "步骤"), Column("before_zh", "此前"), Column("after_zh", "此后")),
        *(Column("by_whom", "决定人"), Column("why", "依据")),
    )
    verified = (
        *(
            Column("enterprise_zh", "企业"),
            Column("line_zh", "生产线"),
            Column("kind_zh", "措施"),
            Column("detail", "内容"),
        ),
        *(Column("fulfilled", "已落实小时", 0), Column("suspected", "涉嫌未落实小时", 0)),
        Column("undetermined", "无法判定小时", 0),
    )
    return Report(
        stem=f"episode-{number}",
        title_zh=f"{evidence.area_zh}重污染天气应急响应执行情况报告",
        area_zh=evidence.area_zh,
        period_zh=f"预警 {number}",
        edition="",
        known_at=now,
        summary=[],
        parts=[table("steps", "处置过程", steps, events), table("measures", "措施核实", verified, measures)],
        remarks=[],
        empty=False,
    )
