"""`lantian warning external` and `exclude`: what is said from above, and spans that are not warned of by colour."""

from __future__ import annotations

import datetime as dt
import getpass
from typing import Any

import click
from rich.table import Table

from alerting.wording import moment_zh
from app.command.warning_option import LOCAL, area_named, local_moment
from app.output import table_console
from app.registry_command import registry
from domain.error import ConfigurationError
from domain.warning_state import ISSUED, STATES_ZH
from store.warning import (
    EXCLUDED_CAUSES,
    Exclusion,
    NewExternalOrder,
    add_exclusion,
    add_external_order,
    read_external_orders,
    revoke_external_order,
)


@click.group("external")
def external() -> None:
    """Orders from above: a least level that province or city impose."""


@external.command("add")
@click.argument("level", type=click.Choice(ISSUED))
@click.option("--authority", required=True, type=click.Choice(["province", "city"]), help="Who imposes it.")
@click.option("--issuer", required=True, help="Body that signed it.")
@click.option("--document", required=True, help="Number of the document.")
@click.option("--from", "starts", required=True, type=LOCAL, help="Start of its validity, local time.")
@click.option("--to", "ends", type=LOCAL, help="End, local time; without it until it is revoked.")
@click.option("--by", help="Who enters it; by default the user of the computer.")
@click.option("--note", help="Remark.")
@click.option("--area", help="Area; by default the only one.")
def add_external(level: str, authority: str, issuer: str, document: str, **more: Any) -> None:
    """Enter an order from above that asks for LEVEL at least."""
    start, end = local_moment(more["starts"]), local_moment(more["ends"])
    assert start is not None
    if end is not None and end <= start:
        raise ConfigurationError(f"--to {more['ends']}: expected a time after --from {more['starts']}")
    with registry("enter an order from above") as conn:
        order = NewExternalOrder(
            *(area_named(conn, more["area"]), authority, issuer, document, level, start, end),
            *(more["by"] or getpass.getuser(), more["note"]),
        )
        number = add_external_order(conn, order, now=dt.datetime.now(dt.UTC))
    click.echo(f"external order {number}: at least {level}; the next evaluation proposes what follows from it")


@external.command("revoke")
@click.argument("order_id", type=int)
@click.option("--by", help="Who revokes it; by default the user of the computer.")
@click.option("--why", required=True, help="Reason.")
def revoke_external(order_id: int, by: str | None, why: str) -> None:
    """End the order from above ORDER_ID early."""
    with registry("revoke an order from above") as conn:
        revoke_external_order(conn, order_id, by_whom=by or getpass.getuser(), why=why, now=dt.datetime.now(dt.UTC))
    click.echo(f"external order {order_id} revoked")


@external.command("list")
@click.option("--area", help="Area; by default all.")
def list_external(area: str | None) -> None:
    """List the orders from above, revoked ones too."""
    table = Table("编号", "行政区", "发文机关", "文号", "不低于", "起", "止", "撤销", "录入", box=None)
    with registry("read the orders from above") as conn:
        for each in read_external_orders(conn, area):
            ends = moment_zh(each.valid_to) if each.valid_to else ""
            revoked = moment_zh(each.revoked_at) if each.revoked_at else ""
            head = (str(each.id), each.area_id, each.issuer_zh, each.document, STATES_ZH[each.minimum_level])
            table.add_row(*head, moment_zh(each.valid_from), ends, revoked, each.entered_by)
    table_console().print(table)


@click.command("exclude")
@click.argument("cause", type=click.Choice(EXCLUDED_CAUSES))
@click.option("--from", "starts", required=True, type=LOCAL, help="Start, local time.")
@click.option("--to", "ends", required=True, type=LOCAL, help="End, local time.")
@click.option("--by", help="Who enters it; by default the user of the computer.")
@click.option("--note", help="Remark.")
@click.option("--area", help="Area; by default the only one.")
def exclude(cause: str, starts: dt.datetime, ends: dt.datetime, **more: Any) -> None:
    """Enter a span of dust, wildfire or transport from elsewhere, seen or expected: no colour warns of it."""
    start, end = local_moment(starts), local_moment(ends)
    assert start is not None
    assert end is not None
    if end <= start:
        raise ConfigurationError(f"--to {ends}: expected a time after --from {starts}")
    with registry("enter an excluded span") as conn:
        where = area_named(conn, more["area"])
        exclusion = Exclusion(where, start, end, cause, more["by"] or getpass.getuser(), more["note"])
        add_exclusion(conn, exclusion, now=dt.datetime.now(dt.UTC))
    click.echo(f"{where}: {cause} {moment_zh(start)}至{moment_zh(end)}")
