"""What a batch leaves behind besides its rows: raw frames, rejects, hours to settle, device states, a ledger row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

import numpy as np

from store.arrival import Arrivals
from store.block import PIECE, Rows, ranks
from store.connection import Connection
from store.copy_format import HEADER, TRAILER, chosen_texts, numbers, rows_with_payload, times
from store.message import Batch, Integers, Mask, Message, Rejection
from store.registry import RegisteredDevice

_HOUR_US: Final = 3_600_000_000
#: SQL and its parameters, worked out while the database is busy with something else.
Statement = tuple[LiteralString, Sequence[str]]
#: Readings over longer spans enter no hour.
_LONGEST_SPAN_S: Final = 3600


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


def mark_statements(
    receipt: Receipt, tables: Sequence[tuple[Rows, Mask, Mask]], devices: Mapping[str, RegisteredDevice]
) -> list[Statement]:
    """Statements that queue the hours that changed and note what devices were heard to say.

    Parameters
    ----------
    receipt : Receipt
        Messages and their outcomes.
    tables : sequence of (Rows, ndarray of bool, ndarray of bool)
        Rows, which of them change an effective value, and which were accepted in some way.
    devices : mapping of str to RegisteredDevice
        The registry.

    Returns
    -------
    list of Statement
        For the transaction of the batch, in this order.
    """
    hours = [_hours(rows, changed, devices) for rows, changed, _ in tables]
    states = _states(receipt, [(rows, kept) for rows, _, kept in tables], devices)
    return [statement for statement in (*hours, states) if statement is not None]


_LEDGER: Final = """
insert into ledger (collector, opened_at, received, stored, duplicate, revised, rejected,
    rows_stored, rows_duplicate, rows_revised)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
returning id
"""


def storable(text: str) -> str:
    """The text as the database can hold it: NUL and lone surrogates become replacement characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def array_text(values: Sequence[float | None]) -> str:
    """Numbers as an array in the database's text format: cheaper than adapting one by one."""
    return "{" + ",".join("NULL" if value is None else repr(value) for value in values) + "}"


def text_array(values: Sequence[str | None]) -> str:
    """Texts as an array in the database's text format."""
    return "{" + ",".join("NULL" if value is None else f'"{_escaped(value)}"' for value in values) + "}"


def _escaped(text: str) -> str:
    return text if text.isalnum() else storable(text).replace("\\", "\\\\").replace('"', '\\"')


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


_HOURS: Final = """
insert into dirty_hour (family, site_id, hour)
select %s, site, to_timestamp(hour * 3600.0::float8) from unnest(%s::text[], %s::bigint[]) as t (site, hour)
"""


def _hours(rows: Rows, changed: Mask, devices: Mapping[str, RegisteredDevice]) -> Statement | None:
    """Queues each (site, hour) whose effective values changed, once; rows of factors and of whole days have no hour."""
    chosen = np.flatnonzero(changed & (rows.spans_s <= _LONGEST_SPAN_S))
    if rows.shape.family == "factor" or not len(chosen):
        return None
    site, sites = ranks([devices[name].site_id for name in rows.devices])
    hour = rows.times_us[chosen] // _HOUR_US
    first, count = int(hour.min()), int(np.ptp(hour)) + 1
    pairs = np.unique(site[rows.device[chosen]] * count + (hour - first))
    names = text_array([sites[at] for at in (pairs // count).tolist()])
    return _HOURS, (rows.shape.family, names, array_text((pairs % count + first).tolist()))


_UPDATE_STATES: Final = """
insert into device_state as s (device_id, last_received_at, last_time, last_error, last_error_at, link, link_at)
select id, to_timestamp(received_s), to_timestamp(time_s), error, error_at, link, link_at
from unnest(%s::text[], %s::float8[], %s::float8[], %s::text[], %s::timestamptz[], %s::text[], %s::timestamptz[])
    as t (id, received_s, time_s, error, error_at, link, link_at)
order by id
on conflict (device_id) do update set
    last_received_at = greatest(s.last_received_at, excluded.last_received_at),
    last_time = greatest(s.last_time, excluded.last_time),
    last_error = case when excluded.last_error_at < s.last_error_at then s.last_error
        else coalesce(excluded.last_error, s.last_error) end,
    last_error_at = greatest(s.last_error_at, excluded.last_error_at),
    link = case when excluded.link_at < s.link_at then s.link else coalesce(excluded.link, s.link) end,
    link_at = greatest(s.link_at, excluded.link_at)
"""


@dataclass(slots=True)
class _State:
    received_s: float | None = None
    time_s: float | None = None
    error: str | None = None
    error_at: dt.datetime | None = None
    link: str | None = None
    link_at: dt.datetime | None = None


def _states(
    receipt: Receipt, tables: Sequence[tuple[Rows, Mask]], devices: Mapping[str, RegisteredDevice]
) -> Statement | None:
    """One row per device of the batch, in order of id so that collectors never wait in a circle.

    A statement about the link is no sign of life of the measurement: it does not move `last_received_at`.
    """
    arrivals, messages, rejected = receipt.arrivals, receipt.batch.messages, receipt.rejected
    states = {name: _State() for name in arrivals.device_ids if name in devices}
    counted = ~arrivals.link
    counted[list(rejected)] = False
    for name, at_us in _newest(arrivals.device_ids, arrivals.device[counted], arrivals.received_us[counted]):
        if name in states:
            states[name].received_s = at_us / 1e6
    for at, why in rejected.items():
        state = states.get(messages[at].device_id or "")
        if state is not None:
            state.error, state.error_at = storable(f"{why.reason}: {why.detail}"), messages[at].received_at
    for at in np.flatnonzero(arrivals.link).tolist():
        state = states.get(messages[at].device_id or "")
        if state is not None and at not in rejected:
            state.link, state.link_at = messages[at].link, messages[at].received_at
    for rows, kept in tables:
        for name, time_us in _newest(rows.devices, rows.device[kept], rows.times_us[kept]):
            state = states.setdefault(name, _State())
            state.time_s = max(time_us / 1e6, -np.inf if state.time_s is None else state.time_s)
    if not states:
        return None
    columns = [[getattr(state, name) for state in states.values()] for name in _State.__slots__]
    moments = [[at if at is None else at.isoformat() for at in columns[place]] for place in (3, 5)]
    received_s, time_s, errors, _, links, _ = columns
    told = map(text_array, (errors, moments[0], links, moments[1]))
    return _UPDATE_STATES, (text_array(list(states)), array_text(received_s), array_text(time_s), *told)


def _newest(names: Sequence[str], owner: Integers, times_us: Integers) -> list[tuple[str, int]]:
    """The greatest time of each name that has any."""
    newest = np.full(len(names), np.iinfo(np.int64).min)
    np.maximum.at(newest, owner, times_us)
    return [(names[at], int(newest[at])) for at in np.unique(owner).tolist()]
