"""Accounts of the console: who may sign in, and as what."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

import psycopg

from domain.error import ConfigurationError
from store.connection import Connection

ROLES: Final[tuple[str, ...]] = ("operator", "reviewer", "administrator", "enterprise")


@dataclass(frozen=True, slots=True)
class Account:
    """A person who signs in.

    Attributes
    ----------
    id, name_zh, role : str
        User name, the person's name, one of `ROLES`.
    enterprise_id, enterprise_zh : str or None
        Whose an account of role enterprise is.
    must_change : bool
        Whether the password was made by somebody else.
    password_set_at, created_at : datetime
        When.
    disabled_at : datetime or None
        Since when nobody may sign in with it.
    """

    id: str
    name_zh: str
    role: str
    enterprise_id: str | None
    enterprise_zh: str | None
    must_change: bool
    password_set_at: dt.datetime
    created_at: dt.datetime
    disabled_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be made; the password is hashed already."""

    id: str
    name_zh: str
    role: str
    enterprise_id: str | None
    password_hash: str = field(repr=False)
    created_by: str


_SELECT: Final = (
    "select a.id, a.name_zh, a.role, a.enterprise_id, e.name_zh, a.must_change, a.password_set_at, a.created_at,"
    " a.disabled_at from account a left join enterprise e on e.id = a.enterprise_id"
)


def read_accounts(conn: Connection) -> list[Account]:
    """Every account, disabled ones last, by role and name."""
    rows = conn.execute(f"{_SELECT} order by a.disabled_at is not null, a.role, a.id").fetchall()
    return [Account(*row) for row in rows]


def read_account(conn: Connection, name: str) -> Account | None:
    """The account of that name, None when there is none."""
    row = conn.execute(f"{_SELECT} where a.id = %s", (name,)).fetchone()
    return None if row is None else Account(*row)


def read_password_hash(conn: Connection, name: str) -> str | None:
    """Hash of an account that may sign in; None for an unknown or disabled one."""
    row = conn.execute("select password_hash from account where id = %s and disabled_at is null", (name,)).fetchone()
    return None if row is None else str(row[0])


def add_account(conn: Connection, new: NewAccount) -> None:
    """Make an account whose password must be changed at the first sign-in.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    new : NewAccount
        The account; `ConfigurationError` when the name is taken, has another form, or there is no such enterprise.
    """
    values = (new.id, new.name_zh, new.role, new.enterprise_id, new.password_hash, new.created_by)
    try:
        with conn.transaction():
            conn.execute(
                "insert into account (id, name_zh, role, enterprise_id, password_hash, created_by)"
                " values (%s, %s, %s, %s, %s, %s)",
                values,
            )
    except psycopg.errors.UniqueViolation as error:
        raise ConfigurationError(f"account {new.id!r} exists already; expected a new name") from error
    except psycopg.errors.ForeignKeyViolation as error:
        raise ConfigurationError(
            f"account {new.id!r}: found enterprise {new.enterprise_id!r}, expected the id of a registered one"
        ) from error
    except psycopg.errors.CheckViolation as error:
        raise ConfigurationError(_wrong(new)) from error


def _wrong(new: NewAccount) -> str:
    if (new.role == "enterprise") != (new.enterprise_id is not None):
        return f"account {new.id!r}: expected an enterprise with the role enterprise, and with no other"
    if new.role not in ROLES:
        return f"account {new.id!r}: found role {new.role!r}, expected one of {', '.join(ROLES)}"
    return f"account {new.id!r}: expected a name of 2 to 32 of a-z, 0-9, '.', '_', '-', and the person's name"


def set_password(conn: Connection, name: str, password_hash: str, *, must_change: bool, now: dt.datetime) -> None:
    """Replace the password and end every session of the account; `ConfigurationError` for an unknown one."""
    changed = conn.execute(
        "update account set password_hash = %s, must_change = %s, password_set_at = %s where id = %s",
        (password_hash, must_change, now, name),
    )
    if changed.rowcount == 0:
        raise _unknown(name)
    conn.execute("delete from session where account_id = %s", (name,))


def set_role(conn: Connection, name: str, role: str, enterprise_id: str | None) -> None:
    """Give an account another role and end its sessions; the last administrator in service keeps it."""
    account = _known(conn, name)
    if role != "administrator":
        _keep_an_administrator(conn, account)
    try:
        with conn.transaction():
            conn.execute("update account set role = %s, enterprise_id = %s where id = %s", (role, enterprise_id, name))
    except (psycopg.errors.CheckViolation, psycopg.errors.ForeignKeyViolation) as error:
        raise ConfigurationError(
            f"account {name!r}: found role {role!r} with enterprise {enterprise_id!r}, expected one of"
            f" {', '.join(ROLES)}, and a registered enterprise with the role enterprise only"
        ) from error
    conn.execute("delete from session where account_id = %s", (name,))


def disable_account(conn: Connection, name: str, at: dt.datetime) -> None:
    """Let nobody sign in with an account any more and end its sessions; the last administrator stays."""
    account = _known(conn, name)
    _keep_an_administrator(conn, account)
    conn.execute("update account set disabled_at = %s where id = %s and disabled_at is null", (at, name))
    conn.execute("delete from session where account_id = %s", (name,))


def enable_account(conn: Connection, name: str) -> None:
    """Bring a disabled account back; its password is what it was."""
    _known(conn, name)
    conn.execute("update account set disabled_at = null where id = %s", (name,))


def _known(conn: Connection, name: str) -> Account:
    account = read_account(conn, name)
    if account is None:
        raise _unknown(name)
    return account


def _unknown(name: str) -> ConfigurationError:
    return ConfigurationError(f"found no account {name!r}, expected one of: lantian account list")


def _keep_an_administrator(conn: Connection, account: Account) -> None:
    if account.role != "administrator" or account.disabled_at is not None:
        return
    # Two administrators who disable each other at the same moment wait here for each other.
    rows = conn.execute(
        "select id from account where role = 'administrator' and disabled_at is null order by id for update"
    ).fetchall()
    if [row[0] for row in rows] == [account.id]:
        raise ConfigurationError(
            f"account {account.id!r} is the last administrator; expected another one first: lantian account add"
        )
