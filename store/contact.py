"""Contacts: whom to tell, and how each is reached."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import sql
from psycopg.rows import dict_row

from domain.alert import INFO
from domain.error import ConfigurationError
from store.connection import Connection
from store.outbox import Notice, announce_to

Entry = dict[str, Any]
_COLUMNS: Final = (
    *("id", "area_id", "enterprise_id", "name_zh", "step", "severity_floor", "kinds", "opens_at", "closes_at", "note"),
)


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to tell; table contact explains the fields. `channels` are pairs of channel and address."""

    id: str
    area_id: str | None
    enterprise_id: str | None
    name_zh: str
    step: int = 1
    severity_floor: int = 1
    kinds: tuple[str, ...] | None = None
    opens_at: dt.time | None = None
    closes_at: dt.time | None = None
    note: str | None = None
    channels: tuple[tuple[str, str], ...] = ()


def read_contacts(conn: Connection, *, enterprise_id: str | None = None) -> dict[str, Entry]:
    """Contacts by id, retired ones included; each with ``channels``, pairs of channel and address."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "select c.*, coalesce((select jsonb_agg(jsonb_build_array(h.channel, h.address)"
            " order by h.channel, h.address) from contact_channel h where h.contact_id = c.id), '[]') as channels"
            " from contact c"
            " where %(enterprise)s::text is null or c.enterprise_id = %(enterprise)s"
            " order by c.enterprise_id nulls first, c.step, c.id",
            {"enterprise": enterprise_id},
        ).fetchall()
    return {row["id"]: {**row, "channels": [tuple(pair) for pair in row["channels"]]} for row in rows}


def write_contacts(conn: Connection, contacts: Sequence[Contact]) -> None:
    """Insert contacts or bring those there are to the given state, their channels included; the caller commits."""
    names = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    changes = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(each)) for each in _COLUMNS[1:])
    marks = sql.SQL(", ").join(map(sql.Placeholder, _COLUMNS))
    statement = sql.SQL(
        "insert into contact ({}, edited_at) values ({}, now()) on conflict (id) do update set {}, edited_at = now()"
    ).format(names, marks, changes)
    for contact in contacts:
        values = {name: getattr(contact, name) for name in _COLUMNS}
        values["kinds"] = None if contact.kinds is None else list(contact.kinds)
        conn.execute(statement, values)
        conn.execute("delete from contact_channel where contact_id = %s", (contact.id,))
        for channel, address in contact.channels:
            conn.execute("insert into contact_channel values (%s, %s, %s)", (contact.id, channel, address))


def retire_contact(conn: Connection, name: str, at: dt.datetime | None) -> None:
    """Take a contact out of service, or back into it when `at` is None; an error when that changes nothing."""
    done = conn.execute(
        "update contact set retired_at = %s, edited_at = now() where id = %s and (retired_at is null) = %s",
        (at, name, at is not None),
    ).rowcount
    if not done:
        raise ConfigurationError(f"found no contact {name!r} {'in service' if at else 'out of service'}, expected one")


def announce_test(conn: Connection, name: str, *, by: str, now: dt.datetime) -> tuple[int, int]:
    """Send a contact in service a test notice over every channel; its id and the number of deliveries."""
    entry = read_contacts(conn).get(name)
    if entry is None or entry["retired_at"] is not None:
        raise ConfigurationError(f"found no contact {name!r} in service, expected the id of one")
    text = f"由 {by} 发出的测试通知，无需处理"
    notice = Notice("test", f"contact:{name}", entry["area_id"], entry["enterprise_id"], INFO, "测试通知", text)
    return announce_to(conn, notice, name, now=now)
