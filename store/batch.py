"""Writing one batch of messages: one transaction, after which every message is accounted for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from psycopg.pq import TransactionStatus

from domain.family import FAMILIES
from store.arrival import Arrivals, arrivals_of
from store.batch_note import note_of, write_note
from store.block import Rows, factor_rows, wide_rows
from store.connection import Connection
from store.contest import Handling, resolve_contested
from store.error import StoreError, kind, message, translated
from store.message import Batch, FactorBlock, Integers, Mask, Message, ReadingBlock, Rejection
from store.part import write_parts
from store.receipt import (
    Receipt,
    frame_pieces,
    number_batch,
    seen_before,
    write_frames,
    write_ledger,
    write_rejects,
)
from store.registry import RegisteredDevice
from store.request import write_results
from store.sqlstate import Kind
from store.staging import NEW, REVISED, Statuses, copy_direct, create_staging, insert_staged
from store.straw_fire import write_fires

__all__ = ["Batch", "BatchResult", "FactorBlock", "Message", "ReadingBlock", "Rejection", "write_batch"]

#: Status of rows that were not written because their message was rejected.
_UNWRITTEN: Final = 255
#: Batches that a connection stages after a direct COPY has met a key that exists.
_CAUTIOUS_BATCHES: Final = 8
_cautious: WeakKeyDictionary[Connection, int] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch.

    Attributes
    ----------
    batch_id : int
        Its row in the ledger.
    outcomes : list of str
        Per message ``stored``, ``duplicate``, ``revised`` or ``rejected``.
    rejections : dict of int to Rejection
        Messages that the database refused, by index.
    rows_stored, rows_duplicate, rows_revised : int
        Rows of messages that were not rejected.
    """

    batch_id: int
    outcomes: list[str]
    rejections: dict[int, Rejection]
    rows_stored: int
    rows_duplicate: int
    rows_revised: int


@dataclass(slots=True, eq=False)
class _Write:
    """One batch being written."""

    conn: Connection
    batch: Batch
    arrivals: Arrivals
    tables: list[Rows]
    accepted: list[Mask]
    statuses: list[Statuses]
    rejections: dict[int, Rejection] = field(default_factory=dict)

    @property
    def plain(self) -> bool:
        """Whether all rows may be new: each key once, and nothing whose outcome only the database knows."""
        every = (rows.first(np.arange(len(rows.message))).all() for rows in self.tables)
        return not self.batch.fires and all(every)

    def receipt(self, outcomes: list[str]) -> Receipt:
        """What the ledger is to say."""
        counts = np.bincount(np.concatenate([[], *self.statuses]).astype(np.int64), minlength=256)[:3].tolist()
        return Receipt(self.batch, self.arrivals, outcomes, self.rejections, counts)

    def copy_all(self, meanwhile: Callable[[], None]) -> None:
        """COPY all rows into their tables; the first that exists or is impossible raises.

        `meanwhile` is called once, while the database is busy with the rows of the first table.
        """
        for at, rows in enumerate(self.tables):
            copy_direct(self.conn, rows, meanwhile if at == 0 else None)
        if not self.tables:
            meanwhile()

    def write_messages(self, low: int, high: int) -> None:
        """Write the rows of messages low <= index < high; on poison by halves, down to the message that is rejected."""
        try:
            with self.conn.transaction():
                written = [self._insert(at, low, high) for at in range(len(self.tables))]
        except psycopg.Error as error:
            if kind(error) is not Kind.POISON:
                raise
            if high - low == 1:
                self.rejections[low] = Rejection("database_refused", message(error))
                return
            middle = (low + high) // 2
            self.write_messages(low, middle)
            self.write_messages(middle, high)
        else:
            for statuses, (chosen, found) in zip(self.statuses, written, strict=True):
                statuses[chosen] = found

    def _insert(self, at: int, low: int, high: int) -> tuple[Integers, Statuses]:
        rows = self.tables[at]
        chosen = np.flatnonzero((rows.message >= low) & (rows.message < high))
        statuses = np.full(len(chosen), NEW, dtype=np.uint8)
        if not len(chosen):
            return chosen, statuses
        create_staging(self.conn)
        contested = ~insert_staged(self.conn, rows, chosen, self.accepted[at])
        if contested.any():
            handling = Handling(self.accepted[at], self._repeated)
            statuses[contested] = resolve_contested(self.conn, rows, chosen[contested], handling)
        return chosen, statuses

    def _repeated(self, at: int, original_at: dt.datetime) -> bool:
        return seen_before(self.conn, self.batch.messages, at, original_at)


def write_batch(conn: Connection, batch: Batch, devices: Mapping[str, RegisteredDevice]) -> BatchResult:
    """Write a batch in one transaction and commit it.

    Rows are inserted, never changed: a key that is taken makes the row a duplicate or a revision. A message whose rows
    the database refuses is rejected whole (``database_refused``) and the rest is written.

    Parameters
    ----------
    conn : Connection
        Of role lantian_writer, with no transaction open.
    batch : Batch
        Messages in order of receipt; of rows with one key the one of the earliest message is the original.
    devices : mapping of str to RegisteredDevice
        Every device that has rows.

    Returns
    -------
    BatchResult
        After the commit.

    Raises
    ------
    ServiceError
        Nothing is written (or the connection broke while committing): keep the messages and try again.
    StoreError
        Nothing is written and trying again is of no use.
    """
    if conn.info.transaction_status not in (TransactionStatus.IDLE, TransactionStatus.UNKNOWN):
        status = conn.info.transaction_status.name
        raise StoreError(f"write a batch: found a connection in transaction status {status}, expected none open")
    _check(batch, devices)
    with translated("write a batch"):
        return _write_once(conn, batch, devices)


def _write_once(conn: Connection, batch: Batch, devices: Mapping[str, RegisteredDevice]) -> BatchResult:
    """Write a batch, directly where that may do."""
    arrivals = arrivals_of(batch.messages)
    tables = _tables(batch, arrivals)
    accepted = [_counts_at_once(rows, devices) for rows in tables]
    unwritten = [np.full(len(rows.message), _UNWRITTEN, dtype=np.uint8) for rows in tables]
    work = _Write(conn, batch, arrivals, tables, accepted, unwritten)
    caution = _cautious.get(conn, 0)
    if not caution and work.plain:
        try:
            return _written_directly(work, devices)
        except psycopg.Error as error:
            if kind(error) is not Kind.POISON:
                raise
            caution = _CAUTIOUS_BATCHES + 1 if isinstance(error, psycopg.errors.UniqueViolation) else 0
    result = _written_staged(work, devices)
    _cautious[conn] = max(0, caution - 1)
    return result


def _check(batch: Batch, devices: Mapping[str, RegisteredDevice]) -> None:
    """Faults of the caller, which no rejection of a message can put right."""
    blocks: list[ReadingBlock | FactorBlock] = [*batch.readings.values(), *([batch.factors] if batch.factors else [])]
    unknown = sorted({name for block in blocks for name in block.device_ids} - set(devices))
    if batch.given_up and any(one.rejection is None for one in batch.messages):
        raise StoreError("write a batch: found messages without a reason that are given up, expected rejected ones")
    if unknown:
        raise StoreError(f"write a batch: found rows of devices {unknown[:5]}, expected registered ones")
    for family, block in batch.readings.items():
        expected = (len(block.message), FAMILIES[family].width)
        if block.values.shape != expected or block.flags.shape != expected:
            raise StoreError(f"write a batch: found {block.values.shape} values of {family}, expected {expected}")


@contextmanager
def _begun(conn: Connection) -> Iterator[int]:
    """A transaction and its row in the ledger, numbered in one round trip; what is not committed inside is undone."""
    try:
        with conn.pipeline():
            if conn.autocommit:
                conn.execute("begin")
            batch_id = number_batch(conn)
        yield batch_id
    except BaseException:
        with suppress(psycopg.Error):  # a lost connection has nothing to undo
            conn.rollback()
        raise


def _written_directly(work: _Write, devices: Mapping[str, RegisteredDevice]) -> BatchResult:
    """Rows, and everything besides; takes all rows to be new and raises when one is not.

    Frames are laid out while the database is busy with the rows.
    """
    for statuses in work.statuses:
        statuses[:] = NEW
    receipt = work.receipt(_outcomes(work.batch, work))
    frames: list[bytes] = []
    with _begun(work.conn) as batch_id:
        work.copy_all(lambda: frames.extend(frame_pieces(receipt, batch_id)))
        _complete(work, receipt, batch_id, frames, devices)
    return _result(work, receipt, batch_id)


def _written_staged(work: _Write, devices: Mapping[str, RegisteredDevice]) -> BatchResult:
    """Rows, and everything besides, where some keys exist or some rows are impossible."""
    for statuses in work.statuses:
        statuses[:] = _UNWRITTEN
    with _begun(work.conn) as batch_id:
        if work.tables:
            work.write_messages(0, len(work.batch.messages))
        receipt = work.receipt(_entered_fires(work, _outcomes(work.batch, work), devices))
        _complete(work, receipt, batch_id, list(frame_pieces(receipt, batch_id)), devices)
    return _result(work, receipt, batch_id)


def _entered_fires(work: _Write, outcomes: list[str], devices: Mapping[str, RegisteredDevice]) -> list[str]:
    """The outcomes, those of messages with straw-fire points from the register that these are entered into."""
    if work.batch.fires:
        refused = {at for at, outcome in enumerate(outcomes) if outcome == "rejected"}
        entered, poisoned = write_fires(work.conn, work.batch, refused, devices)
        work.rejections |= poisoned
        for at, outcome in (*entered.items(), *((at, "rejected") for at in poisoned)):
            outcomes[at] = outcome
    return outcomes


def _complete(
    work: _Write, receipt: Receipt, batch_id: int, frames: list[bytes], devices: Mapping[str, RegisteredDevice]
) -> None:
    """Write what follows the rows, and commit; the note is made while the database is busy with the frames."""
    conn, batch = work.conn, work.batch
    note: list[object] = []
    write_frames(conn, frames, lambda: note.extend(_note(work, receipt, devices)))
    write_rejects(conn, receipt, batch_id)
    if batch.parts or batch.closed:
        write_parts(conn, batch, receipt.rejected)
    if batch.results:
        write_results(conn, batch, receipt.rejected)
    with conn.pipeline():
        write_ledger(conn, receipt, batch_id)
        write_note(conn, note, batch_id)
        conn.commit()


def _result(work: _Write, receipt: Receipt, batch_id: int) -> BatchResult:
    return BatchResult(batch_id, list(receipt.outcomes), work.rejections, *receipt.row_counts)


def _note(work: _Write, receipt: Receipt, devices: Mapping[str, RegisteredDevice]) -> list[object]:
    """Hours to settle, what devices were heard to say, and their counters."""
    found = list(zip(work.tables, work.statuses, work.accepted, strict=True))
    accepted = [(rows, statuses != _UNWRITTEN) for rows, statuses, _ in found]
    new = [(rows, statuses == NEW) for rows, statuses, _ in found]
    changed = [(rows, (statuses == NEW) | ((statuses == REVISED) & counted)) for rows, statuses, counted in found]
    return note_of(receipt, accepted, new, changed, devices)


def _tables(batch: Batch, arrivals: Arrivals) -> list[Rows]:
    """Rows by table, always in the same order of tables."""
    tables = [
        wide_rows(family, batch.readings[family], arrivals.received_us)
        for family in FAMILIES
        if family in batch.readings and len(batch.readings[family].message)
    ]
    if batch.factors is not None and len(batch.factors.message):
        announced = batch.factors.announced
        if announced is None:
            corrections = np.zeros(len(batch.messages), dtype=np.bool_)
            for block in batch.readings.values():
                corrections[block.message[block.announced.astype(np.bool_)]] = True
            announced = corrections[batch.factors.message]
        tables.append(factor_rows(batch.factors, arrivals.received_us, announced))
    return tables


def _counts_at_once(rows: Rows, devices: Mapping[str, RegisteredDevice]) -> Mask:
    """Whether each row, if it is a revision, is accepted without a person."""
    policies = [devices[name].revision_policy for name in rows.devices]
    always = np.array([policy == "accept" for policy in policies], dtype=np.bool_)
    announced = np.array([policy == "explicit" for policy in policies], dtype=np.bool_)
    return always[rows.device] | (announced[rows.device] & rows.announced)


def _outcomes(batch: Batch, work: _Write) -> list[str]:
    """Rejected > revised > stored > duplicate; a message without rows is stored."""
    has_rows, has_new, has_revised = np.zeros((3, len(batch.messages)), dtype=np.bool_)
    for rows, statuses in zip(work.tables, work.statuses, strict=True):
        has_rows[rows.message] = True
        has_new[rows.message[statuses == NEW]] = True
        has_revised[rows.message[statuses == REVISED]] = True
    words = ("stored", "duplicate", "revised")
    codes = np.where(has_revised, 2, np.where(has_new | ~has_rows, 0, 1)).tolist()
    outcomes = [words[code] for code in codes]
    for at, one in enumerate(batch.messages):
        if one.rejection is not None or at in work.rejections:
            outcomes[at] = "rejected"
    return outcomes
