"""Counters per device and local day, added to in the transaction of each batch: what health is computed from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from domain.period import OFFSET_S
from store.block import Rows
from store.connection import Connection
from store.message import Integers, Mask, Message
from store.registry import RegisteredDevice

_DAY_US: Final = 86_400_000_000
_OFFSET_US: Final = OFFSET_S * 1_000_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
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
    messages: Sequence[Message],
    outcomes: Sequence[str],
    tables: Sequence[tuple[Rows, Mask]],
    devices: Mapping[str, RegisteredDevice],
) -> None:
    """Add what a batch brought to the counters of its devices.

    Parameters
    ----------
    conn : Connection
        Inside the transaction of the batch.
    messages : sequence of Message
        The batch; those that state a link are not counted.
    outcomes : sequence of str
        What became of each.
    tables : sequence of (Rows, ndarray of bool)
        Rows and which of them are new.
    devices : mapping of str to RegisteredDevice
        The registry.
    """
    counts: Counts = {}
    for one, outcome in zip(messages, outcomes, strict=True):
        if one.device_id in devices and one.link is None and one.device_id is not None:
            day = ((one.received_at - _EPOCH) // dt.timedelta(microseconds=1) + _OFFSET_US) // _DAY_US
            row = counts.setdefault((one.device_id, day), [0] * 6)
            row[0] += 1
            row[1] += outcome == "duplicate"
            row[2] += outcome == "rejected"
    measured = {name for rows, _ in tables if rows.usable is not None for name in rows.devices}
    for rows, new in tables:
        _add_readings(counts, rows, new, devices, measured)
    if counts:
        keys = sorted(counts)
        columns = [[counts[key][at] for key in keys] for at in range(6)]
        conn.execute(_ADD, [[name for name, _ in keys], [day for _, day in keys], *columns])


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
    pairs, inverse = np.unique(np.column_stack([rows.device[chosen], days]), axis=0, return_inverse=True)
    groups = inverse.reshape(-1)
    sums = [np.bincount(groups, minlength=len(pairs))]
    for each in (rows.carried, rows.usable):
        weights = np.zeros(len(chosen)) if each is None else each[chosen]
        sums.append(np.bincount(groups, weights, minlength=len(pairs)).astype(np.int64))
    for (device, day), *added in zip(pairs.tolist(), *(each.tolist() for each in sums), strict=True):
        row = counts.setdefault((rows.devices[device], day), [0] * 6)
        row[3:] = [before + more for before, more in zip(row[3:], added, strict=True)]


def _changed(*parts: Integers) -> Mask:
    """Where a sorted row differs from the one before it in any of the parts."""
    changed = np.zeros(max(0, len(parts[0]) - 1), dtype=np.bool_)
    for part in parts:
        changed |= part[1:] != part[:-1]
    return changed
