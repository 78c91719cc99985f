"""`lantian target`: the plan's targets with their actuals, and figures reported for them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from app.job.target import evaluate_targets
from app.service.address import app_database_url
from domain.error import ConfigurationError
from domain.period import local_date
from store.connection import connect
from store.error import translated
from store.target import ActualRow, NewReport, TargetRow, add_report, read_actuals, read_targets

STATUS_ZH: Final = {
    "met": "已完成",
    "missed": "未完成",
    "on_track": "进度正常",
    "at_risk": "存在风险",
    "no_data": "无数据",
    "awaiting_report": "待填报",
}


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
        targets, actuals = read_targets(conn), read_actuals(conn)
    Console().print(target_table(targets, actuals))


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
        rows = [row for row in evaluate_targets(conn, now=now) if (row.area, row.target) == (target.area, target.id)]
    Console().print(target_table([target], rows))


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


def shown_actual(target: TargetRow, actuals: Sequence[ActualRow]) -> ActualRow | None:
    """The period that speaks for a target: the due one if it has a value, else the newest with one, else the newest."""
    own = [row for row in actuals if (row.area, row.target) == (target.area, target.id)]
    known = [row for row in own if row.value is not None]
    due = [row for row in known if target.due_on is not None and row.period_start.year == target.due_on.year]
    chosen = due or known or own
    return chosen[-1] if chosen else None


def target_table(targets: Sequence[TargetRow], actuals: Sequence[ActualRow]) -> Table:
    """The targets as a table in Chinese."""
    table = Table(title="目标与实绩")
    for heading in ("编号", "目标", "目标值", "实绩", "截至", "状态", "期限", "责任单位"):
        table.add_column(heading, overflow="fold")
    for target in targets:
        actual = shown_actual(target, actuals)
        figure = actual.published if actual else None
        table.add_row(
            target.id,
            target.indicator_zh,
            f"{target.comparator} {target.value:g} {target.unit}",
            "—" if figure is None else f"{figure:g}",
            str(actual.as_of) if actual else "—",
            STATUS_ZH[actual.status] if actual else STATUS_ZH["no_data"],
            str(target.due_on or target.due_text),
            target.responsible_zh,
        )
    return table
