"""Integrity checks on stored readings: a works that cheats, a vehicle, a washed micro station; the commands."""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from source_network import AREA, PLANT_SITE, STACK_SITE, Works

from app.job.integrity import check_days, check_vehicles
from app.main import main
from domain.family import AIR, FAMILIES
from domain.period import midnight
from firmware_sim.device import Device, World
from firmware_sim.weather import Sky
from firmware_sim.works import Bypass
from store.connection import connect
from store.device_reading import DeviceReadings
from store.integrity import decide_finding, read_findings, read_open_findings
from store.line import Line, add_line

SCRIPT = Path(__file__).parents[2] / "scripts" / "integrity_faults.py"
DAY = 8


@pytest.fixture(scope="module")
def faults() -> ModuleType:
    """The script, for its simulated readings."""
    spec = importlib.util.spec_from_file_location("integrity_faults", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def works(database: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Works]:
    monkeypatch.setenv("COLUMNS", "250")
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    with (
        connect(database.url("lantian_owner"), autocommit=True) as owner,
        connect(database.url("lantian_app"), autocommit=True) as app,
    ):
        yield Works(owner, app)


def store(works: Works, device: str, readings: DeviceReadings) -> None:
    """Store simulated readings of a device as the collector does."""
    row = works.owner.execute("select family from device where id = %s", (device,)).fetchone()
    assert row is not None
    family = FAMILIES[row[0]]
    names = ("device_id", "time", "span_s", *family.keys, "flag", "mark", "received_at")
    with works.owner.cursor().copy(f"copy {family.table} ({', '.join(names)}) from stdin") as copy:
        for at, second in enumerate(readings.times_s.tolist()):
            time = dt.datetime.fromtimestamp(second, dt.UTC)
            values = [None if np.isnan(value) else value for value in readings.values[at].tolist()]
            flag = "".join(map(str, readings.flags[at].tolist()))
            mark = readings.marks[at].tobytes().decode()
            copy.write_row((device, time, int(readings.spans_s[at]), *values, flag, mark, time))
    works.owner.execute(
        "insert into dirty_hour (family, site_id, hour) select distinct d.family, d.site_id,"
        " date_trunc('hour', t.time, 'UTC') from unnest(%s::timestamptz[]) as t (time), device d where d.id = %s",
        ([dt.datetime.fromtimestamp(second, dt.UTC) for second in readings.times_s[::60].tolist()], device),
    )


def lantian(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == code, result.output
    return result.output


def play_works(works: Works, faults: ModuleType, days: int) -> None:
    """A sinter line of nine days and `days` more whose treatment stands from 8 to 16 while the monitor is stuck."""
    begin = faults.second_of(DAY)
    low, high = faults.second_of(DAY - faults.BEFORE), faults.second_of(DAY + days)
    world = World(Sky(5), (Bypass("steel", begin + 8 * 3600, begin + 16 * 3600),))
    stuck = faults.Play("", "cems", "stuck", {"columns": ("so2", "so2_converted")}, ())
    for name, kind in (("cems", "cems"), ("meter", "meter"), ("treatment-meter", "treatment-meter")):
        given = faults.fault_of(stuck, name, DAY) if kind == "cems" else ()
        device = faults.device_of(name, kind, "steel", "sinter", given)
        store(works, name, faults.readings_of(world, device, low, high))
    works.outlet()
    add_line(works.app, Line("sinter", "steel", "烧结机", "production", outlet_site=STACK_SITE, meters={"meter": 1.0}))
    clean = Line("clean", "steel", "脱硫", "treatment", treats="sinter", meters={"treatment-meter": 1.0})
    add_line(works.app, clean)
    works.settle()


def test_a_works_that_cheats_is_found_once_and_closed_by_a_good_day(works: Works, faults: ModuleType) -> None:
    play_works(works, faults, 2)
    day, next_day = faults.day_of(DAY), faults.day_of(DAY + 1)
    said = lantian("integrity", "run", "--from", day, "--to", day)
    assert said == f"{day}: 3 checked, 2 opened, 0 continued, 0 closed\n"
    found = {(one.kind, one.device, one.column): one for one in read_open_findings(works.app)}
    assert set(found) == {("treatment_off", "treatment-meter", "power"), ("constant", "cems", "so2")}
    off = found["treatment_off", "treatment-meter", "power"]
    noon = midnight(day) + dt.timedelta(hours=8)
    assert abs(off.began_at - noon) <= dt.timedelta(minutes=2)
    assert abs(off.ended_at - noon - dt.timedelta(hours=8)) <= dt.timedelta(minutes=2)
    assert "治理设施用电仅为平时的" in off.text_zh
    assert off.enterprise_zh == "钢铁厂"
    assert off.evidence["figures"]["minutes"] == pytest.approx(480, abs=2)
    assert len(off.evidence["values"]) == 24
    stuck = found["constant", "cems", "so2"]
    assert len({value for _, value in stuck.evidence["values"]}) == 1
    again = lantian("integrity", "run", "--from", day, "--to", day)
    assert "0 opened, 0 continued, 0 closed" in again
    verdict = "select verdict, lacking from integrity_check where kind = %s and day = %s"
    assert works.one(verdict, "treatment_off", day) == ("suspected", "")
    assert works.one(verdict, "dilution", day) == ("compliant", "")
    assert works.one(verdict, "clipped", day)[0] == "compliant"
    assert check_days(works.app, [next_day], today=next_day)["closed"] == 0
    closed = lantian("integrity", "run", "--from", next_day, "--to", next_day)
    assert "0 opened, 0 continued, 2 closed" in closed
    assert read_open_findings(works.app) == []


def test_without_history_lines_or_readings_there_is_no_verdict(works: Works, faults: ModuleType) -> None:
    day = faults.day_of(DAY)
    assert check_days(works.app, [day], today=day) == {"checked": 0, "opened": 0, "continued": 0, "closed": 0}
    device = faults.device_of("cems", "cems", "steel", "sinter")
    store(works, "cems", faults.readings_of(World(Sky(5)), device, faults.second_of(DAY), faults.second_of(DAY + 0.02)))
    works.settle()
    check_days(works.app, [day], today=day)
    rows = works.app.execute("select kind, verdict, lacking from integrity_check order by kind").fetchall()
    told = {kind: (verdict, lacking) for kind, verdict, lacking in rows}
    assert told["dilution"] == ("undetermined", "usual level")
    assert told["low_under_load"][0] == told["constant"][0] == told["clipped"][0] == told["copied"][0] == "undetermined"
    assert "treatment_off" not in told
    assert read_findings(works.app) == []


def test_a_tampered_vehicle_that_was_silent(works: Works, faults: ModuleType) -> None:
    works.owner.execute(
        "insert into site (id, area_id, kind, name_zh) values ('truck', %s, 'vehicle', '一号车')", (AREA,)
    )
    works.device("truck", "truck", "vehicle")
    device = Device("truck", "zhongyang", "truck", "vehicle", "gb17691", "", 0, 60, longitude=111.2, latitude=37.35)
    play = faults.Play("", "vehicle", "tampered_obd", {"nox": True, "reagent": True, "dpf": True}, (), (0.0, 24.0))
    silent = faults.Play("", "vehicle", "gap", {}, (), (1.0, 6.0))
    sick = faults.fault_of(play, "truck", DAY) + faults.fault_of(silent, "truck", DAY)
    device, low, high = replace(device, faults=sick), faults.second_of(DAY) - 3600, faults.second_of(DAY + 1)
    store(works, "truck", faults.readings_of(World(Sky(5)), device, low, high))
    assert works.settle().hours == 0
    now = midnight(faults.day_of(DAY)) + dt.timedelta(hours=23)
    assert check_vehicles(works.app, now)["opened"] == 4
    kinds = {one.kind: one for one in read_open_findings(works.app)}
    assert set(kinds) == {"nox_not_reduced", "reagent_frozen", "dpf_gone", "silent_moving"}
    assert kinds["silent_moving"].evidence["figures"]["minutes"] == pytest.approx(301, abs=1)
    assert "反应剂液位一直为" in kinds["reagent_frozen"].text_zh


def test_a_micro_station_washed_alone(works: Works, faults: ModuleType) -> None:
    day, hours = faults.day_of(DAY), 24 * 9
    noise = np.random.default_rng(3)
    for number in range(5):
        name = f"micro-{number}"
        works.owner.execute(
            "insert into site (id, area_id, kind, name_zh, longitude, latitude) values (%s, %s, 'micro', %s, %s, 37.3)",
            (name, AREA, name, 111.1 + number / 100),
        )
        works.device(name, name, "air")
        with works.owner.cursor().copy(
            "copy air_hour (site_id, hour, pm10, humidity, no2, o3, minutes, flag, edition) from stdin"
        ) as copy:
            for at in range(hours):
                washed = number == 2 and at in range(hours - 14, hours - 9)
                pm10 = 80 * (0.45 if washed else 1.0) * (1 + 0.05 * noise.normal())
                row = (pm10, 60.0 + 12 * washed, 30 + noise.normal(), 60 + noise.normal())
                time = midnight(day + dt.timedelta(days=1)) - dt.timedelta(hours=hours - at)
                copy.write_row((name, time, *row, "{" + ",".join(["60"] * AIR.width) + "}", "1" * AIR.width, "2026"))
    assert check_days(works.app, [day], ("air",), today=day) == {"checked": 5, "opened": 1, "continued": 0, "closed": 0}
    (found,) = read_open_findings(works.app)
    assert (found.kind, found.device) == ("selective_cleaning", "micro-2")
    assert found.ended_at - found.began_at == dt.timedelta(hours=5) - dt.timedelta(seconds=1)
    assert found.evidence["figures"]["humidity"] == pytest.approx(12)


def test_commands_list_show_and_record_what_people_decide(works: Works, faults: ModuleType) -> None:
    assert "没有符合条件的问题" in lantian("integrity", "list")
    play_works(works, faults, 1)
    day = faults.day_of(DAY)
    check_days(works.app, [day], ("plant",), today=day, device="treatment-meter")
    (found,) = read_open_findings(works.app)
    listed = lantian("integrity", "list")
    assert "治理设施停运而生产未停" in listed and "待核查" in listed
    shown = lantian("integrity", "show", found.id)
    assert "大气污染防治法第二十条" in shown and '"largest_ratio": 0.15' in shown and "发现" in shown
    assert "found no finding 999" in lantian("integrity", "show", 999, code=2)
    lantian("integrity", "decide", found.id, "confirmed", "--by", "李工", "--why", "现场核实")
    assert "核查属实 李工 现场核实" in " ".join(lantian("integrity", "show", found.id).split())
    assert "没有符合条件的问题" in lantian("integrity", "list")
    assert "核查属实" in lantian("integrity", "list", "--all", "--device", "treatment-meter", "--kind", "treatment_off")
    kinds = lantian("integrity", "kinds", "--thresholds")
    assert "稀释排放" in kinds and "least_o2 1.5" in kinds
    assert "expected the earlier day first" in lantian("integrity", "run", "--from", day, "--to", "2020-01-01", code=2)
    with pytest.raises(Exception, match="confirmed already"):
        decide_finding(works.app, found.id, "confirmed", by="a", why="b")
    view = works.one("select text_zh, status_zh, evidence from screen.integrity_finding where id = %s", found.id)
    assert view[1] == "核查属实" and json.dumps(view[2])
    assert found.site == PLANT_SITE
