"""Counters per device and local day, added to in the transaction of each batch: what health is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from domain.period import DAY_S, OFFSET_S
from store.arrival import Arrivals
from store.block import Rows
from store.message import Integers, Mask
from store.receipt import Statement, array_text, text_array
from store.registry import RegisteredDevice

_DAY_US: Final = DAY_S * 1_000_000
_OFFSET_US: Final = OFFSET_S * 1_000_000
#: Outcome of a message that was counted as stored before and is rejected now.
GIVEN_UP: Final = "given up"
#: Outcome -> what a message adds to messages, duplicates, rejects, readings, carried, usable.
_ADDED: Final = {
    "stored": (1, 0, 0, 0, 0, 0),
    "revised": (1, 0, 0, 0, 0, 0),
    "duplicate": (1, 1, 0, 0, 0, 0),
    "rejected": (1, 0, 1, 0, 0, 0),
    GIVEN_UP: (0, 0, 1, 0, 0, 0),
}
_CODES: Final = {outcome: code for code, outcome in enumerate(_ADDED)}
_ADDS: Final[Integers] = np.array(list(_ADDED.values()), dtype=np.int64)
#: Index of the device, local day, and what is added, shape (n, 6).
Part = tuple[Integers, Integers, Integers]

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


def day_statements(
    arrivals: Arrivals,
    outcomes: Sequence[str],
    tables: Sequence[tuple[Rows, Mask]],
    devices: Mapping[str, RegisteredDevice],
) -> list[Statement]:
    """Statement that adds what a batch brought to the counters of its devices.

    Parameters
    ----------
    arrivals : Arrivals
        The batch's messages; those that state a link are not counted.
    outcomes : sequence of str
        What became of each; `GIVEN_UP` adds a reject of a message that was counted when it came.
    tables : sequence of (Rows, ndarray of bool)
        Rows and which of them are new.
    devices : mapping of str to RegisteredDevice
        The registry.

    Returns
    -------
    list of Statement
        None when there is nothing to add; for the transaction of the batch.
    """
    names = sorted({*arrivals.device_ids, *(name for rows, _ in tables for name in rows.devices)} & set(devices))
    place = {name: at for at, name in enumerate(names)}
    measured = {name for rows, _ in tables if rows.usable is not None for name in rows.devices}
    parts = [_messages(arrivals, outcomes, place), *(_readings(each, place, devices, measured) for each in tables)]
    device, day, added = (np.concatenate(found) for found in zip(*parts, strict=True))
    if not len(day):
        return []
    first, width = int(day.min()), int(np.ptp(day)) + 1
    pairs, groups = np.unique(device * width + (day - first), return_inverse=True)
    sums = [np.bincount(groups, column, len(pairs)).astype(np.int64).tolist() for column in added.T]
    texts = text_array([names[at] for at in (pairs // width).tolist()])
    return [(_ADD, (texts, *map(array_text, ((pairs % width + first).tolist(), *sums))))]


def _messages(arrivals: Arrivals, outcomes: Sequence[str], place: Mapping[str, int]) -> Part:
    """What each message adds; those of unknown devices and those that state a link add nothing."""
    owner = np.array([place.get(name, -1) for name in arrivals.device_ids], dtype=np.int64)[arrivals.device]
    chosen = np.flatnonzero(~arrivals.link & (owner >= 0))
    code = np.fromiter(map(_CODES.__getitem__, outcomes), np.int64, len(outcomes))
    return owner[chosen], _days(arrivals.received_us[chosen]), _ADDS[code[chosen]]


def _readings(
    table: tuple[Rows, Mask], place: Mapping[str, int], devices: Mapping[str, RegisteredDevice], measured: set[str]
) -> Part:
    """What new readings of the span each device is registered with add; factors only for devices without columns."""
    rows, new = table
    spans = np.array([devices[name].span_s for name in rows.devices], dtype=np.int64)
    due = new & (rows.spans_s == spans[rows.device])
    if rows.usable is None:
        alone = np.array([name not in measured for name in rows.devices], dtype=np.bool_)
        due &= alone[rows.device]
        due &= np.concatenate(
            [np.ones(min(1, len(due)), dtype=np.bool_), _changed(rows.device, rows.times_us, rows.spans_s)]
        )
    chosen = np.flatnonzero(due)
    added = np.zeros((len(chosen), 6), dtype=np.int64)
    added[:, 3] = 1
    for column, each in ((4, rows.carried), (5, rows.usable)):
        added[:, column] = 0 if each is None else each[chosen]
    owner = np.array([place[name] for name in rows.devices], dtype=np.int64)
    return owner[rows.device[chosen]], _days(rows.times_us[chosen]), added


def _days(moments_us: Integers) -> Integers:
    """Local days since 1970."""
    return (moments_us + _OFFSET_US) // _DAY_US


def _changed(*parts: Integers) -> Mask:
    """Where a sorted row differs from the one before it in any of the parts."""
    changed = np.zeros(max(0, len(parts[0]) - 1), dtype=np.bool_)
    for part in parts:
        changed |= part[1:] != part[:-1]
    return changed
