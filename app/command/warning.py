"""`lantian warning`: heavy-pollution warnings, from the proposal to the lift, and what is said from above."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import click
from rich.table import Table

from alerting.response import change_level, confirm, extend, propose, withdraw
from alerting.wording import moment_zh
from app.command.warning_external import exclude, external
from app.command.warning_option import LOCAL, area_named, decides, decision, local_moment, period
from app.evidence import write_reports
from app.job.warning import called_now
from app.output import table_console
from app.registry_command import registry
from domain.error import ConfigurationError
from domain.period import ZONE
from domain.warning_state import ACTIONS_ZH, ISSUED, NONE, STATES_ZH
from store.connection import Connection
from store.order import (
    INSPECTION_RESULTS,
    Inspection,
    add_inspection,
    read_order_measures,
    read_orders,
    read_verdict_counts,
)
from store.registration import read_areas
from store.warning import (
    WarningEvent,
    read_events,
    read_external_orders,
    read_open_warning,
    read_warnings,
)


@click.group("warning")
def command() -> None:
    """Heavy-pollution warnings (重污染天气预警): a person confirms what the platform proposes (docs/warning.md)."""


def _said(event: WarningEvent) -> None:
    """One line about what was done."""
    click.echo(
        f"warning {event.warning_id}: {ACTIONS_ZH[event.action]},"
        f" {STATES_ZH[event.before]} -> {STATES_ZH[event.after]},"
        f" {moment_zh(event.starts_at)}至{moment_zh(event.ends_at)}"
    )


@command.command("status")
@click.option("--area", help="Area; by default all.")
def status(area: str | None) -> None:
    """Show the warning of each area, its orders and how they are carried out, and what the values call for now."""
    now = dt.datetime.now(dt.UTC)
    with registry("read the warnings") as conn:
        areas = read_areas(conn)
        for name in [area_named(conn, area)] if area else areas:
            _showarea_named(conn, name, areas[name], now)


def _showarea_named(conn: Connection, area_id: str, name_zh: str, now: dt.datetime) -> None:
    standing, called = read_open_warning(conn, area_id), called_now(conn, area_id, now)
    click.echo(f"{name_zh}：{STATES_ZH[standing.state if standing else NONE]}")
    if standing is not None:
        click.echo(f"  warning {standing.id}，{moment_zh(standing.starts_at)}至{moment_zh(standing.ends_at)}")
        if standing.proposed_level is not None:
            click.echo(f"  待确认：{STATES_ZH[standing.proposed_level]}")
        _show_orders(conn, standing.id)
    for each in read_external_orders(conn, area_id, at=now):
        until = moment_zh(each.valid_to) if each.valid_to else "另行通知"
        click.echo(
            f"  上级指令 {each.id}：{each.issuer_zh} {each.document} 不低于{STATES_ZH[each.minimum_level]}，至{until}"
        )
    if called is not None:
        click.echo(f"  当前数据建议：{ACTIONS_ZH[called.action]} {STATES_ZH[called.level]}。{called.cause_zh}")


def _show_orders(conn: Connection, warning_id: int) -> None:
    orders = read_orders(conn, warning_id=warning_id)
    if not orders:
        return
    measures = read_order_measures(conn, [order.id for order in orders])
    counts = read_verdict_counts(conn, [each.id for each in measures])
    table = Table("指令", "企业", "等级", "措施", "已落实", "涉嫌未落实", "无法判定", "状态", box=None)
    for order in orders:
        own = [counts.get(each.id, {}) for each in measures if each.order_id == order.id]
        hours = [
            str(sum(each.get(verdict, 0) for each in own)) for verdict in ("fulfilled", "suspected", "undetermined")
        ]
        state = "执行中" if order.ended_at is None else f"{moment_zh(order.ended_at)}终止"
        table.add_row(str(order.id), order.enterprise_zh, STATES_ZH[order.level], str(len(own)), *hours, state)
    table_console().print(table)


@command.command("propose")
@click.argument("level", type=click.Choice([*ISSUED, NONE]))
@period
@decides
def propose_level(  # noqa: PLR0913, PLR0917 - one argument per option
    level: str, starts: dt.datetime | None, ends: dt.datetime | None, area: str | None, by: str | None, why: str
) -> None:
    """Propose LEVEL (none = to lift); it waits for confirm or reject."""
    with registry("propose a warning") as conn:
        _said(propose(conn, area_named(conn, area), level, decision(by, why, starts, ends)))


@command.command("confirm")
@period
@decides
def confirm_proposal(
    starts: dt.datetime | None, ends: dt.datetime | None, area: str | None, by: str | None, why: str
) -> None:
    """Carry out what is proposed: issue, upgrade, downgrade or lift, with orders and notices."""
    with registry("confirm a warning") as conn:
        _said(confirm(conn, area_named(conn, area), decision(by, why, starts, ends)))


@command.command("reject")
@decides
def reject(area: str | None, by: str | None, why: str) -> None:
    """Turn down what is proposed; the level in force stays."""
    with registry("reject a proposal") as conn:
        _said(withdraw(conn, area_named(conn, area), "reject", decision(by, why)))


def _changing(name: str, text: str) -> click.Command:
    @click.command(name, help=text)
    @click.argument("level", type=click.Choice(ISSUED))
    @period
    @decides
    def change(  # noqa: PLR0913, PLR0917 - one argument per option
        level: str, starts: dt.datetime | None, ends: dt.datetime | None, area: str | None, by: str | None, why: str
    ) -> None:
        with registry(f"{name} a warning") as conn:
            where = area_named(conn, area)
            standing = read_open_warning(conn, where)
            if standing is None or standing.state not in ISSUED:
                raise ConfigurationError(f"found no warning in force in {where}, expected one to {name}")
            higher = ISSUED.index(level) - ISSUED.index(standing.state)
            if higher == 0 or (higher > 0) != (name == "upgrade"):
                raise ConfigurationError(
                    f"found level {level} while {standing.state} is in force, expected one to {name} to"
                )
            _said(change_level(conn, where, level, decision(by, why, starts, ends)))

    return change


command.add_command(_changing("upgrade", "Raise the warning in force to LEVEL without waiting for a proposal."))
command.add_command(_changing("downgrade", "Lower the warning in force to LEVEL without waiting for a proposal."))


@command.command("extend")
@period
@decides
def extend_period(
    starts: dt.datetime | None, ends: dt.datetime | None, area: str | None, by: str | None, why: str
) -> None:
    """Change the expected period of the warning in force; its orders go on."""
    with registry("extend a warning") as conn:
        _said(extend(conn, area_named(conn, area), decision(by, why, starts, ends)))


@command.command("lift")
@decides
def lift(area: str | None, by: str | None, why: str) -> None:
    """Lift the warning in force; its orders end and their enterprises are told."""
    with registry("lift a warning") as conn:
        _said(change_level(conn, area_named(conn, area), NONE, decision(by, why)))


@command.command("history")
@click.argument("warning_id", type=int, required=False)
@click.option("--area", help="Area; by default all.")
@click.option("--evidence", is_flag=True, help="Print the evidence of every step too.")
def history(warning_id: int | None, area: str | None, evidence: bool) -> None:
    """List the warnings, or everything that happened to WARNING_ID."""
    with registry("read the warnings") as conn:
        if warning_id is None:
            table = Table("编号", "行政区", "状态", "最高等级", "提出", "启动", "结束", box=None)
            for each in read_warnings(conn, area):
                moments = [moment_zh(at) if at else "" for at in (each.opened_at, each.issued_at, each.closed_at)]
                highest = STATES_ZH[each.highest_level] if each.highest_level else ""
                table.add_row(str(each.id), each.area_id, STATES_ZH[each.state], highest, *moments)
            table_console().print(table)
            return
        for event in read_events(conn, warning_id):
            proposed = f"（建议{STATES_ZH[event.proposed_level]}）" if event.proposed_level else ""
            click.echo(
                f"{event.at.astimezone(ZONE):%Y-%m-%d %H:%M} {ACTIONS_ZH[event.action]}{proposed}"
                f" {STATES_ZH[event.before]} -> {STATES_ZH[event.after]} {event.by_whom}：{event.why}"
            )
            if evidence:
                click.echo(json.dumps(event.evidence, ensure_ascii=False, indent=2))


@command.command("inspect")
@click.argument("order_id", type=int)
@click.argument("result", type=click.Choice(INSPECTION_RESULTS))
@click.option("--by", required=True, help="Who inspected.")
@click.option("--note", required=True, help="What was found.")
@click.option("--at", type=LOCAL, help="When, local time; by default now.")
@click.option("--measure", type=int, help="Measure of the order; by default the order as a whole.")
def inspect(  # noqa: PLR0913, PLR0917 - one argument per option
    order_id: int, result: str, by: str, note: str, at: dt.datetime | None, measure: int | None
) -> None:
    """Enter what an inspection on the spot found about the order ORDER_ID; only a person says that it was violated."""
    when = local_moment(at) or dt.datetime.now(dt.UTC)
    with registry("enter an inspection") as conn:
        add_inspection(conn, Inspection(order_id, measure, when, by, result, note))
    click.echo(f"order {order_id}: {result}, {by}")


command.add_command(external)
command.add_command(exclude)


@command.command("report")
@click.argument("warning_id", type=int)
@click.option("--output", "-o", type=click.Path(file_okay=False, path_type=Path), help="Folder; by default warning-ID.")
def report(warning_id: int, output: Path | None) -> None:
    """Write the evidence report of WARNING_ID: a page for the episode and one per enterprise, each file by itself."""
    with registry("read the evidence") as conn:
        files = write_reports(conn, warning_id, output or Path(f"warning-{warning_id}"))
    for file in files:
        click.echo(str(file))
