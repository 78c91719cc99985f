"""`lantian account`: who may sign in to the console."""

from __future__ import annotations

import datetime as dt
import getpass

import click
from rich.table import Table

from app.output import table_console
from app.service.address import app_database_url
from app.service.first_account import FIRST, first_password_file
from app.settings import load_settings
from console.password import generated_password, hashed_password
from console.role import ROLE_ZH
from domain.period import ZONE
from store.account import (
    ROLES,
    NewAccount,
    add_account,
    disable_account,
    enable_account,
    read_accounts,
    set_password,
    set_role,
)
from store.audit import Deed, add_deed
from store.connection import Connection, connect
from store.error import translated

_NAME = click.argument("name", metavar="NAME")
_ROLE = click.Choice(ROLES)


@click.group("account")
def command() -> None:
    """Accounts of the console (docs/console.md). Passwords are generated and shown once."""


def _opened() -> Connection:
    return connect(app_database_url(), application_name="lantian account")


def _deed(action: str, name: str, **detail: str | None) -> Deed:
    return Deed(action, object=f"account/{name}", address="command line", detail={"by": getpass.getuser(), **detail})


@command.command("add")
@_NAME
@click.option("--name-zh", required=True, help="The person's name.")
@click.option("--role", required=True, type=_ROLE, help="What the person may do.")
@click.option("--enterprise", help="Id of the enterprise, with the role enterprise only.")
def add(name: str, *, name_zh: str, role: str, enterprise: str | None) -> None:
    """Make the account NAME and print its password, once; it must be changed at the first sign-in."""
    password = generated_password()
    new = NewAccount(name, name_zh.strip(), role, enterprise, hashed_password(password), getpass.getuser())
    with _opened() as conn, translated("make the account"):
        add_account(conn, new)
        add_deed(conn, _deed("account.add", name, role=role, enterprise=enterprise))
    _show(name, password)


@command.command("list")
def list_accounts() -> None:
    """List the accounts."""
    with _opened() as conn, translated("read the accounts"):
        accounts = read_accounts(conn)
    table = Table(title="操作台账号")
    for heading in ("用户名", "姓名", "角色", "企业", "口令", "状态"):
        table.add_column(heading, overflow="fold")
    for one in accounts:
        password = "待本人修改" if one.must_change else f"{one.password_set_at.astimezone(ZONE):%Y-%m-%d}"
        state = f"{one.disabled_at.astimezone(ZONE):%Y-%m-%d} 停用" if one.disabled_at else "在用"
        table.add_row(one.id, one.name_zh, ROLE_ZH[one.role], one.enterprise_id or "", password, state)
    table_console().print(
        table if accounts else "No account yet; lantian up makes the first one, or: lantian account add"
    )


@command.command("password")
@_NAME
def password(name: str) -> None:
    """Give the account NAME a new password and print it, once; its sessions end."""
    chosen = generated_password()
    with _opened() as conn, translated("set the password"):
        set_password(conn, name, hashed_password(chosen), must_change=True, now=dt.datetime.now(dt.UTC))
        add_deed(conn, _deed("account.reset_password", name))
    if name == FIRST:
        first_password_file(load_settings()).unlink(missing_ok=True)
    _show(name, chosen)


@command.command("role")
@_NAME
@click.argument("role", type=_ROLE)
@click.option("--enterprise", help="Id of the enterprise, with the role enterprise only.")
def change_role(name: str, role: str, enterprise: str | None) -> None:
    """Give the account NAME another ROLE; its sessions end."""
    with _opened() as conn, translated("change the role"):
        set_role(conn, name, role, enterprise)
        add_deed(conn, _deed("account.role", name, role=role, enterprise=enterprise))
    click.echo(f"account {name}: role {role}")


@command.command("disable")
@_NAME
@click.option("--undo", is_flag=True, help="Let the person sign in again.")
def disable(name: str, undo: bool) -> None:
    """Let nobody sign in as NAME any more; sessions and tokens end at once."""
    with _opened() as conn, translated("disable the account"):
        if undo:
            enable_account(conn, name)
        else:
            disable_account(conn, name, dt.datetime.now(dt.UTC))
        add_deed(conn, _deed("account.enable" if undo else "account.disable", name))
    click.echo(f"account {name} {'may sign in again' if undo else 'is disabled'}")


def _show(name: str, password: str) -> None:
    click.echo(f"username {name}\npassword {password}")
    click.echo("the password is not shown again", err=True)
