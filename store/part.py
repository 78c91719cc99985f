"""Parts of split frames: kept in the transaction that accepts them, until the last one brings the rows."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg

from store.connection import Connection
from store.message import Batch, FramePart

#: Any fixed number: whoever holds it may put parts together.
_LOCK: Final = 4_226_090


@contextmanager
def parts_held(conn: Connection) -> Iterator[None]:
    """Be the only collector that puts parts together: two that each hold one part would wait for ever.

    Parameters
    ----------
    conn : Connection
        With no transaction open; the lock ends with the block, and with the connection.
    """
    conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
    conn.commit()
    try:
        yield
    finally:
        with suppress(psycopg.Error):
            conn.rollback()
            conn.execute("select pg_advisory_unlock(%s)", (_LOCK,))
            conn.commit()


def read_parts(conn: Connection) -> list[FramePart]:
    """Every part that waits for others, oldest first."""
    rows = conn.execute(
        "select device_id, set_key, number, total, received_at, topic, payload from frame_part"
        " order by received_at, device_id, set_key, number"
    ).fetchall()
    return [FramePart(*row) for row in rows]


def write_parts(conn: Connection, batch: Batch, rejected: Container[int]) -> None:
    """Keep the batch's waiting parts and let go of the sets that it closes.

    Parameters
    ----------
    conn : Connection
        Inside the transaction of the batch.
    batch : Batch
        With its `parts` and `closed`.
    rejected : container of int
        Messages that were rejected: their parts are not kept, their sets not closed.
    """
    kept = [part for owner, part in batch.parts if owner not in rejected]
    with conn.cursor() as cursor:
        if kept:
            cursor.executemany(
                "insert into frame_part (device_id, set_key, number, total, received_at, topic, payload)"
                " values (%s, %s, %s, %s, %s, %s, %s) on conflict (device_id, set_key, number)"
                " do update set received_at = excluded.received_at, payload = excluded.payload",
                kept,
            )
        closed = [names for owner, *names in batch.closed if owner is None or owner not in rejected]
        if closed:
            cursor.executemany("delete from frame_part where device_id = %s and set_key = %s", closed)
