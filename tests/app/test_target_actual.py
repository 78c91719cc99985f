"""Where targets stand: pure judgements, and the registry, reports and statistics of the real database."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from app.job.target import evaluate_targets, registry_actual, reported_actuals, year_actuals
from domain.period import midnight
from store.connection import Connection, connect
from store.target import (
    REGISTRY_COUNTS,
    ActualRow,
    CleanValue,
    NewReport,
    Report,
    TargetRow,
    YearValue,
    add_report,
    read_registry_count,
    read_transmission,
)

YEAR = TargetRow(
    "county", "pm25", "细颗粒物年均浓度", "<=", 30.0, "µg/m³", "year", dt.date(2025, 12, 31), "2025-12-31", "measured",
    "pm25", "mean", None, "分局",
)  # fmt: skip
REPORTED = dataclasses.replace(YEAR, actual_kind="reported", pollutant=None, statistic=None)


def by_year(rows: list[ActualRow]) -> dict[int, ActualRow]:
    return {row.period_start.year: row for row in rows}


def value(year: int, mean: float, days: int, *, valid: bool) -> YearValue:
    return YearValue(dt.date(year, 1, 1), mean, days, valid)


def test_rows_for_years_with_data_the_due_year_and_the_running_year() -> None:
    rows = by_year(year_actuals(YEAR, [value(2023, 31.0, 360, valid=True)], as_of=dt.date(2026, 11, 23)))
    assert {year: row.status for year, row in rows.items()} == {2023: "missed", 2025: "no_data", 2026: "no_data"}
    assert (rows[2023].complete, rows[2026].complete) == (True, False)
    assert (rows[2023].as_of, rows[2026].as_of) == (dt.date(2023, 12, 31), dt.date(2026, 11, 23))


def test_past_year_is_judged_on_the_published_value() -> None:
    rows = by_year(year_actuals(YEAR, [value(2025, 30.5, 360, valid=True)], as_of=dt.date(2026, 1, 1)))
    assert (rows[2025].published, rows[2025].status) == (30.0, "met")


def test_past_year_without_enough_days_shows_its_value_without_verdict() -> None:
    rows = by_year(year_actuals(YEAR, [value(2025, 20.0, 300, valid=False)], as_of=dt.date(2026, 1, 1)))
    assert (rows[2025].value, rows[2025].status) == (20.0, "no_data")


@pytest.mark.parametrize(
    ("mean", "allowed", "status"), [(25.0, 35.0, "on_track"), (40.0, 20.0, "at_risk"), (60.1, -0.1, "missed")]
)
def test_running_year_says_what_the_remaining_days_may_have(mean: float, allowed: float, status: str) -> None:
    half = dt.date(2025, 7, 2)  # 182 days remain
    row = by_year(year_actuals(YEAR, [value(2025, mean, 182, valid=False)], as_of=half))[2025]
    assert (row.valid_days, row.remaining_days, row.status, row.complete) == (182, 182, status, False)
    assert row.allowed_mean == pytest.approx(allowed)


def test_a_year_with_dust_says_where_it_would_stand_without() -> None:
    dusty = dataclasses.replace(value(2025, 33.0, 360, valid=True), clean=CleanValue(29.6, 350, True))
    row = by_year(year_actuals(YEAR, [dusty], as_of=dt.date(2026, 1, 1)))[2025]
    assert (row.value, row.published, row.status) == (33.0, 33.0, "missed")
    assert (row.clean_value, row.clean_published, row.clean_status) == (29.6, 30.0, "met")
    few = dataclasses.replace(dusty, clean=CleanValue(29.6, 300, False))
    row = by_year(year_actuals(YEAR, [few], as_of=dt.date(2026, 1, 1)))[2025]
    assert (row.status, row.clean_status) == ("missed", "no_data")
    nothing = dataclasses.replace(dusty, clean=CleanValue(None, 0, False))
    row = by_year(year_actuals(YEAR, [nothing], as_of=dt.date(2026, 1, 1)))[2025]
    assert (row.status, row.clean_value, row.clean_status) == ("missed", None, None)


def test_percentile_has_no_allowed_mean() -> None:
    target = dataclasses.replace(YEAR, pollutant="co", statistic="p95", value=4.0)
    row = by_year(year_actuals(target, [value(2025, 4.04, 100, valid=False)], as_of=dt.date(2025, 5, 1)))[2025]
    assert (row.allowed_mean, row.published, row.status) == (None, 4.0, "on_track")


def test_registry_count_that_cannot_tell_is_no_data() -> None:
    target = dataclasses.replace(YEAR, comparator=">=", value=80.0, period="date", actual_kind="registry")
    assert registry_actual(target, None, as_of=dt.date(2026, 1, 1)).status == "no_data"
    assert registry_actual(target, 79.0, as_of=dt.date(2026, 1, 1)).status == "missed"
    assert registry_actual(target, 80.0, as_of=dt.date(2026, 1, 1)).status == "met"
    assert registry_actual(target, 79.0, as_of=dt.date(2025, 12, 31)).status == "at_risk"


def test_newest_report_of_a_period_counts() -> None:
    reports = [Report(dt.date(2025, 3, 1), 31.0), Report(dt.date(2025, 9, 1), 29.0), Report(dt.date(2026, 12, 1), 1.0)]
    rows = reported_actuals(REPORTED, reports, as_of=dt.date(2026, 11, 23))
    assert [(row.period_start.year, row.value, row.as_of, row.status) for row in rows] == [
        (2025, 29.0, dt.date(2025, 9, 1), "met")
    ]


def test_target_without_report_awaits_one() -> None:
    quarterly = dataclasses.replace(REPORTED, period="quarter", due_on=None)
    rows = reported_actuals(quarterly, [Report(dt.date(2026, 5, 1), 40.0)], as_of=dt.date(2026, 11, 23))
    assert [(row.period_start, row.status) for row in rows] == [
        (dt.date(2026, 4, 1), "missed"),
        (dt.date(2026, 10, 1), "awaiting_report"),
    ]


@pytest.fixture
def owner(database: Any) -> Iterator[Connection]:
    with connect(database.url("lantian_owner"), autocommit=True) as conn:
        conn.execute("insert into area (id, name_zh) values ('county', '县')")
        yield conn


def enterprise(conn: Connection, name: str, **columns: object) -> None:
    names = ["id", "area_id", "name_zh", "industry", *columns]
    conn.execute(
        f"insert into enterprise ({', '.join(names)}) values ({', '.join(['%s'] * len(names))})",
        (name, "county", name, "钢铁", *columns.values()),
    )


def test_registry_counts(owner: Connection) -> None:
    assert [read_registry_count(owner, "county", count) for count in REGISTRY_COUNTS] == [None] * 5
    enterprise(owner, "a", grade="leading", key_industry=True, named_2024=True, ultra_low=True, permit=True)
    enterprise(owner, "b", grade=None, key_industry=True, named_2024=True, ultra_low=True, permit=True)
    enterprise(owner, "c", grade="C", key_industry=True, permit=False, on_reduction_list=False)
    gone = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    enterprise(owner, "d", grade="A", key_industry=True, named_2024=True, ultra_low=True, permit=True, retired_at=gone)
    counts = {count: read_registry_count(owner, "county", count) for count in REGISTRY_COUNTS}
    assert counts["key_industry_grade_b_share"] == pytest.approx(100 / 3)
    assert (counts["named_grade_b_count"], counts["ultra_low_rated_count"]) == (1.0, 1.0)
    assert counts["permit_reduction_list_share"] is None
    owner.execute("update enterprise set on_reduction_list = true where id = 'a'")
    assert read_registry_count(owner, "county", "permit_reduction_list_share") == 50.0


def test_transmission_counts_valid_hours_and_leaves_stopped_ones_out(owner: Connection) -> None:
    start = midnight(dt.date(2026, 11, 1))
    owner.execute("insert into site (id, area_id, kind, name_zh) values ('chimney', 'county', 'stack', '排口')")
    owner.execute(
        "insert into device (id, site_id, protocol, family, span_s, interval_s, registered_at)"
        " values ('cems', 'chimney', 'hj212', 'stack', 60, 60, '2026-01-01')"
    )

    def frame(hour: int, span_s: int, *, usable: bool, mark: str = "N") -> None:
        owner.execute(
            "insert into stack_reading (device_id, time, span_s, so2, flag, mark, received_at)"
            " values ('cems', %s, %s, 1, %s, %s, now())",
            (start + dt.timedelta(hours=hour), span_s, "9" + ("1" if usable else "4") + "9" * 13, mark * 15),
        )

    frame(0, 3600, usable=True)
    frame(1, 2700, usable=True)
    frame(2, 2640, usable=True)  # 44 minutes
    frame(3, 3600, usable=False, mark="M")
    frame(4, 3600, usable=False, mark="F")  # stopped: not due
    frame(5, 3600, usable=True, mark="F")  # stopped and measured: due and received
    found = read_transmission(owner, "county", start, start + dt.timedelta(hours=10), minimum_minutes=45)
    assert found == (3, 9)


def test_targets_of_every_kind_are_stored(owner: Connection, database: Any) -> None:
    for position, (name, period, kind, pollutant, statistic, count) in enumerate(
        (
            ("pm25", "year", "measured", "pm25", "mean", None),
            ("online", "month", "measured", None, "transmission", None),
            ("grades", "date", "registry", None, None, "named_grade_b_count"),
            ("coal", "year", "reported", None, None, None),
        )
    ):
        recurs = "month" if period == "month" else None
        owner.execute(
            "insert into target (id, area_id, clause, indicator_zh, indicator_en, comparator, value, unit, averaging,"
            " due_on, due_text, recurs, period, actual_kind, pollutant, statistic, registry_count, responsible_zh,"
            " position)"
            " values (%s, 'county', '6', '指标', 'indicator', '<=', 30, '', '', %s, '', %s, %s, %s, %s, %s, %s, '分局',"
            " %s)",
            (
                name,
                None if recurs else dt.date(2026, 12, 31),
                recurs,
                period,
                kind,
                pollutant,
                statistic,
                count,
                position,
            ),
        )
    owner.execute(
        "insert into site (id, area_id, kind, name_zh) values ('county', 'county', 'area', '县');"
        "insert into period_statistic (site_id, kind, start, pollutant, statistic, value, published, valid_days, days,"
        " valid, limit_edition)"
        " values ('county', 'year', '2026-01-01', 'pm25', 'mean', 28.2, 28, 300, 327, false, '2026-transitional')"
    )
    with connect(database.url("lantian_app"), autocommit=True) as app:
        add_report(app, NewReport("county", "coal", dt.date(2026, 11, 1), 25.0, "李工", ""))
        now = dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)
        assert len(evaluate_targets(app, now=now)) == 4
        evaluate_targets(app, now=now)
        rows = app.execute("select target_id, status, published from target_actual order by target_id").fetchall()
    assert rows == [
        ("coal", "on_track", 25.0),
        ("grades", "no_data", None),
        ("online", "no_data", None),
        ("pm25", "on_track", 28.0),
    ]
