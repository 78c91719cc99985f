"""The daily report: the area and its stations, the course of the day, and what it is compared with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from app.report.content import Chart, Column, Line, Report, Table, table
from app.report.event import EVENT_EMPTY, event_tables
from domain.period import midnight
from domain.pollutant import POLLUTANTS
from store.air_report import Row, read_area_days, read_area_hours, read_site_days
from store.connection import Connection
from store.public import read_area_zh

DAY_COLUMNS: Final = ("pm25", "pm10", "so2", "no2", "co", "o3_8h")
_HOUR: Final = dt.timedelta(hours=1)


def concentration_columns(keys: Sequence[str]) -> list[Column]:
    """Columns of concentrations with their units and decimals."""
    columns = []
    for key in keys:
        pollutant = POLLUTANTS[key.removesuffix("_8h")]
        symbol = f"{pollutant.symbol}-8h" if key.endswith("_8h") else pollutant.symbol
        columns.append(Column(key, f"{symbol}（{pollutant.unit}）", pollutant.decimals))
    return columns


def day_report(conn: Connection, area: str, day: dt.date, *, now: dt.datetime) -> Report:
    """The report of one local day.

    Parameters
    ----------
    conn : Connection
        In one snapshot.
    area : str
        Whose.
    day : date
        Which.
    now : datetime
        When the figures are read.

    Returns
    -------
    Report
        With every published station, also those without data.
    """
    begin, end = midnight(day), midnight(day + dt.timedelta(days=1))
    sites = read_site_days(conn, area, day)
    before = day - dt.timedelta(days=1)
    compared = read_area_days(conn, area, [day, before, year_before(day)])
    hours = read_area_hours(conn, area, begin, end)
    area_zh = read_area_zh(conn, area) or area
    whole = next((site for site in sites if site["kind"] == "area"), None)
    return Report(
        stem=f"day-{area}-{day}",
        title_zh=f"{area_zh}环境空气质量日报",
        area_zh=area_zh,
        period_zh=f"{day.year}年{day.month}月{day.day}日" + ("（未结束，数据截至编制时）" if now < end else ""),
        edition=next((site["edition"] for site in sites if site["edition"]), ""),
        known_at=now,
        summary=_summary(whole),
        parts=[
            _site_table(sites),
            _comparison(compared, day),
            *_course(hours, begin),
            *event_tables(conn, area, begin, end),
        ],
        remarks=[
            "完整率为当日已上报项目有效小时数占应有小时数的比例；AQI 为空表示有效数据不足，不作评价。",
            EVENT_EMPTY,
        ],
        empty=all(site["edition"] is None for site in sites) and not hours,
    )


def year_before(day: dt.date) -> dt.date:
    """The same day of the year before; 28 February for 29 February."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _summary(whole: Row | None) -> list[str]:
    if whole is None or whole["aqi"] is None:
        return ["全县当日没有有效的 AQI，不作评价。"]
    primary = whole["primary_zh"] or "无"
    complete = whole["completeness_percent"]
    words = f"全县 AQI 为 {whole['aqi']}，空气质量{whole['category_zh']}，首要污染物：{primary}。"
    return [words if complete is None else f"{words}数据完整率 {complete:.1f}%。"]


def _site_table(sites: Sequence[Row]) -> Table:
    columns = [
        Column("site_zh", "点位"),
        Column("kind_zh", "类别"),
        Column("aqi", "AQI", 0),
        Column("category_zh", "空气质量"),
        Column("primary_zh", "首要污染物"),
        *concentration_columns(DAY_COLUMNS),
        Column("completeness_percent", "完整率（%）", 1),
    ]
    return table("sites", "一、各点位日报", columns, sites)


def _comparison(compared: Mapping[dt.date, Row], day: dt.date) -> Table:
    empty: Row = dict.fromkeys(("aqi", "category_zh", *DAY_COLUMNS))
    days = (("当日", day), ("前一日", day - dt.timedelta(days=1)), ("上年同日", year_before(day)))
    rows = [{**empty, **compared.get(each, {}), "name": name, "day": each} for name, each in days]
    for row in rows[1:]:
        known = rows[0]["aqi"] is not None and row["aqi"] is not None
        row["change"] = rows[0]["aqi"] - row["aqi"] if known else None
    rows[0]["change"] = None
    columns = [
        *(Column("name", "时段"), Column("day", "日期"), Column("aqi", "AQI", 0), Column("category_zh", "空气质量")),
        Column("change", "当日AQI变化", 0),
        *concentration_columns(DAY_COLUMNS),
    ]
    return table("comparison", "二、全县与前一日、上年同日比较", columns, rows)


def _course(hours: Mapping[dt.datetime, Row], begin: dt.datetime) -> list[Table | Chart]:
    keys = ("pm25", "pm10", "so2", "no2", "co", "o3")
    empty: Row = dict.fromkeys(("aqi", "level", "hex", "primary_zh", *keys))
    rows = [{**empty, **hours.get(begin + at * _HOUR, {}), "name": f"{at:02d}:00"} for at in range(24)]
    labels = [str(at) for at in range(24)]
    bars = Line("AQI", [row["aqi"] for row in rows], [row["hex"] for row in rows])
    lines = [Line(POLLUTANTS[key].symbol, [row[key] for row in rows]) for key in ("pm25", "pm10", "o3")]
    columns = [
        Column("name", "小时（起）"), Column("aqi", "AQI", 0), Column("primary_zh", "首要污染物"),
        *concentration_columns(keys),
    ]  # fmt: skip
    return [
        Chart("全县逐时 AQI", "bars", labels, [bars]),
        Chart("全县逐时浓度", "lines", labels, lines, unit="µg/m³"),
        table("hours", "三、全县逐时变化", columns, rows if hours else [], empty="当日没有小时数据。"),
    ]
