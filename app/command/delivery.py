"""`lantian delivery`: notices on their way, and those that did not arrive."""

from __future__ import annotations

import datetime as dt
import getpass

import click
from rich.markup import escape
from rich.table import Table

from app.output import table_console
from app.registry_command import registry
from domain.error import ConfigurationError
from domain.period import ZONE
from store.delivery import read_attempts, read_deliveries, replay

STATES = ("waiting", "sending", "sent", "dead")


@click.group("delivery")
def command() -> None:
    """Deliveries: one notice to one contact over one channel (docs/alerting.md)."""


@command.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only in this state.")
@click.option("--contact", help="Only to this contact.")
@click.option("--notice", type=int, help="Only of this notice.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many.")
def show_list(state: str | None, contact: str | None, notice: int | None, *, limit: int) -> None:
    """List deliveries, newest first."""
    with registry("read deliveries") as conn:
        found = read_deliveries(conn, state=state, contact=contact, notice=notice, limit=limit)
    table = Table(title="通知送达")
    for heading in ("编号", "通知", "主题", "联系人", "通道", "状态", "尝试", "下次或送达时间", "错误"):
        table.add_column(heading, overflow="fold")
    for one in found:
        at = one["sent_at"] or one["due_at"]
        cells = (
            str(one["delivery_id"]), str(one["notice_id"]), one["subject_zh"], one["contact_id"], one["channel_zh"],
            one["state_zh"], str(one["attempts"]), f"{at.astimezone(ZONE):%m-%d %H:%M:%S}", one["error"] or "",
        )  # fmt: skip
        table.add_row(*map(escape, cells))
    table_console().print(table)


@command.command("show")
@click.argument("delivery", type=int)
def show(delivery: int) -> None:
    """Show every try of DELIVERY."""
    with registry("read the delivery") as conn:
        attempts = read_attempts(conn, delivery)
    if not attempts:
        raise ConfigurationError(f"delivery {delivery}: found no try yet, expected one")
    table = Table("at", "outcome", "worker", "error", title=f"送达 {delivery}")
    for one in attempts:
        at = f"{one['at'].astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
        table.add_row(at, one["outcome"], one["worker"], escape(one["error"] or ""))
    table_console().print(table)


@command.command("replay")
@click.argument("deliveries", type=int, nargs=-1)
@click.option("--contact", help="Every dead delivery to this contact.")
@click.option("--all", "everything", is_flag=True, help="Every dead delivery.")
def replay_dead(deliveries: tuple[int, ...], contact: str | None, everything: bool) -> None:
    """Send dead DELIVERIES again with the key they had, once the cause has been put right."""
    if not (deliveries or contact or everything):
        raise ConfigurationError("found neither numbers nor --contact nor --all, expected what to send again")
    with registry("send again") as conn:
        if contact or everything:
            dead = read_deliveries(conn, state="dead", contact=contact, limit=100_000)
            by_message = {one["message_key"]: int(one["delivery_id"]) for one in dead}
            deliveries = (*deliveries, *by_message.values())
        count = sum(replay(conn, each, by=getpass.getuser(), now=dt.datetime.now(dt.UTC)) for each in deliveries)
        conn.commit()
    click.echo(f"{count} deliveries are sent again")
