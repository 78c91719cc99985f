"""What evaluation remembers between two looks: which alerts are active, which conditions wait to have lasted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from store.connection import Connection

#: Source -> whether it waits for an alert (True) or for the end of one, and since when.
Conditions = Mapping[str, tuple[bool, dt.datetime]]


def read_active_sources(conn: Connection, kind: str, source_kind: str) -> set[str]:
    """Sources with an active alert of a kind."""
    rows = conn.execute(
        "select source_id from alert where kind = %s and source_kind = %s and state in ('open', 'acknowledged')",
        (kind, source_kind),
    ).fetchall()
    return {row[0] for row in rows}


def read_conditions(conn: Connection, kind: str, source_kind: str) -> dict[str, tuple[bool, dt.datetime]]:
    """Conditions of a kind that wait to have lasted."""
    rows = conn.execute(
        "select source_id, met, since from alert_condition where kind = %s and source_kind = %s", (kind, source_kind)
    ).fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def write_conditions(conn: Connection, kind: str, source_kind: str, conditions: Conditions) -> None:
    """Replace the conditions of a kind that wait; the caller commits."""
    conn.execute("delete from alert_condition where kind = %s and source_kind = %s", (kind, source_kind))
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into alert_condition (kind, source_kind, source_id, met, since) values (%s, %s, %s, %s, %s)",
            [(kind, source_kind, source, met, since) for source, (met, since) in conditions.items()],
        )
