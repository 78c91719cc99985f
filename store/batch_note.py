"""What a batch changes besides its rows, in one row of `batch_note`: device states, counters, hours to settle.

To touch a row for each device and hour costs as much as the readings of a small batch. Notes are folded together into
`device_state`, `device_day` and `dirty_hour` by every thirty-second batch, by the settler before it claims hours, and
by what judges devices before it looks at them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from store.array_format import date_array, int_array, moment_array, text_array
from store.block import Rows, ranks
from store.connection import Connection
from store.device_day import GIVEN_UP, day_counts
from store.device_state import NEVER, newest_moments, told_of
from store.message import Integers, Mask
from store.receipt import Receipt
from store.registry import RegisteredDevice

_HOUR_US: Final = 3_600_000_000
#: Readings over longer spans enter no hour.
_LONGEST_SPAN_S: Final = 3600
#: Batches whose id is a multiple of this fold.
_FOLDED_BY: Final = 32

_NOTE: Final = """
insert into batch_note (device_ids, received_at, times, days, messages, duplicates, rejects, readings, carried, usable,
    told_ids, errors, error_at, links, link_at, families, site_ids, hours)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


def note_of(
    receipt: Receipt,
    accepted: Sequence[tuple[Rows, Mask]],
    new: Sequence[tuple[Rows, Mask]],
    changed: Sequence[tuple[Rows, Mask]],
    devices: Mapping[str, RegisteredDevice],
) -> list[object]:
    """The columns of a batch's note, empty when it has nothing to note.

    Parameters
    ----------
    receipt : Receipt
        Messages and their outcomes.
    accepted, new, changed : sequence of (Rows, ndarray of bool)
        Rows of each table, and which of them were accepted in some way, are new, change an effective value.
    devices : mapping of str to RegisteredDevice
        The registry.

    Returns
    -------
    list of object
        For `write_note`.
    """
    known = {name for name in receipt.arrivals.device_ids if name in devices}
    measured = [{rows.devices[at] for at in np.unique(rows.device[kept]).tolist()} for rows, kept in accepted]
    names = sorted(known.union(*measured))
    if not names:
        return []
    return [*_of_devices(names, receipt, accepted, new, devices), *_told(receipt, known), *_hours(changed, devices)]


def _of_devices(
    names: Sequence[str],
    receipt: Receipt,
    accepted: Sequence[tuple[Rows, Mask]],
    new: Sequence[tuple[Rows, Mask]],
    devices: Mapping[str, RegisteredDevice],
) -> list[object]:
    """A row per device and day; the first row of each device has its moments, one without counters has no day."""
    outcomes = [GIVEN_UP] * len(receipt.outcomes) if receipt.batch.given_up else receipt.outcomes
    counts = day_counts(names, receipt.arrivals, outcomes, new, devices)
    silent = np.flatnonzero(np.bincount(counts.owner, minlength=len(names)) == 0)
    owner = np.concatenate([counts.owner, silent])
    dated = np.arange(len(owner)) < len(counts.owner)
    day = np.concatenate([counts.day, np.zeros(len(silent), dtype=np.int64)])
    sums = [np.concatenate([each, np.zeros(len(silent), dtype=np.int64)]) for each in counts.sums]
    repeated = np.concatenate([[False], owner[1:] == owner[:-1]])
    moments = [np.where(repeated, NEVER, each[owner]) for each in newest_moments(names, receipt, accepted)]
    return [
        text_array([names[at] for at in owner.tolist()]),
        *(moment_array(each, each == NEVER) for each in moments),
        date_array(day, ~dated),
        *map(int_array, sums),
    ]


def _told(receipt: Receipt, known: set[str]) -> list[object]:
    told = told_of(receipt, known)
    if not told.names:
        return [None] * 5
    return [text_array(told.names), text_array(told.errors), told.error_at, text_array(told.links), told.link_at]


def _hours(changed: Sequence[tuple[Rows, Mask]], devices: Mapping[str, RegisteredDevice]) -> list[object]:
    """Each (family, site, hour) whose effective values changed, once; rows of factors and of days have no hour."""
    families: list[str] = []
    sites: list[str] = []
    hours: list[Integers] = []
    for rows, mask in changed:
        chosen = np.flatnonzero(mask & (rows.spans_s <= _LONGEST_SPAN_S))
        if rows.shape.family == "factor" or not len(chosen):
            continue
        site, named = ranks([devices[name].site_id for name in rows.devices])
        hour = rows.times_us[chosen] // _HOUR_US
        first, count = int(hour.min()), int(np.ptp(hour)) + 1
        pairs = np.unique(site[rows.device[chosen]] * count + (hour - first))
        families += [rows.shape.family] * len(pairs)
        sites += [named[at] for at in (pairs // count).tolist()]
        hours.append((pairs % count + first) * _HOUR_US)
    if not hours:
        return [None] * 3
    return [text_array(families), text_array(sites), moment_array(np.concatenate(hours))]


def write_note(conn: Connection, note: Sequence[object], batch_id: int) -> None:
    """Write what `note_of` has made in the transaction of its batch; some batches fold all notes besides.

    Parameters
    ----------
    conn : Connection
        Inside the transaction.
    note : sequence of object
        Columns; nothing is written when empty.
    batch_id : int
        The batch's row in the ledger.
    """
    if note:
        conn.execute(_NOTE, note)
    if batch_id % _FOLDED_BY == 0:
        fold_notes(conn)


def fold_notes(conn: Connection) -> None:
    """Bring every note into states, counters and queue; what another connection is folding is left to it."""
    conn.execute("select fold_batch_notes()")
