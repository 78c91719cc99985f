"""Counters per device and local day, noted in the transaction of each batch: what health is computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from domain.period import DAY_S, OFFSET_S
from store.arrival import Arrivals
from store.block import Rows, ranks
from store.message import Integers, Mask
from store.registry import RegisteredDevice

_DAY_US: Final = DAY_S * 1_000_000
_OFFSET_US: Final = OFFSET_S * 1_000_000
#: Outcome of a message that was counted as stored before and is rejected now.
GIVEN_UP: Final = "given up"
#: Outcome -> its row in `_ADDED`; others count as messages only.
_OUTCOMES: Final = {"duplicate": 1, "rejected": 2, GIVEN_UP: 3}
#: What a message adds to messages, duplicates, rejects, readings, carried, usable.
_ADDED: Final = np.array([[1, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0], [0, 0, 1, 0, 0, 0]])
#: Place of the device, day, and what is added there; a row each per message or reading.
_Additions = tuple[Integers, Integers, npt.NDArray[np.int64]]


class DayCounts(NamedTuple):
    """What is added to the counters of n distinct pairs of device and day, sorted.

    Attributes
    ----------
    owner : ndarray of int64
        Shape (n,); index into the names given.
    day : ndarray of int64
        Shape (n,); days since 1970-01-01.
    sums : list of ndarray of int64
        Shape (n,) each: messages, duplicates, rejects, readings, carried, usable.
    """

    owner: Integers
    day: Integers
    sums: list[Integers]


def day_counts(
    names: Sequence[str],
    arrivals: Arrivals,
    outcomes: Sequence[str],
    tables: Sequence[tuple[Rows, Mask]],
    devices: Mapping[str, RegisteredDevice],
) -> DayCounts:
    """What a batch adds to the counters of its devices.

    Parameters
    ----------
    names : sequence of str
        Devices that are counted; others are left out.
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
    DayCounts
        Empty when nothing is counted.
    """
    place = {name: at for at, name in enumerate(names)}
    additions = [_of_messages(arrivals, outcomes, place)]
    measured = {name for rows, _ in tables if rows.usable is not None for name in rows.devices}
    for rows, new in tables:
        chosen = _due(rows, new, devices, measured)
        days = (rows.times_us[chosen] + _OFFSET_US) // _DAY_US
        amounts = np.zeros((len(chosen), 6), dtype=np.int64)
        amounts[:, 3] = 1
        if rows.carried is not None and rows.usable is not None:
            amounts[:, 4], amounts[:, 5] = rows.carried[chosen], rows.usable[chosen]
        additions.append((_places(place, rows.devices)[rows.device[chosen]], days, amounts))
    owners, days, added = (np.concatenate(parts) for parts in zip(*additions, strict=True))
    first, width = (int(days.min()), int(np.ptp(days)) + 1) if len(days) else (0, 1)
    pairs, group = np.unique(owners * width + (days - first), return_inverse=True)
    sums = [np.bincount(group, column, len(pairs)).astype(np.int64) for column in added.T]
    return DayCounts(pairs // width, pairs % width + first, sums)


def _places(place: Mapping[str, int], names: Sequence[str]) -> Integers:
    return np.array([place.get(name, -1) for name in names], dtype=np.int64)


def _of_messages(arrivals: Arrivals, outcomes: Sequence[str], place: Mapping[str, int]) -> _Additions:
    """Messages of known devices, on the day of receipt."""
    owners = _places(place, arrivals.device_ids)[arrivals.device]
    counted = np.flatnonzero(~arrivals.link & (owners >= 0))
    outcome, words = ranks(outcomes)
    codes = np.array([_OUTCOMES.get(word, 0) for word in words], dtype=np.int64)[outcome]
    days = (arrivals.received_us[counted] + _OFFSET_US) // _DAY_US
    return owners[counted], days, _ADDED[codes[counted]]


def _due(rows: Rows, new: Mask, devices: Mapping[str, RegisteredDevice], measured: set[str]) -> Integers:
    """New readings of the span each device is registered with; rows of factors only for devices without columns."""
    spans = np.array([devices[name].span_s for name in rows.devices], dtype=np.int64)
    due = new & (rows.spans_s == spans[rows.device])
    if rows.usable is None:
        alone = np.array([name not in measured for name in rows.devices], dtype=np.bool_)
        due &= alone[rows.device]
        due &= np.concatenate(
            [np.ones(min(1, len(due)), dtype=np.bool_), _changed(rows.device, rows.times_us, rows.spans_s)]
        )
    return np.flatnonzero(due)


def _changed(*parts: Integers) -> Mask:
    """Where a sorted row differs from the one before it in any of the parts."""
    changed = np.zeros(max(0, len(parts[0]) - 1), dtype=np.bool_)
    for part in parts:
        changed |= part[1:] != part[:-1]
    return changed
