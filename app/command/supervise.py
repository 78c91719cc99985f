"""`lantian supervise`: the process behind `lantian up`; it lives until SIGTERM."""

from __future__ import annotations

import datetime as dt
import signal

import click

from app.service.progress import Silence
from app.service.supervisor import Supervisor
from app.settings import load_settings


@click.command("supervise", hidden=True)
def command() -> None:
    """Run the processes of `lantian up` until SIGTERM."""
    supervisor = Supervisor(load_settings(), Silence(), lambda: dt.datetime.now(dt.UTC))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop.set())
    supervisor.run()
