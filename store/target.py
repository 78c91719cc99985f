"""Targets of the plan, what is known about them, and where they stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from store.connection import Connection
from store.upsert import upsert


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target as registered.

    `period` is year, quarter, month, date or batch; `actual_kind` measured, registry or reported; `statistic` as in
    `period_statistic`, or ``transmission``; `due_on` is None for a target that recurs.
    """

    area: str
    id: str
    indicator_zh: str
    comparator: str
    value: float
    unit: str
    period: str
    due_on: dt.date | None
    due_text: str
    actual_kind: str
    pollutant: str | None
    statistic: str | None
    registry_count: str | None
    responsible_zh: str


@dataclass(frozen=True, slots=True)
class CleanValue:
    """A year's statistic without dust hours; `value` None where no day is left."""

    value: float | None
    valid_days: int
    valid: bool


@dataclass(frozen=True, slots=True)
class YearValue:
    """A year's statistic of an area; `clean` the same without dust hours, None where the year has none."""

    start: dt.date
    value: float
    valid_days: int
    valid: bool
    clean: CleanValue | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A figure reported for a target; `as_of` is the local day it describes."""

    as_of: dt.date
    value: float


@dataclass(frozen=True, slots=True)
class NewReport:
    """A figure somebody reports for a target of an area."""

    area: str
    target: str
    as_of: dt.date
    value: float
    reported_by: str
    note: str


@dataclass(frozen=True, slots=True)
class ActualRow:
    """Where a target stands in one period; None = not known or not applicable. `complete`: the period is over.

    `clean_*`: the same without dust hours, beside a figure that has some; decides nothing.
    """

    area: str
    target: str
    period_start: dt.date
    as_of: dt.date
    value: float | None
    published: float | None
    status: str
    valid_days: int | None
    remaining_days: int | None
    allowed_mean: float | None
    complete: bool
    clean_value: float | None = None
    clean_published: float | None = None
    clean_status: str | None = None


def read_targets(conn: Connection) -> list[TargetRow]:
    """Targets of every area, in the plan's order."""
    rows = conn.execute(
        "select area_id, id, indicator_zh, comparator, value, unit, period, due_on, due_text, actual_kind,"
        " pollutant, statistic, registry_count, responsible_zh from target order by area_id, position, id"
    ).fetchall()
    return [TargetRow(*row) for row in rows]


def read_year_values(conn: Connection, target: TargetRow) -> list[YearValue]:
    """The statistic a target names, of its area's pseudo-site for every year that has one, oldest first."""
    rows = conn.execute(
        "select t.start, t.value, t.valid_days, t.valid, w.site_id is not null, w.value, w.valid_days, w.valid"
        " from period_statistic t left join period_without_dust w using (site_id, kind, start, pollutant, statistic)"
        " where t.site_id = %s and t.kind = 'year' and t.pollutant = %s and t.statistic = %s and t.value is not null"
        " order by t.start",
        (target.area, target.pollutant, target.statistic),
    ).fetchall()
    return [
        YearValue(start, value, days, valid, CleanValue(*clean) if dusty else None)
        for start, value, days, valid, dusty, *clean in rows
    ]


#: Name of a registry count -> statement giving its value, null when the registry cannot tell.
_REGISTRY: Final = {
    "key_industry_grade_b_share": """
        select 100.0 * count(*) filter (where grade in ('A', 'B', 'leading')) / nullif(count(*), 0)
        from enterprise where area_id = %s and key_industry and retired_at is null""",
    "named_grade_b_count": """
        select case when count(*) > 0 then count(*) filter (where grade in ('A', 'B', 'leading')) end
        from enterprise where area_id = %s and named_2024 and retired_at is null""",
    "ultra_low_rated_count": """
        select case when count(*) > 0 then count(*) filter (where grade in ('A', 'B', 'leading')) end
        from enterprise where area_id = %s and ultra_low and retired_at is null""",
    "permit_reduction_list_share": """
        select case when count(on_reduction_list) > 0 then
            100.0 * count(*) filter (where on_reduction_list) / count(*) end
        from enterprise where area_id = %s and permit and retired_at is null""",
    "building_site_video_share": """
        select 100.0 * count(*) filter (where exists (
            select from site v where v.kind = 'video' and v.enterprise_id = s.enterprise_id and v.retired_at is null
        )) / nullif(count(*), 0)
        from site s where s.area_id = %s and s.kind = 'construction' and s.retired_at is null""",
}
REGISTRY_COUNTS: Final[tuple[str, ...]] = tuple(_REGISTRY)


def read_registry_count(conn: Connection, area: str, count: str) -> float | None:
    """Value of one of `REGISTRY_COUNTS`; an enterprise without a grade has not reached one; None = the list is
    unknown."""
    row = conn.execute(_REGISTRY[count], (area,)).fetchone()
    return None if row is None or row[0] is None else float(row[0])


_TRANSMISSION: Final = """
with due as (
    select d.id, d.interval_s,
        greatest(date_bin('1 hour', d.registered_at, timestamptz '1970-01-01 00:00+00'), %(low)s) as low,
        least(coalesce(d.retired_at, %(high)s), %(high)s) as high
    from device d join site s on s.id = d.site_id
    where s.area_id = %(area)s and d.family in ('stack', 'plant')
), reading as (
    select device_id, time, span_s, flag, mark from stack_reading where time >= %(low)s and time < %(high)s
    union all
    select device_id, time, span_s, flag, mark from plant_reading where time >= %(low)s and time < %(high)s
), received as (
    select d.id, date_bin('1 hour', r.time, timestamptz '1970-01-01 00:00+00') as hour,
        coalesce(sum(case when r.span_s > 0 then r.span_s else d.interval_s end) filter (where r.flag ~ '[123]'), 0)
            >= %(covered_s)s as valid,
        bool_or(r.mark like '%%F%%') as stopped
    from reading r join due d on d.id = r.device_id
    where r.span_s <= 3600 and r.time >= d.low and r.time < d.high
    group by 1, 2
)
select
    (select count(*) from received where valid),
    (select coalesce(sum(greatest(0, floor(extract(epoch from high - low) / 3600))), 0) from due)
        - (select count(*) from received where stopped and not valid)
"""


def read_transmission(
    conn: Connection, area: str, low: dt.datetime, high: dt.datetime, *, minimum_minutes: int
) -> tuple[int, int]:
    """Valid hours received and hours due from the stack and plant devices of an area, with low <= hour < high.

    An hour is valid with `minimum_minutes` of usable readings (HJ 212-2017 annex D); hours in which the device reports
    the source as stopped (mark F) and which are not valid are not due. An hour of a device registered in it is due.
    """
    parameters = {"area": area, "low": low, "high": high, "covered_s": minimum_minutes * 60}
    row = conn.execute(_TRANSMISSION, parameters).fetchone()
    return (0, 0) if row is None else (int(row[0]), int(row[1]))


def read_reports(conn: Connection, area: str, target: str) -> list[Report]:
    """Reported figures, ordered by the day they describe, then by when they came in: of one day the last one counts."""
    rows = conn.execute(
        "select as_of, value from target_report where area_id = %s and target_id = %s order by as_of, reported_at, id",
        (area, target),
    ).fetchall()
    return [Report(*row) for row in rows]


def add_report(conn: Connection, report: NewReport) -> int:
    """Append a reported figure; returns its id. Earlier ones stay."""
    row = conn.execute(
        "insert into target_report (area_id, target_id, as_of, value, reported_by, note)"
        " values (%s, %s, %s, %s, %s, %s) returning id",
        (report.area, report.target, report.as_of, report.value, report.reported_by, report.note),
    ).fetchone()
    assert row is not None
    return int(row[0])


_ACTUAL_COLUMNS: Final = (
    "area_id",
    "target_id",
    "period_start",
    "as_of",
    "value",
    "published",
    "status",
    "valid_days",
    "remaining_days",
    "allowed_mean",
    "complete",
    "clean_value",
    "clean_published",
    "clean_status",
)


def write_actuals(conn: Connection, rows: Sequence[ActualRow]) -> int:
    """Insert or replace where targets stand; returns how many rows."""
    names = tuple(ActualRow.__dataclass_fields__)
    records = (tuple(getattr(row, name) for name in names) for row in rows)
    return upsert(conn, "target_actual", _ACTUAL_COLUMNS, keys=3, records=records)


def read_actuals(conn: Connection) -> list[ActualRow]:
    """Where every target stands in every period, oldest period first."""
    rows = conn.execute(
        "select area_id, target_id, period_start, as_of, value, published, status, valid_days, remaining_days,"
        " allowed_mean, complete, clean_value, clean_published, clean_status from target_actual"
        " order by area_id, target_id, period_start"
    ).fetchall()
    return [ActualRow(*row) for row in rows]
