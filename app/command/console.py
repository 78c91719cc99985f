"""`lantian console`: the web pages where people see and act."""

from __future__ import annotations

import logging
import sys

import click

from app.console_desk import console_desk
from app.service.console_check import console_url
from app.service.home import Home
from app.service.port import LOOPBACK, free_port
from app.service.schema import check_schema
from app.settings import load_settings
from console.server import console_server
from domain.error import ConfigurationError


@click.command("console")
@click.option("--address", help="Where to listen; default: setting console_address.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; default: setting console_port.")
def command(address: str | None, port: int | None) -> None:
    """Serve the console until SIGTERM or Ctrl-C: pages for people, a JSON interface for programs.

    Listens on this machine only unless console_address says otherwise; give it a certificate then (console_tls_*), or a
    proxy with TLS in front and console_public_url.
    """
    settings = load_settings()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    where = address or settings.console_address
    chosen = port or settings.console_port
    if where == LOOPBACK and port is None:
        chosen = free_port(chosen)
    check_schema(settings)
    desk = console_desk(settings)
    Home(settings.home).remember_ports(console=chosen)
    click.echo(f"console listens on {console_url(settings, where, chosen)}", err=True)
    certificate = (settings.console_tls_certificate, settings.console_tls_key)
    server = console_server(desk, where, chosen, certificate=certificate, proxies=settings.console_proxies)
    server.run()
    if not server.started:
        raise ConfigurationError(f"the console could not listen on {where}:{chosen}; see the message above")
