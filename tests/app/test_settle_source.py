"""Settlement of stacks and meters in the real database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from source_network import PLANT_SITE, STACK_SITE, Works, minutes

from domain.period import midnight
from store.connection import connect
from store.plant_hour import read_plant_hours
from store.stack_hour import POLLUTANTS, mark_stack_hours, read_stack_hours

DAY = dt.date(2026, 11, 23)
NOON = midnight(DAY) + dt.timedelta(hours=12)
HOUR = dt.timedelta(hours=1)
GAS = {"pm": 6.0, "so2": 12.0, "nox": 40.0, "o2": 13.5, "flow": 100.0}


@pytest.fixture
def works(database: Any) -> Iterator[Works]:
    with (
        connect(database.url("lantian_owner"), autocommit=True) as owner,
        connect(database.url("lantian_app"), autocommit=True) as app,
    ):
        yield Works(owner, app)


def test_minutes_become_converted_hours_days_and_months(works: Works) -> None:
    works.outlet(permitted_so2_t=0.05)
    works.store("cems", minutes(midnight(DAY), 60 * 22), GAS)
    works.store("cems", minutes(midnight(DAY) + 22 * HOUR, 60), GAS | {"so2": 60.0})
    done = works.settle()
    assert (done.claimed, done.hours) == (23, 23)
    # Sinter at 16 % reference oxygen: factor (21 - 16) / (21 - 13.5); 12 mg/m³ in 100 m³/s are 4.32 kg an hour.
    row = works.one(
        "select so2, so2_converted, so2_limit, so2_over, so2_kg, state, kind from stack_hour where hour = %s", NOON
    )
    assert row == (12.0, pytest.approx(8.0), 35.0, False, pytest.approx(4.32), "running", "sinter_head")
    late = works.one("select so2_over, nox_over from stack_hour where hour = %s", midnight(DAY) + 22 * HOUR)
    assert late == (True, False)
    day = works.one(
        "select converted, valid_hours, judged_hours, over_hours, kg from stack_day where pollutant = 'so2'"
    )
    assert day == (pytest.approx((22 * 8 + 40) / 23), 23, 23, 1, pytest.approx(22 * 4.32 + 21.6))
    month = works.one(
        "select operating_hours, judged_hours, over_hours, percent, met from stack_month where pollutant = 'any'"
    )
    assert month == (23, 23, 1, 95.7, True)
    shown = works.one("select year_t, permitted_percent, met_zh from screen.stack_month where pollutant = 'so2'")
    assert shown == (pytest.approx(0.11664), pytest.approx(233.28), "达到要求")


def test_marked_minutes_are_not_judged(works: Works) -> None:
    works.outlet()
    marks = ["N"] * 44 + ["M"] * 16 + ["N"] * 45 + ["C"] * 15 + ["F"] * 60 + ["F"] * 30 + ["N"] * 30
    times = minutes(NOON, 240)
    works.store("cems", times, GAS | {"so2": 90.0}, marks)
    works.settle()
    rows = works.app.execute("select so2, so2_over, state from stack_hour order by hour").fetchall()
    assert rows == [(None, None, "invalid"), (90.0, True, "running"), (None, None, "stopped"), (None, None, "stopped")]
    month = works.one(
        "select hours, operating_hours, judged_hours, over_hours, percent, met from stack_month where pollutant = 'so2'"
    )
    assert month == (4, 2, 1, 1, 0.0, False)


def test_nothing_is_judged_without_outlet_oxygen_or_operation(works: Works) -> None:
    works.outlet(valid_from="2026-11-23", valid_to="2026-11-23")
    works.store("cems", minutes(NOON - 24 * HOUR, 60), GAS)
    works.store("cems", minutes(NOON, 60), GAS | {"o2": 20.4})
    works.store("cems", minutes(NOON + HOUR, 60), {"so2": 12.0})
    works.store("cems", minutes(NOON + 2 * HOUR, 60), {"so2": 90.0, "so2_converted": 36.0})
    works.settle()
    rows = works.app.execute(
        "select so2, so2_converted, so2_over, state, kind from stack_hour order by hour"
    ).fetchall()
    assert rows == [
        (12.0, 12.0, None, "running", None),
        (12.0, None, None, "standstill", "sinter_head"),
        (12.0, None, None, "running", "sinter_head"),
        (90.0, 36.0, True, "running", "sinter_head"),
    ]
    verdicts = works.app.execute(
        "select verdict_zh from screen.stack_hour where pollutant = 'so2' order by hour"
    ).fetchall()
    assert verdicts == [("不判定",), ("不判定",), ("不判定",), ("超标",)]


def test_duct_values_become_dry_gas_at_the_standard_state(works: Works) -> None:
    works.outlet(basis="duct", flow_basis="duct", duct_area_m2=10.0, atmospheric_kpa=101.325, reference_oxygen=10.0)
    state = {"flue_temperature": 273.0, "flue_pressure": 0.0, "flue_humidity": 20.0}
    works.store("cems", minutes(NOON, 60), {"so2": 10.0, "o2": 8.0, "velocity": 20.0, **state})
    works.settle()
    # At 273 ℃ gas has half its density: 10 mg/m³ wet in the duct are 20 wet and 25 dry; 8 % oxygen of wet gas are 10 %.
    row = works.one("select so2, o2, so2_converted, flow, so2_kg from stack_hour")
    assert row == pytest.approx((25.0, 10.0, 25.0, 80.0, 7.2))


def test_late_data_and_a_changed_outlet_come_through(works: Works) -> None:
    works.store("cems", minutes(NOON, 44), GAS)
    works.settle()
    assert works.one("select so2, state from stack_hour") == (None, "invalid")
    works.store("cems", minutes(NOON + dt.timedelta(minutes=44), 1), GAS)
    works.outlet(kind="coke_oven")
    works.settle()
    assert works.one("select so2, so2_limit from stack_hour") == (12.0, 30.0)
    works.owner.execute("update outlet set kind = 'cement_kiln'")
    assert mark_stack_hours(works.app, midnight(DAY), midnight(DAY) + 24 * HOUR) == 1
    works.settle()
    assert works.one("select so2_limit, kind from stack_hour") == (35.0, "cement_kiln")
    assert works.one("select count(*) from dirty_hour") == (0,)


def test_read_functions_give_back_what_was_settled(works: Works) -> None:
    works.outlet()
    works.store("cems", minutes(NOON, 120), GAS)
    works.store("meter", minutes(NOON, 120), {"power": 600.0, "energy": [1000.0 + 10.0 * at for at in range(120)]})
    works.settle()
    hours = read_stack_hours(works.app, [STACK_SITE], NOON, NOON + HOUR)
    so2 = POLLUTANTS.index("so2")
    assert (hours.sites, hours.hours_s.tolist()) == ([STACK_SITE], [int(NOON.timestamp())])
    assert hours.converted[0, so2] == pytest.approx(8.0)
    assert hours.over[0, [so2, 4]].tolist() == pytest.approx([0.0, np.nan], nan_ok=True)
    assert hours.gas[0, 0] == 13.5
    assert (hours.states, hours.kinds, hours.minutes[0, 1]) == (["running"], ["sinter_head"], 60)
    plant = read_plant_hours(works.app, ["meter"], NOON, NOON + 2 * HOUR)
    assert plant.column("power").tolist() == [600.0, 600.0]
    assert plant.column("energy").tolist() == pytest.approx([600.0, 600.0])
    assert np.isnan(plant.column("load")).all()


def test_hours_of_meters(works: Works) -> None:
    works.device("process", PLANT_SITE, "plant")
    quarter = [1.0] * 45 + [0.0] * 15
    works.store("process", minutes(NOON, 60), {"load": [80.0] * 45 + [0.0] * 15, "running": quarter})
    works.store("meter", minutes(NOON, 60), {"power": 300.0})
    counters = [50.0 + at for at in range(30)] + [5.0 + at for at in range(30)]
    works.store("treatment-meter", minutes(NOON, 60), {"power": 60.0, "energy": counters})
    works.store("treatment-meter", minutes(NOON + HOUR, 30), {"power": 60.0})
    done = works.settle()
    assert (done.claimed, done.hours) == (4, 4)
    rows = works.app.execute(
        "select device_id, power, energy, running, load, minutes from plant_hour order by 1, hour"
    ).fetchall()
    assert rows == [
        ("meter", 300.0, 300.0, None, None, [60, 60, 0, 0]),
        ("process", None, None, 0.75, 60.0, [0, 0, 60, 60]),
        # The counter went back: mean power times an hour.
        ("treatment-meter", 60.0, 60.0, None, None, [60, 60, 0, 0]),
        ("treatment-meter", None, None, None, None, [30, 30, 0, 0]),
    ]
