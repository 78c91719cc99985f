"""Deliveries on their way: claimed with a lease, sent by the caller, and what came of it.

A claim is committed before anything is sent and carries a key that never changes: whoever dies between the two leaves a
lease that runs out, and the next worker sends the same message with the same key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg.rows import dict_row

from domain.alert import MAJOR, ChannelPolicy, severities
from domain.error import ConfigurationError
from store.alert import clear_alert, raise_alert
from store.alert_record import AlertKey, Place
from store.connection import Connection
from store.outbox import WAKE

Entry = dict[str, Any]
#: Most notices in one digest.
DIGEST_SIZE: Final = 1000


@dataclass(frozen=True, slots=True)
class Item:
    """One notice inside a message, as table notice has it."""

    delivery_id: int
    notice_id: int
    kind: str
    reference: str
    area_id: str | None
    enterprise_id: str | None
    severity: int
    subject_zh: str
    body_zh: str
    payload: Mapping[str, Any]
    created_at: dt.datetime
    respond_by: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A message to send now; `attempt` counts from 1, a repetition has the same key. Several items are a digest."""

    key: UUID
    worker: str
    contact_id: str
    channel: str
    address: str
    attempt: int
    items: tuple[Item, ...]

    @property
    def severity(self) -> int:
        """That of the gravest notice."""
        return max(item.severity for item in self.items)


@dataclass(frozen=True, slots=True)
class Lane:
    """What a worker takes: deliveries of these channels from a severity on; how long it may take to send one."""

    worker: str
    channels: tuple[str, ...]
    severity_floor: int
    lease: dt.timedelta


@dataclass(frozen=True, slots=True)
class _Head:
    id: int
    contact_id: str
    channel: str
    address: str
    severity: int
    message_key: UUID | None


_HEAD: Final = """
select id, contact_id, channel, address, severity, message_key from delivery
where {} and severity >= %(floor)s
    and ((state = 'waiting' and due_at <= %(now)s) or (state = 'sending' and leased_until <= %(now)s))
order by severity desc, due_at, id limit 1 for update skip locked
"""
#: One channel is asked for by itself, so that its index gives the order.
_LANES: Final = ("channel = any (%(channels)s)", "channel = (%(channels)s::text[])[1]")
_RECENT: Final = """
select count(distinct message_key) filter (where claimed_at > %(since)s), max(claimed_at) from delivery
where contact_id = %(contact)s and channel = %(channel)s and claimed_at > %(earliest)s and claimed_at <= %(now)s
    and severity < all (%(urgent)s)
"""
#: Each is put off once, to the digest that will carry it.
_POSTPONE: Final = """
update delivery d set due_at = %(until)s + p.batch * %(pause)s from (
    select w.id, (row_number() over (order by w.severity desc, w.id) - 1) / %(limit)s as batch from (
        select id, severity from delivery where contact_id = %(contact)s and channel = %(channel)s
            and state = 'waiting' and message_key is null and due_at < %(until)s and severity < all (%(urgent)s)
        for update skip locked
    ) w
) p where d.id = p.id
"""
_WAITING: Final = """
select id from delivery where contact_id = %(contact)s and channel = %(channel)s and address = %(address)s
    and state = 'waiting' and message_key is null and due_at <= %(now)s and severity < all (%(urgent)s)
order by severity desc, id limit %(limit)s for update skip locked
"""
_TAKE: Final = """
update delivery d set state = 'sending', message_key = %(key)s, attempts = d.attempts + 1, claimed_at = %(now)s,
    leased_until = %(until)s, leased_by = %(worker)s
from notice n left join enterprise e on e.id = n.enterprise_id
where d.id = any (%(ids)s) and n.id = d.notice_id
returning d.attempts, d.id, n.id, n.kind, n.reference, coalesce(n.area_id, e.area_id), n.enterprise_id, n.severity,
    n.subject_zh, n.body_zh, n.payload, n.created_at, n.respond_by
"""


def claim_message(
    conn: Connection, lane: Lane, policies: Mapping[str, ChannelPolicy], *, now: dt.datetime
) -> Claim | None:
    """Take the next message that is due, gravest first; committed when this returns.

    More notices to a contact than the burst of the channel still allows go together as a digest, and the next digest
    waits for its time; severities that are not digestible pass at once, each by itself.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, in autocommit mode.
    lane : Lane
        Who takes what.
    policies : mapping of str to ChannelPolicy
        How each channel is used.
    now : datetime
        The moment.

    Returns
    -------
    Claim or None
        None when nothing is due.
    """
    urgent = [one.severity for one in severities().values() if not one.digestible]
    while True:
        with conn.transaction():
            values = {"channels": list(lane.channels), "floor": lane.severity_floor, "now": now}
            row = conn.execute(_HEAD.format(_LANES[len(lane.channels) == 1]).encode(), values).fetchone()
            if row is None:
                return None
            head = _Head(*row)
            ids = _companions(conn, head, policies[head.channel], urgent, now)
            if ids:
                return _take(conn, head, ids, lane, now)


def _companions(
    conn: Connection, head: _Head, policy: ChannelPolicy, urgent: Sequence[int], now: dt.datetime
) -> list[int]:
    """Deliveries that go with `head` in one message; empty when it was put off instead."""
    if head.message_key is not None:
        rows = conn.execute(
            "select id from delivery where message_key = %s and (state = 'waiting' or leased_until <= %s)"
            " for update skip locked",
            (head.message_key, now),
        ).fetchall()
        return [int(row[0]) for row in rows]
    if head.severity in urgent:
        return [head.id]
    names = {"contact": head.contact_id, "channel": head.channel, "address": head.address, "urgent": list(urgent)}
    # One worker at a time decides about a contact, so that two do not both use the last place of the burst.
    conn.execute("select pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", (head.contact_id, head.channel))
    values = {**names, "since": now - policy.window, "earliest": now - max(policy.window, policy.digest), "now": now}
    row = conn.execute(_RECENT.encode(), values).fetchone()
    assert row is not None
    rows = conn.execute(_WAITING.encode(), {**names, "now": now, "limit": DIGEST_SIZE}).fetchall()
    if len(rows) <= policy.burst - row[0]:
        return [head.id]
    until = now if row[1] is None else row[1] + policy.digest
    if now < until:
        conn.execute(_POSTPONE.encode(), {**names, "until": until, "pause": policy.digest, "limit": DIGEST_SIZE})
        return []
    return [int(each[0]) for each in rows]


def _take(conn: Connection, head: _Head, ids: Sequence[int], lane: Lane, now: dt.datetime) -> Claim:
    conn.execute(
        "insert into delivery_attempt (delivery_id, at, worker, outcome)"
        " select id, %s, leased_by, 'lost' from delivery where id = any (%s) and state = 'sending'",
        (now, list(ids)),
    )
    key = head.message_key or uuid4()
    values = {"key": key, "now": now, "until": now + lane.lease, "worker": lane.worker, "ids": list(ids)}
    rows = conn.execute(_TAKE.encode(), values).fetchall()
    items = sorted((Item(*row[1:]) for row in rows), key=lambda item: (-item.severity, item.notice_id))
    attempt = max(row[0] for row in rows)
    return Claim(key, lane.worker, head.contact_id, head.channel, head.address, attempt, tuple(items))


_SENT: Final = """
with done as (
    update delivery set state = 'sent', sent_at = %(now)s, leased_until = null, error = null
    where message_key = %(key)s and state = 'sending' and leased_by = %(worker)s returning id)
insert into delivery_attempt (delivery_id, at, worker, outcome) select id, %(now)s, %(worker)s, 'sent' from done
"""
_FAILED: Final = """
with done as (
    update delivery set state = %(state)s, due_at = coalesce(%(due)s, due_at), leased_until = null, error = %(error)s
    where message_key = %(key)s and state = 'sending' and leased_by = %(worker)s returning id)
insert into delivery_attempt (delivery_id, at, worker, outcome, error)
select id, %(now)s, %(worker)s, %(outcome)s, %(error)s from done
"""


def note_sent(conn: Connection, claim: Claim, *, now: dt.datetime) -> int:
    """Record that the receiver has a message; how many deliveries that ended (0: the lease had run out)."""
    with conn.transaction():
        values = {"key": claim.key, "worker": claim.worker, "now": now}
        done = conn.execute(_SENT.encode(), values).rowcount
        clear_alert(conn, _dead_key(claim), now=now)
        return done


def note_failed(conn: Connection, claim: Claim, *, error: str, due_at: dt.datetime | None, now: dt.datetime) -> int:
    """Record that a message did not arrive.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, in autocommit mode.
    claim : Claim
        The message.
    error : str
        Why, without secrets.
    due_at : datetime or None
        When to try again; None: never, it is dead until a person replays it, and the operators get an alert.
    now : datetime
        The moment.

    Returns
    -------
    int
        How many deliveries it concerns; 0 when the lease had run out.
    """
    with conn.transaction():
        state, outcome = ("dead", "dead") if due_at is None else ("waiting", "failed")
        values = {"key": claim.key, "worker": claim.worker, "now": now, "error": error, "due": due_at}
        done = conn.execute(_FAILED.encode(), {**values, "state": state, "outcome": outcome}).rowcount
        if done and due_at is None:
            _raise_dead(conn, claim, error, now)
        return done


def _dead_key(claim: Claim) -> AlertKey:
    return AlertKey("delivery_dead", "contact", f"{claim.contact_id}/{claim.channel}")


def _raise_dead(conn: Connection, claim: Claim, error: str, now: dt.datetime) -> None:
    first = claim.items[0]
    raise_alert(
        conn,
        _dead_key(claim),
        severity=MAJOR,
        subject_zh=f"通知发送失败：{claim.contact_id}（{claim.channel}）",
        body_zh=f"通知“{first.subject_zh}”等 {len(claim.items)} 条在 {claim.attempt} 次尝试后仍未送达：{error}。"
        "排除原因后可用 lantian delivery replay 重发",
        evidence={"delivery_ids": [item.delivery_id for item in claim.items[:20]], "error": error},
        now=now,
        place=Place(first.area_id, first.enterprise_id),
    )


def replay(conn: Connection, delivery_id: int, *, by: str, now: dt.datetime) -> int:
    """Send a dead message again, with its key; how many deliveries that is.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    delivery_id : int
        One delivery of the message; `ConfigurationError` when it is not dead.
    by : str
        Who.
    now : datetime
        The moment.
    """
    done = conn.execute(
        "with done as (update delivery set state = 'waiting', due_at = %(now)s, attempts = 0 where state = 'dead'"
        " and message_key = (select message_key from delivery where id = %(id)s) returning id)"
        " insert into delivery_attempt (delivery_id, at, worker, outcome)"
        " select id, %(now)s, %(by)s, 'replayed' from done",
        {"now": now, "id": delivery_id, "by": by},
    ).rowcount
    if not done:
        raise ConfigurationError(f"found no dead delivery {delivery_id}, expected the number of one")
    conn.execute("select pg_notify(%s, '')", (WAKE,))
    return done


def read_deliveries(
    conn: Connection,
    *,
    state: str | None = None,
    contact: str | None = None,
    notice: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Deliveries, newest first, as view screen.delivery shows them.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    state : str, optional
        Only in this state.
    contact : str, optional
        Only to this contact.
    notice : int, optional
        Only of this notice.
    limit : int
        At most so many.

    Returns
    -------
    list of dict
        Columns of the view.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select * from screen.delivery where (%(state)s::text is null or state = %(state)s)"
            " and (%(contact)s::text is null or contact_id = %(contact)s)"
            " and (%(notice)s::bigint is null or notice_id = %(notice)s) order by delivery_id desc limit %(limit)s",
            {"state": state, "contact": contact, "notice": notice, "limit": limit},
        ).fetchall()


def read_attempts(conn: Connection, delivery_id: int) -> list[Entry]:
    """Every try of a delivery, oldest first: ``at``, ``worker``, ``outcome``, ``error``."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select at, worker, outcome, error from delivery_attempt where delivery_id = %s order by id", (delivery_id,)
        ).fetchall()


def listen(conn: Connection) -> None:
    """Let this connection hear when deliveries are born."""
    conn.execute(f"listen {WAKE}".encode())


def wait_for_delivery(conn: Connection, longest_s: float) -> None:
    """Wait until deliveries are born, at most `longest_s` seconds."""
    for _ in conn.notifies(timeout=longest_s, stop_after=1):
        return
