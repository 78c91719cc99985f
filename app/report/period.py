"""Monthly and annual reports: statistics against limits, days by category, ranking, budget of the year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final, Literal

from app.report.content import Chart, Column, Line, Report, Table, table
from app.report.event import EVENT_EMPTY, event_tables
from domain.period import midnight, period_end, period_start
from store.air_report import (
    Row,
    read_area_days,
    read_area_months,
    read_budget,
    read_ranked_sites,
    read_statistics,
    read_summaries,
)
from store.connection import Connection
from store.public import read_area_zh

Kind = Literal["month", "year"]
_DAY: Final = dt.timedelta(days=1)
_LEVELS_ZH: Final = ("优", "良", "轻度污染", "中度污染", "重度污染", "严重污染")


def period_report(conn: Connection, area: str, kind: Kind, day: dt.date, *, now: dt.datetime) -> Report:
    """The report of the month or year that holds `day`.

    Parameters
    ----------
    conn : Connection
        In one snapshot.
    area : str
        Whose.
    kind : {"month", "year"}
        Which report.
    day : date
        A local day of the period.
    now : datetime
        When the figures are read.

    Returns
    -------
    Report
        A period under way says so.
    """
    start = period_start(kind, day)
    end = period_end(kind, start)
    summaries = read_summaries(conn, area, kind, start)
    statistics = read_statistics(conn, area, kind, start)
    area_zh = read_area_zh(conn, area) or area
    whole = next((row for row in summaries if row["kind"] == "area"), None)
    running = now < midnight(end)
    name_zh = {"month": "月报", "year": "年报"}[kind]
    edition = "、".join(whole[key] for key in ("limit_edition", "aqi_edition") if whole[key]) if whole else ""
    return Report(
        stem=f"{kind}-{area}-{start:%Y-%m}" if kind == "month" else f"{kind}-{area}-{start.year}",
        title_zh=f"{area_zh}环境空气质量{name_zh}",
        area_zh=area_zh,
        period_zh=_period_zh(kind, start) + ("（未结束，数据截至编制时）" if running else ""),
        edition=edition,
        known_at=now,
        summary=_summary(whole),
        parts=[
            _statistic_table(statistics, kind),
            *_course(conn, area, start, end, kind),
            _day_table(summaries, kind),
            _ranking(conn, area, kind, start),
            _budget(conn, area, start.year),
            *event_tables(conn, area, midnight(start), midnight(end)),
        ],
        remarks=[
            "统计值按 GB/T 8170 修约后发布；同比按修约前的值计算；限值比较以所列版本为准，天数不足的不作评价。",
            "综合指数越小越好，各污染物权重均为 1；六项污染物不全的点位不排名。",
            EVENT_EMPTY,
        ],
        empty=not statistics and all(row["valid_days"] is None for row in summaries),
    )


def _period_zh(kind: Kind, start: dt.date) -> str:
    return f"{start.year}年{start.month}月" if kind == "month" else f"{start.year}年"


def _summary(whole: Row | None) -> list[str]:
    if whole is None or not whole["valid_days"]:
        return ["全县本期没有有效天数，不作评价。"]
    words = f"全县有效监测 {whole['valid_days']} 天（应有 {whole['days']} 天），优良 {whole['good_days']} 天"
    ratio, before = whole["good_day_ratio"], whole["good_day_ratio_before"]
    words += "。" if ratio is None else f"，优良天数比例 {ratio:.1f}%。"
    words += "上年同期没有数据。" if before is None else f"上年同期为 {before:.1f}%。"
    return [words, f"综合评价：{whole['complies_zh']}。"]


def _statistic_table(rows: Sequence[Row], kind: Kind) -> Table:
    """Limits are those of a year (HJ 663): a month has none."""
    limit = (Column("limit_value", "限值"), Column("complies_zh", "评价")) if kind == "year" else ()
    columns = (
        *(Column("site_zh", "点位"), Column("title_zh", "污染物"), Column("statistic_zh", "统计值")),
        *(Column("published", "本期"), Column("unit", "单位"), *limit),
        *(Column("published_before", "上年同期"), Column("change_percent", "同比（%）", 1)),
        *(Column("valid_days", "有效天数", 0), Column("days", "总天数", 0)),
    )
    return table("statistics", "一、污染物统计与达标评价" if limit else "一、污染物统计", columns, rows)


def _course(conn: Connection, area: str, start: dt.date, end: dt.date, kind: Kind) -> list[Table | Chart]:
    days = [start + at * _DAY for at in range((end - start).days)]
    known = read_area_days(conn, area, days)
    empty: Row = dict.fromkeys(("aqi", "category_zh", "hex", "pm25", "pm10", "so2", "no2", "co", "o3_8h"))
    rows = [{**empty, **known.get(day, {}), "day": day} for day in days]
    labels = [f"{day.month}-{day.day}" for day in days]
    lines = [Line("PM2.5", [row["pm25"] for row in rows]), Line("O3-8h", [row["o3_8h"] for row in rows])]
    bars = Line("AQI", [row["aqi"] for row in rows], [row["hex"] for row in rows])
    return [
        Chart("全县逐日 AQI", "bars", labels, [bars]),
        Chart("全县逐日浓度", "lines", labels, lines, unit="µg/m³"),
        _months(conn, area, start) if kind == "year" else _days(rows if known else []),
    ]


def _days(rows: Sequence[Row]) -> Table:
    columns = (
        *(Column("day", "日期"), Column("aqi", "AQI", 0), Column("category_zh", "空气质量")),
        *(Column("pm25", "PM2.5", 0), Column("pm10", "PM10", 0), Column("so2", "SO2", 0), Column("no2", "NO2", 0)),
        *(Column("co", "CO（mg/m³）", 1), Column("o3_8h", "O3-8h", 0)),
    )
    note = "除 CO 外单位为 µg/m³。"
    return table("days", "二、全县逐日空气质量", columns, rows, note=note)


def _months(conn: Connection, area: str, year: dt.date) -> Table:
    columns = (
        *(Column("start", "月份起始"), Column("valid_days", "有效天数", 0), Column("days", "总天数", 0)),
        *(Column(f"days_level_{at}", name, 0) for at, name in enumerate(_LEVELS_ZH, 1)),
        *(Column("good_days", "优良天数", 0), Column("good_day_ratio", "优良比例（%）", 1)),
        *(Column("pm25", "PM2.5平均（µg/m³）"), Column("pm10", "PM10平均（µg/m³）")),
    )
    return table("months", "二、全县各月", columns, read_area_months(conn, area, year))


def _day_table(summaries: Sequence[Row], kind: Kind) -> Table:
    columns = (
        *(Column("site_zh", "点位"), Column("valid_days", "有效天数", 0), Column("days", "总天数", 0)),
        *(Column(f"days_level_{at}", name, 0) for at, name in enumerate(_LEVELS_ZH, 1)),
        *(Column("good_days", "优良天数", 0), Column("good_day_ratio", "优良比例（%）", 1)),
        *(Column("good_days_before", "上年优良天数", 0), Column("good_day_ratio_before", "上年优良比例（%）", 1)),
        *(Column("complies_zh", "综合评价"), Column("completeness_percent", "完整率（%）", 1)),
    )
    note = "完整率为有记录各日完整率的平均。" if kind == "month" else "完整率为全年有记录各日完整率的平均。"
    return table("categories", "三、各级别天数与优良天数比例", columns, summaries, note=note)


def _ranking(conn: Connection, area: str, kind: Kind, start: dt.date) -> Table:
    columns = (
        *(Column("rank", "排名", 0), Column("site_zh", "点位"), Column("township", "乡镇")),
        *(Column("composite", "综合指数", 2), Column("main_zh", "主要污染物")),
        *(Column("composite_last_year", "上年同期", 2), Column("change_percent", "变化（%）", 1)),
        *(Column("change_rank", "改善排名", 0), Column("composite_without_dust", "剔除沙尘", 2)),
        *(Column("weighted", "加权指数", 2), Column("weighted_rank", "加权排名", 0)),
        Column("completeness_percent", "有效天数占比（%）", 1),
    )
    rows = read_ranked_sites(conn, area, kind, start)
    return table("ranking", "四、点位综合指数排名", columns, rows, empty="没有六项污染物齐全的点位，不排名。")


def _budget(conn: Connection, area: str, year: int) -> Table:
    columns = (
        *(Column("as_of", "截至"), Column("mean_published", "PM2.5年均至今"), Column("target_value", "目标（不高于）")),
        *(Column("status_zh", "状态"), Column("valid_days", "有效天数", 0), Column("remaining_days", "剩余天数", 0)),
        Column("allowed_mean", "其余各日平均不得超过", 1),
    )
    rows = read_budget(conn, area, year)
    return table(
        "budget", f"五、{year}年PM2.5年度目标余量（µg/m³）", columns, rows, empty="该年没有 PM2.5 年度目标的评价。"
    )
