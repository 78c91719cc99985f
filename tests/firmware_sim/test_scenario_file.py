"""Scenario files: what is shipped loads, what is wrong is named, and the same file is the same play."""

from pathlib import Path

import pytest

from domain.county import load_county
from domain.error import ConfigurationError
from firmware_sim.device import KINDS, World
from firmware_sim.fault import OPTIONS
from firmware_sim.message import gb17691_frame, hj212_frame, json_message, measured_block
from firmware_sim.scenario_file import SCENARIOS, Scenario, load_scenario, scenario_path
from firmware_sim.weather import Sky

COUNTY = load_county("zhongyang")
NOW = 1_795_478_400


def loaded(text: str, folder: Path) -> Scenario:
    path = folder / "play.toml"
    path.write_text(text, encoding="utf-8")
    return load_scenario(path, COUNTY, NOW)


def test_shipped_scenarios_load() -> None:
    found = {path.stem: load_scenario(path, COUNTY, NOW) for path in SCENARIOS.glob("*.toml")}
    assert set(found) == {"heavy-episode", "industry", "every-fault", "fleet-5000", "works", "stations", "drill"}
    assert len(found["fleet-5000"].devices) == 5000
    every = found["every-fault"]
    assert {one.kind for device in every.devices for one in device.faults} == set(OPTIONS)
    assert {device.kind for device in every.own} == set(KINDS)
    assert every.start_s == NOW - 7200 and every.speed == 60
    assert every.bypasses[0].end_s - every.bypasses[0].start_s == 2700
    assert not found["heavy-episode"].own and found["heavy-episode"].episodes[0].start_s == NOW
    identities = [one.mn or one.vin for one in found["fleet-5000"].devices if one.protocol != "json"]
    assert len(set(identities)) == len(identities) and {len(one) for one in identities} <= {17, 24}
    delays = [one.delay_s for one in found["fleet-5000"].devices]
    assert min(delays) == 0 and max(delays) == 59 and 25 < sum(delays) / 5000 < 35


def test_a_drill_and_curtailments(tmp_path: Path) -> None:
    drill = load_scenario(scenario_path("drill"), COUNTY, NOW)
    assert drill.rehearsal is not None
    assert (drill.rehearsal.lift_s - drill.rehearsal.order_s, drill.rehearsal.level) == (60 * 3600, "red")
    assert {one.load for one in drill.curtailments if one.enterprise == "fuyu-coking"} == {0.4}
    text = """
[drill]
level = "purple"
order = "2h"
lift = "1h"
[[device]]
id = "m"
kind = "meter"
enterprise = "fuyu-coking"
outlet = "coke-oven"
[[curtailment]]
enterprise = "fuyu-coking"
duration = "2h"
load = 1.5
[[curtailment]]
enterprise = "fuyu-coking"
outlet = "sinter"
start = "1h"
[[curtailment]]
enterprise = "fuyu-coking"
start = "1h"
"""
    with pytest.raises(ConfigurationError) as error:
        loaded(text, tmp_path)
    said = str(error.value)
    for part in (
        "drill: level: found 'purple', expected one of yellow, orange, red",
        "drill: lift: found '1h', expected a time after the order",
        "curtailment 1: load: found 1.5",
        "curtailment 2: outlet: found 'sinter', expected one of coke-oven",
        "curtailment 3: found '1h', expected a time apart from the other curtailments",
    ):
        assert part in said, said


def test_the_same_seed_is_the_same_bytes() -> None:
    def frames() -> list[bytes]:
        scenario = load_scenario(scenario_path("every-fault"), COUNTY, NOW)
        world = World(Sky(7), scenario.bypasses)
        made = []
        for device in scenario.devices:
            block = measured_block(world, device, [NOW - 3600, NOW - 3540], device.spans_s[-1])
            make = {"json": lambda it: json_message(it, [0, 1], 5), "hj212": lambda it: hj212_frame(it, 1, 5)}
            made.append(make.get(device.protocol, lambda it: gb17691_frame(it, 1))(block))
        return made

    assert frames() == frames()


def test_every_wrong_entry_is_named_at_once(tmp_path: Path) -> None:
    text = """
speed = 60
colour = "red"
county_devices = ["nobody-*"]
[[device]]
id = "a"
kind = "cems"
enterprise = "nobody"
outlet = "chimney"
interval = "soon"
[[device]]
id = "A B"
kind = "kite"
[[device]]
id = "a"
kind = "micro"
[[fault]]
kind = "drift"
devices = "a"
columns = "nox_converted"
[[fault]]
kind = "earthquake"
[[fault]]
kind = "gap"
devices = "z*"
duration = "0s"
[[fault]]
kind = "tampered_obd"
devices = "a"
[[fault]]
kind = "spike"
devices = "a"
columns = ["colour"]
share = 2
"""
    with pytest.raises(ConfigurationError) as caught:
        loaded(text, tmp_path)
    told = str(caught.value)
    for part in (
        "play.toml: top: key: found 'colour'",
        "speed: found 60.0, expected a start in the past",
        "county_devices: found 'nobody-*'",
        "device 1: enterprise: found 'nobody', expected one of zhongyang-steel",
        "device 1: outlet: found 'chimney', expected one of sinter",
        "device 1: interval: found 'soon', expected a time such as 90s",
        "device 2: id: found 'A B'",
        "device 2: kind: found 'kite', expected one of air, micro, cems",
        "device: found 'a', expected ids that no other device has",
        "fault 1: per_hour: found 'nothing'",
        "fault 2: kind: found 'earthquake', expected one of stuck",
        "fault 3: devices: found 'z*'",
        "fault 3: duration: found '0s'",
        "fault 4: devices: found 'cems, micro', expected devices of kind vehicle",
        "fault 5: columns: found 'colour'",
        "fault 5: share: found 2, expected a number from 0 to 1",
    ):
        assert part in told, part
    with pytest.raises(ConfigurationError, match="expected county_devices or a"):
        loaded("", tmp_path)
    with pytest.raises(ConfigurationError, match="shipped ones are drill, every-fault, fleet-5000"):
        scenario_path("nobody")


def test_moments_of_the_calendar_and_of_the_clock(tmp_path: Path) -> None:
    text = """
start = "-30min"
[[device]]
id = "a"
kind = "micro"
[[fault]]
kind = "gap"
devices = "a"
start = 2026-11-24T08:00:00
duration = "90s"
[[fault]]
kind = "stuck"
devices = "a"
start = "5min"
"""
    gap, stuck = loaded(text, tmp_path).devices[0].faults
    assert (gap.start_s, gap.end_s) == (NOW, NOW + 90)
    assert stuck.start_s == NOW - 1500 and stuck.lasts(NOW + 10**9)
