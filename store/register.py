"""The registers of the plan in the database: every row is a version of an entry, rows are only added."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from domain.error import ConfigurationError
from domain.period import ZONE
from domain.register import Register
from store.connection import Connection

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A new version of an entry: what is done to it, its fields afterwards, the version it follows (0 = none)."""

    action: str
    entry: Mapping[str, Any]
    follows: int


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes a register, and why."""

    name: str
    why: str


def _fields(register: Register) -> tuple[str, ...]:
    return ("id", "area_id", *(each.key for each in register.fields))


def _rows(conn: Connection, query: sql.Composed, parameters: Sequence[object]) -> list[Entry]:
    """Rows with every moment in local time."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, parameters).fetchall()
    return [
        {key: value.astimezone(ZONE) if isinstance(value, dt.datetime) else value for key, value in row.items()}
        for row in rows
    ]


def read_register(conn: Connection, register: Register, *, known_at: dt.datetime | None = None) -> dict[str, Entry]:
    """Entries of a register by id, retired ones included.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    register : Register
        Which one.
    known_at : datetime, optional
        As the register stood then; by default as it stands.

    Returns
    -------
    dict of str to dict
        The fields of the newest version with ``id``, ``area_id``, ``version``, ``changed_by``, ``changed_at``, ``why``,
        and ``retired_at``, None for an entry in service.
    """
    query = sql.SQL(
        "select distinct on (id) {}, version, changed_by, changed_at, why,"
        " case when action = 'retire' then changed_at end as retired_at"
        " from {} where %s::timestamptz is null or changed_at <= %s order by id, version desc"
    ).format(sql.SQL(", ").join(map(sql.Identifier, _fields(register))), sql.Identifier(register.table))
    return {row["id"]: row for row in _rows(conn, query, (known_at, known_at))}


def read_history(conn: Connection, register: Register, name: str) -> list[Entry]:
    """Every version of an entry, oldest first: fields, ``version``, ``action``, ``changed_by``, ``changed_at``,
    ``why``."""
    query = sql.SQL("select {}, version, action, changed_by, changed_at, why from {} where id = %s order by version")
    names = sql.SQL(", ").join(map(sql.Identifier, _fields(register)))
    return _rows(conn, query.format(names, sql.Identifier(register.table)), (name,))


def write_changes(conn: Connection, register: Register, changes: Sequence[Change], author: Author) -> None:
    """Append versions.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    register : Register
        Which one.
    changes : sequence of Change
        Checked entries.
    author : Author
        Who and why.

    Raises
    ------
    ConfigurationError
        When somebody else has changed one of the entries since it was read; nothing is written then.
    """
    fields = _fields(register)
    columns = (*fields, "version", "action", "changed_by", "why")
    statement = sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier(register.table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.Placeholder() * len(columns)),
    )
    records = [
        (*(change.entry[key] for key in fields), change.follows + 1, change.action, author.name, author.why)
        for change in changes
    ]
    try:
        with conn.transaction(), conn.cursor() as cursor:
            cursor.executemany(statement, records)
    except psycopg.errors.UniqueViolation as error:
        raise ConfigurationError(
            f"register {register.name}: found an entry that somebody changed meanwhile ({error.diag.message_detail});"
            " expected it as it was read; nothing was written, try again"
        ) from error
