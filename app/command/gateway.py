"""`lantian gateway`: data loggers that speak HJ 212 over TCP, and the passwords that are asked of them."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path

import click

from app.service.address import app_database_url, broker_for, database_url
from app.service.schema import check_schema
from app.settings import Settings, load_settings
from domain.county import load_county
from domain.error import ConfigurationError
from ingest.gateway.identity import password_digest
from ingest.gateway.server import Gateway, Registry
from ingest.gateway.tally import Limits
from ingest.link import Broker
from store.connection import connect
from store.error import translated
from store.gateway import read_loggers, set_access_password


@click.group("gateway", invoke_without_command=True)
@click.option("--address", help="Where to listen; default: setting gateway_address.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; default: setting gateway_port. 0 = any.")
@click.option("--number", default=1, show_default=True, type=click.IntRange(1), help="Number of this gateway.")
@click.pass_context
def command(context: click.Context, address: str | None, port: int | None, number: int) -> None:
    """Take HJ 212 frames from data loggers on TCP to the broker, and the platform's answers back.

    Runs until SIGTERM or Ctrl-C; one JSON line a minute on standard error. A logger is answered after the database has
    committed its frame.
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    chosen = settings.gateway_port if port is None else port
    if port is None and not chosen:
        raise ConfigurationError("found no gateway_port; expected that setting, or --port (9002 is common)")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    check_schema(settings)
    asyncio.run(_serve(prepared(settings, number), address or settings.gateway_address, chosen))


def prepared(settings: Settings, number: int) -> Gateway:
    """A gateway as the settings say, not running yet.

    Parameters
    ----------
    settings : Settings
        Where database and broker are, and the bounds.
    number : int
        Which gateway this is; those that run at the same time need different ones.

    Returns
    -------
    Gateway
        To be run in an event loop.
    """
    where = broker_for(settings, "gateway")
    certificates = None if where.tls is None else Path(where.tls)
    broker = Broker(where.host, where.port, where.username, where.password, certificates)
    name = f"lantian-gateway-{number}"
    url = database_url(settings, "lantian_writer")

    def read_registry() -> Registry:
        with translated("read the loggers"), connect(url, application_name=name) as conn:
            return read_loggers(conn)

    limits = Limits(
        connections=settings.gateway_max_connections,
        in_flight=settings.gateway_max_in_flight,
        idle_s=settings.gateway_idle_s,
    )
    return Gateway(broker, read_registry, county=area_id(settings), name=name, limits=limits)


def area_id(settings: Settings) -> str:
    """Id of the area of the settings' county."""
    return load_county(settings.county).id


async def _serve(gateway: Gateway, address: str, port: int) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await gateway.run(address, port, stopping)


@command.command("password")
@click.argument("device", metavar="ID")
@click.option("--clear", is_flag=True, help="Do not check the password of this device any more.")
def password(device: str, clear: bool) -> None:
    """Say which PW the frames of device ID must carry; it is asked for, and kept as a salted digest."""
    digest = None
    if not clear:
        word = click.prompt("PW", hide_input=True, confirmation_prompt=sys.stdin.isatty())
        if not word.isascii() or not 1 <= len(word) <= 24 or set(word) & set(";&=,"):
            raise ConfigurationError("found a PW no frame can carry; expected 1 to 24 of ASCII but ;&=,")
        digest = password_digest(word)
    with connect(app_database_url(), application_name="lantian gateway") as conn, translated("set the password"):
        set_access_password(conn, device, digest)
        conn.commit()
    click.echo(f"{device}: PW is {'not checked' if clear else 'checked'} by the gateway (within 30 s)")
