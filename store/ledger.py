"""The ledger: every message received is stored, a duplicate, revised or rejected, and the tables hold as many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class Balance:
    """Sums over batches.

    Attributes
    ----------
    batches : int
        How many.
    received, stored, duplicate, revised, rejected : int
        Messages.
    rows_stored, rows_duplicate, rows_revised : int
        Rows.
    frames, rejects : int
        What tables raw_frame and reject hold of these batches.
    given_up : int
        Parts of split frames that moved from stored to rejected; their raw frames stay.
    dropped : int
        Raw frames that retention dropped, counted as it did.
    """

    batches: int
    received: int
    stored: int
    duplicate: int
    revised: int
    rejected: int
    rows_stored: int
    rows_duplicate: int
    rows_revised: int
    frames: int
    rejects: int
    given_up: int
    dropped: int

    @property
    def balanced(self) -> bool:
        """Whether every message is accounted for and was kept once, until retention dropped it."""
        accepted = self.stored + self.duplicate + self.revised
        kept = self.frames + self.dropped - self.given_up
        return self.received == accepted + self.rejected and accepted == kept and self.rejected == self.rejects


_OTHERS: Final = ("batches", "frames", "rejects", "given_up", "dropped")
_SUMS: Final = tuple(name for name in Balance.__dataclass_fields__ if name not in _OTHERS)


def read_balance(conn: Connection, *, after_batch: int = 0) -> Balance:
    """Sums of the ledger over batches with an id above `after_batch`, beside what is kept of them.

    Parameters
    ----------
    conn : Connection
        As role lantian_app or lantian_writer.
    after_batch : int
        Leave out this batch and those before; not one whose raw frames have been dropped, unless all up to it have.

    Returns
    -------
    Balance
        Zeros when there is no such batch.
    """
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in _SUMS)
    row = conn.execute(
        f"select count(*), {sums}, (select count(*) from raw_frame where batch_id > %(after)s),"  # noqa: S608
        " (select count(*) from reject where batch_id > %(after)s),"
        " coalesce(-sum(stored) filter (where stored < 0), 0),"
        " (select coalesce(sum(rows_dropped), 0) from retention_drop where first_batch > %(after)s)"
        " from ledger where id > %(after)s",
        {"after": after_batch},
    ).fetchone()
    assert row is not None
    return Balance(*map(int, row))
