"""Deliveries in a real database through a real receiver: leases, retries, dead letters, rate limit, digest, storms."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from alert_scene import MINUTE, NOW, rows
from receiver import Receiver

from alerting.dispatcher import Post, Worker, lanes
from alerting.secret import ChannelSecrets
from alerting.webhook import Webhook
from domain.alert import MINOR, RED, channel_policies
from domain.error import ConfigurationError
from store.alert import AlertKey, raise_alert
from store.connection import Connection, connect
from store.contact import Contact, write_contacts
from store.delivery import Lane, claim_message, note_failed, note_sent, read_attempts, read_deliveries, replay
from store.outbox import Notice, announce

SECOND = dt.timedelta(seconds=1)
LANE = Lane("w1", ("webhook",), 1, 30 * SECOND)
OTHER = replace(LANE, worker="w2")
POLICIES = channel_policies()
HOOK = POLICIES["webhook"]


class Clock:
    """A moment that tests move."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


def tell(conn: Connection, receiver: Receiver, name: str = "erp") -> None:
    """Give the mill one webhook contact and nothing else."""
    conn.execute("update contact set retired_at = now()")
    write_contacts(conn, [Contact(name, None, "mill", "磨坊ERP", channels=(("webhook", f"{receiver.origin}/{name}"),))])


def say(conn: Connection, count: int = 1, severity: int = MINOR, now: dt.datetime = NOW) -> list[int]:
    """Announce notices to the mill."""
    with conn.transaction():
        return [
            announce(conn, Notice("test", f"test:{n}", "x", "mill", severity, f"通知{n}", ""), now=now)
            for n in range(count)
        ]


def worker(database: Any, receiver: Receiver, clock: Clock, floor: int = 1) -> Worker:
    hook = Webhook({receiver.origin}, ChannelSecrets("0123456789abcdef"), time_s=lambda: 1.0, timeout_s=5)
    url = database.url("lantian_app")
    post = Post(lambda: connect(url, autocommit=True), {"webhook": lambda: hook}, POLICIES, clock, lambda: 0.999999)
    return Worker(post, replace(LANE, severity_floor=floor))


def test_two_workers_never_hold_the_same_message(desk: Connection, database: Any, receiver: Receiver) -> None:
    tell(desk, receiver)
    say(desk, 2)
    with connect(database.url("lantian_app"), autocommit=True) as other:
        first = claim_message(desk, LANE, POLICIES, now=NOW)
        second = claim_message(other, OTHER, POLICIES, now=NOW)
        assert first is not None
        assert second is not None
        assert first.key != second.key
        assert claim_message(other, OTHER, POLICIES, now=NOW) is None


def test_a_lease_that_runs_out_is_taken_over_with_the_same_key(desk: Connection, receiver: Receiver) -> None:
    tell(desk, receiver)
    say(desk)
    first = claim_message(desk, LANE, POLICIES, now=NOW)
    assert claim_message(desk, OTHER, POLICIES, now=NOW + 29 * SECOND) is None
    again = claim_message(desk, OTHER, POLICIES, now=NOW + 30 * SECOND)
    assert first is not None
    assert again is not None
    assert (again.key, again.attempt) == (first.key, 2)
    assert note_sent(desk, first, now=NOW + 31 * SECOND) == 0  # the one who was late records nothing
    assert note_sent(desk, again, now=NOW + 31 * SECOND) == 1
    [delivery] = read_deliveries(desk)
    assert [row["outcome"] for row in read_attempts(desk, delivery["delivery_id"])] == ["lost", "sent"]


def test_failures_are_tried_again_later_then_dead_then_replayed(
    desk: Connection, database: Any, receiver: Receiver
) -> None:
    tell(desk, receiver)
    say(desk)
    clock, receiver.answer = Clock(), lambda _call: (503, b"busy")
    one = worker(database, receiver, clock)
    tried = []
    while due := rows(desk, "select due_at from delivery where state = 'waiting' and contact_id = 'erp'"):
        clock.now = due[0][0] - dt.timedelta(microseconds=1)
        assert not one.send_next(desk)
        clock.now = due[0][0]
        assert one.send_next(desk)
        tried.append(clock.now)
    pauses = [(after - before).total_seconds() for before, after in pairwise(tried)]
    assert pauses == pytest.approx([min(2.0 * 2**n, 3600) for n in range(13)], rel=1e-4)
    assert len(receiver.calls) == HOOK.attempts
    assert len(set(receiver.keys())) == 1
    [dead] = read_deliveries(desk, state="dead")
    assert "answered 503 busy" in dead["error"]
    assert rows(desk, "select source_id, state from alert where kind = 'delivery_dead'") == [("erp/webhook", "open")]
    receiver.answer = lambda _call: (200, b"")
    assert replay(desk, dead["delivery_id"], by="张三", now=clock.now) == 1
    assert one.send_next(desk)
    assert len(set(receiver.keys())) == 1
    assert rows(desk, "select state from alert where kind = 'delivery_dead'") == [("cleared",)]
    outcomes = [row["outcome"] for row in read_attempts(desk, dead["delivery_id"])]
    assert outcomes == ["failed"] * 13 + ["dead", "replayed", "sent"]
    with pytest.raises(ConfigurationError, match="no dead delivery"):
        replay(desk, dead["delivery_id"], by="张三", now=clock.now)


def test_what_time_does_not_mend_is_dead_at_once(desk: Connection, database: Any, receiver: Receiver) -> None:
    tell(desk, receiver)
    write_contacts(desk, [Contact("erp", None, "mill", "磨坊ERP", channels=(("webhook", "https://evil.example/"),))])
    say(desk)
    assert worker(database, receiver, Clock()).send_next(desk)
    assert receiver.calls == []
    [dead] = read_deliveries(desk)
    assert (dead["state"], dead["attempts"]) == ("dead", 1)
    assert "alert_webhook_origins" in dead["error"]


def send_all(one: Worker, conn: Connection) -> None:
    while one.send_next(conn):
        pass


def test_beyond_the_burst_notices_wait_for_one_digest(desk: Connection, database: Any, receiver: Receiver) -> None:
    tell(desk, receiver)
    clock = Clock()
    one = worker(database, receiver, clock)
    for _ in range(HOOK.burst + 25):
        say(desk)
        one.send_next(desk)
    assert len(receiver.calls) == HOOK.burst
    clock.now += HOOK.digest
    say(desk, 5, now=clock.now)
    send_all(one, desk)
    assert len(receiver.calls) == HOOK.burst + 1
    assert len(receiver.calls[-1].body["notices"]) == 30
    assert rows(desk, "select count(distinct message_key), count(*) from delivery where state = 'sent'") == [
        (HOOK.burst + 1, HOOK.burst + 30)
    ]
    clock.now += HOOK.window
    say(desk, 2, now=clock.now)
    send_all(one, desk)
    assert len(receiver.calls) == HOOK.burst + 3  # calm again: one by one


def test_a_digest_that_fails_comes_again_whole_with_its_key(
    desk: Connection, database: Any, receiver: Receiver
) -> None:
    tell(desk, receiver)
    say(desk, HOOK.burst + 3)
    clock, receiver.answer = Clock(), lambda _call: (500, b"")
    one = worker(database, receiver, clock)
    assert one.send_next(desk)
    say(desk, 2, now=clock.now)
    clock.now, receiver.answer = clock.now + 2 * SECOND, lambda _call: (200, b"")
    send_all(one, desk)
    failed, *further = receiver.calls
    again = [call for call in further if call.headers["Lantian-Key"] == failed.headers["Lantian-Key"]]
    assert [call.content for call in again] == [failed.content]
    assert len(failed.body["notices"]) == HOOK.burst + 3
    assert len(further) == 3


def test_red_passes_a_storm_of_ten_thousand_alerts(desk: Connection, database: Any, receiver: Receiver) -> None:
    desk.execute("update contact set retired_at = now()")
    write_contacts(desk, [Contact("hall", None, None, "大厅", channels=(("webhook", f"{receiver.origin}/hall"),))])
    with desk.transaction():
        for number in range(10_000):
            key = AlertKey("storm", "platform", str(number))
            raise_alert(desk, key, severity=MINOR, subject_zh=f"风暴{number}", body_zh="", evidence={}, now=NOW)
    clock = Clock()
    one = worker(database, receiver, clock)
    red = Notice("warning", "warning:1", "x", None, RED, "红色预警", "")
    announce(desk, red, now=NOW)
    send_all(one, desk)
    assert [len(call.body["notices"]) for call in receiver.calls] == [1, 1000]
    assert receiver.calls[0].body["notices"][0]["subject"] == "红色预警"
    announce(desk, red, now=NOW)
    send_all(one, desk)  # although everything else is put off
    assert [notice["subject"] for notice in receiver.calls[-1].body["notices"]] == ["红色预警"]
    for _ in range(9):
        clock.now += HOOK.digest
        send_all(one, desk)
    assert [len(call.body["notices"]) for call in receiver.calls] == [1, 1000, 1, *[1000] * 9]
    told = {notice["notice_id"] for call in receiver.calls for notice in call.body["notices"]}
    assert len(told) == 10_002
    assert rows(desk, "select count(*) from delivery where state <> 'sent'") == [(0,)]


def test_the_express_lane_takes_the_gravest_only(desk: Connection, database: Any, receiver: Receiver) -> None:
    assert lanes("p", POLICIES, RED)[-1].severity_floor == RED
    tell(desk, receiver)
    say(desk)
    express = worker(database, receiver, Clock(), floor=RED)
    assert not express.send_next(desk)
    say(desk, severity=RED)
    assert express.send_next(desk)
    assert receiver.calls[0].body["notices"][0]["severity"] == RED


def test_a_failure_is_recorded_by_who_holds_the_lease(desk: Connection, receiver: Receiver) -> None:
    tell(desk, receiver)
    say(desk)
    claim = claim_message(desk, LANE, POLICIES, now=NOW)
    assert claim is not None
    assert note_failed(desk, replace(claim, worker="w9"), error="x", due_at=NOW + MINUTE, now=NOW) == 0
    assert note_failed(desk, claim, error="x", due_at=NOW + MINUTE, now=NOW) == 1
    assert claim_message(desk, LANE, POLICIES, now=NOW + 59 * SECOND) is None
