"""Newest sign of life of each device, what it was refused for, and its link, noted in the transaction of each batch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from store.array_format import moment_array, text_array
from store.block import Rows
from store.message import Integers, Mask
from store.receipt import Receipt, Statement, storable
from store.registry import RegisteredDevice

_NEVER: Final = np.iinfo(np.int64).min

#: Devices come sorted, here and below, so that collectors never wait for each other in a circle.
_HEARD: Final = """
insert into device_state as s (device_id, last_received_at, last_time)
select id, received_at, time from unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) as t (id, received_at, time)
on conflict (device_id) do update set
    last_received_at = greatest(s.last_received_at, excluded.last_received_at),
    last_time = greatest(s.last_time, excluded.last_time)
"""

_HEARD_AGAIN: Final = """
update device_state s set last_received_at = greatest(s.last_received_at, t.received_at),
    last_time = greatest(s.last_time, t.time)
from unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) as t (id, received_at, time)
where s.device_id = t.id
"""

#: After `_HEARD`, which has made the rows.
_TOLD: Final = """
update device_state s set
    last_error = case when t.error_at < s.last_error_at then s.last_error else coalesce(t.error, s.last_error) end,
    last_error_at = greatest(s.last_error_at, t.error_at),
    link = case when t.link_at < s.link_at then s.link else coalesce(t.link, s.link) end,
    link_at = greatest(s.link_at, t.link_at)
from unnest(%s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::timestamptz[])
    as t (id, error, error_at, link, link_at)
where s.device_id = t.id
"""


def state_notes(
    receipt: Receipt, tables: Sequence[tuple[Rows, Mask]], devices: Mapping[str, RegisteredDevice]
) -> list[Statement]:
    """What devices were heard to say.

    A statement about the link is no sign of life of the measurement: it does not move `last_received_at`.

    Parameters
    ----------
    receipt : Receipt
        Messages and their outcomes.
    tables : sequence of (Rows, ndarray of bool)
        Rows, and which of them were accepted in some way.
    devices : mapping of str to RegisteredDevice
        The registry.

    Returns
    -------
    list of Statement
        To be executed in this order in the transaction of the batch.
    """
    arrivals, rejected = receipt.arrivals, receipt.rejected
    known = {name for name in arrivals.device_ids if name in devices}
    measured = [{rows.devices[at] for at in np.unique(rows.device[kept]).tolist()} for rows, kept in tables]
    names = sorted(known.union(*measured))
    if not names:
        return []
    place = {name: at for at, name in enumerate(names)}
    counted = ~arrivals.link
    counted[list(rejected)] = False
    received = _newest(place, arrivals.device_ids, arrivals.device[counted], arrivals.received_us[counted])
    latest = np.full(len(names), _NEVER)
    for rows, kept in tables:
        np.maximum(latest, _newest(place, rows.devices, rows.device[kept], rows.times_us[kept]), out=latest)
    moments = (moment_array(each, each == _NEVER) for each in (received, latest))
    heard = Statement(_HEARD, [text_array(names), *moments], _HEARD_AGAIN, {"device_state": set(names)})
    return [heard, *_told(receipt, known)]


def _newest(place: Mapping[str, int], names: Sequence[str], owner: Integers, times_us: Integers) -> Integers:
    """The greatest time of each device that has a place."""
    newest = np.full(len(place) + 1, _NEVER)
    to = np.array([place.get(name, -1) for name in names], dtype=np.int64)
    np.maximum.at(newest, to[owner], times_us)
    return newest[:-1]


def _told(receipt: Receipt, known: set[str]) -> list[Statement]:
    """The newest refusal and the newest link of each device that has one; the later message counts."""
    messages, rejected = receipt.batch.messages, receipt.rejected
    errors: dict[str, tuple[str, dt.datetime]] = {}
    links: dict[str, tuple[str | None, dt.datetime]] = {}
    for at, why in rejected.items():
        errors[messages[at].device_id or ""] = storable(f"{why.reason}: {why.detail}"), messages[at].received_at
    for at in np.flatnonzero(receipt.arrivals.link).tolist():
        if at not in rejected:
            links[messages[at].device_id or ""] = messages[at].link, messages[at].received_at
    names = sorted(known & (errors.keys() | links.keys()))
    if not names:
        return []
    columns = [[None if (one := found.get(name)) is None else one[0] for name in names] for found in (errors, links)]
    moments = [[None if (one := found.get(name)) is None else one[1] for name in names] for found in (errors, links)]
    parameters = [text_array(names), text_array(columns[0]), moments[0], text_array(columns[1]), moments[1]]
    return [Statement(_TOLD, parameters)]
