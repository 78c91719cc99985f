"""The job that judges orders: what it reads from the database, late data, who is told, and when again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from alerting.response import Decision, change_level, confirm, propose
from app.job.verification import HISTORY, verify_orders
from domain.alert import shipped_rules
from domain.county import load_county
from domain.family import PLANT, VEHICLE
from domain.period import HOUR_S
from domain.reduction_register import REDUCTION_LINE, REDUCTION_MEASURE
from store.alert_rule import load_rules
from store.connection import Connection, connect
from store.line import Line, add_line
from store.order import read_order_measures, read_orders, read_verifications
from store.plant_hour import PlantHours, write_plant_hours
from store.register import Author, Change, write_changes
from store.registry import NewDevice, NewSite, upsert_device, upsert_site
from store.registry import load_county as enter_county
from store.verification import read_gate, read_skewed_hours, read_vehicle_counts

#: 2026-01-12 20:00 local time: no holiday within eight weeks but the new year.
START = dt.datetime(2026, 1, 12, 12, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
ENTERPRISE, LINE = "fuyu-coking", "oven-1"


@pytest.fixture
def works(database: Any) -> Iterator[Connection]:
    """A coking works with a metered line and its treatment, a list of two measures at red, a duty officer."""
    with connect(database.url("lantian_owner")) as owner:
        load_rules(owner, shipped_rules())
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        enter_county(conn, load_county("zhongyang"))
        upsert_site(
            conn,
            NewSite("oven", "zhongyang", "plant", "焦炉", enterprise_id=ENTERPRISE, longitude=111.2, latitude=37.3),
        )
        for device in ("meter", "treatment"):
            upsert_device(conn, NewDevice(device, "oven", "json", "plant", span_s=3600, interval_s=3600))
        add_line(conn, Line(LINE, ENTERPRISE, "1号焦炉", "production", meters={"meter": 1.0}))
        add_line(conn, Line("oven-1-t", ENTERPRISE, "治理", "treatment", LINE, meters={"treatment": 1.0}))
        _enter(conn, REDUCTION_LINE, id=LINE, enterprise_id=ENTERPRISE, name_zh="1号焦炉", process="coke_oven")
        common = {"scope": "enterprise", "enterprise_id": ENTERPRISE, "level": "red", "detail": "按方案"}
        _enter(conn, REDUCTION_MEASURE, id="m1", line_id=LINE, kind="limit", limit_percent=50.0, **common)
        _enter(conn, REDUCTION_MEASURE, id="m2", kind="transport", stage="all", **common)
        for name, enterprise in (("duty", ENTERPRISE), ("bureau", None)):
            conn.execute("insert into contact (id, enterprise_id, name_zh) values (%s, %s, '值班')", (name, enterprise))
            conn.execute("insert into contact_channel values (%s, 'mail', 'x@localhost')", (name,))
        given = Decision("甲", "会商", START - HOUR, START, START + 3 * DAY)
        propose(conn, "zhongyang", "red", given)
        confirm(conn, "zhongyang", given)
        yield conn


def _enter(conn: Connection, register: Any, **entry: Any) -> None:
    empty = {field.key: None for field in register.fields}
    write_changes(conn, register, [Change("add", {"area_id": "zhongyang", **empty, **entry}, 0)], Author("测试", ""))


def meter(conn: Connection, device: str, power: list[float], first: dt.datetime) -> None:
    """Settled hours of a meter from `first` on."""
    count = len(power)
    values = np.full((count, 4), np.nan)
    values[:, 0] = power
    hours = int(first.timestamp()) + HOUR_S * np.arange(count)
    with conn.transaction():
        write_plant_hours(conn, PlantHours([device] * count, hours, values, np.full((count, 4), 60)))


def history(conn: Connection, *, treatment: float = 100.0) -> None:
    """Eight weeks of usual production: 1000 kW and its treatment, never twice the same."""
    count = int(HISTORY / HOUR)
    wobble = 1 + 0.01 * np.sin(np.arange(count))
    meter(conn, "meter", (1000 * wobble).tolist(), START - HISTORY)
    meter(conn, "treatment", (treatment * wobble).tolist(), START - HISTORY)


def verdicts(conn: Connection, measure: str = "m1") -> list[tuple[str, str]]:
    orders = read_orders(conn)
    found = {each.measure_id: each.id for each in read_order_measures(conn, [order.id for order in orders])}
    return [(row.verdict, row.reason) for row in read_verifications(conn, [found[measure]])]


def alerts(conn: Connection) -> list[str]:
    return [row[0] for row in conn.execute("select state from alert where kind = 'order_violation' order by id")]


def test_late_data_replace_a_verdict_and_a_suspicion_is_told_once(works: Connection) -> None:
    history(works)
    meter(works, "meter", [400 + at for at in range(10)], START)
    meter(works, "treatment", [60 + at for at in range(14)], START)
    assert verify_orders(works, START + 14 * HOUR) == {"orders": 1, "hours": 28, "suspected": 0, "alerts": 0}
    assert verdicts(works) == [("fulfilled", "below_allowed")] * 10 + [("undetermined", "silent")] * 4
    meter(works, "meter", [990.0, 1001.0, 1003.0, 420.0], START + 10 * HOUR)
    assert verify_orders(works, START + 14 * HOUR)["alerts"] == 1
    assert verdicts(works)[10:] == [("suspected", "above_allowed")] * 3 + [("fulfilled", "below_allowed")]
    told = works.execute(
        "select coalesce(enterprise_id, 'bureau'), respond_by is not null from notice where kind = 'alert' order by 1"
    ).fetchall()
    assert [row[0] for row in told] == ["bureau", ENTERPRISE]
    assert verify_orders(works, START + 14 * HOUR)["alerts"] == 0
    change_level(works, "zhongyang", "none", Decision("甲", "解除", START + 15 * HOUR))
    assert verify_orders(works, START + 15 * HOUR + 4 * DAY)["orders"] == 0
    assert verify_orders(works, START + 15 * HOUR + 2 * DAY)["orders"] == 1
    assert len(verdicts(works)) == 15
    assert alerts(works) == ["open"]


def test_one_suspected_hour_alone_tells_nobody(works: Connection) -> None:
    history(works)
    meter(works, "meter", [400 + at for at in range(9)] + [1000.0], START)
    done = verify_orders(works, START + 10 * HOUR)
    assert (done["suspected"], done["alerts"]) == (1, 0)


def test_treatment_that_stands_is_suspected(works: Connection) -> None:
    history(works)
    meter(works, "meter", [500 + at for at in range(4)], START)
    meter(works, "treatment", [60.0, 61.0, 2.0, 2.1], START)
    verify_orders(works, START + 4 * HOUR)
    assert verdicts(works) == [("fulfilled", "below_allowed")] * 2 + [("suspected", "treatment_off")] * 2


def test_holidays_and_earlier_orders_make_no_usual(works: Connection) -> None:
    """An order seven weeks later, on a Monday: of the eight Mondays before it two are of the spring festival and one is
    the first order's. Two more were low for no reason, which leaves three of five at the usual 1000 kW."""
    change_level(works, "zhongyang", "none", Decision("甲", "解除", START + DAY))
    later = START + 7 * 7 * DAY
    history_before = int(HISTORY / HOUR)
    meter(works, "meter", (1000 + np.sin(np.arange(history_before))).tolist(), later - HISTORY)
    low = [dt.date(2026, 2, 23), dt.date(2026, 2, 16), START.date(), dt.date(2026, 2, 9), dt.date(2026, 2, 2)]
    for day in low:
        meter(works, "meter", [100.0], dt.datetime.combine(day, START.time(), dt.UTC))
    meter(works, "meter", [400.0], later)
    given = Decision("甲", "会商", later - HOUR, later, later + DAY)
    propose(works, "zhongyang", "red", given)
    confirm(works, "zhongyang", given)
    verify_orders(works, later + HOUR)
    row = works.execute(
        "select baseline_kw from order_verification where hour = %s and power_kw is not null", (later,)
    ).fetchone()
    assert row is not None
    assert row[0] == pytest.approx(1000, abs=2)


def test_an_order_that_has_not_begun_is_not_judged(works: Connection) -> None:
    assert verify_orders(works, START - HOUR / 2)["orders"] == 0
    assert verify_orders(works, START + HOUR / 2)["hours"] == 0


def reading(
    conn: Any, table: str, device: str, time: dt.datetime, received: dt.datetime, *, span_s: int = 60, **more: Any
) -> None:
    width = {"plant_reading": PLANT.width, "vehicle_reading": VEHICLE.width}[table]
    columns = {"device_id": device, "time": time, "span_s": span_s, "received_at": received, **more}
    columns |= {"flag": "1" * width, "mark": "-" * width}
    names = ", ".join(columns)
    conn.execute(f"insert into {table} ({names}) values ({', '.join(['%s'] * len(columns))})", tuple(columns.values()))


def test_a_wrong_clock_is_seen_and_a_late_logger_is_none(works: Connection, database: Any) -> None:
    with connect(database.url("lantian_writer")) as writer:
        for minute in range(60):
            at = START + minute * dt.timedelta(minutes=1)
            late = at + dt.timedelta(minutes=31)
            reading(writer, "plant_reading", "meter", at, late)  # an hour behind: always the same delay
            reading(writer, "plant_reading", "meter", at + HOUR, at + HOUR - 5 * dt.timedelta(minutes=1))  # ahead
            reading(writer, "plant_reading", "meter", at + 2 * HOUR, START + 5 * HOUR)  # kept, then sent at once
            reading(writer, "plant_reading", "meter", at + 3 * HOUR, at + 3 * HOUR + dt.timedelta(seconds=62))
    found = read_skewed_hours(works, ["meter"], START, START + 5 * HOUR)
    assert sorted(found) == [START, START + HOUR]
    history(works)
    meter(works, "meter", [1000.0, 1001.0, 1002.0, 1003.0], START)
    verify_orders(works, START + 4 * HOUR)
    assert [reason for _, reason in verdicts(works)] == ["clock_skew", "clock_skew", "ramp_down", "ramp_down"]


def test_lorries_at_the_gate(works: Connection, database: Any) -> None:
    assert verify_orders(works, START + 2 * HOUR)["hours"] == 4
    assert verdicts(works, "m2") == [("undetermined", "not_measurable")] * 2  # no connected lorry ever came
    gate = read_gate(works, ENTERPRISE)
    assert gate is not None
    with connect(database.url("lantian_writer")) as writer:
        for device, at, east in (
            ("one", START - DAY, 111.2), ("one", START + HOUR / 2, 111.2), ("two", START + HOUR / 2, 111.203),
            ("far", START + HOUR / 2, 111.3),
        ):  # fmt: skip
            reading(writer, "vehicle_reading", device, at, at, span_s=10, longitude=east, latitude=37.3)
    assert read_vehicle_counts(works, gate, START, START + HOUR) == {START: 2}
    verify_orders(works, START + 2 * HOUR)
    assert verdicts(works, "m2") == [("suspected", "traffic"), ("fulfilled", "no_traffic")]
