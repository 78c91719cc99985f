"""Registers feed targets: each figure on a real database, and what a reported figure outranks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from app.job.target import evaluate_targets
from domain.county import load_county
from domain.register_table import FEEDS, REGISTERS
from store.connection import Connection, connect
from store.register import Author, Change, read_register, write_changes
from store.register_figure import Span, read_register_figure
from store.registry import load_county as enter_county
from store.target import ActualRow, NewReport, add_report

#: Monday noon of the fourth quarter.
NOW = dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 23)
QUARTER = dt.date(2026, 10, 1)


@pytest.fixture
def conn(database: Any) -> Iterator[Connection]:
    with connect(database.url("lantian_owner"), autocommit=True) as conn:
        enter_county(conn, load_county("zhongyang"))
        yield conn


def enter(conn: Connection, name: str, entry_id: str, **values: object) -> None:
    """An entry of a register; what is not named is empty."""
    entry = {"id": entry_id, "area_id": "zhongyang", **{field.key: None for field in REGISTERS[name].fields}, **values}
    write_changes(conn, REGISTERS[name], [Change("add", entry, 0)], Author("甲", ""))


def change(conn: Connection, name: str, entry_id: str, action: str = "correct", **values: object) -> None:
    entry = read_register(conn, REGISTERS[name])[entry_id]
    write_changes(conn, REGISTERS[name], [Change(action, {**entry, **values}, entry["version"])], Author("甲", "核实"))


def changed_at(conn: Connection, day: dt.date) -> None:
    """Let all that was entered have been entered that day."""
    for register in REGISTERS.values():
        conn.execute(f"update {register.table} set changed_at = %s", (dt.datetime.combine(day, dt.time(4), dt.UTC),))


def actuals(conn: Connection, target: str) -> dict[dt.date, ActualRow]:
    return {row.period_start: row for row in evaluate_targets(conn, now=NOW) if row.target == target}


def report(conn: Connection, target: str, day: dt.date, value: float) -> None:
    add_report(conn, NewReport("zhongyang", target, day, value, "县住建局", ""))


def test_a_register_without_entries_says_nothing(conn: Connection) -> None:
    rows = {row.target: row.status for row in evaluate_targets(conn, now=NOW)}
    # Of building sites with video the registry of sites tells too.
    assert rows["site_video_share"] == "missed"
    assert {rows[target] for target in FEEDS if target != "site_video_share"} == {"awaiting_report", "no_data"}


def test_purifiers_cleaned_this_quarter(conn: Connection) -> None:
    old = dt.date(2025, 1, 1)
    for name, installed, removed in (
        ("a", old, None), ("b", None, None), ("new", dt.date(2026, 10, 1), None), ("gone", old, dt.date(2026, 11, 1)),
        ("wrong", old, None),
    ):  # fmt: skip
        enter(conn, "fume_purifier", name, name_zh=name, installed_on=installed, removed_on=removed)
    change(conn, "fume_purifier", "wrong", "retire")
    day = {"cleaned_on": QUARTER, "cleaned_by": "x"}
    enter(conn, "fume_cleaning", "1", purifier_id="a", **day)
    enter(conn, "fume_cleaning", "2", purifier_id="b", cleaned_on=dt.date(2026, 9, 30), cleaned_by="x")
    enter(conn, "fume_cleaning", "3", purifier_id="new", **day)
    enter(conn, "fume_cleaning", "4", purifier_id="b", **day)
    change(conn, "fume_cleaning", "4", "retire")
    rows = actuals(conn, "fume_cleaning")
    assert (rows[QUARTER].value, rows[QUARTER].status, rows[QUARTER].complete) == (50.0, "at_risk", False)
    before = rows[dt.date(2026, 7, 1)]  # a, b and gone were due, b was cleaned
    assert (before.value, before.status, before.complete) == (pytest.approx(100 / 3), "missed", True)
    change(conn, "fume_cleaning", "4", "restore")
    assert actuals(conn, "fume_cleaning")[QUARTER].value == 100.0


def test_only_new_purifiers_are_no_share(conn: Connection) -> None:
    enter(conn, "fume_purifier", "new", name_zh="n", installed_on=TODAY)
    row = actuals(conn, "fume_cleaning")[QUARTER]
    assert (row.value, row.status) == (None, "no_data")
    assert read_register_figure(conn, "zhongyang", "fume_cleaning", Span(dt.date(2027, 1, 1), dt.date(2027, 1, 2))) == 0


def test_machines_of_stage_one_in_use(conn: Connection) -> None:
    for name, stage, scrapped in (
        ("a", "stage0", None), ("b", "stage1", dt.date(2026, 11, 24)), ("c", "stage1", TODAY), ("d", "stage2", None),
    ):  # fmt: skip
        enter(conn, "nonroad", name, name_zh=name, owner="x", stage=stage, scrapped_on=scrapped)
    row = actuals(conn, "nonroad_stage1")[dt.date(2025, 1, 1)]
    assert (row.value, row.status, row.complete) == (2.0, "missed", True)
    change(conn, "nonroad", "a", "retire")
    change(conn, "nonroad", "b", stage="stage3")
    assert actuals(conn, "nonroad_stage1")[dt.date(2025, 1, 1)].status == "met"


def test_small_coal_boilers_left(conn: Connection) -> None:
    for name, kind, fuel, capacity, closed in (
        ("a", "boiler", "coal", 35.0, None), ("b", "boiler", "coal", 35.1, None), ("c", "boiler", "gas", 10.0, None),
        ("d", "boiler", "coal", 4.0, TODAY), ("e", "stove", "coal", None, None),
    ):  # fmt: skip
        enter(conn, "coal_boiler", name, name_zh=name, kind=kind, fuel=fuel, capacity_t_h=capacity, closed_on=closed)
    assert actuals(conn, "coal_boilers_35t")[dt.date(2025, 1, 1)].value == 1.0
    shown = conn.execute("select id from screen.register_coal_boiler where to_clear order by id").fetchall()
    assert shown == [("a",), ("e",)]


def test_sites_of_5000_m2_with_video(conn: Connection) -> None:
    conn.execute("insert into site (id, area_id, kind, name_zh) values ('g', 'zhongyang', 'construction', '工地')")
    year = dt.date(2025, 1, 1)
    assert actuals(conn, "site_video_share")[year].value == 0.0  # what the registry of sites says
    for name, area, video, ended, started in (
        ("a", 5000.0, True, None, None), ("b", 9000.0, False, None, None), ("c", 4999.9, False, None, None),
        ("d", 9000.0, False, TODAY, None), ("e", 9000.0, False, None, dt.date(2026, 12, 1)),
    ):  # fmt: skip
        values = {"area_m2": area, "video_connected": video, "ended_on": ended, "started_on": started}
        enter(conn, "building_site", name, name_zh=name, **values)
    assert actuals(conn, "site_video_share")[year].value == 50.0


def test_the_worst_batch_of_coal_of_each_year(conn: Connection) -> None:
    for name, day, heat, sulfur, ash in (
        ("a", dt.date(2024, 10, 1), 5600.0, 0.99, 15.0), ("b", dt.date(2024, 11, 1), 5500.0, 0.4, 15.9),
        ("c", dt.date(2026, 11, 1), 5499.0, 1.0, 16.0),
    ):  # fmt: skip
        figures = {"heat_kcal_kg": heat, "sulfur_percent": sulfur, "ash_percent": ash}
        enter(conn, "clean_coal", name, supplier="s", inspected_by="i", sampled_on=day, **figures)
    years = (dt.date(2024, 1, 1), dt.date(2026, 1, 1))
    expected = {"heat": (5500.0, 5499.0), "sulfur": (0.99, 1.0), "ash": (15.9, 16.0)}
    for figure, values in expected.items():
        rows = actuals(conn, f"clean_coal_{figure}")
        assert [(row.period_start, row.value, row.status) for row in rows.values()] == [
            (years[0], values[0], "met"),
            (years[1], values[1], "missed"),
        ], figure
    shown = conn.execute("select id, complies from screen.register_clean_coal order by id").fetchall()
    assert shown == [("a", True), ("b", True), ("c", False)]


def test_a_report_stands_until_the_register_is_changed_later(conn: Connection) -> None:
    enter(conn, "coal_boiler", "a", name_zh="a", kind="boiler", fuel="coal", capacity_t_h=10.0)
    changed_at(conn, TODAY - dt.timedelta(days=2))
    year = dt.date(2025, 1, 1)
    report(conn, "coal_boilers_35t", TODAY - dt.timedelta(days=3), 7.0)
    assert actuals(conn, "coal_boilers_35t")[year].value == 1.0
    report(conn, "coal_boilers_35t", TODAY - dt.timedelta(days=2), 6.0)
    assert actuals(conn, "coal_boilers_35t")[year].value == 6.0
    changed_at(conn, TODAY)
    assert actuals(conn, "coal_boilers_35t")[year].value == 1.0


def test_a_report_of_a_quarter_that_is_over_stands(conn: Connection) -> None:
    enter(conn, "fume_purifier", "a", name_zh="a")
    changed_at(conn, TODAY)
    report(conn, "fume_cleaning", dt.date(2026, 9, 30), 98.0)
    report(conn, "fume_cleaning", dt.date(2026, 11, 1), 40.0)
    rows = actuals(conn, "fume_cleaning")
    assert (rows[dt.date(2026, 7, 1)].value, rows[QUARTER].value) == (98.0, 0.0)
