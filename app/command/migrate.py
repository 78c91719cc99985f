"""`lantian migrate`: schema, reference tables and the county's data set."""

from __future__ import annotations

import click

from app.service.progress import Lines
from app.service.schema import prepare_database
from app.settings import load_settings


@click.command("migrate")
def command() -> None:
    """Bring the database to this version: migrations, the standards' tables, the county's data set.

    Doing it twice is harmless. `lantian up` does it by itself.
    """
    applied = prepare_database(load_settings(), Lines())
    for name in applied:
        click.echo(f"applied {name}")
    click.echo("the database is up to date" if not applied else f"{len(applied)} migrations applied")
