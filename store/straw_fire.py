"""Straw-fire points that devices report: versions of their register, written in the transaction of the batch."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Final

import psycopg

from domain.period import ZONE
from domain.register_table import STRAW_FIRE
from store.connection import Connection
from store.error import kind, message
from store.message import Batch, FirePoint, Rejection
from store.registry import RegisteredDevice
from store.sqlstate import Kind

#: A person may correct an entry between our look and our line; then we look again.
_ATTEMPTS: Final = 5
_FIELDS: Final = FirePoint._fields
_KNOWN: Final = f"select {', '.join(_FIELDS)}, action, version from {STRAW_FIRE.table} where id = %s order by version"  # noqa: S608
_ADD: Final = (
    f"insert into {STRAW_FIRE.table} (id, area_id, {', '.join(_FIELDS)}, version, action, changed_by, why)"  # noqa: S608
    f" values ({', '.join(['%s'] * (len(_FIELDS) + 6))})"
)


def fire_id(point: FirePoint) -> str:
    """The id that time, place and source make; `lantian register` makes the same one."""
    local = point.seen_at.astimezone(ZONE)
    return f"{local:%Y%m%dT%H%M%S}-{point.longitude:.5f}-{point.latitude:.5f}-{point.source}"


def write_fires(
    conn: Connection, batch: Batch, rejected: Container[int], devices: Mapping[str, RegisteredDevice]
) -> tuple[dict[int, str], dict[int, Rejection]]:
    """Enter the fire points of a batch into their register.

    A point whose time, place and source are known and which says nothing new is a duplicate, so is one without a check
    when a check is known, and one that a person has retired. Otherwise it is the entry's next version.

    Parameters
    ----------
    conn : Connection
        Inside the transaction of the batch.
    batch : Batch
        With its `fires`.
    rejected : container of int
        Messages that were rejected already.
    devices : mapping of str to RegisteredDevice
        The registry: a point belongs to the area of its device.

    Returns
    -------
    (outcomes, rejections)
        ``stored``, ``revised`` or ``duplicate`` for each message with points; messages that the database refuses.
    """
    outcomes: dict[int, str] = {}
    refused: dict[int, Rejection] = {}
    for owner, points in batch.fires:
        if owner in rejected:
            continue
        device = devices[batch.messages[owner].device_id or ""]
        try:
            with conn.transaction():
                found = {_entered(conn, point, device) for point in points}
        except psycopg.Error as error:
            if kind(error) is not Kind.POISON:
                raise
            refused[owner] = Rejection("database_refused", message(error))
        else:
            outcomes[owner] = next(word for word in ("revised", "stored", "duplicate") if word in found)
    return outcomes, refused


def _entered(conn: Connection, point: FirePoint, device: RegisteredDevice) -> str:
    for attempt in range(_ATTEMPTS):
        try:
            with conn.transaction():
                return _version(conn, point, device)
        except psycopg.errors.UniqueViolation:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _version(conn: Connection, point: FirePoint, device: RegisteredDevice) -> str:
    name = fire_id(point)
    known = conn.execute(_KNOWN, (name,)).fetchall()
    if known:
        newest = FirePoint(*known[-1][: len(_FIELDS)])
        unchecked = point.result == "pending" and newest.result != "pending"
        if known[-1][-2] == "retire" or unchecked or any(FirePoint(*row[: len(_FIELDS)]) == point for row in known):
            return "duplicate"
    version = known[-1][-1] + 1 if known else 1
    action, why = ("correct", "reported again over MQTT") if known else ("add", "reported over MQTT")
    conn.execute(_ADD, (name, device.area_id, *point, version, action, f"device {device.id}", why))
    return "revised" if known else "stored"
