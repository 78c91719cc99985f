"""`lantian rank`: stations and townships by their composite index, and its weights."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import click
from rich.table import Table

from app.output import table_console
from app.registry_command import registry
from domain.error import ConfigurationError
from domain.period import PERIOD_KINDS, PeriodKind, local_date, period_start
from domain.pollutant import SIX, SIX_KEYS
from store.ranking import RankedSite, RankedTownship, add_weights, read_ranking, read_townships, read_weights
from store.register import Author


@click.group("rank", invoke_without_command=True)
@click.option("--kind", default="month", show_default=True, type=click.Choice(PERIOD_KINDS))
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="A local day within the period; today when absent.")
@click.option("--townships", is_flag=True, help="Rank townships, each the mean of its stations.")
@click.pass_context
def command(context: click.Context, *, kind: PeriodKind, day: dt.datetime | None, townships: bool) -> None:
    """Rank stations or townships by the composite index.

    The index is the sum over the six pollutants of weight times concentration over limit; smaller is better, ties
    share a rank. Beside it stand the index with all weights 1, the change against the same period of last year under
    the limits and weights of this one, and both indices without confirmed dust hours.
    """
    if context.invoked_subcommand is not None:
        return
    start = period_start(kind, day.date() if day else local_date(dt.datetime.now(dt.UTC)))
    with registry("read the ranking") as conn:
        rows = read_townships(conn, kind, start) if townships else read_ranking(conn, kind, start)
    if not rows:
        click.echo(f"no station has all six pollutants in the {kind} from {start}")
        return
    names = ("township", "stations") if townships else ("station", "kind", "township", "main")
    table = Table(
        *("rank", *names, "index", "change", "rank of change", "complete"),
        *("all weights 1", "its rank", "its change", "no dust", "no dust, weights 1"),
        title=f"{kind} from {start}; weights: {rows[0].weights_zh}",
        box=None,
    )
    for row in rows:
        table.add_row(*_cells(row))
    table_console().print(table)


def _cells(row: RankedSite | RankedTownship) -> Sequence[str]:
    if isinstance(row, RankedTownship):
        place = [row.township, f"{row.stations}{'' if row.reference else ' micro'}"]
    else:
        place = [row.site_zh, row.site_kind, row.township or "", row.main_zh]
    change = [_text(row.weighted_change_percent, "+.1f", "%"), _text(row.weighted_change_rank, "d")]
    plain = [f"{row.composite:.2f}", str(row.rank), _text(row.change_percent, "+.1f", "%")]
    clean = [_text(row.weighted_without_dust, ".2f"), _text(row.composite_without_dust, ".2f")]
    full = f"{row.completeness_percent:.0f}%"
    return [_text(row.weighted_rank, "d"), *place, _text(row.weighted, ".2f"), *change, full, *plain, *clean]


def _text(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"


@command.command("weights")
def weights() -> None:
    """List the sets of weights ever entered: first day, weights, who entered them and why."""
    with registry("read the weights") as conn:
        rows = read_weights(conn)
    table = Table("from", *(pollutant.symbol for pollutant in SIX), "counts", "entered", box=None)
    for row in rows:
        numbers = [f"{row.weights[key]:g}" for key in SIX_KEYS]
        entered = f"{row.author.name}: {row.author.why}"
        table.add_row(row.first_day.isoformat(), *numbers, "yes" if row.counts else "replaced", entered)
    table_console().print(table)


@command.command("weigh")
@click.argument("pairs", nargs=-1, required=True, metavar="POLLUTANT=WEIGHT...")
@click.option(
    *("--from", "first_day"),
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Counts for periods that end on this day or later.",
)
@click.option("--by", required=True, help="Who enters it; kept for good.")
@click.option("--why", required=True, help="The reason, such as the document; kept for good.")
def weigh(pairs: tuple[str, ...], *, first_day: dt.datetime, by: str, why: str) -> None:
    """Enter weights such as pm25=3 no2=2 o3=2; pollutants not named weigh 1. Earlier sets stay on record."""
    if not by.strip() or not why.strip():
        raise ConfigurationError("found an empty --by or --why, expected both: they are kept for good")
    given = dict.fromkeys(SIX_KEYS, 1.0) | _weights(pairs)
    with registry("enter weights") as conn:
        add_weights(conn, first_day.date(), given, Author(by.strip(), why.strip()))
    click.echo("entered: " + " ".join(f"{key}={given[key]:g}" for key in SIX_KEYS))


def _weights(pairs: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for pair in pairs:
        key, _, text = pair.partition("=")
        try:
            weight = float(text)
        except ValueError:
            weight = -1.0
        if key not in SIX_KEYS or key in found or not 0 <= weight <= 1000:
            expected = f"one of {', '.join(SIX_KEYS)}, each once, = a weight from 0 to 1000"
            raise ConfigurationError(f"found {pair!r}, expected {expected}")
        found[key] = weight
    if not sum((dict.fromkeys(SIX_KEYS, 1.0) | found).values()):
        raise ConfigurationError("found the weight 0 for all six pollutants, expected one above 0")
    return found
