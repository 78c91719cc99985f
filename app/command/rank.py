"""`lantian rank`: stations and townships by their composite index."""

from __future__ import annotations

import datetime as dt

import click
from rich.console import Console
from rich.table import Table

from app.service.address import app_database_url
from domain.period import PERIOD_KINDS, PeriodKind, local_date, period_start
from store.connection import connect
from store.error import translated
from store.ranking import read_ranking


@click.command("rank")
@click.option("--kind", default="month", show_default=True, type=click.Choice(PERIOD_KINDS))
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="A local day within the period; today when absent.")
def command(kind: PeriodKind, day: dt.datetime | None) -> None:
    """Rank stations, with their townships, by the composite index, beside the change against last year.

    The index is the sum over the six pollutants of concentration over limit (all weights 1); smaller is better, ties
    share a rank. `lantian evaluate --period` computes the weighted one from files.
    """
    start = period_start(kind, day.date() if day else local_date(dt.datetime.now(dt.UTC)))
    with (
        translated("read the ranking"),
        connect(app_database_url(), autocommit=True, application_name="lantian rank") as conn,
    ):
        rows = read_ranking(conn, kind, start)
    if not rows:
        click.echo(f"no station has all six pollutants in the {kind} from {start}")
        return
    table = Table(
        *("rank", "station", "township", "index", "main", "change", "rank of change", "complete"),
        title=f"{kind} from {start}",
        box=None,
    )
    for row in rows:
        changed = ["-", "-"]
        if row.change_percent is not None:
            changed = [f"{row.change_percent:+.1f}%", str(row.change_rank)]
        table.add_row(
            *(str(row.rank), row.site_zh, row.township or "", f"{row.composite:.2f}", row.main_zh, *changed),
            f"{row.completeness_percent:.0f}%",
        )
    Console().print(table)
