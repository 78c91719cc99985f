"""`lantian integrity`: data that cannot be true, and plants that do not run as they say."""

from __future__ import annotations

import datetime as dt
import json

import click
from rich.table import Table

from app.job.integrity import check_days
from app.output import table_console
from app.service.address import app_database_url
from domain.error import ConfigurationError
from domain.family import FAMILIES
from domain.integrity_table import STATUSES_ZH, kinds, thresholds
from domain.period import ZONE, local_date
from store.connection import connect
from store.error import translated
from store.integrity import DECISIONS, decide_finding, read_events, read_findings

_DAY = click.DateTime(["%Y-%m-%d"])
_EVENTS_ZH = {
    "opened": "发现",
    "continued": "持续",
    "closed": "结束",
    "confirmed": "核查属实",
    "dismissed": "核查排除",
    "reopened": "重新核查",
}


@click.group("integrity")
def command() -> None:
    """Findings: constant, copied or clipped values, dilution, treatment off, exhaust treatment that does not work.

    A finding is a suspicion with its evidence, never a verdict on anybody; silence is no finding (docs/integrity.md).
    """


@command.command("run")
@click.option("--from", "low", type=_DAY, help="First local day; by default yesterday.")
@click.option("--to", "high", type=_DAY, help="Last local day; by default today.")
@click.option("--family", type=click.Choice(list(FAMILIES)), multiple=True, help="Only these families.")
@click.option("--device", help="Only this device.")
def run(low: dt.datetime | None, high: dt.datetime | None, family: tuple[str, ...], device: str | None) -> None:
    """Run the checks on stored readings of local days."""
    today = local_date(dt.datetime.now(dt.UTC))
    first = low.date() if low else today - dt.timedelta(days=1)
    last = high.date() if high else max(today, first)
    if last < first:
        raise ConfigurationError(f"--from {first} --to {last}: expected the earlier day first")
    days = [first + dt.timedelta(days=at) for at in range((last - first).days + 1)]
    with translated("check integrity"), connect(app_database_url(), autocommit=True) as conn:
        for day in days:
            counts = check_days(conn, [day], family or tuple(FAMILIES), today=today, device=device)
            click.echo(f"{day}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))


@command.command("list")
@click.option("--status", type=click.Choice(list(STATUSES_ZH)), default="open", show_default=True, help="Which.")
@click.option("--all", "everything", is_flag=True, help="Whatever their state.")
@click.option("--device", help="Only of this device.")
@click.option("--kind", type=click.Choice(list(kinds())), help="Only of this kind.")
def list_findings(status: str, everything: bool, device: str | None, kind: str | None) -> None:
    """List findings."""
    with translated("read findings"), connect(app_database_url()) as conn:
        found = read_findings(conn, status=None if everything else status, device=device, kind=kind)
    if not found:
        click.echo("没有符合条件的问题 no finding")
        return
    table = Table(title=f"疑似问题 {len(found)}")
    for heading in ("编号", "类型", "企业", "设备", "起", "止", "状态", "说明"):
        table.add_column(heading, overflow="fold")
    for one in found:
        span = (f"{moment.astimezone(ZONE):%m-%d %H:%M}" for moment in (one.began_at, one.ended_at))
        cells = (one.kind_zh, one.enterprise_zh or one.site_zh, one.device, *span, STATUSES_ZH[one.status])
        table.add_row(str(one.id), *cells, one.text_zh)
    table_console().print(table)


@command.command("show")
@click.argument("finding", type=int)
def show(finding: int) -> None:
    """Everything about the finding number FINDING: evidence and what happened to it."""
    with translated("read findings"), connect(app_database_url()) as conn:
        found, events = read_findings(conn, finding=finding), read_events(conn, finding)
    if not found:
        raise ConfigurationError(f"found no finding {finding}, expected the number of one (lantian integrity list)")
    one = found[0]
    click.echo(f"{one.id}  {one.kind_zh}  {STATUSES_ZH[one.status]}")
    click.echo(f"{one.enterprise_zh or ''} {one.site_zh}  设备 {one.device}")
    click.echo(f"{one.began_at.astimezone(ZONE):%Y-%m-%d %H:%M} — {one.ended_at.astimezone(ZONE):%Y-%m-%d %H:%M}")
    click.echo(one.text_zh)
    click.echo(f"依据 {one.basis}")
    click.echo(json.dumps(one.evidence, ensure_ascii=False, indent=2))
    for event in events:
        told = " ".join(text for text in (event.text_zh, event.decided_by, event.why) if text)
        click.echo(f"{event.at.astimezone(ZONE):%Y-%m-%d %H:%M}  {_EVENTS_ZH[event.event]}  {told}")


@command.command("decide")
@click.argument("finding", type=int)
@click.argument("decision", type=click.Choice(list(DECISIONS)))
@click.option("--by", required=True, help="Who decides.")
@click.option("--why", required=True, help="Reason: what was seen on the spot.")
def decide(finding: int, decision: str, *, by: str, why: str) -> None:
    """Record what a person made of the finding number FINDING."""
    with translated("judge the finding"), connect(app_database_url()) as conn:
        decide_finding(conn, finding, decision, by=by, why=why)
        conn.commit()
    click.echo(f"finding {finding} {decision}")


@command.command("kinds")
@click.option("--thresholds", "figures", is_flag=True, help="With the figures that decide today.")
def list_kinds(figures: bool) -> None:
    """List what the checks look for and why it matters."""
    today = local_date(dt.datetime.now(dt.UTC))
    for one in kinds().values():
        click.echo(f"{one.kind:<20}{one.family:<9}{one.name_zh}  （{one.basis}）")
        if figures and one.kind != "meter_constant":
            told = thresholds(one.kind, today)
            click.echo("    " + ", ".join(f"{name} {value:g}" for name, value in told.items()))
