"""`lantian forecast`: evaluate on files; train, issue, show and import in the database."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table

from app.forecast_evaluation import Plan, evaluate_forecast, load_histories, parse_years, report_lines
from app.forecast_import import COLUMNS, forecasts, rows_from_csv
from app.job.forecast import issue, judge_issued, train
from app.output import put_result, table_console
from app.service.access import local_access
from app.service.address import app_database_url
from app.settings import load_settings
from domain.error import ConfigurationError
from domain.outlook import OFFICIAL
from domain.period import ZONE
from store.connection import Connection, connect
from store.error import translated
from store.forecast import (
    ForecastValue,
    Issuer,
    insert_issuer,
    read_best,
    read_issuers,
    read_issues,
    read_place_ids,
    retire_issuer,
    write_forecast,
)
from store.forecast_model import read_skill

_EPILOG = """\b
Example:
  lantian forecast evaluate --format prsa --fit-years 2013-2015 --test-years 2016 PRSA_Data_*.csv.gz
  lantian forecast evaluate --format prsa --fit-years 2013-2014 --test-years 2015-2016 \\
      --test-station Dongsi --test-station Wanliu PRSA_Data_*.csv.gz

\b
Of each station, item and lead:
  hour            the hour that many hours ahead
  24 h mean       the mean of the 24 hours that end with it; at 24 h the next 24 hours
  o3 max 8 h, daily aqi   of the same 24 hours
  persistence     hours: the newest value (O3: that of the same clock hour of the last day);
                  days: the value of the last 24 hours
  climatology     mean of the fitted years by month (and clock hour)
  below persistence   by how much the RMSE lies below that of persistence

An issue is made at every hour of the test years from what was measured up to it.
"""


class _ForecastGroup(click.Group):
    """Without the name of a command the files are evaluated."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the command there when it is left out."""
        if args and args[0] not in self.commands and not {"-h", "--help"} & set(args[:1]):
            args = ["evaluate", *args]
        return super().parse_args(ctx, args)


@click.group("forecast", cls=_ForecastGroup)
def command() -> None:
    """Forecasts of the next three days: evaluate the method on files, show, issue and import forecasts.

    Files without the name of a command are evaluated.
    """


@command.command("evaluate", epilog=_EPILOG)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "file_format", required=True, type=click.Choice(["prsa"]), help="Format of the files.")
@click.option("--fit-years", default="2013-2015", show_default=True, help="Years the model is fitted to.")
@click.option("--test-years", default="2016", show_default=True, help="Years it is judged on.")
@click.option(
    "--test-station", "test_stations", multiple=True, help="Judged only, by a model of the others; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
def evaluate(  # noqa: PLR0913, PLR0917 - one argument per option
    files: tuple[Path, ...],
    file_format: str,
    fit_years: str,
    test_years: str,
    test_stations: tuple[str, ...],
    as_json: bool,
    output: Path | None,
) -> None:
    """Fit the forecast to some years of files of hourly measurements and judge it on others.

    Prints RMSE beside that of persistence and climatology, and the share of outcomes inside the 80 % interval. Each
    station has a model of its own; with --test-station those are judged by a model that has seen only the others.
    """
    plan = Plan(parse_years(fit_years), parse_years(test_years), test_stations)
    stations = evaluate_forecast(load_histories(files), plan, told=lambda name: click.echo(f"{name} ...", err=True))
    report = {
        "format": file_format,
        "fit_years": plan.fit_years,
        "test_years": plan.test_years,
        "stations": stations,
    }
    text = json.dumps(report, ensure_ascii=False, indent=2) if as_json else "\n".join(report_lines(stations))
    put_result(text, output)


@command.command("train")
def train_now() -> None:
    """Fit models that are missing or a week old (the job does so hourly, three at a time)."""
    fitted = 0
    with translated("train the forecast"), _open() as conn:
        while (counts := train(conn, _now()))["fitted"]:
            fitted += counts["fitted"]
            click.echo(f"{fitted} models fitted ...", err=True)
    click.echo(f"{fitted} models fitted, {counts['too_short']} sites with less than 90 days of history")


@command.command("issue")
def issue_now() -> None:
    """Issue a forecast of every site now (the job does so every three hours)."""
    with translated("issue forecasts"), _open() as conn:
        counts = issue(conn, _now())
    click.echo(", ".join(f"{count} {what.replace('_', ' ')}" for what, count in counts.items()))


@command.command("show")
@click.argument("site", metavar="SITE")
@click.option("--hours", is_flag=True, help="Hour by hour instead of days.")
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="As known at this local time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def show(site: str, hours: bool, at: dt.datetime | None, as_json: bool) -> None:
    """Show the best forecast of SITE (a site or an area): official before our own, with interval and issue time."""
    now = _now() if at is None else at.replace(tzinfo=ZONE)
    with translated("read the forecast"), _open() as conn:
        if site not in read_place_ids(conn):
            raise ConfigurationError(f"found no site or area {site!r} in service; see lantian site list")
        found = [row for row in read_best(conn, site, now) if row.kind == ("hour" if hours else "day")]
    if as_json:
        click.echo(json.dumps([_plain(row) for row in found], ensure_ascii=False, indent=2))
    elif not found:
        click.echo(f"{site}: no forecast is in use; see lantian forecast list and lantian job list")
    else:
        table_console().print(_shown(site, found))


@command.command("list")
@click.option("--site", help="Of one site or area only.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many.")
def list_issues(site: str | None, limit: int) -> None:
    """List the newest forecasts as issued; all are kept."""
    with translated("read the forecasts"), _open() as conn:
        rows = read_issues(conn, site, limit=limit)
    table = Table("site", "issuer", "issued", "received", "origin", "items", box=None, header_style="bold")
    for row in rows:
        table.add_row(
            row.site_id, row.issuer_id, _local(row.issued_at), _local(row.received_at), row.origin, ", ".join(row.items)
        )
    table_console().print(table)


@command.command("skill")
@click.option("--site", help="Of one site or area only.")
@click.option("--again", is_flag=True, help="First judge what has been issued (the job does so daily).")
def show_skill(site: str | None, again: bool) -> None:
    """Show RMSE against persistence and climatology, and coverage, of models (training) and forecasts as issued."""
    with translated("read the skill"), _open() as conn:
        if again:
            judge_issued(conn, _now())
        rows = read_skill(conn, site)
    table = Table(
        *("site", "basis", "kind", "item", "lead", "count", "RMSE", "below persistence", "below climatology", "inside"),
        box=None,
        header_style="bold",
    )
    for row in rows:
        shares = (row.below_persistence_percent, row.below_climatology_percent, row.coverage_percent)
        table.add_row(
            *(row.site_id, row.basis, row.kind, row.item, str(row.lead), str(row.count), f"{row.rmse:.1f}"),
            *("-" if share is None else f"{share:.1f}%" for share in shares),
        )
    table_console().print(table)


@command.command("import")
@click.argument("issuer", metavar="ISSUER")
@click.argument("file", type=click.Path(path_type=Path))
def import_file(issuer: str, file: Path) -> None:
    """Import official forecasts of ISSUER from a CSV file, all rows or none.

    Columns: site (site or area), issued_at, kind (hour or day), time (start of the hour, or the day), item (pm25,
    pm10, o3, o3_8h, aqi), value, low, high, primary. Times without an offset are Beijing time; value may be left out
    where low and high stand.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: found {error}, expected a CSV file of {', '.join(COLUMNS)}") from error
    with translated("import forecasts"), _open() as conn:
        known = read_issuers(conn).get(issuer)
        if known is None or known.source != OFFICIAL or known.retired_at is not None:
            raise ConfigurationError(
                f"found no official issuer {issuer!r}; register it: lantian forecast issuer add ..."
            )
        told = forecasts(
            *(rows_from_csv(text, file.name), issuer, f"file {file.name}"),
            known_site=read_place_ids(conn).__contains__,
            now=_now(),
        )
        with conn.transaction():
            written = [write_forecast(conn, one) for one in told]
    fresh = sum(one is not None for one in written)
    click.echo(f"{fresh} forecasts imported, {len(written) - fresh} were there already")


@command.group("issuer")
def issuers() -> None:
    """Who issues official forecasts: add, list, retire."""


@issuers.command("add")
@click.argument("issuer", metavar="ID")
@click.option("--name", required=True, help="Name as screens show it.")
@click.option("--rank", default=10, show_default=True, type=click.IntRange(1, 99), help="The lower one outranks.")
@click.option("--valid-hours", default=36, show_default=True, type=click.IntRange(1, 240), help="Use after each issue.")
@click.option("--by", required=True, help="Who registers it.")
@click.option("--account", is_flag=True, help="Make an account at the local broker for forecasts over MQTT.")
def add_issuer(  # noqa: PLR0913, PLR0917 - one argument per option
    issuer: str, name: str, rank: int, valid_hours: int, by: str, account: bool
) -> None:
    """Register an issuer of official forecasts; over MQTT it publishes to lt/v1/COUNTY/forecast/ID/issue."""
    with translated("register an issuer"), _open() as conn:
        insert_issuer(conn, Issuer(issuer, name, OFFICIAL, rank, valid_hours), by)
    click.echo(f"{issuer}: registered")
    if account:
        address = local_access(load_settings()).create(issuer, _now())
        click.echo(
            f"host {address.host}\nport {address.port}\nusername {address.username}\npassword {address.password}"
        )
        click.echo("the password is not shown again", err=True)


@issuers.command("list")
def list_issuers() -> None:
    """List the issuers in order of rank."""
    with translated("read the issuers"), _open() as conn:
        rows = read_issuers(conn).values()
    table = Table("id", "name", "source", "rank", "valid hours", "retired", box=None, header_style="bold")
    for row in rows:
        retired = "" if row.retired_at is None else _local(row.retired_at)
        table.add_row(row.id, row.name_zh, row.source, str(row.rank), str(row.valid_h), retired)
    table_console().print(table)


@issuers.command("retire")
@click.argument("issuer", metavar="ID")
def retire(issuer: str) -> None:
    """Let the forecasts of an issuer no longer count; they are kept."""
    with translated("retire an issuer"), _open() as conn:
        retire_issuer(conn, issuer, _now())
    click.echo(f"{issuer}: retired")


def _plain(row: ForecastValue) -> dict[str, object]:
    return {
        "item": row.item,
        "time": row.time.astimezone(ZONE).isoformat(),
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "primary": row.primaries.split(",") if row.primaries else [],
        "issuer": row.issuer_zh,
        "issued_at": row.issued_at.astimezone(ZONE).isoformat(timespec="minutes"),
    }


def _shown(site: str, rows: Sequence[ForecastValue]) -> Table:
    table = Table("item", "time", "value", "interval", "primary", "issuer", "issued", title=site, box=None)
    for row in rows:
        moment = f"{row.time.astimezone(ZONE):%Y-%m-%d}" if row.kind == "day" else _local(row.time)
        interval = f"{row.low:.0f} - {row.high:.0f}"
        table.add_row(
            *(row.item, moment, f"{row.value:.0f}", interval, row.primaries or ""), row.issuer_zh, _local(row.issued_at)
        )
    return table


def _local(moment: dt.datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}"


def _open() -> Connection:
    return connect(app_database_url(), autocommit=True, application_name="lantian forecast")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
