"""Rejected messages: kept with their bytes and the reason, so that they can be replayed once the cause is put right."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from store.connection import Connection
from store.receipt import storable


@dataclass(frozen=True, slots=True)
class Reject:
    """One row of table reject."""

    id: int
    received_at: dt.datetime
    topic: str
    payload: bytes
    device_id: str | None
    reason: str
    detail: str
    batch_id: int
    replayed_at: dt.datetime | None
    replay_outcome: str | None


_REJECTS: Final = """
select id, received_at, topic, payload, device_id, reason, detail, batch_id, replayed_at, replay_outcome
from reject
where id > %(after)s and (%(reason)s::text is null or reason = %(reason)s)
    and (not %(waiting)s or replayed_at is null)
order by id limit %(limit)s
"""


def read_rejects(
    conn: Connection,
    *,
    reason: str | None = None,
    waiting: bool = True,
    after_id: int = 0,
    limit: int = 500,
) -> list[Reject]:
    """Rejected messages, oldest first.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    reason : str, optional
        A key of `domain.error.REASONS`; by default any.
    waiting : bool
        Only those not replayed yet.
    after_id : int
        Continue after this one.
    limit : int
        At most so many.

    Returns
    -------
    list of Reject
        By id.
    """
    parameters = {"reason": reason, "waiting": waiting, "after": after_id, "limit": limit}
    return [Reject(*row) for row in conn.execute(_REJECTS, parameters).fetchall()]


def mark_replayed(conn: Connection, ids: Sequence[int], outcome: str, *, at: dt.datetime | None = None) -> int:
    """Record that rejected messages were decoded again, and what came of it; returns how many had been waiting.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    ids : sequence of int
        The rejects.
    outcome : str
        ``stored``, ``duplicate``, ``revised`` or the new reason.
    at : datetime, optional
        When; by default the database's clock.

    Returns
    -------
    int
        A reject that was replayed before is left as it is.
    """
    return conn.execute(
        "update reject set replayed_at = coalesce(%s::timestamptz, clock_timestamp()), replay_outcome = %s"
        " where id = any(%s) and replayed_at is null",
        (at, storable(outcome), list(ids)),
    ).rowcount
