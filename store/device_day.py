"""Counters per device and local day, added to in the transaction of each batch: what health is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from domain.period import DAY_S, OFFSET_S
from store.arrival import Arrivals
from store.block import Rows
from store.connection import Connection
from store.message import Integers, Mask
from store.receipt import array_text, text_array
from store.registry import RegisteredDevice

_DAY_US: Final = DAY_S * 1_000_000
_OFFSET_US: Final = OFFSET_S * 1_000_000
#: Outcome of a message that was counted as stored before and is rejected now.
GIVEN_UP: Final = "given up"
#: Outcome -> its code; others count as messages only.
_OUTCOMES: Final = {"duplicate": 1, "rejected": 2, GIVEN_UP: 3}
#: Code -> places in the counts to which a message adds one.
_PLACES: Final = ((0,), (0, 1), (0, 2), (2,))
#: Per device and day: messages, duplicates, rejects, readings, carried, usable.
Counts = dict[tuple[str, int], list[int]]

_ADD: Final = """
insert into device_day as d (device_id, day, messages, duplicates, rejects, readings, carried, usable)
select id, date '1970-01-01' + day, messages, duplicates, rejects, readings, carried, usable
from unnest(%s::text[], %s::int[], %s::int[], %s::int[], %s::int[], %s::int[], %s::bigint[], %s::bigint[])
    as t (id, day, messages, duplicates, rejects, readings, carried, usable)
order by id, day
on conflict (device_id, day) do update set
    messages = d.messages + excluded.messages, duplicates = d.duplicates + excluded.duplicates,
    rejects = d.rejects + excluded.rejects, readings = d.readings + excluded.readings,
    carried = d.carried + excluded.carried, usable = d.usable + excluded.usable
"""


def add_day_counts(
    conn: Connection,
    arrivals: Arrivals,
    outcomes: Sequence[str],
    tables: Sequence[tuple[Rows, Mask]],
    devices: Mapping[str, RegisteredDevice],
) -> None:
    """Add what a batch brought to the counters of its devices.

    Parameters
    ----------
    conn : Connection
        Inside the transaction of the batch.
    arrivals : Arrivals
        The batch's messages; those that state a link are not counted.
    outcomes : sequence of str
        What became of each; `GIVEN_UP` adds a reject of a message that was counted when it came.
    tables : sequence of (Rows, ndarray of bool)
        Rows and which of them are new.
    devices : mapping of str to RegisteredDevice
        The registry.
    """
    counts: Counts = {}
    codes = np.array([_OUTCOMES.get(outcome, 0) for outcome in outcomes], dtype=np.int64)
    known = np.array([name in devices for name in arrivals.device_ids], dtype=np.bool_)
    counted = np.flatnonzero(~arrivals.link & known[arrivals.device])
    days = (arrivals.received_us[counted] + _OFFSET_US) // _DAY_US
    first = int(days.min()) if len(days) else 0
    width = int(np.ptp(days)) + 1 if len(days) else 1
    found, numbers = np.unique(
        (arrivals.device[counted] * width + (days - first)) * len(_PLACES) + codes[counted], return_counts=True
    )
    for key, number in zip(found.tolist(), numbers.tolist(), strict=True):
        pair, code = divmod(key, len(_PLACES))
        device, day = pair // width, pair % width + first
        row = counts.setdefault((arrivals.device_ids[device], day), [0] * 6)
        for place in _PLACES[code]:
            row[place] += number
    measured = {name for rows, _ in tables if rows.usable is not None for name in rows.devices}
    for rows, new in tables:
        _add_readings(counts, rows, new, devices, measured)
    if counts:
        ordered = sorted(counts)
        columns = [[counts[key][at] for key in ordered] for at in range(6)]
        conn.execute(
            _ADD, [text_array([name for name, _ in ordered]), *map(array_text, ([day for _, day in ordered], *columns))]
        )


def _add_readings(
    counts: Counts, rows: Rows, new: Mask, devices: Mapping[str, RegisteredDevice], measured: set[str]
) -> None:
    """Add new readings of the span each device is registered with; rows of factors only for devices without columns."""
    spans = np.array([devices[name].span_s for name in rows.devices], dtype=np.int64)
    due = new & (rows.spans_s == spans[rows.device])
    if rows.usable is None:
        alone = np.array([name not in measured for name in rows.devices], dtype=np.bool_)
        due &= alone[rows.device]
        due &= np.concatenate(
            [np.ones(min(1, len(due)), dtype=np.bool_), _changed(rows.device, rows.times_us, rows.spans_s)]
        )
    chosen = np.flatnonzero(due)
    if not len(chosen):
        return
    days = (rows.times_us[chosen] + _OFFSET_US) // _DAY_US
    first, width = int(days.min()), int(np.ptp(days)) + 1
    pairs, groups = np.unique(rows.device[chosen] * width + (days - first), return_inverse=True)
    sums = [np.bincount(groups, minlength=len(pairs))]
    for each in (rows.carried, rows.usable):
        weights = np.zeros(len(chosen)) if each is None else each[chosen]
        sums.append(np.bincount(groups, weights, minlength=len(pairs)).astype(np.int64))
    for pair, *added in zip(pairs.tolist(), *(each.tolist() for each in sums), strict=True):
        row = counts.setdefault((rows.devices[pair // width], pair % width + first), [0] * 6)
        row[3:] = [before + more for before, more in zip(row[3:], added, strict=True)]


def _changed(*parts: Integers) -> Mask:
    """Where a sorted row differs from the one before it in any of the parts."""
    changed = np.zeros(max(0, len(parts[0]) - 1), dtype=np.bool_)
    for part in parts:
        changed |= part[1:] != part[:-1]
    return changed
