"""The demonstration's story: what the works of the scenario did is what the verdicts say; told once, nowhere else."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.demonstration import LIFT, ORANGE, REVIEWED, YELLOW, is_told, tell
from app.demonstration_neighbour import NEIGHBOURS, add_neighbours, send_hours
from app.first_play import first_played, played_since
from app.job.demonstration import demonstrate
from app.service.supervisor import STATIONS, WORKS
from app.settings import Settings
from domain.county import County
from domain.county import load_county as county_data
from firmware_sim.device import World
from firmware_sim.message import measured_block
from firmware_sim.scenario_file import load_scenario, scenario_path
from firmware_sim.weather import Sky
from store.connection import Connection, connect
from store.exchange import read_neighbours
from store.plant_hour import COLUMNS, PlantHours, write_plant_hours
from store.reference import load_reference
from store.registry import load_county

HOUR = dt.timedelta(hours=1)
#: Five weeks are enough of a baseline.
WEEKS = 5


@pytest.fixture(scope="module")
def county() -> County:
    return county_data("zhongyang")


def enter_works(conn: Connection, county: County, begin: dt.datetime) -> None:
    """Hours of the meters as the scenario has them, straight into the settled table."""
    first_s = int(begin.timestamp()) + 1800
    scenario = load_scenario(scenario_path(WORKS), county, first_s, first_s)
    world = World(Sky(1, scenario.episodes), scenario.bypasses, scenario.curtailments)
    starts = np.arange(int((begin - WEEKS * 7 * 24 * HOUR).timestamp()), int(begin.timestamp()), 3600)
    for device in scenario.own:
        if device.kind in ("meter", "treatment-meter", "process"):
            block = measured_block(world, device, starts.tolist(), 3600)
            values = np.full((len(starts), len(COLUMNS)), np.nan)
            for at, column in enumerate(COLUMNS):
                if column in block.mean and column != "energy":
                    values[:, at] = block.mean[column]
            minutes = np.where(np.isnan(values), 0, 60)
            write_plant_hours(conn, PlantHours([device.id] * len(starts), starts, values, minutes))


def enter_micro(conn: Connection, begin: dt.datetime) -> None:
    """An hour in each span that is reviewed, and one of the county."""
    for device, (low, _), _ in REVIEWED:
        conn.execute(
            "insert into air_reading (device_id, time, span_s, flag, mark, received_at, pm25)"
            " select %s, %s, 3600, repeat('1', 12), repeat('N', 12), now(), 70",
            (device, begin - low * HOUR),
        )


@pytest.fixture
def begin() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)


def test_verdicts_are_what_the_works_did_and_everything_waits_that_should(
    database: Any, county: County, begin: dt.datetime
) -> None:
    with connect(database.url("lantian_owner"), autocommit=True) as owner:
        load_reference(owner)
        load_county(owner, county)
        with owner.transaction():
            enter_works(owner, county, begin)
            enter_micro(owner, begin)
    now = begin + 0.5 * HOUR
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        assert not is_told(conn, county.id)
        counts = tell(conn, county, begin, now=now, reached=[one.id for one in county.enterprises])
        assert is_told(conn, county.id)
        assert counts["orders"] == 10
        verdicts = Counter[tuple[str, str, str]]()
        for name, level, verdict, number in conn.execute(
            "select o.enterprise_id, o.level, v.verdict, count(*) from screen.order_verification v"
            " join reduction_order o on o.id = v.order_id where v.line_id in"
            " ('steel-sinter', 'fuyu-coke', 'dongyi-kiln', 'taoyuan-kiln') group by 1, 2, 3"
        ).fetchall():
            verdicts[name, level, verdict] = number
        suspected = {key[:2] for key, number in verdicts.items() if key[2] == "suspected" and number}
        assert suspected == {("fuyu-coking", "orange"), ("taoyuan-dongyi-cement", "orange")}
        hours = {"yellow": YELLOW[1] - ORANGE[1], "orange": ORANGE[1] - LIFT}
        for name in ("zhongyang-steel", "taoyuan-cement"):
            assert all(verdicts[name, level, "fulfilled"] >= 0.9 * hours[level] for level in hours)
        steps = conn.execute("select action, after from screen.warning_event order by event_id").fetchall()
        assert steps == [
            ("propose", "proposed"), ("confirm", "yellow"), ("propose", "yellow"), ("upgrade", "orange"),
            ("lift", "lifted"), ("propose", "proposed"),
        ]  # fmt: skip
        late = conn.execute(
            "select enterprise_id, acknowledged_at > respond_by from screen.notice"
            " where kind = 'order' and enterprise_id is not null and respond_by is not null order by notice_id"
        ).fetchall()
        assert Counter(late)["fuyu-coking", True] == 1
        assert Counter(late)["taoyuan-cement", None] == 1
        assert Counter(flag for _, flag in late) == {False: 8, True: 1, None: 1}
        assert conn.execute("select count(*) from screen.overdue where enterprise_id is not null").fetchone() == (1,)
        reviewed = conn.execute("select status from screen.review order by id").fetchall()
        assert reviewed == [("confirmed",), ("proposed",)]
        found = conn.execute("select inspection_result from screen.order_now where suspected > 0").fetchall()
        assert found == [("violation",)] * 2


def test_neighbours_send_every_hour_once(database: Any, county: County, begin: dt.datetime) -> None:
    with connect(database.url("lantian_owner"), autocommit=True) as owner:
        load_reference(owner)
        load_county(owner, county)
        owner.execute(
            "insert into air_hour (site_id, hour, pm25, pm10, so2, no2, co, o3, minutes, flag, aqi_available, edition)"
            " select 'zhongyang', h, 60, 90, 20, 40, 1.2, 30, array_fill(60, array[12]), repeat('1', 12), 80,"
            " 'hj633-2026' from generate_series(%s::timestamptz, %s::timestamptz, '1 hour') h",
            (begin - 4 * HOUR, begin - HOUR),
        )
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        assert send_hours(conn, county.id, begin, begin) == 0  # nobody is registered
        add_neighbours(conn)
        assert send_hours(conn, county.id, begin, begin) == len(NEIGHBOURS) * 4 + len(NEIGHBOURS) + 2
        assert send_hours(conn, county.id, begin, begin) == 0
        assert {each.hour for each in read_neighbours(conn)} == {begin - HOUR}
        assert conn.execute("select count(*) from screen.neighbour_warning where in_force").fetchone() == (2,)


def test_nothing_is_told_where_nothing_is_played(database: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path))
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        assert demonstrate(conn, dt.datetime.now(dt.UTC)) == {}


def test_the_first_play_is_noted_once_and_not_made_up_for_an_older_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert played_since(settings) is None
    assert first_played(settings, 1000.5) == first_played(settings, 2000.0) == played_since(settings) == 1000
    older = Settings(home=tmp_path / "older")
    (older.home / "simulator").mkdir(parents=True)
    (older.home / "simulator" / "zhongyang.sqlite").touch()
    assert first_played(older, 1000.5) == 0
    assert played_since(older) is None


def test_the_past_of_the_scenarios_stays_where_it_was(county: County) -> None:
    now = time.time()
    for name in (WORKS, STATIONS):
        first, again = (load_scenario(scenario_path(name), county, at, int(now)) for at in (now, now + 86400))
        assert first.curtailments == again.curtailments
        assert first.episodes == again.episodes
        assert [one.faults for one in first.devices] == [one.faults for one in again.devices]
