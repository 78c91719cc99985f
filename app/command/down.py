"""`lantian down`: end everything that `lantian up` started, in order."""

from __future__ import annotations

import os
import signal
import time
from typing import Final

import click

from app.service.home import Home
from app.service.process import wait_until
from app.service.state import read_state
from app.settings import load_settings
from domain.error import ConfigurationError, ServiceError

_PATIENCE_S: Final = 150.0


@click.command("down")
def command() -> None:
    """Stop simulated stations, statistics, collector, broker and database, in this order; the data stay."""
    home = Home(load_settings().home)
    keeper = home.keeper()
    if keeper is None:
        click.echo("Lantian is not running; nothing to stop.")
        return
    names = [process.name for process in read_state(home).processes]
    click.echo(f"stopping {', '.join(reversed(names)) or 'the services'} ...")
    began = time.monotonic()
    try:
        os.kill(keeper, signal.SIGTERM)
    except PermissionError:
        raise ConfigurationError(
            f"process {keeper}, which runs {home.folder}, belongs to another user; stop it as that user"
        ) from None
    if not wait_until(lambda: home.keeper() is None, lambda: True, _PATIENCE_S):
        raise ServiceError(f"process {keeper} has not ended within {_PATIENCE_S:.0f} s; see {home.log}")
    click.echo(f"stopped after {time.monotonic() - began:.1f} s; the data stay in {home.folder}")
