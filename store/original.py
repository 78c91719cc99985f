"""The reading that a revision would replace, as it was stored first."""

from __future__ import annotations

from collections.abc import Mapping

from psycopg import sql
from psycopg.rows import dict_row

from domain.family import FAMILIES
from store.connection import Connection
from store.revision import Revision


def read_original(conn: Connection, revision: Revision) -> Mapping[str, float | str | None] | None:
    """Stored values by column, for a factor ``value`` and ``text``; None when there is no such reading.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    revision : Revision
        Names device, time, span and, for a value without a column, factor and field.

    Returns
    -------
    mapping or None
        None for a missing value.
    """
    family = FAMILIES.get(revision.family)
    key = {"device": revision.device_id, "time": revision.time, "span": revision.span_s}
    statement: sql.Composable
    if family is None:
        statement = sql.SQL(
            "select value, text from factor_reading where device_id = %(device)s and time = %(time)s"
            " and span_s = %(span)s and factor = %(factor)s and field = %(field)s"
        )
        key |= {"factor": revision.factor, "field": revision.field}
    else:
        statement = sql.SQL(
            "select {} from {} where device_id = %(device)s and time = %(time)s and span_s = %(span)s"
        ).format(sql.SQL(", ").join(map(sql.Identifier, family.keys)), sql.Identifier(family.table))
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, key).fetchone()
