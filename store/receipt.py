"""What a batch leaves behind besides its rows: raw frames, rejects, hours to settle, a ledger row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from store.array_format import moment_array, text_array
from store.arrival import Arrivals
from store.block import PIECE, Rows, ranks
from store.connection import Connection
from store.copy_format import HEADER, TRAILER, chosen_texts, numbers, rows_with_payload, times
from store.message import Batch, Mask, Message, Rejection
from store.registry import RegisteredDevice

_HOUR_US: Final = 3_600_000_000
#: Readings over longer spans enter no hour.
_LONGEST_SPAN_S: Final = 3600


class Statement(NamedTuple):
    """A statement that makes or changes rows, and how it is to be put where all of these rows exist.

    Attributes
    ----------
    text : str
        The statement.
    parameters : sequence of object
        Its parameters.
    update : str or None
        With the same parameters, changes rows that exist; a third cheaper than insert or update.
    keys : mapping of object to set of str
        Devices of the rows that `update` changes, by what else their keys have.
    """

    text: str
    parameters: Sequence[object]
    update: str | None = None
    keys: Mapping[object, set[str]] = MappingProxyType({})


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


def write_ledger(conn: Connection, receipt: Receipt) -> int:
    """Write the row of the ledger.

    Parameters
    ----------
    conn : Connection
        Inside the transaction of the batch.
    receipt : Receipt
        Messages and their outcomes.

    Returns
    -------
    int
        The batch's id.
    """
    batch = receipt.batch
    counts = [receipt.outcomes.count(outcome) for outcome in ("stored", "duplicate", "revised", "rejected")]
    received = len(batch.messages)
    if batch.given_up:
        received, counts[0] = 0, -counts[3]
    row = conn.execute(_LEDGER, (batch.collector, batch.opened_at, received, *counts, *receipt.row_counts)).fetchone()
    assert row is not None
    return int(row[0])


_MARK: Final = """
insert into dirty_hour (family, site_id, hour)
select %s, site, hour from unnest(%s::text[], %s::timestamptz[]) as t (site, hour)
"""

_LEDGER: Final = """
insert into ledger (collector, opened_at, received, stored, duplicate, revised, rejected,
    rows_stored, rows_duplicate, rows_revised)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
returning id
"""


def storable(text: str) -> str:
    """The text as the database can hold it: NUL and lone surrogates become replacement characters."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def frame_pieces(receipt: Receipt, batch_id: int) -> Iterator[bytes]:
    """Rows of raw_frame for every message that is not rejected, as pieces of a COPY; nothing when all are."""
    messages, arrivals = receipt.batch.messages, receipt.arrivals
    outcome, outcomes = ranks(receipt.outcomes)
    topic, topics = ranks([one.topic for one in messages])
    kept = np.flatnonzero(outcome != outcomes.index("rejected")) if "rejected" in outcomes else np.arange(len(messages))
    fields = [
        times(arrivals.received_us[kept]),
        chosen_texts([storable(name) or None for name in arrivals.device_ids], arrivals.device[kept]),
        chosen_texts([storable(name) for name in topics], topic[kept]),
        chosen_texts(outcomes, outcome[kept]),
        numbers(np.full(len(kept), batch_id, dtype=np.int64), ">i8"),
    ]
    for low in range(0, len(kept), PIECE):
        part = slice(low, low + PIECE)
        payloads = [messages[at].payload for at in kept[part].tolist()]
        yield rows_with_payload([field.at(part) for field in fields], payloads)


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


def hour_marks(rows: Rows, changed: Mask, devices: Mapping[str, RegisteredDevice]) -> list[Statement]:
    """Queue each (site, hour) whose effective values changed, once; rows of factors and of whole days have no hour.

    Parameters
    ----------
    rows : Rows
        Rows of one table.
    changed : ndarray of bool
        Which of them change an effective value.
    devices : mapping of str to RegisteredDevice
        The registry.

    Returns
    -------
    list of Statement
        To be executed in the transaction of the batch.
    """
    chosen = np.flatnonzero(changed & (rows.spans_s <= _LONGEST_SPAN_S))
    if rows.shape.family == "factor" or not len(chosen):
        return []
    site, sites = ranks([devices[name].site_id for name in rows.devices])
    hour = rows.times_us[chosen] // _HOUR_US
    first, count = int(hour.min()), int(np.ptp(hour)) + 1
    pairs = np.unique(site[rows.device[chosen]] * count + (hour - first))
    named = text_array([sites[at] for at in (pairs // count).tolist()])
    return [Statement(_MARK, [rows.shape.family, named, moment_array((pairs % count + first) * _HOUR_US)])]
