"""`lantian contact`: whom notices go to."""

from __future__ import annotations

import datetime as dt
import getpass
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from app.contact_sheet import (
    COLUMNS,
    contact_cells,
    contact_places,
    contact_sheet_text,
    contacts_of,
    load_contact_sheet,
)
from app.output import table_console
from app.registry_command import option_name, registry
from app.registry_sheet import Line, Sheet
from domain.alert import severities
from domain.error import ConfigurationError
from store.connection import Connection
from store.contact import announce_test, read_contacts, retire_contact, write_contacts


@click.group("contact")
def command() -> None:
    """Contacts of enterprises and operators: add, list, import, export, retire, test (docs/alerting.md)."""


def _write(conn: Connection, sheet: Sheet, *, partial: bool = False) -> tuple[int, list[str]]:
    contacts, faults = contacts_of(sheet, read_contacts(conn), contact_places(conn))
    if not faults or partial:
        write_contacts(conn, contacts)
        conn.commit()
    return len(contacts), faults


def _add(name: str, **options: Any) -> None:
    given = {each.key: each.meaning(options[each.key]) for each in COLUMNS if options.get(each.key) is not None}
    headings = {each.key: option_name(each.key) for each in COLUMNS}
    sheet = Sheet("options", headings, (Line(1, {"id": name, **given}),), ())
    with registry("write the contact") as conn:
        _, faults = _write(conn, sheet)
    if faults:
        raise ConfigurationError("\n".join(faults))
    click.echo(f"contact {name} written")


command.add_command(
    click.Command(
        "add",
        callback=_add,
        params=[
            click.Argument(["name"], metavar="ID"),
            *(click.Option([option_name(each.key), each.key], help=each.help) for each in COLUMNS if each.key != "id"),
        ],
        help="Register the contact ID, or change what the options name.",
    )
)


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Retired ones too.")
@click.option("--enterprise", help="Only those of this enterprise.")
def show(everything: bool, enterprise: str | None) -> None:
    """List contacts: operators first, then by enterprise and step."""
    with registry("read the contacts") as conn:
        entries = read_contacts(conn, enterprise_id=enterprise).values()
    table = Table(title="联系人")
    for heading in ("编号", "姓名", "企业", "次序", "最低等级", "类别", "时段", "通道", "停用"):
        table.add_column(heading, overflow="fold")
    for one in entries:
        if one["retired_at"] is not None and not everything:
            continue
        cells = contact_cells(one)
        ways = "\n".join(f"{channel} {address}" for channel, address in one["channels"])
        floor = severities()[one["severity_floor"]].name_zh
        retired = "" if one["retired_at"] is None else f"{one['retired_at']:%Y-%m-%d}"
        row = (
            one["id"], one["name_zh"], cells["enterprise_id"] or "（运维）", cells["step"], floor, cells["kinds"],
            cells["hours"], ways, retired,
        )  # fmt: skip
        table.add_row(*map(escape, row))
    table_console().print(table)


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--partial", is_flag=True, help="Write the good rows although others are bad.")
def import_file(file: Path, partial: bool) -> None:
    """Register contacts from FILE (CSV or Excel), or change those it names; nothing unless every row is good."""
    sheet = load_contact_sheet(file)
    with registry("import the contacts") as conn:
        count, faults = _write(conn, sheet, partial=partial)
    for fault in faults:
        click.echo(fault, err=True)
    if faults and not partial:
        raise ConfigurationError(
            f"{len(faults)} bad lines, {count} good ones; nothing was written (--partial writes them)"
        )
    click.echo(f"{count} contacts written")
    if faults:
        raise ConfigurationError(f"{len(faults)} bad lines were left out")


@command.command("export")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option("--english", is_flag=True, help="Keys as headings and the program's words as values.")
def export(output: Path | None, english: bool) -> None:
    """Write the contacts in service as CSV."""
    with registry("read the contacts") as conn:
        entries = [one for one in read_contacts(conn).values() if one["retired_at"] is None]
    content = contact_sheet_text(entries, chinese=not english).encode("utf-8")
    if output is None:
        click.echo(content, nl=False)
    else:
        output.write_bytes(content)
        click.echo(f"{len(entries)} contacts written to {output}", err=True)


@command.command("retire")
@click.argument("name", metavar="ID")
@click.option("--undo", is_flag=True, help="Bring it back into service.")
def retire(name: str, undo: bool) -> None:
    """Take the contact ID out of service: it gets no further notices."""
    with registry("retire the contact") as conn:
        retire_contact(conn, name, None if undo else dt.datetime.now(dt.UTC))
        conn.commit()
    click.echo(f"contact {name} is {'in service again' if undo else 'retired; its history stays'}")


@command.command("test")
@click.argument("name", metavar="ID")
def test(name: str) -> None:
    """Send the contact ID a test notice over every channel; `lantian delivery list` shows what came of it."""
    with registry("send a test notice") as conn:
        notice_id, count = announce_test(conn, name, by=getpass.getuser(), now=dt.datetime.now(dt.UTC))
        conn.commit()
    click.echo(f"notice {notice_id}: {count} deliveries on their way; lantian delivery list --contact {name}")
