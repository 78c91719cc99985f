"""What the console does with the registry: read and write entries, retire them, list strangers that wait."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from psycopg import sql
from psycopg.rows import dict_row

from domain.error import ConfigurationError
from store.connection import Connection
from store.registry import set_columns, set_units

Entry = dict[str, Any]

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "enterprise": (
            *("id", "area_id", "name_zh", "industry", "permit_number", "permit", "grade", "key_industry", "named_2024"),
            *("ultra_low", "on_reduction_list", "clause", "note", "retired_at"),
        ),
        "site": (
            *("id", "area_id", "enterprise_id", "kind", "name_zh", "township", "longitude", "latitude", "evaluated"),
            *("note", "retired_at"),
        ),
        "device": (
            *("id", "site_id", "protocol", "family", "mn", "label", "zone_offset_s", "span_s", "interval_s", "rank"),
            *("revision_policy", "crc_policy", "registered_at", "retired_at"),
        ),
    }
)
#: Entries in service that keep an entry of the table in service.
_DEPENDANTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "enterprise": "select id from site where enterprise_id = %s and retired_at is null order by id",
        "site": "select id from device where site_id = %s and retired_at is null order by id",
    }
)
#: Entries that an entry of the table needs in service, when they are not.
_NEEDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "site": "select e.id from site s join enterprise e on e.id = s.enterprise_id"
        " where s.id = %s and e.retired_at is not null",
        "device": "select s.id from device d join site s on s.id = d.site_id"
        " where d.id = %s and s.retired_at is not null",
    }
)


def read_areas(conn: Connection) -> dict[str, str]:
    """Areas: id -> Chinese name."""
    return dict(conn.execute("select id, name_zh from area order by id").fetchall())


def read_entries(conn: Connection, table: str) -> dict[str, Entry]:
    """Entries of a table by id, retired ones included; pseudo-sites of areas are left out.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    table : str
        ``enterprise``, ``site`` or ``device``.

    Returns
    -------
    dict of str to dict
        Columns of the table; a device also has ``name_zh`` and ``area_id`` of its site, its ``units``, and
        ``last_received_at`` and ``last_time`` (None before its first reading).
    """
    columns = sql.SQL(", ").join(sql.Identifier("t", name) for name in _COLUMNS[table])
    query = sql.SQL("select {} from {} t").format(columns, sql.Identifier(table))
    if table == "device":
        query = sql.SQL(
            "select {}, s.name_zh, s.area_id, st.last_received_at, st.last_time, coalesce((select"
            " jsonb_object_agg(u.factor, u.unit) from device_unit u where u.device_id = t.id), '{{}}') as units,"
            " coalesce((select jsonb_object_agg(c.factor, c.column_key) from device_column c"
            " where c.device_id = t.id), '{{}}') as factor_columns"
            " from device t join site s on s.id = t.site_id left join device_state st on st.device_id = t.id"
        ).format(columns)
    elif table == "site":
        query += sql.SQL(" where t.kind <> 'area'")
    with conn.cursor(row_factory=dict_row) as cursor:
        return {row["id"]: row for row in cursor.execute(query + sql.SQL(" order by t.id")).fetchall()}


def write_entries(conn: Connection, table: str, entries: Sequence[Mapping[str, Any]]) -> None:
    """Insert entries or bring those there are to the given state; loading the county again leaves them alone.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    table : str
        ``enterprise``, ``site`` or ``device``.
    entries : sequence of mapping
        All with the same columns; a device's ``units`` and ``factor_columns`` replace those it has.
    """
    if not entries:
        return
    columns = [name for name in entries[0] if name not in ("units", "factor_columns")]
    others = [sql.Identifier(name) for name in columns if name != "id"]
    statement = sql.SQL(
        "insert into {} ({}, edited_at) values ({}, now()) on conflict (id) do update set {}, edited_at = now()"
    ).format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.Placeholder, columns)),
        sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in others),
    )
    with conn.cursor() as cursor:
        cursor.executemany(statement, entries)
    for entry in entries:
        if "units" in entry:
            set_units(conn, entry["id"], entry["units"])
        if "factor_columns" in entry:
            set_columns(conn, entry["id"], entry["factor_columns"])


def retire_entry(conn: Connection, table: str, name: str, at: dt.datetime) -> None:
    """Take an entry out of service; it and everything measured stay.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    table : str
        ``enterprise``, ``site`` or ``device``.
    name : str
        Its id.
    at : datetime
        Since when.

    Raises
    ------
    ConfigurationError
        When it is not in service, or others in service belong to it.
    """
    if table in _DEPENDANTS and (rows := conn.execute(_DEPENDANTS[table], (name,)).fetchall()):
        names = ", ".join(row[0] for row in rows[:10])
        raise ConfigurationError(f"{table} {name!r}: found {len(rows)} in service there ({names}); retire them first")
    statement = sql.SQL("update {} set retired_at = %s where id = %s and retired_at is null")
    if conn.execute(statement.format(sql.Identifier(table)), (at, name)).rowcount == 0:
        raise ConfigurationError(f"found no {table} {name!r} in service, expected the id of one")


def restore_entry(conn: Connection, table: str, name: str) -> None:
    """Bring a retired entry back into service; `ConfigurationError` when it is not retired or its place is."""
    if table in _NEEDED and (row := conn.execute(_NEEDED[table], (name,)).fetchone()):
        raise ConfigurationError(f"{table} {name!r} belongs to {row[0]}, which is retired; bring that back first")
    statement = sql.SQL("update {} set retired_at = null where id = %s and retired_at is not null")
    if conn.execute(statement.format(sql.Identifier(table)), (name,)).rowcount == 0:
        raise ConfigurationError(f"found no retired {table} {name!r}, expected the id of one")


@dataclass(frozen=True, slots=True)
class Pending:
    """A stranger: messages on one branch that were rejected because no such device is registered.

    Attributes
    ----------
    county, protocol, device_id : str
        Levels of its topic.
    messages : int
        Rejected messages that wait.
    first_at, last_at : datetime
        When the first and the last of them came.
    payload : bytes
        The last one.
    registered : bool
        Whether a device of that id has been registered since; its messages can be replayed.
    """

    county: str
    protocol: str
    device_id: str
    messages: int
    first_at: dt.datetime
    last_at: dt.datetime
    payload: bytes
    registered: bool


_PENDING: Final = """
with waiting as (
    select split_part(topic, '/', 3) as county, split_part(topic, '/', 4) as protocol,
        split_part(topic, '/', 5) as device_id, count(*) as messages, min(received_at) as first_at,
        max(received_at) as last_at,
        coalesce(max(id) filter (where topic like '%%/data'), max(id)) as last_id
    from reject
    where reason = 'unknown_device' and replayed_at is null
        and (%(device)s::text is null or split_part(topic, '/', 5) = %(device)s)
    group by 1, 2, 3
)
select w.county, w.protocol, w.device_id, w.messages, w.first_at, w.last_at, r.payload, d.id is not null
from waiting w
join reject r on r.id = w.last_id
left join device d on d.id = w.device_id
order by w.last_at desc limit %(limit)s
"""


def read_pending(conn: Connection, *, device: str | None = None, limit: int = 500) -> list[Pending]:
    """Strangers whose messages wait in table reject, the one heard last first.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    device : str, optional
        Only this one.
    limit : int
        At most so many.

    Returns
    -------
    list of Pending
        Derived from the rejects alone: a replay takes them off the list.
    """
    return [Pending(*row) for row in conn.execute(_PENDING, {"device": device, "limit": limit}).fetchall()]
