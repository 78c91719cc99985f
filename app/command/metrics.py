"""`lantian metrics`: figures for a monitoring system."""

from __future__ import annotations

import signal
import sys
import threading

import click
from prometheus_client import CollectorRegistry, generate_latest

from app.service.address import database_url
from app.service.exporter import Measures, metric_server
from app.service.home import Home
from app.settings import Settings, load_settings
from store.connection import Connection, connect


@click.command("metrics")
@click.option("--address", help="Where to listen; default: setting metrics_address.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; default: setting metrics_port, or 9464.")
@click.option("--print", "once", is_flag=True, help="Print the figures once and end.")
def command(address: str | None, port: int | None, once: bool) -> None:
    """Serve figures at /metrics in the text format that Prometheus reads, until SIGTERM or Ctrl-C.

    Rules for alarms are in deploy/prometheus/, what to do about each in docs/runbook.md.
    """
    settings = load_settings()
    measures = Measures(lambda: _open(settings), Home(settings.home))
    if once:
        registry = CollectorRegistry()
        registry.register(measures)
        sys.stdout.write(generate_latest(registry).decode())
        return
    where, chosen = address or settings.metrics_address, port or settings.metrics_port or 9464
    server = metric_server(measures, where, chosen)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    click.echo(f"metrics at http://{where}:{server.server_port}/metrics", err=True)
    with server:
        server.serve_forever()


def _open(settings: Settings) -> Connection:
    return connect(
        database_url(settings, "lantian_reader"),
        autocommit=True,
        application_name="lantian metrics",
        statement_timeout_s=10,
        connect_timeout_s=3,
    )
