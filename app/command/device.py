"""`lantian device`: the registry of devices, their credentials, strangers that wait, and health."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from app.command.device_key import command as key_command
from app.command.device_request import request_command, requests_command
from app.output import table_console
from app.registration import age_text
from app.registry_command import column_options, option_cells, registry, registry_group, retire_command
from app.registry_table import DEVICE, Entry
from app.service.access import Access, DeviceAccess, local_access
from app.service.account import enterprise_of, neighbour_of
from app.service.address import BrokerAddress
from app.service.authority import DEVICE_DAYS
from app.settings import load_settings
from app.stranger import approve, claim, system_type_zh
from domain.error import ConfigurationError
from store.health import DeviceHealth, read_health
from store.registration import Pending, read_entries, read_pending

ACTIONS = ("create", "show", "rotate", "revoke", "certificate")


def _unit_count(entry: Entry, _now: dt.datetime) -> str:
    return str(len(entry["units"]))


def _data_age(entry: Entry, now: dt.datetime) -> str:
    return age_text(entry["last_time"], now)


def _cut_off(device: str) -> str:
    """Take the credentials of a retired device away, where the broker is ours."""
    settings = load_settings()
    if not settings.broker_is_local:
        return f"revoke the account {device} at {settings.broker_host}: it is not ours to change"
    had = local_access(settings).revoke(device, _now())
    return "its credentials are revoked and its connections ended" if had else "it had no credentials"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


command = registry_group(DEVICE, {"数据时间距今": _data_age, "因子单位数": _unit_count})
command.add_command(retire_command(DEVICE, _cut_off))
command.add_command(request_command)
command.add_command(requests_command)
command.add_command(key_command)


@command.command("pending")
def pending() -> None:
    """List strangers: devices whose messages were rejected because they are not registered."""
    with registry("read rejected messages") as conn:
        found = read_pending(conn)
    table_console().print(pending_table(found, _now()))


def pending_table(found: list[Pending], now: dt.datetime) -> Table:
    """Strangers as a table."""
    table = Table(title="待登记设备")
    for heading in ("设备编号", "行政区", "协议", "拒收报文", "最早", "最近", "MN", "系统类型", "状态"):
        table.add_column(heading, overflow="fold")
    for one in found:
        said = claim(one)
        state = "已登记，待重放" if one.registered else "待登记"
        ages = (age_text(one.first_at, now), age_text(one.last_at, now))
        cells = (one.device_id, one.county, one.protocol, str(one.messages), *ages)
        table.add_row(*cells, said.mn or "", system_type_zh(said.system_type), state)
    return table


def _approve(name: str, protocol: str | None, **options: Any) -> None:
    cells, headings = option_cells(name, options)
    with registry("approve the device") as conn:
        entry, stranger = approve(conn, name, cells, headings, protocol)
        conn.commit()
    number = f", MN {entry['mn']}" if entry["mn"] else ""
    click.echo(f"device {name} registered at {entry['site_id']} with protocol {entry['protocol']}{number}")
    click.echo(f"{stranger.messages} messages were rejected before; send them through again: lantian reject replay")


command.add_command(
    click.Command(
        "approve",
        callback=_approve,
        params=[
            click.Argument(["name"], metavar="ID"),
            click.Option(["--protocol"], help="Which branch is meant when it speaks on several."),
            *column_options(DEVICE, leave=("protocol",)),
        ],
        help="Register the stranger ID with the protocol of its topic and the MN of its frames.",
    )
)


@command.command("health")
@click.option("--site", help="Only devices of this site.")
def health(site: str | None) -> None:
    """Show freshness, completeness, clock, duplicates and rejects of every device in service."""
    with registry("read the health of devices") as conn:
        found = read_health(conn, site=site)
    table_console().print(health_table(found, _now()))


def health_table(found: list[DeviceHealth], now: dt.datetime) -> Table:
    """Health as a table in Chinese."""
    table = Table(title="设备健康")
    headings = (
        *("设备编号", "点位", "间隔", "状态", "链路", "最近出现", "最近报文", "时钟偏差", "今日传输有效率"),
        *("本月传输有效率", "本月重复", "本月拒收", "最近错误"),
    )
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for one in found:
        skew = "-" if one.skew_s is None else f"{one.skew_s:.1f} s"
        age = "-" if one.age_s is None else age_text(now - dt.timedelta(seconds=one.age_s), now)
        shares = (one.effective_today, one.effective_month, one.duplicate_month, one.reject_month)
        error = f"{age_text(one.last_error_at, now)}前 {one.last_error}" if one.last_error else ""
        seen = age_text(one.last_seen_at, now) if one.last_seen_at else "-"
        cells = (one.device_id, one.site_zh, f"{one.interval_s} s", one.state_zh, one.link_zh, seen, age, skew)
        table.add_row(*cells, *("-" if share is None else f"{share:.1f}%" for share in shares), error)
    return table


@command.command("credential")
@click.argument("device", metavar="ID")
@click.argument("action", type=click.Choice(ACTIONS))
@click.option("--days", default=DEVICE_DAYS, show_default=True, type=click.IntRange(1), help="Life of a certificate.")
@click.option(
    "--output", default=".", type=click.Path(file_okay=False, path_type=Path), help="Folder for a certificate."
)
def credential(device: str, action: str, *, days: int, output: Path) -> None:
    """Make, show, rotate or revoke what the device ID connects with.

    A password is shown once. A device may publish and read only on its own branch. Rotating and revoking end its open
    connections. `certificate` issues a client certificate and writes it with its key and the authority's certificate.
    """
    if action in ("create", "rotate", "certificate"):
        _in_service(device)
    change_credential(device, action, days, output)


def change_credential(account: str, action: str, days: int, output: Path) -> None:
    """Carry out one of `ACTIONS` for an account of a device or an enterprise, and tell what came of it.

    Parameters
    ----------
    account : str
        User name at the broker.
    action : str
        One of `ACTIONS`.
    days : int
        Life of a certificate.
    output : Path
        Folder for one.
    """
    access = local_access(load_settings())
    if action == "create":
        _show_address(access.create(account, _now()))
    elif action == "rotate":
        _show_address(access.rotate(account, _now()))
    elif action == "show":
        click.echo(access_text(account, access.read(account)))
    elif action == "certificate":
        click.echo(f"written: {', '.join(map(str, write_certificate(access, account, days, output)))}")
    elif not access.revoke(account, _now()):
        raise ConfigurationError(f"{account!r} has no credentials, expected some to revoke")
    else:
        click.echo(f"{account}: credentials revoked, connections ended")


def _in_service(device: str) -> None:
    with registry("read the devices") as conn:
        entry = read_entries(conn, "device").get(device)
    if entry is None or entry["retired_at"] is not None:
        raise ConfigurationError(f"found no device {device!r} in service; register it: lantian device add {device} ...")


def _show_address(address: BrokerAddress) -> None:
    click.echo(f"host {address.host}\nport {address.port}\nusername {address.username}\npassword {address.password}")
    if (listener := load_settings().tls_listener()) is not None:
        click.echo(f"TLS  {listener.names[0]}:{listener.port} (certificates: {listener.certificates})")
    click.echo("the password is not shown again", err=True)


def access_text(device: str, access: Access) -> str:
    """What a device has, without anything secret."""
    account = access.account
    since = "none" if account is None else f"since {account.rotated_at or account.created_at}"
    if (neighbour := neighbour_of(device)) is not None:
        branches = (f"lt/v1/{neighbour}/exchange/data", "lt/v1/+/exchange/data")
    elif (enterprise := enterprise_of(device)) is None:
        branches = (f"lt/v1/+/+/{device}/data, .../state", f"lt/v1/+/+/{device}/cmd, .../reply, .../error")
    else:
        branches = (f"lt/v1/+/enterprise/{enterprise}/ack", f"lt/v1/+/enterprise/{enterprise}/notice, .../reply")
    lines = [f"password     {since}", f"publishes    {branches[0]}", f"reads        {branches[1]}"]
    for each in access.certificates:
        state = f"revoked {each.revoked_at}" if each.revoked_at else f"holds until {each.expires_at}"
        lines.append(f"certificate  {each.serial:x} {state}")
    return "\n".join(lines)


def write_certificate(access: DeviceAccess, device: str, days: int, folder: Path) -> list[Path]:
    """Issue a certificate and write ID.crt, ID.key (mode 600) and ca.crt to a folder; returns the files."""
    pair = access.certify(device, _now(), days)
    folder.mkdir(parents=True, exist_ok=True)
    files = {f"{device}.crt": pair.certificate, f"{device}.key": pair.key}
    files["ca.crt"] = access.authority.certificate_file.read_text(encoding="ascii")
    for name, text in files.items():
        path = folder / name
        path.unlink(missing_ok=True)
        mode = 0o600 if name.endswith(".key") else 0o644
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii") as handle:
            handle.write(text)
    return [folder / name for name in files]
