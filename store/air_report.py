"""Figures of the reports: rows of views of schema `screen`, the same that dashboards and the public interface read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, LiteralString, TypeAlias

from psycopg.rows import dict_row

from store.connection import Connection

Row: TypeAlias = dict[str, Any]


def _rows(conn: Connection, statement: LiteralString, values: Row) -> list[Row]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, values).fetchall()


def read_site_days(conn: Connection, area: str, day: dt.date) -> list[Row]:
    """The day of every published site, the area first; columns are None where a site has no day."""
    return _rows(
        conn,
        "select s.site_id, s.site_zh, s.kind, s.kind_zh, d.aqi, d.level, d.category_zh, d.hex, d.pm25, d.pm10, d.so2,"
        " d.no2, d.co, d.o3_8h, d.edition, screen.pollutants_zh(d.primary_pollutants) as primary_zh,"
        " c.completeness_percent"
        " from screen.air_site s left join screen.air_day d on d.site_id = s.site_id and d.day = %(day)s"
        " left join screen.completeness c on c.site_id = s.site_id and c.day = %(day)s"
        " where s.area_id = %(area)s and s.kind in ('area', 'ambient', 'park')"
        " order by s.kind_order, s.site_id",
        {"area": area, "day": day},
    )


def read_area_days(conn: Connection, area: str, days: Sequence[dt.date]) -> dict[dt.date, Row]:
    """The area's own mean of some days; days without one are absent."""
    rows = _rows(
        conn,
        "select day, aqi, level, category_zh, hex, pm25, pm10, so2, no2, co, o3_8h from screen.air_day"
        " where site_id = %(area)s and day = any(%(days)s)",
        {"area": area, "days": list(days)},
    )
    return {row["day"]: row for row in rows}


def read_area_hours(conn: Connection, area: str, first: dt.datetime, end: dt.datetime) -> dict[dt.datetime, Row]:
    """The area's hours from `first` to before `end`, by start."""
    rows = _rows(
        conn,
        "select h.hour, h.aqi, h.level, l.hex, h.pm25, h.pm10, h.so2, h.no2, h.co, h.o3,"
        " screen.pollutants_zh(h.primary_pollutants) as primary_zh from screen.air_hour h"
        " left join screen.aqi_level l on l.edition = h.edition and l.level = h.level"
        " where h.site_id = %(area)s and h.hour >= %(first)s and h.hour < %(end)s",
        {"area": area, "first": first, "end": end},
    )
    return {row["hour"]: row for row in rows}


def read_warnings_between(conn: Connection, area: str, first: dt.datetime, end: dt.datetime) -> list[Row]:
    """Warnings that were in force at some time from `first` to before `end`."""
    return _rows(
        conn,
        "select warning_id, highest_level_zh, state_zh, issued_at, closed_at, orders, enterprises from screen.episode"
        " where area_id = %(area)s and issued_at < %(end)s and coalesce(closed_at, 'infinity') > %(first)s"
        " order by issued_at",
        {"area": area, "first": first, "end": end},
    )


def read_exclusions_between(conn: Connection, area: str, first: dt.datetime, end: dt.datetime) -> list[Row]:
    """Dust and the like that touched the time from `first` to before `end`."""
    return _rows(
        conn,
        "select cause_zh, starts_at, ends_at, entered_by, note from screen.warning_exclusion"
        " where area_id = %(area)s and starts_at < %(end)s and ends_at > %(first)s order by starts_at",
        {"area": area, "first": first, "end": end},
    )


def read_summaries(conn: Connection, area: str, kind: str, start: dt.date) -> list[Row]:
    """Days by level of every published site in a period, beside the same period of the year before."""
    return _rows(
        conn,
        "select s.site_id, s.site_zh, s.kind, p.valid_days, p.days, p.days_level_1, p.days_level_2, p.days_level_3,"
        " p.days_level_4, p.days_level_5, p.days_level_6, p.good_days, p.good_day_ratio, p.complies_zh,"
        " p.limit_edition, p.aqi_edition, b.good_days as good_days_before, b.good_day_ratio as good_day_ratio_before,"
        " c.completeness_percent"
        " from screen.air_site s"
        " left join screen.period_summary p on p.site_id = s.site_id and p.kind = %(kind)s and p.start = %(start)s"
        " left join screen.period_summary b on b.site_id = s.site_id and b.kind = %(kind)s"
        "   and b.start = (%(start)s::date - interval '1 year')::date"
        " left join lateral (select avg(x.completeness_percent) as completeness_percent from screen.completeness x"
        "   where x.site_id = s.site_id and x.day >= %(start)s and x.day < (%(start)s::date"
        "   + case %(kind)s when 'year' then interval '1 year' else interval '1 month' end)::date) c on true"
        " where s.area_id = %(area)s and s.kind in ('area', 'ambient', 'park')"
        " order by s.kind_order, s.site_id",
        {"area": area, "kind": kind, "start": start},
    )


def read_statistics(conn: Connection, area: str, kind: str, start: dt.date) -> list[Row]:
    """Means and percentiles of every published site in a period, beside the same period of the year before."""
    return _rows(
        conn,
        "select p.site_id, p.site_zh, p.site_kind, p.title_zh, p.unit, p.decimals, p.statistic, p.statistic_zh,"
        " p.published, p.limit_value, p.complies_zh, p.valid, p.valid_days, p.days, b.published as published_before,"
        " screen.published(100 * (p.value - b.value) / nullif(b.value, 0), 1) as change_percent"
        " from screen.period p join screen.air_site s on s.site_id = p.site_id"
        " left join screen.period b on b.site_id = p.site_id and b.kind = p.kind and b.pollutant = p.pollutant"
        "   and b.statistic = p.statistic and b.start = (p.start - interval '1 year')::date"
        " where s.area_id = %(area)s and s.kind in ('area', 'ambient', 'park')"
        " and p.kind = %(kind)s and p.start = %(start)s"
        " order by s.kind_order, p.site_id, p.position, p.statistic = 'mean' desc, p.statistic",
        {"area": area, "kind": kind, "start": start},
    )


def read_area_months(conn: Connection, area: str, year: dt.date) -> list[Row]:
    """Months of the area's own mean in the year that begins at `year`: days by level and the published means."""
    return _rows(
        conn,
        "select p.start, p.valid_days, p.days, p.days_level_1, p.days_level_2, p.days_level_3, p.days_level_4,"
        " p.days_level_5, p.days_level_6, p.good_days, p.good_day_ratio,"
        " max(x.published) filter (where x.pollutant = 'pm25') as pm25,"
        " max(x.published) filter (where x.pollutant = 'pm10') as pm10"
        " from screen.period_summary p left join screen.period x on x.site_id = p.site_id and x.kind = p.kind"
        "   and x.start = p.start and x.statistic = 'mean'"
        " where p.site_id = %(area)s and p.kind = 'month' and p.start >= %(year)s"
        "   and p.start < (%(year)s::date + interval '1 year')::date"
        " group by p.start, p.valid_days, p.days, p.days_level_1, p.days_level_2, p.days_level_3, p.days_level_4,"
        "   p.days_level_5, p.days_level_6, p.good_days, p.good_day_ratio order by p.start",
        {"area": area, "year": year},
    )


def read_ranked_sites(conn: Connection, area: str, kind: str, start: dt.date) -> list[Row]:
    """Stations of an area by composite index, with the change against the year before."""
    return _rows(
        conn,
        "select rank, site_zh, township, composite, main_zh, composite_last_year, change_percent, change_rank,"
        " composite_without_dust, weighted, weighted_rank, completeness_percent from screen.site_ranking"
        " where area_id = %(area)s and kind = %(kind)s and start = %(start)s order by rank, site_id",
        {"area": area, "kind": kind, "start": start},
    )


def read_budget(conn: Connection, area: str, year: int) -> list[Row]:
    """The area's PM2.5 mean of a year against its target, and what the rest may average; one row or none."""
    return _rows(
        conn,
        "select as_of, target_value, mean_published, valid_days, remaining_days, allowed_mean, complete, status_zh"
        " from screen.pm25_year where area_id = %(area)s and year = %(year)s",
        {"area": area, "year": year},
    )


def read_target_rows(conn: Connection, area: str) -> list[Row]:
    """Every target of an area with its status, in the plan's order."""
    return _rows(
        conn,
        "select target_id, position, indicator_zh, clause, target_zh, period_zh, actual, unit_zh, status, status_zh,"
        " due_zh, responsible_zh, as_of, remark_zh from screen.target_status where area_id = %(area)s"
        " order by position, target_id",
        {"area": area},
    )


def read_target_periods(conn: Connection, area: str, first: dt.date, end: dt.date) -> list[Row]:
    """Actuals of periods that began from `first` to before `end`, in the plan's order."""
    return _rows(
        conn,
        "select indicator_zh, period_start, as_of, actual, unit, status_zh, valid_days from screen.target_actual"
        " where area_id = %(area)s and period_start >= %(first)s and period_start < %(end)s"
        " order by position, target_id, period_start",
        {"area": area, "first": first, "end": end},
    )


def read_stack_enterprises(conn: Connection, area: str) -> dict[str, str]:
    """Enterprises of an area that have an outlet: id -> name."""
    rows = conn.execute(
        "select distinct enterprise_id, enterprise_zh from screen.outlet"
        " where area_id = %s and enterprise_id is not null order by enterprise_id",
        (area,),
    ).fetchall()
    return dict(rows)


def read_stack_months(conn: Connection, enterprise: str, month: dt.date) -> list[Row]:
    """Outlets of an enterprise in a month by pollutant."""
    return _rows(
        conn,
        "select site_zh, pollutant, pollutant_zh, hours_due, hours,"
        " 100.0 * hours / nullif(hours_due, 0) as sent_percent,"
        " operating_hours, judged_hours, over_hours, percent, met_zh, month_t, missing_hours, year_t, permitted_t,"
        " permitted_percent from screen.stack_month where enterprise_id = %(enterprise)s and month = %(month)s"
        " order by site_id, pollutant = 'any' desc, pollutant",
        {"enterprise": enterprise, "month": month},
    )


def read_stack_days(conn: Connection, enterprise: str, first: dt.date, end: dt.date) -> list[Row]:
    """Days of an enterprise's outlets by pollutant, from `first` to before `end`; all pollutants together have neither
    valid hours nor a mass."""
    return _rows(
        conn,
        "select site_zh, day, pollutant_zh, case when pollutant <> 'any' then valid_hours end as valid_hours,"
        " operating_hours, judged_hours, over_hours, case when pollutant <> 'any' then kg end as kg"
        " from screen.stack_day where enterprise_id = %(enterprise)s and day >= %(first)s and day < %(end)s"
        " order by site_id, day, pollutant",
        {"enterprise": enterprise, "first": first, "end": end},
    )


def read_over_hours(conn: Connection, enterprise: str, first: dt.datetime, end: dt.datetime) -> list[Row]:
    """Hours above a limit of an enterprise's outlets, from `first` to before `end`."""
    return _rows(
        conn,
        "select site_zh, hour, pollutant_zh, converted, limit_value, state_zh from screen.stack_hour"
        " where enterprise_id = %(enterprise)s and hour >= %(first)s and hour < %(end)s and over"
        " order by hour, site_id, position",
        {"enterprise": enterprise, "first": first, "end": end},
    )


def read_episode_tables(conn: Connection, warning_id: int) -> tuple[list[Row], list[Row]]:
    """Steps of a warning, and the measures of its orders with their verified hours."""
    values: Row = {"warning": warning_id}
    events = _rows(
        conn,
        "select at, action_zh, before_zh, after_zh, by_whom, why from screen.warning_event"
        " where warning_id = %(warning)s order by event_id",
        values,
    )
    measures = _rows(
        conn,
        "select o.enterprise_zh, m.line_zh, m.kind_zh, m.detail, m.fulfilled, m.suspected, m.undetermined"
        " from screen.order_measure m join screen.order_now o on o.order_id = m.order_id"
        " where o.warning_id = %(warning)s order by o.order_id, m.order_measure_id",
        values,
    )
    return events, measures
