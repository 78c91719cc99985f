"""`lantian device command` and `lantian device requests`: the platform asks, the device answers."""

from __future__ import annotations

import datetime as dt
import getpass
from pathlib import Path

import click
from rich.table import Table

from app.output import table_console
from app.registration import age_text
from app.registry_command import registry
from app.service.address import broker_for
from app.service.device_key import device_keys
from app.settings import load_settings
from domain.error import ConfigurationError, RejectError
from domain.protocol import codes
from ingest.dispatch import send
from ingest.link import Broker
from ingest.topic import answer_topic
from ingest.wire.hj212 import decode_frame
from ingest.wire.hj212_request import REQUESTS, encode_request, request_name
from store.connection import Connection
from store.registry import read_devices
from store.request import DeviceRequest, insert_request, read_last_data, read_requests

_KINDS = "\n".join(f"  {name:22}{request.command}  {request.what}" for name, request in REQUESTS.items())


@click.command(
    "command",
    help=f"Send request KIND to the HJ 212 device ID and record it; `requests` shows its answers.\n\n\b\n{_KINDS}",
)
@click.argument("device", metavar="ID")
@click.argument("kind", metavar="KIND", type=click.Choice(list(REQUESTS)))
@click.option("--begin", help="BeginTime of a range, YYYYMMDDhhmmss in the device's zone.")
@click.option("--end", help="EndTime of a range.")
@click.option("--interval", help="Interval to set: seconds (real-time) or minutes (minute data).")
def request_command(device: str, kind: str, *, begin: str | None, end: str | None, interval: str | None) -> None:
    """Send one request."""
    now = dt.datetime.now(dt.UTC)
    given = {"BeginTime": begin, "EndTime": end}
    given["MinInterval" if "MinInterval" in REQUESTS[kind].parameters else "RtdInterval"] = interval
    with registry("record the request") as conn:
        if kind == "set-time":
            given["SystemTime"] = _device_clock(conn, device, now)
        row = _prepared(conn, device, kind, {key: text for key, text in given.items() if text is not None}, now)
        name = insert_request(conn, row, getpass.getuser())
        conn.commit()
    address = broker_for(load_settings(), "collector")
    trust = None if address.tls is None else Path(address.tls)
    send(Broker(address.host, address.port, address.username, address.password, trust), row[3], row[4])
    click.echo(f"request {name} sent to {device}: {REQUESTS[kind].command}, QN {row[1]}")


def _prepared(
    conn: Connection, device: str, kind: str, given: dict[str, str], now: dt.datetime
) -> tuple[str, str, str, str, bytes]:
    """Row of the request, in the words that the device itself uses."""
    registered = read_devices(conn).get(device)
    if registered is None or registered.retired_at is not None or registered.protocol != "hj212":
        raise ConfigurationError(f"found no device {device!r} of protocol hj212 in service; requests are HJ 212 frames")
    topic, payload = read_last_data(conn, device)
    try:
        keys = device_keys(load_settings()).load().get(device, ())
        heard = decode_frame(payload, registered.crc_policy, keys)
    except RejectError as error:
        raise ConfigurationError(f"newest frame of {device!r} cannot be read: {error}") from error
    qn = request_name(now)
    frame = encode_request(kind, heard, qn, given)
    return device, qn, REQUESTS[kind].command, answer_topic(topic, "cmd"), frame


def _device_clock(conn: Connection, device: str, now: dt.datetime) -> str:
    registered = read_devices(conn).get(device)
    offset_s = 28800 if registered is None else registered.zone_offset_s
    return f"{now.astimezone(dt.timezone(dt.timedelta(seconds=offset_s))):%Y%m%d%H%M%S}"


@click.command("requests")
@click.argument("device", metavar="[ID]", required=False)
def requests_command(device: str | None) -> None:
    """List the newest requests to the device ID, or to all, and what came of them."""
    with registry("read requests") as conn:
        found = read_requests(conn, device)
    table_console().print(request_table(found, dt.datetime.now(dt.UTC)))


def request_table(found: list[DeviceRequest], now: dt.datetime) -> Table:
    """Requests as a table in Chinese."""
    table = Table(title="反控命令")
    for heading in ("编号", "设备编号", "命令", "QN", "发送于", "发送人", "请求应答", "执行结果"):
        table.add_column(heading, overflow="fold")
    for one in found:
        answers = (
            _result("request_results", one.accepted_code),
            _result("execution_results", one.executed_code),
        )
        age = f"{age_text(one.requested_at, now)}前"
        table.add_row(str(one.id), one.device_id, one.command, one.qn, age, one.requested_by, *answers)
    return table


def _result(table: str, code: int | None) -> str:
    if code is None:
        return "未回"
    known = codes(table).get(str(code))
    return f"{code} {known.name_zh}" if known else str(code)
