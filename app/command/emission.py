"""`lantian emission`: flue gas against its limits."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from analytics.emission_compliance import cumulative_emission
from app.emission_file import FileHours, judge_table, judged_text
from app.job.settle import Settled
from app.job.source import settle_stacks
from app.output import table_console
from app.pollutant_table import PollutantTable, decoded
from app.service.address import app_database_url
from domain.emission import outlets
from domain.error import ConfigurationError
from domain.period import ZONE, local_date, midnight, period_start
from store.connection import connect
from store.error import translated
from store.stack_hour import POLLUTANTS, StackMonthRow, mark_stack_hours, read_stack_hour_texts, read_stack_months

_DAY = click.DateTime(["%Y-%m-%d"])
_NAMES = {"pm": "颗粒物", "so2": "二氧化硫", "nox": "氮氧化物", "co": "一氧化碳", "nh3": "氨", "any": "全部"}
_EPILOG = """\b
Example:
  lantian emission judge hours.csv --outlet sinter_head -o judged.csv

\b
An input of
  time,so2,nox,o2,flow,mark
  2026-11-25 08:00,12,40,13.5,100,N
becomes
  time,so2,nox,o2,flow,mark,so2_converted,so2_limit,so2_verdict,so2_kg,nox_...,state
  2026-11-25 08:00,12,40,13.5,100,N,8,35,达标,4.32,...,running
"""


@click.group("emission")
def command() -> None:
    """Flue gas: hours at reference oxygen, hours over the limits, share within per month, mass emitted."""


@command.command("show")
@click.option("--month", type=click.DateTime(["%Y-%m"]), help="Month; by default the running one.")
@click.option("--site", help="Only this stack.")
def show(month: dt.datetime | None, site: str | None) -> None:
    """Per stack and pollutant: hours judged and over, share within, emission of month and year."""
    first = month.date() if month else period_start("month", local_date(dt.datetime.now(dt.UTC)))
    with translated("read the months of stacks"), connect(app_database_url()) as conn:
        rows = [row for row in read_stack_months(conn, first, first) if site in (None, row[2].site)]
    if not rows:
        click.echo(f"no stack has hours of {first:%Y-%m}; what was settled: lantian status")
        return
    table = Table(title=f"排放口 {first:%Y-%m}", box=None)
    for heading in ("排放口", "污染物", "运行h", "判定h", "超标h", "达标率%", "要求", "本月t", "全年t", "许可t"):
        table.add_column(heading, overflow="fold")
    for name, year_t, row in rows:
        table.add_row(name, _NAMES[row.pollutant], *_counts(row), *_tonnes(row, year_t))
    table_console().print(table)


def _counts(row: StackMonthRow) -> tuple[str, ...]:
    met = {True: "达到", False: "未达到", None: "无法判定"}[row.met]
    percent = "" if row.percent is None else f"{row.percent:.1f}"
    return str(row.operating_hours), str(row.judged_hours), str(row.over_hours), percent, met


def _tonnes(row: StackMonthRow, year_t: float) -> tuple[str, ...]:
    if row.pollutant == "any":
        return "", "", ""
    return f"{row.kg / 1000:.3f}", f"{year_t:.3f}", "" if row.permitted_t is None else f"{row.permitted_t:g}"


@command.command("hours")
@click.option("--site", required=True, help="Stack.")
@click.option("--from", "low", type=_DAY, required=True, help="First local day.")
@click.option("--to", "high", type=_DAY, required=True, help="Last local day.")
def hours(site: str, low: dt.datetime, high: dt.datetime) -> None:
    """Write the settled hours of a stack as CSV, one row per hour and pollutant."""
    bounds = midnight(low.date()), midnight(high.date() + dt.timedelta(days=1))
    with translated("read the hours of stacks"), connect(app_database_url()) as conn:
        rows = read_stack_hour_texts(conn, site, *bounds)
    click.echo("hour,pollutant,measured,converted,limit,verdict,kg,o2,state")
    for moment, *cells in rows:
        told = ["" if cell is None else f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in cells]
        click.echo(",".join([f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}", *told]))


@command.command("settle")
@click.option("--again", nargs=2, type=_DAY, metavar="FROM TO", help="First mark these local days dirty.")
def settle(again: tuple[dt.datetime, dt.datetime] | None) -> None:
    """Compute dirty hours of stacks, their days and months; after a change of an outlet with --again."""
    total = Settled()
    with translated("settle stacks"), connect(app_database_url(), autocommit=True) as conn:
        if again is not None:
            if again[1] < again[0]:
                raise ConfigurationError(f"--again {again[0]:%F} {again[1]:%F}: expected the earlier day first")
            mark_stack_hours(conn, midnight(again[0].date()), midnight(again[1].date() + dt.timedelta(days=1)))
        while (done := Settled(*settle_stacks(conn, limit=5000))).claimed:
            total += done
    click.echo(f"{total.hours} hours, {total.days} rows of days, {total.periods} rows of months")


@command.command("judge", epilog=_EPILOG)
@click.argument("source", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--outlet", "kind", required=True, type=click.Choice(list(outlets())), help="Kind of outlet.")
@click.option("--reference-oxygen", type=click.FloatRange(0, 20), help="Percent, instead of that of the kind.")
@click.option("--permitted", multiple=True, metavar="POLLUTANT=T", help="Permitted total of the file's time, t.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; by default the terminal.")
def judge(
    source: Path, kind: str, reference_oxygen: float | None, *, permitted: tuple[str, ...], output: Path | None
) -> None:
    """Judge hourly means of a stack in a CSV file, without any service.

    Columns by name: time, pm, so2, nox, co, nh3 (mg/m³ of dry gas at the standard state), o2 (%), flow (m³/s), mark;
    Chinese names and HJ 212 codes too. What is marked is not judged. The share of each month, and the emission against
    a permitted total, go to standard error.
    """
    totals = dict(_permitted(pair) for pair in permitted)
    try:
        stream = source.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{source}: found {error.strerror}, expected a CSV file") from error
    with stream:
        judged = judge_table(PollutantTable(decoded(stream, "auto"), source.name), kind, reference_oxygen)
    if output is None:
        click.echo(judged_text(judged), nl=False)
    else:
        output.write_text(judged_text(judged), encoding="utf-8")
    for row in judged.months:
        operating, seen, over, percent, met = _counts(row)
        click.echo(
            f"{row.month:%Y-%m} {_NAMES[row.pollutant]}: 运行 {operating} h, 判定 {seen} h, 超标 {over} h,"
            f" 达标率 {percent or '-'} %, {met}",
            err=True,
        )
    for pollutant, total in totals.items():
        click.echo(_used(judged, pollutant, total), err=True)


def _permitted(pair: str) -> tuple[str, float]:
    name, _, amount = pair.partition("=")
    try:
        total = float(amount)
    except ValueError:
        total = 0.0
    if name not in POLLUTANTS or not total > 0:
        raise ConfigurationError(f"--permitted {pair}: expected one of {', '.join(POLLUTANTS)}, = and tonnes")
    return name, total


def _used(judged: FileHours, pollutant: str, total: float) -> str:
    """How much of a permitted total was emitted, and since when it is exceeded."""
    hours = judged.hours
    order = np.argsort(hours.hours_s)
    standing = np.array([state == "stopped" for state in hours.states], dtype=np.bool_)[order]
    emission = cumulative_emission(hours.kg[order, POLLUTANTS.index(pollutant)], standing=standing, permitted_t=total)
    told = (
        f"{_NAMES[pollutant]}: 累计 {emission.tonnes[-1]:.6g} t, 许可 {total:g} t, 占 {100 * emission.share[-1]:.1f} %"
    )
    if emission.exceeded_at is not None:
        moment = dt.datetime.fromtimestamp(int(hours.hours_s[order][emission.exceeded_at]), ZONE)
        told += f", 自 {moment:%Y-%m-%d %H:%M} 起超过"
    return f"{told}, 缺 {emission.missing_hours} h"
