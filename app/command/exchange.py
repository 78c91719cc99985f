"""`lantian exchange`: hours and warnings to and from neighbouring counties."""

from __future__ import annotations

import datetime as dt
import logging
import signal
import sys
import threading
from pathlib import Path

import click
from rich.table import Table

from alerting.link import Broker
from app.command.device import ACTIONS, change_credential
from app.exchange import export_exchange, import_exchange
from app.output import table_console
from app.service.account import neighbour_account
from app.service.address import app_database_url, broker_for
from app.service.authority import DEVICE_DAYS
from app.service.exchange_link import ExchangeAgent
from app.service.schema import check_schema
from app.settings import load_settings
from domain.county import load_county
from domain.error import ConfigurationError
from domain.exchange import encode_csv, encode_json
from domain.period import midnight
from store.connection import Connection, connect
from store.error import translated
from store.exchange import add_neighbour, read_faults, read_neighbours, retire_neighbour

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group("exchange")
def command() -> None:
    """Neighbouring counties: who they are, what they send, what they are sent (docs/exchange.md).

    Their data are kept apart from the own county's and enter none of its statistics.
    """


def _opened() -> Connection:
    return connect(app_database_url(), application_name="lantian exchange")


@command.command("add")
@click.argument("neighbour", metavar="ID")
@click.option("--name-zh", required=True, help="Its Chinese name.")
@click.option("--adcode", help="Six-digit code of GB/T 2260.")
def add(neighbour: str, name_zh: str, adcode: str | None) -> None:
    """Register the neighbouring county ID, or change its name."""
    with translated("register the neighbour"), _opened() as conn:
        add_neighbour(conn, neighbour, name_zh, adcode)
    click.echo(f"neighbour {neighbour} {name_zh}")


@command.command("retire")
@click.argument("neighbour", metavar="ID")
def retire(neighbour: str) -> None:
    """Take nothing more from the neighbour ID; what it sent stays."""
    with translated("retire the neighbour"), _opened() as conn:
        if not retire_neighbour(conn, neighbour, dt.datetime.now(dt.UTC)):
            raise ConfigurationError(f"found no neighbour {neighbour!r} in exchange; see: lantian exchange list")
    click.echo(f"neighbour {neighbour} retired")


@command.command("list")
def list_() -> None:
    """Neighbours with the newest hour that each has sent."""
    with translated("read the neighbours"), _opened() as conn:
        found = read_neighbours(conn)
    if not found:
        click.echo("no neighbours yet; register one: lantian exchange add ID --name-zh NAME")
        return
    table = Table("id", "名称", "代码", "最近小时", "AQI", "类别", box=None)
    for one in found:
        hour = "—" if one.hour is None else f"{one.hour:%Y-%m-%d %H:%M}Z"
        aqi = "—" if one.aqi is None else str(one.aqi)
        table.add_row(one.id, one.name_zh, one.adcode or "—", hour, aqi, one.category_zh or "—")
    table_console().print(table)


@command.command("export")
@click.option("--since", type=_DAY, help="First local day; by default yesterday.")
@click.option("--until", type=_DAY, help="Last local day; by default up to now.")
@click.option(
    "--csv", "part", type=click.Choice(["hours", "warnings"]), help="That part as CSV instead of all as JSON."
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File; by default standard output."
)
def export(since: dt.datetime | None, until: dt.datetime | None, part: str | None, output: Path | None) -> None:
    """Write the own county's hours and warnings for its neighbours."""
    now = dt.datetime.now(dt.UTC)
    end = now.replace(minute=0, second=0, microsecond=0)
    first = end - dt.timedelta(days=1) if since is None else midnight(since.date())
    if until is not None:
        end = min(end, midnight(until.date() + dt.timedelta(days=1)))
    if first >= end:
        raise ConfigurationError(f"found --since {first:%Y-%m-%dT%H:%MZ}, expected one before {end:%Y-%m-%dT%H:%MZ}")
    with translated("export for neighbours"), _opened() as conn:
        found = export_exchange(conn, load_county(load_settings().county).id, first, end)
    content = encode_json(found) if part is None else encode_csv(found, part)
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        output.write_bytes(content)
    click.echo(f"{len(found.hours)} hours and {len(found.warnings)} warnings of {found.county}", err=True)


@command.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(files: tuple[Path, ...]) -> None:
    """Store neighbours' FILES (JSON or CSV); what is known already is recognised, corrections become versions."""
    for path in files:
        with translated(f"import {path}"), _opened() as conn:
            now = dt.datetime.now(dt.UTC)
            done = import_exchange(conn, path.read_bytes(), path.name, now)
            faults = read_faults(conn, done.neighbour)
        click.echo(
            f"{path.name}: {done.neighbour}: received {done.received} = stored {done.stored} + duplicate"
            f" {done.duplicate} + revised {done.revised} + rejected {done.rejected}"
        )
        for fault in faults[:10]:
            click.echo(f"  {fault}", err=True)


@command.command("follow")
@click.option("--every", default=300.0, show_default=True, type=click.FloatRange(1), help="Seconds between two looks.")
def follow(every: float) -> None:
    """Publish what changes here and store what neighbours publish, until SIGTERM or Ctrl-C."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = load_settings()
    check_schema(settings)
    where = broker_for(settings, "exchange")
    broker = Broker(
        where.host, where.port, where.username, where.password, None if where.tls is None else Path(where.tls)
    )
    county = load_county(settings.county).id
    ExchangeAgent(broker, county, _opened, lambda: dt.datetime.now(dt.UTC), every).run(stop)


@command.command("credential")
@click.argument("neighbour", metavar="ID")
@click.argument("action", type=click.Choice(ACTIONS))
@click.option("--days", default=DEVICE_DAYS, show_default=True, type=click.IntRange(1), help="Life of a certificate.")
@click.option(
    "--output", default=".", type=click.Path(file_okay=False, path_type=Path), help="Folder for a certificate."
)
def credential(neighbour: str, action: str, *, days: int, output: Path) -> None:
    """Make, show, rotate or revoke what the neighbour ID connects to the broker with.

    Its user name is neighbour.ID; it publishes as its own county and reads what the others publish, nothing else.
    """
    if action in ("create", "rotate", "certificate"):
        with translated("read the neighbours"), _opened() as conn:
            known = [one.id for one in read_neighbours(conn)]
        if neighbour not in known:
            raise ConfigurationError(
                f"found no neighbour {neighbour!r}, expected one of {', '.join(known) or 'none yet'}"
            )
    change_credential(neighbour_account(neighbour), action, days, output)
