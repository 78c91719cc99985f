"""`lantian status`: what runs, how fresh the data are, indices and targets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from app.output import table_console
from app.service.address import broker_for, database_url
from app.service.console_check import is_alive, local_console_url
from app.service.home import Home
from app.service.port import is_listening
from app.service.state import ProcessState, read_state
from app.settings import Settings, load_settings
from domain.error import LantianError, ServiceError
from domain.period import ZONE
from store.connection import Connection, connect
from store.error import translated
from store.ledger import read_balance
from store.settlement import read_queue_lengths
from store.status import Freshness, SiteIndex, TargetStatus, read_freshness, read_site_indices, read_target_status


@click.command("status")
def command() -> None:
    """Show services and processes, counts, freshness, the latest AQI by site, and the targets.

    Exit status 1 when Lantian is not running.
    """
    settings = load_settings()
    console = table_console()
    running = _show_processes(settings, console)
    _show_addresses(settings, console)
    try:
        with connect(database_url(settings), application_name="lantian status", connect_timeout_s=3) as connection:
            _show_data(connection, console)
    except ServiceError as error:
        console.print(f"[bold]database[/bold]  cannot be reached: {error}", highlight=False)
        running = False
    if not running:
        console.print("Start everything with: ./lantian up", highlight=False)
        raise SystemExit(1)


def _show_processes(settings: Settings, console: Console) -> bool:
    home = Home(settings.home)
    state = read_state(home)
    since = f" since {_local(dt.datetime.fromisoformat(state.began_at))}" if state.began_at and state.processes else ""
    console.print(f"[bold]Lantian[/bold]   {state.phase}{since}; home {home.folder}", highlight=False, soft_wrap=True)
    if state.error:
        console.print(f"          {state.error}", highlight=False, markup=False, soft_wrap=True)
    if state.processes:
        console.print(_process_table(state.processes))
    for remark in state.remarks[-3:]:
        console.print(f"          {remark}", highlight=False, markup=False, soft_wrap=True)
    return state.phase == "running"


def _process_table(processes: Sequence[ProcessState]) -> Table:
    table = _table("process", "pid", "since", "restarts")
    for each in processes:
        pid = str(each.pid) if each.pid else f"ended with {each.last_exit}, starts again soon"
        since = _local(dt.datetime.fromisoformat(each.started_at)) if each.started_at else ""
        table.add_row(each.name, pid, since, str(each.restarts))
    return table


def _show_addresses(settings: Settings, console: Console) -> None:
    try:
        address = broker_for(settings, "doctor" if settings.broker_is_local else "collector")
    except LantianError as error:
        console.print(f"[bold]broker[/bold]    {error}", highlight=False, soft_wrap=True)
        return
    answers = "answers" if is_listening(address.port, address.host) else "does not answer"
    console.print(f"[bold]broker[/bold]    {address.host}:{address.port} {answers}", highlight=False)
    if settings.console:
        pages = local_console_url(settings)
        answers = "answers" if is_alive(settings) else "does not answer"
        console.print(f"[bold]console[/bold]   {pages} {answers}", highlight=False)


def _show_data(connection: Connection, console: Console) -> None:
    with translated("read the status"):
        balance = read_balance(connection)
        queues = read_queue_lengths(connection)
        freshness, sites = read_freshness(connection), read_site_indices(connection)
        targets = read_target_status(connection)
    console.print(
        f"[bold]messages[/bold]  {balance.received:,} received = {balance.stored:,} stored"
        f" + {balance.duplicate:,} duplicate + {balance.revised:,} revised + {balance.rejected:,} rejected"
        f" ({'balanced' if balance.balanced else 'NOT balanced'}); {balance.rows_stored:,} rows stored",
        highlight=False,
        soft_wrap=True,
    )
    waiting = ", ".join(f"{count:,} {name}" for name, count in queues.items())
    console.print(f"[bold]to settle[/bold] {waiting}", highlight=False, soft_wrap=True)
    for table in (_freshness_table(freshness), _site_table(sites), _target_table(targets)):
        if table.row_count:
            console.print(table)


def _freshness_table(rows: Sequence[Freshness]) -> Table:
    table = _table("kind of site", "devices", "reporting", "newest reading")
    for row in rows:
        table.add_row(row.kind, str(row.devices), str(row.reporting), _age(row.newest_age_minutes))
    return table


def _site_table(rows: Sequence[SiteIndex]) -> Table:
    table = _table("site", "kind", "hour", "AQI", "category", "primary", "PM2.5", "age")
    for row in rows:
        hour = _local(row.hour) if row.hour else "-"
        aqi = "-" if row.aqi is None else str(row.aqi)
        value = "-" if row.pm25 is None else f"{row.pm25:g}"
        texts = (row.category_zh or "-", row.primary_zh or "-")
        table.add_row(row.site_zh, row.kind_zh, hour, aqi, *texts, value, _age(row.age_minutes))
    return table


def _target_table(rows: Sequence[TargetStatus]) -> Table:
    table = _table("target", "wanted", "period", "actual", "status")
    for row in rows:
        actual = "-" if row.actual is None else f"{row.actual:g}"
        table.add_row(row.indicator_zh, row.target_zh, row.period_zh or row.due_zh or "-", actual, row.status_zh)
    return table


def _table(*columns: str) -> Table:
    table = Table(*columns, box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = False
    return table


def _local(moment: dt.datetime) -> str:
    return moment.astimezone(ZONE).strftime("%m-%d %H:%M")


def _age(minutes: float | None) -> str:
    if minutes is None:
        return "never"
    if minutes < 120:
        return f"{max(minutes, 0):.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"
