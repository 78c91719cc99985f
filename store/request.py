"""Requests to devices: recorded before they are sent, completed by the collector when the device answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container
from dataclasses import dataclass

from domain.error import ConfigurationError
from store.connection import Connection
from store.message import Batch

_UPDATES = {
    "QnRtn": "update device_request set accepted_code = %s, accepted_at = %s"
    " where device_id = %s and qn = %s and accepted_code is null",
    "ExeRtn": "update device_request set executed_code = %s, executed_at = %s"
    " where device_id = %s and qn = %s and executed_code is null",
}


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """One request and its answers so far: codes of HJ 212-2017 tables 7 (QnRtn) and 6 (ExeRtn), None = none yet."""

    id: int
    device_id: str
    qn: str
    command: str
    requested_at: dt.datetime
    requested_by: str
    accepted_code: int | None
    accepted_at: dt.datetime | None
    executed_code: int | None
    executed_at: dt.datetime | None


def insert_request(conn: Connection, request: tuple[str, str, str, str, bytes], by: str) -> int:
    """Record a request about to be sent; the caller commits.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    request : tuple
        Device, QN, command, topic and payload.
    by : str
        Who asks.

    Returns
    -------
    int
        Its id.
    """
    row = conn.execute(
        "insert into device_request (device_id, qn, command, topic, payload, requested_by)"
        " values (%s, %s, %s, %s, %s, %s) returning id",
        (*request, by),
    ).fetchone()
    assert row is not None
    return int(row[0])


def read_requests(conn: Connection, device_id: str | None = None, *, limit: int = 50) -> list[DeviceRequest]:
    """The newest requests, of one device or of all."""
    rows = conn.execute(
        "select id, device_id, qn, command, requested_at, requested_by, accepted_code, accepted_at, executed_code,"
        " executed_at from device_request where %(device)s::text is null or device_id = %(device)s"
        " order by id desc limit %(limit)s",
        {"device": device_id, "limit": limit},
    ).fetchall()
    return [DeviceRequest(*row) for row in rows]


def read_last_data(conn: Connection, device_id: str) -> tuple[str, bytes]:
    """Topic and bytes of the newest data message of a device; `ConfigurationError` when a month has brought none."""
    row = conn.execute(
        "select topic, payload from raw_frame where device_id = %s and topic like '%%/data'"
        " and received_at > now() - interval '31 days' order by received_at desc limit 1",
        (device_id,),
    ).fetchone()
    if row is None:
        raise ConfigurationError(
            f"device {device_id!r} has sent no data within a month; expected a frame that tells its ST, PW and version"
        )
    return str(row[0]), bytes(row[1])


def write_results(conn: Connection, batch: Batch, rejected: Container[int]) -> None:
    """Complete the requests that messages of the batch answer; the first answer of a kind counts."""
    for owner, result in batch.results:
        if owner not in rejected:
            message = batch.messages[owner]
            conn.execute(
                _UPDATES[result.field], (result.code, message.received_at, message.device_id, result.request_number)
            )
