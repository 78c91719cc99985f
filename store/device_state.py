"""Newest sign of life of each device, what it was refused for, and its link: what a batch tells of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from store.block import Rows
from store.message import Integers, Mask
from store.receipt import Receipt, storable

#: Stands for no moment in arrays of microseconds.
NEVER: Final = np.iinfo(np.int64).min
_NOTHING: Final = (None, None)


class Told(NamedTuple):
    """The newest refusal and the newest statement about the link of devices that have either; None where not."""

    names: list[str]
    errors: list[str | None]
    error_at: list[dt.datetime | None]
    links: list[str | None]
    link_at: list[dt.datetime | None]


def newest_moments(
    names: Sequence[str], receipt: Receipt, tables: Sequence[tuple[Rows, Mask]]
) -> tuple[Integers, Integers]:
    """Newest receipt and newest time label of each device.

    A statement about the link is no sign of life of the measurement: it does not count as a receipt, nor does a
    rejected message.

    Parameters
    ----------
    names : sequence of str
        The devices.
    receipt : Receipt
        Messages and their outcomes.
    tables : sequence of (Rows, ndarray of bool)
        Rows, and which of them were accepted in some way.

    Returns
    -------
    received, latest : ndarray of int64
        Shape (len(names),); Unix microseconds, `NEVER` where there is none.
    """
    place = {name: at for at, name in enumerate(names)}
    arrivals = receipt.arrivals
    counted = ~arrivals.link
    counted[list(receipt.rejected)] = False
    received = _newest(place, arrivals.device_ids, arrivals.device[counted], arrivals.received_us[counted])
    latest = np.full(len(names), NEVER)
    for rows, kept in tables:
        np.maximum(latest, _newest(place, rows.devices, rows.device[kept], rows.times_us[kept]), out=latest)
    return received, latest


def _newest(place: dict[str, int], names: Sequence[str], owner: Integers, times_us: Integers) -> Integers:
    """The greatest time of each device that has a place."""
    newest = np.full(len(place) + 1, NEVER)
    to = np.array([place.get(name, -1) for name in names], dtype=np.int64)
    np.maximum.at(newest, to[owner], times_us)
    return newest[:-1]


def told_of(receipt: Receipt, known: set[str]) -> Told:
    """The newest refusal and link of each of the `known` devices that has one; the later message counts."""
    messages, rejected = receipt.batch.messages, receipt.rejected
    errors: dict[str, tuple[str, dt.datetime]] = {}
    links: dict[str, tuple[str | None, dt.datetime]] = {}
    for at, why in rejected.items():
        errors[messages[at].device_id or ""] = storable(f"{why.reason}: {why.detail}"), messages[at].received_at
    for at in np.flatnonzero(receipt.arrivals.link).tolist():
        if at not in rejected:
            links[messages[at].device_id or ""] = messages[at].link, messages[at].received_at
    names = sorted(known & (errors.keys() | links.keys()))
    told = [errors.get(name, _NOTHING) for name in names]
    linked = [links.get(name, _NOTHING) for name in names]
    return Told(
        names,
        [one[0] for one in told],
        [one[1] for one in told],
        [one[0] for one in linked],
        [one[1] for one in linked],
    )
