"""`lantian simulate`: its options, its memory, and one run at the real broker."""

import datetime as dt
import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from click.testing import CliRunner
from paho.mqtt.enums import CallbackAPIVersion

from app.command.simulate import (
    Choices,
    Clock,
    asked_episodes,
    command,
    history_start,
    parse_moment,
    recalled_sky,
    simulate,
)
from app.service.local import LocalServices
from app.settings import Settings
from domain.error import ConfigurationError
from domain.period import ZONE
from firmware_sim.episode import RISE_S, SUDDEN_RISE_S, Episode
from firmware_sim.outbox import Outbox

NOW = dt.datetime(2026, 11, 23, 8, tzinfo=ZONE).timestamp()
USUAL = Choices(None, (), None, "none", "none", None, 1.0, False, None)


@pytest.fixture
def outbox() -> Iterator[Outbox]:
    kept = Outbox(None, 0)
    yield kept
    kept.close()


def test_clock_runs_faster_until_it_has_caught_up() -> None:
    clock = Clock(began_s=1000.0, start_s=400.0, speed=4.0)
    assert [clock.time_s(world) for world in (1000.0, 1100.0, 1200.0, 1300.0)] == [400.0, 800.0, 1200.0, 1300.0]
    assert Clock(1000.0, 1000.0).time_s(1234.5) == 1234.5


def test_moments_are_local_unless_they_say_otherwise() -> None:
    assert parse_moment("2026-11-23T08:00") == parse_moment("2026-11-23T00:00Z") == NOW
    with pytest.raises(ConfigurationError, match="yesterday"):
        parse_moment("yesterday")


def test_history_starts_last_year_by_default() -> None:
    first = history_start("year", NOW)
    assert first == dt.datetime(2025, 1, 1, tzinfo=ZONE).timestamp()
    assert history_start("none", NOW) is None
    assert history_start("2026-11-01", NOW) == dt.datetime(2026, 11, 1, tzinfo=ZONE).timestamp()


def test_episode_option() -> None:
    assert asked_episodes("none", NOW) == ()
    assert asked_episodes("now", NOW) == (Episode(int(NOW), SUDDEN_RISE_S),)
    assert asked_episodes("2026-12-01", NOW) == (Episode(int(NOW) + 8 * 86400 - 8 * 3600, RISE_S),)


def test_what_was_sent_is_never_contradicted_by_a_later_run(outbox: Outbox) -> None:
    first = recalled_sky(outbox, 3, (Episode(5, 6),))
    again = recalled_sky(outbox, 3, ())
    third = recalled_sky(outbox, 3, (Episode(9, 6), Episode(5, 6)))
    assert first == again
    assert third.episodes == (Episode(5, 6), Episode(9, 6))
    with pytest.raises(ConfigurationError, match=r"--seed 4.*--seed 3"):
        recalled_sky(outbox, 4, ())


def test_speed_needs_a_start_and_devices_must_exist(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with pytest.raises(ConfigurationError, match="--start"):
        simulate(Choices(None, (), None, "none", "none", None, 60.0, False, "memory"), settings, lambda: True)
    with pytest.raises(ConfigurationError, match="nobody-1"):
        simulate(Choices(None, ("nobody-1",), None, "none", "none", None, 1.0, False, "memory"), settings, lambda: True)


def test_help_names_every_option() -> None:
    shown = CliRunner().invoke(command, ["--help"])
    assert shown.exit_code == 0
    for name in Choices.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in shown.output


def test_stations_speak_and_say_goodbye(
    services: LocalServices, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    where = services.broker_for("collector")
    heard: list[tuple[str, bytes]] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="simulate-listener")
    client.username_pw_set(where.username, where.password)
    client.on_connect = lambda it, *_: it.subscribe([("lt/v1/zhongyang/+/+/data", 1), ("lt/v1/zhongyang/+/+/state", 1)])
    client.on_message = lambda _client, _data, message: heard.append((message.topic, bytes(message.payload)))
    client.connect(where.host, where.port)
    client.loop_start()
    settings = Settings(home=services.folder, simulator_seed=9)
    devices = "ningxiang-air,micro-zhike-1"
    choices = Choices(None, (devices,), None, "2026-01-01", "now", None, 1.0, False, str(tmp_path / "state.sqlite"))
    end = time.monotonic() + 30.0
    caplog.set_level(logging.INFO)

    def enough() -> bool:
        spoke = {topic.split("/")[4] for topic, _ in heard if topic.endswith("/data")}
        hours = [what for _, what in heard if b"CN=2061" in what]
        assert time.monotonic() < end
        return len(spoke) == 2 and len(hours) > 100

    failure: list[BaseException] = []

    def live() -> None:
        try:
            simulate(choices, settings, enough)
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=live)
    thread.start()
    thread.join(40.0)
    assert not failure and not thread.is_alive()
    deadline = time.monotonic() + 10.0
    states: dict[str, str] = {}
    while set(states.values()) != {"offline"} and time.monotonic() < deadline:
        told = [(topic.split("/")[4], what) for topic, what in heard if topic.endswith("/state")]
        states |= {device: json.loads(what)["state"] for device, what in told if device in devices.split(",")}
        time.sleep(0.05)
    client.disconnect()
    client.loop_stop()
    assert states == {"ningxiang-air": "offline", "micro-zhike-1": "offline"}
    line = json.loads(caplog.messages[-1])
    assert line["event"] == "simulate" and line["published"] > 100 and line["unanswered"] > 0
    kept = Outbox(tmp_path / "state.sqlite", 0)
    assert kept.fact("seed") == "9"
    # Nobody has answered: everything measured is still there for the next run.
    assert kept.kept("ningxiang-air") >= 180
    kept.close()
