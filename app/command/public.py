"""`lantian public`: pages and open data for everybody."""

from __future__ import annotations

import datetime as dt
import logging
import sys

import click

from app.service.address import database_url
from app.service.home import Home
from app.service.port import LOOPBACK, free_port
from app.service.schema import check_schema
from app.settings import load_settings
from console.public.desk import ROOT, PublicDesk
from console.public.server import public_server
from domain.county import load_county
from domain.error import ConfigurationError
from store.pool import Pool


@click.command("public")
@click.option("--address", help="Where to listen; default: setting public_address.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; default: setting public_port.")
def command(address: str | None, port: int | None) -> None:
    """Serve air quality, warnings and emissions without signing in, until SIGTERM or Ctrl-C.

    Reads the views of screens only. Everything lies below /public, so that a proxy hands on one path (docs/public.md).
    """
    settings = load_settings()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    where, chosen = address or settings.public_address, port or settings.public_port
    if where == LOOPBACK and port is None:
        chosen = free_port(chosen)
    check_schema(settings)
    county = load_county(settings.county)
    desk = PublicDesk(
        pool=Pool(database_url(settings, "lantian_reader"), size=2, application_name="lantian public"),
        now=lambda: dt.datetime.now(dt.UTC),
        county=county.id,
        county_zh=county.name_zh,
        per_minute=settings.public_requests_per_minute,
        proxy=settings.public_proxy,
        url=settings.public_url,
    )
    Home(settings.home).remember_ports(public=chosen)
    click.echo(f"public pages on http://{where}:{chosen}{ROOT}/", err=True)
    server = public_server(desk, where, chosen)
    server.run()
    if not server.started:
        raise ConfigurationError(f"the public pages could not listen on {where}:{chosen}; see the message above")
