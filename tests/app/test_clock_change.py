"""The server's clock is set back: what had been written for the hours that come again does not stop anything."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from alert_scene import furnish, rows

from alerting.rule import CALM, RISING, Standing, decided
from app.job.alert import escalate
from app.job.runner import follow_lane, run_job
from app.job.schedule import job_named
from domain.alert import INFO, MAJOR, channel_policies, shipped_rules
from store.connection import Connection, connect
from store.contact import Contact, write_contacts
from store.delivery import Lane, claim_message, note_failed, note_sent
from store.outbox import Notice, announce

NOW = dt.datetime(2026, 3, 1, 4, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
#: What the clock said before it was set back to `NOW`.
AHEAD = NOW + 120 * MINUTE
LANE = Lane("w", ("webhook",), INFO, MINUTE)
POLICIES = channel_policies()


@pytest.fixture
def desk(database: Any) -> Iterator[Connection]:
    furnish(database, (Contact("erp", None, "mill", "磨坊ERP", channels=(("webhook", "http://x"),)),))
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        yield conn


def say(conn: Connection, now: dt.datetime) -> None:
    with conn.transaction():
        announce(conn, Notice("test", f"test:{now}", "x", "mill", MAJOR, "通知", ""), now=now)


def begun(conn: Connection, job: str) -> list[dt.datetime]:
    return [row[0] for row in rows(conn, "select began_at from job_run where job = %s order by id", job)]


def test_a_job_runs_once_and_then_at_its_interval(desk: Connection, database: Any) -> None:
    class Ending(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            del timeout
            moments.pop(0)
            return self.is_set() if moments else (self.set() or True)

    job = job_named("escalate")
    run_job(desk, job, lambda: AHEAD)
    moments = [NOW, NOW, NOW + MINUTE / 2, NOW + MINUTE]
    stop = Ending()
    open_connection = lambda: connect(database.url("lantian_app"), autocommit=True)  # noqa: E731
    follow_lane([job], open_connection, clock=lambda: moments[0], stop=stop)
    assert begun(desk, "escalate") == [AHEAD, NOW, NOW + MINUTE]


def test_what_was_to_be_sent_soon_is_sent(desk: Connection) -> None:
    say(desk, AHEAD)
    run_job(desk, job_named("escalate"), lambda: AHEAD)
    assert claim_message(desk, LANE, POLICIES, now=NOW) is None
    escalate(desk, NOW)
    assert claim_message(desk, LANE, POLICIES, now=NOW) is not None


@pytest.mark.parametrize("fails", [False, True], ids=["its sender died", "it failed"])
def test_a_lease_and_a_pause_last_as_long_as_they_were_to(desk: Connection, *, fails: bool) -> None:
    say(desk, AHEAD)
    first = claim_message(desk, LANE, POLICIES, now=AHEAD)
    assert first is not None
    if fails:
        note_failed(desk, first, error="away", due_at=AHEAD + MINUTE, now=AHEAD)
    run_job(desk, job_named("escalate"), lambda: AHEAD)
    for minutes in (0, 1):
        run_job(desk, job_named("escalate"), lambda at=minutes: NOW + at * MINUTE / 2)
    assert claim_message(desk, LANE, POLICIES, now=NOW + MINUTE / 2) is None
    again = claim_message(desk, LANE, POLICIES, now=NOW + MINUTE)
    assert again is not None and again.key == first.key


def test_what_was_sent_in_the_future_uses_up_no_place_of_now(desk: Connection) -> None:
    for _ in range(POLICIES["webhook"].burst):
        say(desk, AHEAD)
        claim = claim_message(desk, LANE, POLICIES, now=AHEAD)
        assert claim is not None
        note_sent(desk, claim, now=AHEAD)
    say(desk, NOW)
    assert claim_message(desk, LANE, POLICIES, now=NOW) is not None


def test_the_hours_of_a_contact_are_kept(desk: Connection) -> None:
    hours = {"opens_at": dt.time(20, 0), "closes_at": dt.time(22, 0)}  # at NOW it is 12:00 in China
    write_contacts(desk, [Contact("erp", None, "mill", "磨坊ERP", channels=(("webhook", "http://x"),), **hours)])
    say(desk, AHEAD)
    run_job(desk, job_named("escalate"), lambda: AHEAD)
    escalate(desk, NOW)
    assert claim_message(desk, LANE, POLICIES, now=NOW + 479 * MINUTE) is None
    assert claim_message(desk, LANE, POLICIES, now=NOW + 480 * MINUTE) is not None


def test_without_a_jump_nothing_is_moved(desk: Connection) -> None:
    run_job(desk, job_named("escalate"), lambda: NOW - MINUTE)
    say(desk, NOW)
    claim = claim_message(desk, LANE, POLICIES, now=NOW)
    assert claim is not None
    note_failed(desk, claim, error="away", due_at=NOW + 5 * MINUTE, now=NOW)
    run_job(desk, job_named("escalate"), lambda: NOW + MINUTE)
    assert rows(desk, "select due_at from delivery") == [(NOW + 5 * MINUTE,)]


def test_a_condition_that_waits_begins_anew() -> None:
    rule = shipped_rules()["device_offline"]
    began = Standing(np.array([False]), np.array([RISING]), np.array([AHEAD.timestamp()]))
    one = decided(rule, [20.0], began, NOW.timestamp())
    assert not one.raised[0] and one.since_s[0] == NOW.timestamp()
    later = NOW.timestamp() + rule.hold_s
    two = decided(rule, [20.0], Standing(began.active, one.pending, one.since_s), later)
    assert two.raised[0] and two.pending[0] == CALM
