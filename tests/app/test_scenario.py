"""Scenarios from the file through registry, broker and collector into the database."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.command.simulate import Choices, simulate
from app.command.up import command as up
from app.scenario import register, scenario_county
from app.service.device_key import device_keys
from app.service.state import RUNNING, ProcessState, State, clear_state, write_state
from app.service.supervisor import child_commands
from app.settings import Settings
from domain.county import load_county
from domain.error import ConfigurationError
from firmware_sim.scenario_file import load_scenario, scenario_path
from store.batch_note import fold_notes
from store.connection import connect
from store.registry import read_devices

ROLES = ("owner", "writer", "app", "reader")
COUNTY = load_county("zhongyang")
PLAY = """
start = "-20min"
speed = 300
connections = 2
[[device]]
id = "play-cems"
kind = "cems"
enterprise = "zhongyang-steel"
outlet = "sinter"
[[device]]
id = "play-meter"
kind = "meter"
protocol = "hj212"
encryption = "sm4"
enterprise = "zhongyang-steel"
outlet = "sinter"
[[device]]
id = "play-micro"
kind = "micro"
[[device]]
id = "play-mobile"
kind = "mobile"
interval = "60s"
[[fault]]
kind = "power_cut"
devices = "play-micro"
start = "5min"
duration = "5min"
[[fault]]
kind = "broken_frames"
devices = "play-cems"
share = 0.5
duration = "10min"
[[fault]]
kind = "duplicate_storm"
devices = "play-mobile"
copies = 3
duration = "10min"
"""


@pytest.fixture
def collector(database: Any, services: Any, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts `lantian collect` for this database."""
    urls = {f"LANTIAN_DATABASE_{role.upper()}_URL": database.url(f"lantian_{role}") for role in ROLES}
    environment = {**os.environ, **urls, "LANTIAN_HOME": str(services.folder)}
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        arguments = [Path(sys.executable).with_name("lantian"), "collect", "--number", "8801", "--county", "zhongyang"]
        with (tmp_path / "collect.log").open("ab") as log:
            started.append(subprocess.Popen(arguments, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_a_scenario_end_to_end(
    database: Any, services: Any, collector: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    path = tmp_path / "play.toml"
    path.write_text(PLAY, encoding="utf-8")
    settings = Settings(
        home=services.folder, **{f"database_{role}_url": database.url(f"lantian_{role}") for role in ROLES}
    )
    collector()
    choices = Choices(None, (), None, None, "none", None, 1.0, False, str(tmp_path / "state.sqlite"), str(path))
    app = connect(database.url("lantian_app"), autocommit=True)
    statement = (
        "select (select count(*) from air_reading where device_id = 'play-micro'),"
        " (select count(*) from air_reading where device_id = 'play-mobile'),"
        " (select count(*) from stack_reading where span_s = 0),"
        " (select count(power) from plant_reading), (select count(*) from reject),"
        " (select sum(duplicate) from ledger)"
    )
    end = time.monotonic() + 60

    def enough() -> bool:
        row = app.execute(statement).fetchone()
        assert row is not None
        assert time.monotonic() < end, row
        return all(count >= 18 for count in row[:4]) and row[4] > 0 and (row[5] or 0) >= 8

    failure: list[BaseException] = []

    def live() -> None:
        try:
            simulate(choices, settings, enough)
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=live)
    thread.start()
    thread.join(70)
    assert not failure and not thread.is_alive()
    times = [row[0] for row in app.execute("select time from air_reading where device_id = 'play-micro' order by 1")]
    assert {(later - earlier).seconds for earlier, later in itertools.pairwise(times)} == {60}
    reasons = {row[0] for row in app.execute("select distinct reason from reject where topic like '%/play-%'")}
    assert reasons <= {"malformed", "crc_mismatch", "length_mismatch"}
    frames = "select payload from raw_frame where device_id = 'play-meter' and topic like '%data' limit 1"
    (sample,) = app.execute(frames).fetchall()
    assert b"CP=&&{0x" in sample[0] and b"Ua-Rtd" not in sample[0]
    keys = device_keys(settings)
    assert (keys.path.stat().st_mode & 0o777, len(keys.load()["play-meter"])) == (0o600, 1)
    assert not any(form in (tmp_path / "collect.log").read_text() for form in _forms(keys.load()["play-meter"][0]))
    keys.remove("play-meter")
    energy = app.execute(
        "select energy, power, time from plant_reading where device_id = 'play-meter' order by time"
    ).fetchall()
    hours = (energy[-1][2] - energy[0][2]).total_seconds() / 3600
    assert energy[-1][0] - energy[0][0] == pytest.approx(hours * sum(row[1] for row in energy) / len(energy), rel=0.02)
    app.close()


def _forms(key: bytes) -> tuple[str, ...]:
    return key.hex(), key.hex().upper(), repr(key)[2:-1]


LOGGERS = """
start = "-6min"
speed = 60
connections = "own"
[[device]]
id = "wire-cems"
kind = "cems"
transport = "tcp"
encryption = "sm4"
enterprise = "zhongyang-steel"
outlet = "sinter"
[[device]]
id = "wire-dust"
kind = "dust"
count = 3
transport = "tcp"
[[device]]
id = "wire-micro"
kind = "micro"
count = 2
[[fault]]
kind = "slow_tcp"
devices = "wire-dust-0001"
how = "dribble"
bytes_per_s = 3000
[[fault]]
kind = "slow_tcp"
devices = "wire-dust-0002"
how = "stall"
pause = "1s"
[[fault]]
kind = "slow_tcp"
devices = "wire-dust-0003"
how = "half_open"
duration = "90s"
"""


def test_loggers_on_slow_lines_and_own_credentials(
    database: Any, services: Any, collector: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """TCP through a gateway of the play's own: nothing is lost or doubled, however the bytes come."""
    path = tmp_path / "wire.toml"
    path.write_text(LOGGERS, encoding="utf-8")
    settings = Settings(
        home=services.folder, **{f"database_{role}_url": database.url(f"lantian_{role}") for role in ROLES}
    )
    collector()
    # The supervisor's state tells where the broker is: accounts made for the play reach it while it runs.
    write_state(services, State(RUNNING, processes=[ProcessState("mosquitto", services.broker.pid)]))
    choices = Choices(None, (), None, None, "none", None, 1.0, False, str(tmp_path / "state.sqlite"), str(path))
    app = connect(database.url("lantian_app"), autocommit=True)
    counts = "select device_id, count(*), count(distinct time) from air_reading where span_s <= 60 group by 1"
    end = time.monotonic() + 90

    def enough() -> bool:
        rows = {row[0]: row[1] for row in app.execute(counts).fetchall()}
        stacks = app.execute("select count(*) from stack_reading").fetchone()
        assert time.monotonic() < end, (rows, stacks)
        minutes = app.execute(
            "select extract(epoch from max(time) - min(time)) / 60 + 1 = count(*) from air_reading"
            " where device_id = 'wire-dust-0003'"
        ).fetchone()
        if minutes != (True,):  # what was cut on the half-open connection comes again after half a minute
            return False
        return len(rows) == 5 and min(rows.values()) >= 6 and stacks is not None and stacks[0] >= 6

    simulate(choices, settings, enough)
    assert all(row[1] == row[2] for row in app.execute(counts).fetchall())
    # A cut frame is nothing but cut: the half-open connection left no reject, and its frame came again.
    assert app.execute("select count(*) from reject").fetchone() == (0,)
    times = [
        row[0] for row in app.execute("select time from air_reading where device_id = 'wire-dust-0003' order by 1")
    ]
    assert {(later - earlier).seconds for earlier, later in itertools.pairwise(times)} == {60}
    fold_notes(app)
    links = dict(app.execute("select device_id, link from device_state").fetchall())
    assert set(links) >= {"wire-cems", "wire-dust-0001", "wire-micro-0001"}
    accounts = settings_accounts(services)
    assert {name for name in accounts if name.startswith("wire-")} == {"wire-micro-0001", "wire-micro-0002"}

    assert "6 devices" in retired(choices, settings)
    known = {row[0]: row[1] for row in app.execute("select id, retired_at is not null from device").fetchall()}
    sites = {row[0]: row[1] for row in app.execute("select id, retired_at is not null from site").fetchall()}
    assert all(known[name] and sites[name] for name in known if name.startswith("wire-"))
    assert not [name for name in settings_accounts(services) if name.startswith("wire-")]
    assert "wire-cems" not in device_keys(settings).load()
    assert "0 devices" in retired(choices, settings)
    # Playing again brings them back; a site that a person has taken over stays out of it.
    scenario = load_scenario(path, COUNTY, time.time())
    assert register(scenario, COUNTY, database.url("lantian_app")) == 6
    assert register(scenario, COUNTY, database.url("lantian_app")) == 0
    app.execute("update site set note = '真实点位' where id = 'wire-micro-0001'")
    assert "5 devices" in retired(choices, settings)
    clear_state(services)
    app.close()


def settings_accounts(services: Any) -> set[str]:
    return set(services.credential_file.load().devices)


def retired(choices: Choices, settings: Settings) -> str:
    """What `lantian simulate --retire` says."""
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.command.simulate.click.echo", said.append)
        simulate(replace(choices, retire=True), settings, lambda: True)
    return said[0]


def test_registering_again_changes_nothing(database: Any) -> None:
    scenario = load_scenario(scenario_path("industry"), COUNTY, time.time())
    url = database.url("lantian_app")
    assert register(scenario, COUNTY, url) == len(scenario.own) == 18
    assert register(scenario, COUNTY, url) == 0
    with connect(url) as conn:
        known = read_devices(conn)
    assert set(known) == {one.id for one in scenario.own}
    assert known["sim-coke-meter"].units["Ua"] == "V"
    assert known["sim-coke-meter"].factor_columns["Ua"] == "voltage_a"
    assert {one.mn for one in known.values() if one.protocol == "gb17691"} == {
        one.vin for one in scenario.own if one.kind == "vehicle"
    }
    assert not any(site.evaluated for site in scenario_county(scenario, COUNTY).sites)


def test_up_checks_the_scenario_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path))
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[fault]]\nkind = "earthquake"\n', encoding="utf-8")
    refused = CliRunner().invoke(up, ["--scenario", str(wrong)])
    assert isinstance(refused.exception, ConfigurationError) and "earthquake" in str(refused.exception)
    both = CliRunner().invoke(up, ["--scenario", "industry", "--no-simulator"])
    assert isinstance(both.exception, ConfigurationError) and "one of them" in str(both.exception)
    assert not (tmp_path / "data").exists()


def test_the_supervisor_passes_the_scenario_on(tmp_path: Path) -> None:
    assert child_commands(Settings(home=tmp_path))["simulate"] == ["simulate", "--faults", "stations"]
    played = child_commands(Settings(home=tmp_path, simulator_scenario="industry"))["simulate"]
    assert played == ["simulate", "--scenario", "industry"]
    with pytest.raises(ConfigurationError, match="--county, --seed, --state or --retire only"):
        simulate(
            Choices(None, ("x",), None, None, "none", None, 1.0, False, None, "industry"), Settings(), lambda: True
        )
