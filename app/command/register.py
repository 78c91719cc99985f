"""`lantian register`: the registers that the plan asks for."""

from __future__ import annotations

import datetime as dt
import getpass
from pathlib import Path

import click
from rich.table import Table

from app.output import table_console
from app.register import (
    import_register,
    in_service,
    open_desk,
    register_named,
    retire_register_entry,
    write_entry,
)
from app.register_check import register_columns, shown_text
from app.registry_command import registry
from app.registry_sheet import sheet_text
from app.workbook import SUFFIX, write_workbook
from domain.error import ConfigurationError
from domain.period import ZONE
from domain.register import ACTIONS, Register
from domain.register_table import REGISTERS
from store.register import Author, read_history, read_register


@click.group("register")
def command() -> None:
    """Registers of the plan: straw fires, fume purifiers, emission inventory, machinery, boilers, building sites, coal.

    Nothing is ever overwritten: every change is a version with who, when and why (docs/registers.md).
    """


def _author(name: str | None, why: str) -> Author:
    author = Author((name or getpass.getuser()).strip(), why.strip())
    if not author.name:
        raise ConfigurationError("--by is empty: expected the name of the person who changes the register")
    return author


def _reasoned(name: str, why: str) -> Author:
    if not why.strip():
        raise ConfigurationError("--why is empty: expected the reason of the change")
    return _author(name, why)


@command.command("list")
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Retired entries too.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="As known at that local time.")
def list_entries(name: str | None, everything: bool, as_of: dt.datetime | None) -> None:
    """List the registers, or the entries of the register NAME."""
    known_at = as_of.replace(tzinfo=ZONE) if as_of else None
    if name is None:
        _list_registers(known_at)
        return
    register = register_named(name)
    with registry(f"read the register {register.name}") as conn:
        entries = read_register(conn, register, known_at=known_at).values()
    shown = [entry for entry in entries if everything or entry["retired_at"] is None]
    columns = {column.key: column for column in register_columns(register)}
    table = Table(title=f"{register.title_zh} {len(shown)}")
    for heading in ("编号", *(columns[key].heading_zh for key in register.listed), "版本", "注销"):
        table.add_column(heading, overflow="fold")
    for entry in shown:
        cells = [columns[key].wording(shown_text(entry[key])) for key in register.listed]
        table.add_row(entry["id"], *cells, str(entry["version"]), shown_text(entry["retired_at"]))
    table_console().print(table)


def _list_registers(known_at: dt.datetime | None) -> None:
    table = Table(title="台账")
    for heading in ("名称", "台账", "条款", "在册", "最近变更"):
        table.add_column(heading, overflow="fold")
    with registry("read the registers") as conn:
        for register in REGISTERS.values():
            entries = read_register(conn, register, known_at=known_at).values()
            serving = sum(entry["retired_at"] is None for entry in entries)
            last = max((entry["changed_at"] for entry in entries), default=None)
            table.add_row(register.name, register.title_zh, register.clause, str(serving), shown_text(last))
    table_console().print(table)


@command.command("show")
@click.argument("name")
@click.argument("entry_id", metavar="[ID]", required=False)
def show(name: str, entry_id: str | None) -> None:
    """Show the fields of the register NAME, or its entry ID with its history."""
    register = register_named(name)
    if entry_id is None:
        table_console().print(_fields(register))
        return
    with registry(f"read the register {register.name}") as conn:
        versions = read_history(conn, register, entry_id)
    if not versions:
        raise ConfigurationError(f"register {register.name}: found no entry {entry_id!r}, expected the id of one")
    for column in register_columns(register):
        click.echo(f"{column.key:<18}{column.heading_zh}\t{column.wording(shown_text(versions[-1][column.key]))}")
    before: dict[str, object] = {}
    for version in versions:
        head = f"{version['version']}  {shown_text(version['changed_at'])}  {ACTIONS[version['action']]}"
        click.echo(f"{head}  {version['changed_by']}  {version['why']}")
        for column in register_columns(register):
            old, new = shown_text(before.get(column.key)), shown_text(version[column.key])
            if before and old != new:
                click.echo(
                    f"     {column.heading_zh}: {column.wording(old) or '（空）'} → {column.wording(new) or '（空）'}"
                )
        before = version


def _fields(register: Register) -> Table:
    table = Table(title=f"{register.title_zh} {register.name}")
    for heading in ("key", "列名", "type", "unit", "required", "allowed", "help"):
        table.add_column(heading, overflow="fold")
    made = "Identifier; made when there is none." if register.natural else "Identifier."
    table.add_row("id", "编号", "text", "", "" if register.natural else "yes", "", made)
    for each in register.fields:
        words = "、".join(f"{word}={meaning}" for word, meaning in each.words.items())
        table.add_row(each.key, each.heading_zh, each.type, each.unit, "yes" if each.required else "", words, each.help)
    return table


@command.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", help="Who imports; by default the user of the computer.")
@click.option("--why", default="", help="Reason; by default the name of the file.")
@click.option("--partial", is_flag=True, help="Write the good rows although others are bad.")
def import_file(name: str, file: Path, by: str | None, *, why: str, partial: bool) -> None:
    """Enter the rows of FILE (CSV or Excel) into the register NAME; rows of known ids are corrections.

    Headings in English or Chinese. Nothing is written unless every row is good. Columns that the file lacks keep what
    is registered.
    """
    register = register_named(name)
    author = _author(by, why or f"导入 {file.name}")
    with registry(f"import the register {register.name}") as conn:
        desk = open_desk(conn, register, dt.datetime.now(dt.UTC))
        checked = import_register(conn, desk, file, author, partial=partial)
    for fault in checked.faults:
        click.echo(fault, err=True)
    if checked.faults and not partial:
        raise ConfigurationError(
            f"{len(checked.faults)} bad lines, {len(checked.entries)} good ones; nothing was written"
            " (--partial writes the good ones)"
        )
    click.echo(f"{len(checked.added)} added, {len(checked.changed)} corrected, {len(checked.unchanged)} as they were")
    if checked.faults:
        raise ConfigurationError(f"{len(checked.faults)} bad lines were left out")


@command.command("export")
@click.argument("name")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="CSV file or .xlsx workbook.")
@click.option("--english", is_flag=True, help="Keys as headings and the program's words as values.")
def export(name: str, output: Path | None, *, english: bool) -> None:
    """Write the entries of the register NAME in service as CSV or Excel; an empty register gives a form to fill in."""
    register = register_named(name)
    with registry(f"read the register {register.name}") as conn:
        entries = [entry for entry in read_register(conn, register).values() if entry["retired_at"] is None]
    columns = register_columns(register)
    if output is not None and output.suffix.lower() == SUFFIX:
        headings = [column.key if english else column.heading_zh for column in columns]
        rows = [
            [
                column.wording(shown_text(entry[column.key])) if column.words and not english else entry[column.key]
                for column in columns
            ]
            for entry in entries
        ]
        write_workbook(output, register.title_zh, headings, rows)
    else:
        cells = [{column.key: shown_text(entry[column.key]) for column in columns} for entry in entries]
        text = sheet_text(columns, cells, chinese=not english)
        if output is None:
            click.echo(text.encode(), nl=False)
        else:
            output.write_bytes(text.encode())
    if output is not None:
        click.echo(f"{len(entries)} rows in {output}")


def _cells(pairs: tuple[str, ...]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or key.strip() in cells:
            raise ConfigurationError(f"found {pair!r}, expected key=value with each key once")
        cells[key.strip()] = text.strip()
    return cells


@command.command("add")
@click.argument("name")
@click.argument("pairs", metavar="KEY=VALUE...", nargs=-1, required=True)
@click.option("--by", help="Who adds it; by default the user of the computer.")
@click.option("--why", default="", help="Reason.")
def add(name: str, pairs: tuple[str, ...], by: str | None, *, why: str) -> None:
    """Add an entry to the register NAME; keys in English or Chinese (lantian register show NAME)."""
    register, author = register_named(name), _author(by, why)
    with registry(f"write the register {register.name}") as conn:
        desk = open_desk(conn, register, dt.datetime.now(dt.UTC))
        entry = write_entry(conn, desk, _cells(pairs), author, new=True)
        conn.commit()
    click.echo(f"{register.name} {entry['id']} added")


@command.command("correct")
@click.argument("name")
@click.argument("entry_id", metavar="ID")
@click.argument("pairs", metavar="KEY=VALUE...", nargs=-1, required=True)
@click.option("--by", required=True, help="Who corrects it.")
@click.option("--why", required=True, help="Reason.")
def correct(name: str, entry_id: str, pairs: tuple[str, ...], *, by: str, why: str) -> None:
    """Correct the entry ID of the register NAME; what is not named stays, an empty value clears."""
    register, author, cells = register_named(name), _reasoned(by, why), _cells(pairs)
    if "id" in cells or "编号" in cells:
        raise ConfigurationError("found a new id, expected other fields; retire the entry and add one of the right id")
    with registry(f"write the register {register.name}") as conn:
        desk = open_desk(conn, register, dt.datetime.now(dt.UTC))
        write_entry(conn, desk, {"id": entry_id, **cells}, author, new=False)
        conn.commit()
        version = in_service(open_desk(conn, register, desk.now), entry_id)["version"]
    click.echo(f"{register.name} {entry_id} corrected, version {version}")


@command.command("retire")
@click.argument("name")
@click.argument("entry_id", metavar="ID")
@click.option("--by", required=True, help="Who does it.")
@click.option("--why", required=True, help="Reason.")
@click.option("--undo", is_flag=True, help="Bring it back.")
def retire(name: str, entry_id: str, *, by: str, why: str, undo: bool) -> None:
    """Take the entry ID of the register NAME out of service; its history stays."""
    register, author = register_named(name), _reasoned(by, why)
    with registry(f"write the register {register.name}") as conn:
        desk = open_desk(conn, register, dt.datetime.now(dt.UTC))
        retire_register_entry(conn, desk, entry_id, author, undo=undo)
        conn.commit()
    click.echo(f"{register.name} {entry_id} is {'in service again' if undo else 'retired; its history stays'}")
