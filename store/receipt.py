"""What a batch leaves behind besides its rows and its note: raw frames, rejects, a ledger row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from store.arrival import Arrivals
from store.block import PIECE
from store.connection import Connection
from store.copy_format import HEADER, TRAILER, encoded, field, led, times
from store.message import Batch, Message, Rejection


@dataclass(frozen=True, slots=True, eq=False)
class Receipt:
    """A batch whose rows are written; `rejections`: by the database, `row_counts`: stored, duplicate, revised."""

    batch: Batch
    arrivals: Arrivals
    outcomes: Sequence[str]
    rejections: Mapping[int, Rejection]
    row_counts: Sequence[int]

    @property
    def rejected(self) -> dict[int, Rejection]:
        """Every rejected message, by whomever."""
        if "rejected" not in self.outcomes:
            return {}
        refused = (at for at, outcome in enumerate(self.outcomes) if outcome == "rejected")
        return {at: self.batch.messages[at].rejection or self.rejections[at] for at in refused}


def seen_before(conn: Connection, messages: Sequence[Message], at: int, original_at: dt.datetime) -> bool:
    """Whether message `at` is, byte by byte, one received since `original_at`, or one earlier in this batch.

    Reads the device's frames since then, also those restored from the archive: rare, since only a correction back to
    the original asks.
    """
    one = messages[at]
    if any(other.payload == one.payload and other.device_id == one.device_id for other in messages[:at]):
        return True
    row = conn.execute(
        "select exists (select from raw_frame where received_at >= %(since)s and device_id = %(device)s"
        " and payload = %(payload)s) or exists (select from restored_frame where received_at >= %(since)s"
        " and device_id = %(device)s and payload = %(payload)s)",
        {"since": original_at, "device": one.device_id, "payload": one.payload},
    ).fetchone()
    return row is not None and bool(row[0])


def number_batch(conn: Connection) -> int:
    """The next number of the ledger; its row comes last, when all is known."""
    row = conn.execute("select nextval('ledger_id_seq')").fetchone()
    assert row is not None
    return int(row[0])


_LEDGER: Final = """
insert into ledger (id, collector, opened_at, received, stored, duplicate, revised, rejected,
    rows_stored, rows_duplicate, rows_revised)
overriding system value values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def write_ledger(conn: Connection, receipt: Receipt, batch_id: int) -> None:
    """Write the row of the ledger.

    Parameters
    ----------
    conn : Connection
        Inside the transaction of the batch.
    receipt : Receipt
        Messages and their outcomes.
    batch_id : int
        What `number_batch` gave.
    """
    batch = receipt.batch
    counts = [receipt.outcomes.count(outcome) for outcome in ("stored", "duplicate", "revised", "rejected")]
    received = len(batch.messages)
    if batch.given_up:
        received, counts[0] = 0, -counts[3]
    conn.execute(_LEDGER, (batch_id, batch.collector, batch.opened_at, received, *counts, *receipt.row_counts))


def storable(text: str) -> str:
    """The text as the database can hold it: NUL and lone surrogates become replacement characters."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=1 << 16)
def _shared(device_id: str | None, topic: str, outcome: str) -> bytes:
    """Fields that messages of one device have in common."""
    device = encoded(storable(device_id)) if device_id else None
    return field(device) + field(encoded(storable(topic))) + field(encoded(outcome))


def frame_pieces(receipt: Receipt, batch_id: int) -> Iterator[bytes]:
    """Rows of raw_frame for every message that is not rejected, as pieces of a COPY; nothing when all are."""
    told = [
        (at, one.payload, (one.device_id, one.topic, outcome))
        for at, (one, outcome) in enumerate(zip(receipt.batch.messages, receipt.outcomes, strict=True))
        if outcome != "rejected"
    ]
    heads = led([times(receipt.arrivals.received_us[[at for at, _, _ in told]])], 6)
    number = field(batch_id.to_bytes(8, "big"))
    for low in range(0, len(told), PIECE):
        parts: list[bytes] = []
        for head, (_, payload, key) in zip(heads[low : low + PIECE], told[low : low + PIECE], strict=True):
            parts += (head, _shared(*key), number, len(payload).to_bytes(4, "big"), payload)
        yield b"".join(parts)


def write_frames(conn: Connection, pieces: Sequence[bytes], meanwhile: Callable[[], None]) -> None:
    """COPY what `frame_pieces` has made; `meanwhile` is called once, while the database works on it."""
    if not pieces:
        meanwhile()
        return
    statement = "copy raw_frame (received_at, device_id, topic, outcome, batch_id, payload) from stdin (format binary)"
    with conn.cursor().copy(statement) as copy:
        copy.write(HEADER)
        for piece in pieces:
            copy.write(piece)
        copy.write(TRAILER)
        meanwhile()


def write_rejects(conn: Connection, receipt: Receipt, batch_id: int) -> None:
    """Keep every rejected message with its bytes and the reason."""
    batch, rejected = receipt.batch, receipt.rejected
    if not rejected:
        return
    rows = [
        (
            one.received_at,
            storable(one.topic),
            one.payload,
            None if one.device_id is None else storable(one.device_id),
            storable(why.reason),
            storable(why.detail),
            batch_id,
        )
        for one, why in ((batch.messages[at], why) for at, why in rejected.items())
    ]
    with conn.cursor().copy(
        "copy reject (received_at, topic, payload, device_id, reason, detail, batch_id) from stdin (format binary)"
    ) as copy:
        copy.set_types(["timestamptz", "text", "bytea", "text", "text", "text", "int8"])
        for row in rows:
            copy.write_row(row)
