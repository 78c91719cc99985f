"""The monthly report of an enterprise's monitoring data: transmission, validity, limits, permitted totals."""

from __future__ import annotations

import datetime as dt

from app.report.content import Chart, Column, Line, Report, table
from domain.error import ConfigurationError
from domain.period import midnight, period_end, period_start
from store.air_report import Row, read_over_hours, read_stack_days, read_stack_enterprises, read_stack_months
from store.connection import Connection
from store.public import read_area_zh


def validity_report(conn: Connection, area: str, enterprise: str, day: dt.date, *, now: dt.datetime) -> Report:
    """The report of an enterprise and the month that holds `day`.

    Parameters
    ----------
    conn : Connection
        In one snapshot.
    area, enterprise : str
        Whose; `ConfigurationError` for an enterprise without outlets in the area.
    day : date
        A local day of the month.
    now : datetime
        When the figures are read.

    Returns
    -------
    Report
        `empty` when the month has neither months nor days of its outlets.
    """
    known = read_stack_enterprises(conn, area)
    if enterprise not in known:
        names = ", ".join(known) or "none registered"
        raise ConfigurationError(f"enterprise {enterprise!r}: found no outlet of it, expected one of: {names}")
    start = period_start("month", day)
    end = period_end("month", start)
    months = read_stack_months(conn, enterprise, start)
    days = read_stack_days(conn, enterprise, start, end)
    over = read_over_hours(conn, enterprise, midnight(start), midnight(end))
    outlets = (
        *(Column("site_zh", "排放口"), Column("pollutant_zh", "污染物"), Column("hours_due", "应传小时", 0)),
        *(Column("hours", "有数小时", 0), Column("sent_percent", "传输率（%）", 1)),
        *(Column("operating_hours", "运行小时", 0), Column("judged_hours", "有效判定小时", 0)),
        *(Column("over_hours", "超标小时", 0), Column("percent", "达标小时比例（%）"), Column("met_zh", "结论")),
    )
    totals = (
        *(Column("site_zh", "排放口"), Column("pollutant_zh", "污染物"), Column("month_t", "本月排放量（t）", 3)),
        *(Column("missing_hours", "缺排放量小时", 0), Column("year_t", "年累计（t）", 3)),
        *(Column("permitted_t", "年许可量（t）"), Column("permitted_percent", "占许可量（%）", 1)),
    )
    daily = (
        *(Column("site_zh", "排放口"), Column("day", "日期"), Column("pollutant_zh", "污染物")),
        *(Column("valid_hours", "有效小时", 0), Column("operating_hours", "运行小时", 0)),
        *(Column("judged_hours", "判定小时", 0), Column("over_hours", "超标小时", 0), Column("kg", "排放量（kg）", 1)),
    )
    hourly = (
        *(Column("hour", "小时（起）"), Column("site_zh", "排放口"), Column("pollutant_zh", "污染物")),
        *(
            Column("converted", "折算浓度（mg/m³）", 2),
            Column("limit_value", "限值（mg/m³）"),
            Column("state_zh", "工况"),
        ),
    )
    return Report(
        stem=f"validity-{enterprise}-{start:%Y-%m}",
        title_zh=f"{known[enterprise]}自动监测数据有效性月报",
        area_zh=read_area_zh(conn, area) or area,
        period_zh=f"{start.year}年{start.month}月" + ("（未结束，数据截至编制时）" if now < midnight(end) else ""),
        edition="",
        known_at=now,
        summary=[_summary(months, len(over))],
        parts=[
            table("outlets", "一、传输与达标", outlets, months),
            table("totals", "二、排放量与许可量", totals, [row for row in months if row["pollutant"] != "any"]),
            _chart(days, start, end),
            table("days", "三、逐日有效小时与超标小时", daily, days),
            table("over", "四、超标小时清单", hourly, over, empty="本月没有判定为超标的小时。"),
        ],
        remarks=[
            "传输率为有数据的小时占应传小时的比例；停运和无效小时不判定达标与否。",
            "超标小时由监控数据得出，是否违法以核查为准。",
        ],
        empty=not months and not days,
    )


def _summary(months: list[Row], over: int) -> str:
    if not months:
        return "本月没有各排放口的汇总数据，不作评价。"
    outlets = len({row["site_zh"] for row in months})
    whole = [row for row in months if row["pollutant"] == "any"]
    words = "；".join(f"{row['site_zh']}：{row['met_zh']}" for row in whole)
    return f"{outlets} 个排放口有汇总数据。{words}。超标小时清单 {over} 条。"


def _chart(days: list[Row], start: dt.date, end: dt.date) -> Chart:
    dates = [start + dt.timedelta(days=at) for at in range((end - start).days)]
    lines = []
    for site in dict.fromkeys(row["site_zh"] for row in days):
        least: dict[dt.date, int] = {}
        for row in (each for each in days if each["site_zh"] == site and each["valid_hours"] is not None):
            least[row["day"]] = min(row["valid_hours"], least.get(row["day"], 24))
        lines.append(Line(site, [least.get(day) for day in dates]))
    return Chart("逐日有效小时（各污染物中最少者）", "lines", [str(day.day) for day in dates], lines, unit="小时")
