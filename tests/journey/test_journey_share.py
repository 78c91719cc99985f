"""Two collector processes divide the messages; one is killed, one takes its leave: nothing is lost or counted twice."""

from __future__ import annotations

import datetime as dt
import json
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from journey_traffic import COUNTY, DEVICES

NUMBERS = (7901, 7902)
STORED = "select count(*) from air_reading"
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def messages(first: int, stop: int) -> list[tuple[str, bytes]]:
    """One reading a minute, the minute as its value, from the JSON device."""
    device = next(each for each in DEVICES if each.protocol == "json")
    topic = f"lt/v1/{COUNTY}/json/{device.id}/data"
    bodies = [
        {"v": 1, "seq": at, "ts": (START + dt.timedelta(minutes=at)).isoformat(), "span": 60, "values": {"pm25": at}}
        for at in range(first, stop)
    ]
    return [(topic, json.dumps(body).encode()) for body in bodies]


class Group:
    """Collectors of one group as processes."""

    def __init__(self, journey: Any, log: Path) -> None:
        self._journey, self._log = journey, log
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, number: int, *options: str) -> subprocess.Popen[bytes]:
        """Start one, which goes on with its own session, and wait until it listens."""
        before = self._listening()
        arguments = [self._journey.lantian, "collect", "--number", str(number), "--county", COUNTY]
        environment = self._journey.environment | {"LANTIAN_COLLECTOR_BATCH_SIZE": "100"}
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [*arguments, "--share", "journey", *options], env=environment, stdout=log, stderr=log
            )
        self.running[number] = process
        deadline = time.monotonic() + 60
        while self._listening() == before:
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)
        return process

    def _listening(self) -> int:
        return self._log.read_text().count('"event":"listening"') if self._log.exists() else 0

    def stop(self, number: int) -> None:
        """End one politely."""
        process = self.running.pop(number)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, self._log.read_text()


@pytest.fixture
def group(journey: Any, tmp_path: Path) -> Iterator[Group]:
    journey.register()
    made = Group(journey, tmp_path / "group.log")
    yield made
    for process in made.running.values():
        process.kill()
        process.wait(10)
    for number in NUMBERS:
        journey.end_session(f"lantian-collector-{number}")


def assert_each_arrived_once(journey: Any, count: int) -> None:
    rows = journey.app.execute("select time, pm25 from air_reading order by time").fetchall()
    assert rows == [(START + dt.timedelta(minutes=at), at) for at in range(count)]
    sums = journey.app.execute("select sum(received - duplicate), sum(stored), sum(rejected) from ledger").fetchone()
    assert tuple(map(int, sums)) == (count, count, 0)


def test_killing_one_of_two_collectors_loses_and_doubles_nothing(journey: Any, group: Group) -> None:
    count, chance = 4000, random.Random(3)
    for number in NUMBERS:
        group.start(number)
    publisher = threading.Thread(target=journey.publish, args=(messages(0, count),))
    publisher.start()
    for threshold in (count // 5, count // 2):
        journey.wait(STORED, threshold, pause_s=0.005)
        threading.Event().wait(chance.uniform(0.0, 0.06))
        victim = chance.choice(NUMBERS)
        group.running[victim].kill()
        group.running[victim].wait(10)
        group.start(victim)
    publisher.join(60)
    journey.wait(STORED, count)
    for number in NUMBERS:
        group.stop(number)
    assert journey.count("select count(distinct collector) from ledger") == 2
    assert_each_arrived_once(journey, count)


def test_a_collector_that_leaves_takes_its_share_along_and_gets_no_more(journey: Any, group: Group) -> None:
    for number in NUMBERS:
        group.start(number)
    group.stop(NUMBERS[1])
    journey.publish(messages(0, 200))
    journey.wait(STORED, 100)
    assert journey.count(STORED) == 100  # the broker keeps the other half for the one that is away
    leaving = group.start(NUMBERS[1], "--leave")
    assert leaving.wait(60) == 0
    journey.wait(STORED, 200)
    journey.publish(messages(200, 400))
    journey.wait(STORED, 400)
    group.stop(NUMBERS[0])
    assert_each_arrived_once(journey, 400)
