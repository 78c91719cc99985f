"""Settling without end: pace of the targets, stopping, and a database that is away for a while."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from app.job import follow
from app.job.follow import Follower
from app.job.settle import Settled
from domain.error import ServiceError

START = dt.datetime(2026, 11, 23, 15, 58, 30, tzinfo=dt.UTC)  # 23:58:30 in Beijing


class Bench:
    """A follower whose settlement, targets and clock are in the test's hands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.claims, self.judged = START, 0, 0
        self.stop = threading.Event()
        self.follower = Follower(lambda: self.now, self.stop)
        monkeypatch.setattr(follow, "settle", lambda *_, **__: Settled(claimed=self.claims))
        monkeypatch.setattr(follow, "evaluate_targets", self.judge)

    def judge(self, *_: object, **__: object) -> list[int]:
        self.judged += 1
        return [1]

    def step(self, seconds: int, claims: int) -> int:
        self.now += dt.timedelta(seconds=seconds)
        self.claims = claims
        conn: Any = None
        self.follower.settle_once(conn)
        return self.judged


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def test_targets_are_judged_at_start_then_at_most_once_a_minute_after_changes(bench: Bench) -> None:
    assert bench.step(0, 0) == 1
    assert bench.step(10, 5) == 1
    assert bench.step(45, 0) == 1
    assert bench.step(5, 0) == 2


def test_targets_rest_without_changes_until_local_midnight(bench: Bench) -> None:
    assert bench.step(0, 0) == 1
    assert bench.step(80, 0) == 1
    assert bench.step(10, 0) == 2
    assert bench.now.astimezone(dt.timezone(dt.timedelta(hours=8))).hour == 0


def test_targets_are_judged_after_a_clock_was_set_back(bench: Bench) -> None:
    assert bench.step(0, 0) == 1
    assert bench.step(-7200, 5) == 2
    assert bench.step(10, 5) == 2


def test_one_json_line_per_settlement_that_did_something(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.job.follow")
    bench.step(0, 0)
    bench.step(1, 0)
    bench.step(1, 7)
    lines = [json.loads(record.message) for record in caplog.records]
    assert [(line["event"], line["claimed"], line["targets"]) for line in lines] == [
        ("settlement", 0, 1),
        ("settlement", 7, 0),
    ]


def test_database_away_is_tried_again_and_stop_ends_it(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def settle_once(_: object) -> Settled:
        calls.append(1)
        if len(calls) == 1:
            raise ServiceError("gone")
        bench.stop.set()
        return Settled()

    bench.follower.settle_once = settle_once  # type: ignore[method-assign,assignment]
    opening: Callable[[], Any] = nullcontext
    bench.follower.follow(opening, 0.0)
    assert len(calls) == 2
    assert json.loads(caplog.records[0].message) == {"event": "settle_retry", "code": "service", "error": "gone"}
