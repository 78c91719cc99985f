"""`lantian window`: when road wetting is due and outdoor work with solvents is forbidden."""

from __future__ import annotations

import datetime as dt

import click
from rich.table import Table

from app.output import table_console
from app.service.address import app_database_url
from domain.period import ZONE, local_date, midnight
from store.connection import connect
from store.error import translated
from store.time_window import read_due


@click.command("window")
@click.option("--area", help="One area only.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Local day; today when absent.")
def command(area: str | None, day: dt.datetime | None) -> None:
    """Show the time windows of a day as decided by the weather measured: state, hours and reason."""
    start = midnight(day.date() if day else local_date(dt.datetime.now(dt.UTC)))
    with (
        translated("read the time windows"),
        connect(app_database_url(), autocommit=True, application_name="lantian window") as conn,
    ):
        rows = read_due(conn, area, start, start + dt.timedelta(days=1))
    if not rows:
        click.echo("no time window on this day, or not decided yet (lantian job run time-window)")
        return
    table = Table("area", "window", "from", "to", "state", "reason", box=None, header_style="bold")
    for place, row in rows:
        span = [f"{moment.astimezone(ZONE):%H:%M}" for moment in (row.starts_at, row.ends_at)]
        table.add_row(place, row.window_id, *span, row.state, row.reason_zh)
    table_console().print(table)
