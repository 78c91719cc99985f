"""Each watchdog brought about as it happens, seen as an alert in the console's overview, and ended with its cause."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from alert_scene import furnish, rows

from app.job import watchdog
from app.job.alert import evaluate_alerts
from app.job.alert_measure import job_delays
from app.job.runner import run_job
from app.job.schedule import job_named
from app.job.settle import settle
from app.job.watchdog import LONGEST, Watchdog, watch_alerts
from app.settings import load_settings
from console.overview import read_overview
from domain.alert import MAJOR, channel_policies, shipped_rules
from ingest.assembly import FUTURE_S, assemble
from ingest.part import PartBook
from ingest.registry import Registry
from store.alert_rule import write_rule
from store.batch import write_batch
from store.connection import Connection, connect
from store.delivery import Lane, claim_message, note_sent
from store.job_run import begin_run
from store.outbox import Notice, announce

MINUTE = dt.timedelta(minutes=1)
#: The kinds that watch over the platform itself and its sources.
WATCHDOGS = (
    *("device_offline", "job_stuck", "outbox_growing", "settlement_behind"),
    *("ledger_unbalanced", "clock_skew", "disk_full"),
)


@pytest.fixture
def desk(database: Any) -> Iterator[Connection]:
    furnish(database)
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        yield conn


@pytest.fixture
def now(desk: Connection) -> dt.datetime:
    [(moment,)] = rows(desk, "select clock_timestamp()")
    return moment.astimezone(dt.UTC)


def active(conn: Connection) -> set[tuple[str, str]]:
    found = rows(conn, "select kind, source_id from alert where state = 'open'")
    return {(kind, source) for kind, source in found if kind in WATCHDOGS and kind != "disk_full"}


def urgent(conn: Connection, now: dt.datetime) -> set[str]:
    """What the overview of the console says is to be done."""
    return {need.title_zh for need in read_overview(conn, "x", now).needs}


def send(database: Any, time: dt.datetime, *, received_at: dt.datetime) -> None:
    """One message of a device goes the collector's way into the database."""
    content = {"v": 1, "seq": 1, "ack": True, "ts": time.isoformat(), "span": 60, "values": {"pm": 5.0}}
    arrival = ("lt/v1/x/json/mill-cems/data", json.dumps(content).encode(), received_at)
    with connect(database.url("lantian_writer")) as writer:
        registry = Registry()
        registry.refresh(writer, 0.0)
        assembled = assemble([arrival], registry, collector="c", opened_at=received_at, book=PartBook())
        write_batch(writer, assembled.batch, registry.devices)


def test_all_are_on_by_default() -> None:
    rules = shipped_rules()
    assert all(rules[kind].enabled and "operator" in rules[kind].tells for kind in WATCHDOGS)


def test_a_source_that_falls_silent(desk: Connection, database: Any, now: dt.datetime) -> None:
    send(database, now - MINUTE, received_at=now)
    for minutes in (9, 10, 15):
        evaluate_alerts(desk, now + minutes * MINUTE)
        assert (("device_offline", "mill-cems") in active(desk)) == (minutes == 15)
    assert "一般告警待处理" in urgent(desk, now)
    send(database, now + 15 * MINUTE, received_at=now + 16 * MINUTE)
    evaluate_alerts(desk, now + 16 * MINUTE)
    evaluate_alerts(desk, now + 17 * MINUTE)
    assert ("device_offline", "mill-cems") not in active(desk)


def test_a_job_that_hangs(desk: Connection, now: dt.datetime) -> None:
    begin_run(desk, "escalate", now=now)
    for minutes in (2, 3, 4):
        evaluate_alerts(desk, now + minutes * MINUTE)
        assert (("job_stuck", "escalate") in active(desk)) == (minutes == 4)
    assert "定时任务停滞：escalate" in urgent(desk, now)
    run_job(desk, job_named("escalate"), lambda: now + 5 * MINUTE)
    evaluate_alerts(desk, now + 6 * MINUTE)
    assert active(desk) == set()


def test_a_job_of_the_slow_lane_may_wait_for_the_others_in_it(desk: Connection, now: dt.datetime) -> None:
    begin_run(desk, "quality", now=now)
    delays = job_delays(desk, now + 25 * MINUTE)
    assert delays.values[delays.sources.index("quality")] == 2.5


def test_the_judge_of_alerts_itself(desk: Connection, now: dt.datetime) -> None:
    run_job(desk, job_named("alerts"), lambda: now)
    assert not watch_alerts(desk, since=now, now=now + LONGEST - MINUTE)
    begin_run(desk, "alerts", now=now + MINUTE)  # begins again and hangs
    assert not watch_alerts(desk, since=now + 2 * MINUTE, now=now + LONGEST)  # the watch itself is not that old
    assert watch_alerts(desk, since=now, now=now + LONGEST)
    assert active(desk) == {("job_stuck", "alerts")}
    assert "定时任务停滞：alerts" in urgent(desk, now)
    run_job(desk, job_named("alerts"), lambda: now + LONGEST + MINUTE)
    assert active(desk) == set()
    assert not watch_alerts(desk, since=now, now=now + LONGEST + MINUTE)


def test_the_judge_of_alerts_that_never_ran(
    desk: Connection, database: Any, now: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ending:
        looks = iter([False, True])

        def wait(self, _timeout: float) -> bool:
            return next(self.looks)

    monkeypatch.setattr(watchdog, "_LOOK_S", 0.0)
    moments = iter([now, now + LONGEST])
    open_connection = lambda: connect(database.url("lantian_app"), autocommit=True)  # noqa: E731
    Watchdog(open_connection, lambda: next(moments)).run(Ending())  # type: ignore[arg-type]
    assert active(desk) == {("job_stuck", "alerts")}
    assert rows(desk, "select body_zh like '%%从未完成%%' from alert where kind = 'job_stuck'") == [(True,)]


def test_an_outbox_that_grows(desk: Connection, now: dt.datetime) -> None:
    policies = channel_policies()
    lane = Lane("w", tuple(policies), 1, MINUTE)
    with desk.transaction():
        for number in range(2):
            announce(desk, Notice("test", f"test:{number}", "x", "mill", MAJOR, "通知", ""), now=now)
    assert claim_message(desk, lane, policies, now=now) is not None  # its worker dies
    while claim := claim_message(desk, lane, policies, now=now):
        note_sent(desk, claim, now=now)
    for minutes in (10, 11, 12, 13):
        evaluate_alerts(desk, now + minutes * MINUTE)
        assert (("outbox_growing", "outbox") in active(desk)) == (minutes == 13)
    assert "通知积压：通知发送" in urgent(desk, now)
    later = now + 14 * MINUTE
    while claim := claim_message(desk, lane, policies, now=later):
        note_sent(desk, claim, now=later)
    evaluate_alerts(desk, later)
    evaluate_alerts(desk, later + MINUTE)
    assert active(desk) == set()


def test_statistics_that_wait(desk: Connection, database: Any, now: dt.datetime) -> None:
    send(database, now - 120 * MINUTE, received_at=now)
    for minutes in (29, 31, 32):
        evaluate_alerts(desk, now + minutes * MINUTE)
        assert (("settlement_behind", "settlement") in active(desk)) == (minutes == 32)
    assert "统计结算滞后：统计结算" in urgent(desk, now)
    settle(desk, clock=lambda: now)
    for minutes in (33, 34):
        evaluate_alerts(desk, now + minutes * MINUTE)
    assert ("settlement_behind", "settlement") not in active(desk)


def test_a_ledger_that_does_not_balance(desk: Connection, database: Any, now: dt.datetime) -> None:
    send(database, now - 20 * MINUTE, received_at=now - 20 * MINUTE)
    with connect(database.url("lantian_owner"), autocommit=True) as owner:
        owner.execute("update ledger set committed_at = %s", (now - 20 * MINUTE,))
        evaluate_alerts(desk, now)
        assert active(desk) == set()
        owner.execute("delete from raw_frame")
    evaluate_alerts(desk, now)
    assert active(desk) == {("ledger_unbalanced", "ledger")}
    assert "收支台账不平：收支台账" in urgent(desk, now)
    evaluate_alerts(desk, now + 51 * MINUTE)  # the batch is no longer of the last hour
    assert ("ledger_unbalanced", "ledger") not in active(desk)


@pytest.mark.parametrize(
    "ahead_s", [300, FUTURE_S + 60, -40 * 366 * 86_400], ids=["ahead", "refused", "decades behind"]
)
def test_a_clock_that_is_wrong(desk: Connection, database: Any, now: dt.datetime, ahead_s: int) -> None:
    send(database, now + dt.timedelta(seconds=ahead_s), received_at=now)
    for minutes in (0, 9, 10):
        evaluate_alerts(desk, now + minutes * MINUTE)
        assert (("clock_skew", "mill-cems") in active(desk)) == (minutes == 10)
    [(body,)] = rows(desk, "select body_zh from alert where kind = 'clock_skew'")
    assert ("已拒收" in body) == (ahead_s != 300)
    mended = now + 11 * MINUTE
    send(database, mended, received_at=mended + MINUTE)
    for minutes in (12, 22):
        evaluate_alerts(desk, now + minutes * MINUTE)
    assert ("clock_skew", "mill-cems") not in active(desk)


def test_a_disk_that_is_nearly_full(desk: Connection, now: dt.datetime) -> None:
    home = load_settings().home
    use = shutil.disk_usage(next(folder for folder in (home, *home.parents) if folder.exists()))
    percent = 100 * (1 - use.free / use.total)
    rule = shipped_rules()["disk_full"]

    def judged_by(threshold: float, at: dt.datetime) -> int:
        write_rule(desk, replace(rule, threshold=threshold, clear_threshold=threshold), by="测试", why="试")
        for minutes in (0, 1):
            evaluate_alerts(desk, at + minutes * MINUTE)
        return len(rows(desk, "select from alert where kind = 'disk_full' and state = 'open'"))

    assert judged_by(percent - 5, now) == 1
    assert "磁盘将满：数据盘" in urgent(desk, now)
    assert judged_by(percent + 5, now + 5 * MINUTE) == 0
