"""`lantian storage`: what tables take, and compression of what is old."""

from __future__ import annotations

import click
from rich.table import Table

from app.output import table_console
from app.service.address import app_database_url, database_url
from app.settings import load_settings
from store.compression import LAYOUTS, apply, layout_statement, policy_statements
from store.connection import connect
from store.error import translated
from store.storage import read_storage


@click.group("storage")
def command() -> None:
    """Space that tables take, and compression of old chunks (docs/growth.md)."""


@command.command("show")
def show() -> None:
    """Size, chunks and compression of every table of readings and frames."""
    with translated("read sizes"), connect(app_database_url(), application_name="lantian storage") as conn:
        found = read_storage(conn)
    table = Table("table", "size", "chunks", "compressed", "from", "to", box=None, header_style="bold")
    for one in found:
        bounds = ["" if moment is None else f"{moment:%Y-%m-%d}" for moment in (one.start, one.end)]
        table.add_row(one.table, f"{one.size_bytes / 1e6:,.1f} MB", str(one.chunks), str(one.compressed), *bounds)
    table_console().print(table)


@command.command("apply")
def apply_settings() -> None:
    """Bring compression to what compress_reading_days and compress_raw_frame_days say, as owner of the tables.

    `lantian migrate` and `lantian up` do it by themselves. Needs TimescaleDB's community edition.
    """
    settings = load_settings()
    url = database_url(settings, "lantian_owner")
    with translated("set up compression"), connect(url, application_name="lantian storage") as conn:
        done = apply(conn, settings.compression_days())
    for statement in done:
        click.echo(statement)
    click.echo(f"{len(done)} statements carried out" if done else "compression is as the settings say")


@command.command("statements")
@click.option("--days", type=click.IntRange(1), default=14, show_default=True, help="Age from which on.")
def statements(days: int) -> None:
    """Print the statements that set compression up, for whoever runs them by hand."""
    for layout in LAYOUTS:
        for statement in (layout_statement(layout), *policy_statements(layout.table, days)):
            click.echo(f"{statement};")
