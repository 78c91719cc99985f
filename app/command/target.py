"""`lantian target`: the plan's targets with their actuals, and figures reported for them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from app.job.target import evaluate_targets
from app.service.address import app_database_url
from domain.error import ConfigurationError
from domain.period import local_date
from store.connection import connect
from store.error import translated
from store.status import TargetStatus, read_target_status
from store.target import NewReport, TargetRow, add_report, read_targets


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
    console = Console()
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
