"""`lantian target`: the plan's targets with their actuals, and figures reported for them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import click
from rich.table import Table

from app.job.target import evaluate_targets
from app.output import table_console
from app.service.address import app_database_url
from domain.error import ConfigurationError
from domain.period import local_date
from store.connection import connect
from store.error import translated
from store.status import TargetStatus, read_target_status
from store.target import NewReport, TargetRow, add_report, read_targets
from store.target_budget import ShownBudget, read_budgets


@click.group("target")
def command() -> None:
    """Show the plan's targets and report figures for them."""


@command.command("list")
def list_targets() -> None:
    """List every target with its actual, status, due date and responsible body."""
    with (
        translated("read the targets"),
        connect(app_database_url(), application_name="lantian target") as conn,
    ):
        rows = read_target_status(conn)
    _print(rows)


@command.command("budget")
@click.option("--year", type=click.IntRange(1980, 2100), help="Local year; the running one when absent.")
def budget(*, year: int | None) -> None:
    """Show what the rest of the year may bring for each measured target, and where it is heading.

    As the job `budget` has it (up to yesterday): the mean the remaining days may have, or how many of them may lie
    above a percentile's limit; the value expected at the end of the year with its 80 % interval; further days without
    a value that the year bears. docs/budget.md.
    """
    start = dt.date(year or local_date(dt.datetime.now(dt.UTC)).year, 1, 1)
    with translated("read the budgets"), connect(app_database_url(), application_name="lantian target") as conn:
        rows = read_budgets(conn, start)
    if not rows:
        click.echo(f"no budget of {start.year}: no measured target has a valid day, or the job budget has not run")
        return
    console = table_console()
    console.print(budget_table(rows), **({} if console.is_terminal else {"width": 200}))  # type: ignore[arg-type]


def budget_table(rows: Sequence[ShownBudget]) -> Table:
    """The budgets as a table in Chinese."""
    table = Table(title=f"年终预算（截至 {rows[0].as_of}）", box=None, padding=(0, 2, 0, 0))
    for heading in (
        *("目标", "目标值", "至今", "完整率", "剩余天数", "剩余日均上限", "还可超标天数", "预计年终", "80%区间"),
        *("往年", "还可无效天数", "展望"),
    ):
        table.add_column(heading, overflow="fold")
    for row in rows:
        interval = "—" if row.low is None else f"{row.low:.1f}～{row.high:.1f}"
        full = "—" if row.completeness_percent is None else f"{row.completeness_percent:.0f}%"
        table.add_row(
            *(row.indicator_zh, f"{row.comparator} {row.target_value:g} {row.unit}", _rounded(row.value), full),
            *(str(row.remaining_days), _rounded(row.remaining_mean), _figure(row.further_days_above)),
            *(_rounded(row.projected), interval, str(row.past_years), str(row.invalid_days_allowed), row.outlook_zh),
        )
    return table


def _rounded(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f}"


@command.command("report")
@click.argument("target_id")
@click.argument("value", type=float)
@click.option("--as-of", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Local day the figure describes.")
@click.option("--by", "reported_by", required=True, help="Who reports it.")
@click.option("--note", default="", help="Remark kept with the figure.")
def report(target_id: str, value: float, as_of: dt.datetime, *, reported_by: str, note: str) -> None:
    """Report VALUE for the target TARGET_ID; earlier figures are kept, of one day the last one counts.

    A target whose id several areas have is named AREA/TARGET.
    """
    now = dt.datetime.now(dt.UTC)
    with (
        translated("report a figure"),
        connect(app_database_url(), autocommit=True, application_name="lantian target") as conn,
    ):
        target = reportable(read_targets(conn), target_id)
        day = as_of.date()
        checked_report(target, value, day, reported_by=reported_by, today=local_date(now))
        add_report(conn, NewReport(target.area, target.id, day, value, reported_by.strip(), note))
        evaluate_targets(conn, now=now)
        rows = [row for row in read_target_status(conn) if (row.area_id, row.target_id) == (target.area, target.id)]
    _print(rows)


def reportable(targets: Sequence[TargetRow], target_id: str) -> TargetRow:
    """The one target of that id whose actual is reported; `ConfigurationError` says what exists otherwise."""
    known = sorted({row.id for row in targets if row.actual_kind == "reported"})
    named = [row for row in targets if target_id in (row.id, f"{row.area}/{row.id}")]
    if not named:
        raise ConfigurationError(f"target {target_id!r} is unknown, expected one of {', '.join(known)}")
    if len(named) > 1:
        full = ", ".join(f"{row.area}/{row.id}" for row in named)
        raise ConfigurationError(f"target {target_id!r} is one of several areas, expected one of {full}")
    if named[0].actual_kind != "reported":
        raise ConfigurationError(
            f"target {target_id!r} is {named[0].actual_kind}, not reported; expected one of {', '.join(known)}"
        )
    return named[0]


def checked_report(target: TargetRow, value: float, day: dt.date, *, reported_by: str, today: dt.date) -> None:
    """Refuse what cannot be: no finite number, negative, a share above 100 %, of a day to come, by nobody."""
    if not math.isfinite(value) or value < 0:
        raise ConfigurationError(f"value {value:g}: expected a number of 0 or more")
    if target.unit == "%" and value > 100:
        raise ConfigurationError(f"value {value:g}: expected a share of 0 to 100 %")
    if day > today:
        raise ConfigurationError(f"--as-of {day}: expected a day up to today ({today})")
    if not reported_by.strip():
        raise ConfigurationError("--by is empty: expected the name of the person or body that reports")


def _print(rows: Sequence[TargetStatus]) -> None:
    """Print the table, as wide as it needs to be where the output is no terminal."""
    console = table_console()
    console.print(target_table(rows), **({} if console.is_terminal else {"width": 200}))  # type: ignore[arg-type]


def target_table(rows: Sequence[TargetStatus]) -> Table:
    """The targets as a table in Chinese: the period that decides each, and the latest period beside it."""
    table = Table(title="目标与实绩", box=None, padding=(0, 2, 0, 0))
    for heading in ("编号", "目标", "目标值", "评判时段", "实绩", "状态", "最新实绩", "最新状态", "到期", "责任单位"):
        table.add_column(heading, no_wrap=heading == "编号", overflow="fold")
    for row in rows:
        table.add_row(
            row.target_id,
            row.indicator_zh,
            row.target_zh,
            row.period_zh or "—",
            _figure(row.actual),
            row.status_zh,
            _figure(row.current_actual),
            row.current_status_zh or "—",
            row.due_zh,
            row.responsible_zh,
        )
    return table


def _figure(value: float | None) -> str:
    return "—" if value is None else f"{value:g}"
