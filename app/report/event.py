"""Warnings and dust events that a report names."""

from __future__ import annotations

import datetime as dt
from typing import Final

from app.report.content import Column, Table, table
from store.air_report import read_exclusions_between, read_warnings_between
from store.connection import Connection

EVENT_EMPTY: Final = "沙尘等事件为人工登记，列出供参考；所列浓度未扣除其影响。"


def event_tables(conn: Connection, area: str, first: dt.datetime, end: dt.datetime) -> list[Table]:
    """Warnings in force and registered dust events from `first` to before `end`."""
    warnings = table(
        "warnings",
        "重污染天气预警",
        (
            *(Column("highest_level_zh", "最高级别"), Column("state_zh", "现状"), Column("issued_at", "发布时间")),
            *(Column("closed_at", "解除时间"), Column("orders", "减排命令", 0), Column("enterprises", "涉及企业", 0)),
        ),
        read_warnings_between(conn, area, first, end),
        empty="本期没有生效的预警。",
    )
    dust = table(
        "exclusions",
        "沙尘等事件",
        (
            *(Column("cause_zh", "类型"), Column("starts_at", "开始"), Column("ends_at", "结束")),
            *(Column("entered_by", "登记人"), Column("note", "说明")),
        ),
        read_exclusions_between(conn, area, first, end),
        empty="本期没有登记沙尘等事件。",
    )
    return [warnings, dust]
