"""Putting rows into their tables without touching what is there, and saying what became of each row.

Two ways. Direct: COPY into the table itself, which only works when every key is new: the ordinary case, and the fast
one. Staged: COPY to a temporary table, insert what is new, compare the rest with what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from store.block import SHAPES, Rows, Shape
from store.connection import Connection
from store.copy_format import numbers
from store.message import Integers, Mask

Statuses = npt.NDArray[np.uint8]
#: What became of a row.
NEW: Final = 0
DUPLICATE: Final = 1
REVISED: Final = 2
#: Batches over less time than this touch two chunks at most.
_NARROW_S: Final = 7 * 86400


def _names(columns: Sequence[str], prefix: str | None = None) -> sql.Composed:
    parts = [sql.Identifier(name) if prefix is None else sql.Identifier(prefix, name) for name in columns]
    return sql.SQL(", ").join(parts)


def staging_name(shape: Shape) -> sql.Identifier:
    """The connection's temporary table for rows of `shape`."""
    return sql.Identifier(f"staged_{shape.table}")


def same_key(shape: Shape, one: str, other: str) -> sql.Composed:
    """Condition that two rows, given by their aliases, have one key."""
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(one, name), sql.Identifier(other, name)) for name in shape.key
    )


def create_staging(conn: Connection) -> None:
    """Create the temporary tables unless this connection has them; they are emptied at every commit."""
    row = conn.execute("select to_regclass('pg_temp.staged_factor_reading') is null").fetchone()
    if row is None or not row[0]:
        return
    for shape in SHAPES.values():
        conn.execute(
            sql.SQL(
                "create temp table if not exists {} (ordinal int not null, first boolean not null,"
                " announced boolean not null, accepted boolean not null, like {}) on commit delete rows"
            ).format(staging_name(shape), sql.Identifier("lantian", shape.table))
        )


@cache
def _direct_statement(shape: Shape) -> sql.Composed:
    return sql.SQL("copy {} ({}) from stdin (format binary)").format(sql.Identifier(shape.table), _names(shape.columns))


@cache
def _stage_statement(shape: Shape) -> sql.Composed:
    return sql.SQL("copy {} (ordinal, first, announced, accepted, {}) from stdin (format binary)").format(
        staging_name(shape), _names(shape.columns)
    )


@cache
def _insert_statement(shape: Shape) -> sql.Composed:
    """Insert in order of key: collectors that write the same keys wait for each other, never in a circle."""
    return sql.SQL(
        "with added as (insert into {table} ({columns}) select {columns} from {staged} where first order by ordinal"
        " on conflict do nothing returning {key})"
        " select coalesce(array_agg(s.ordinal), '{{}}') from {staged} s join added a on {same} where s.first"
    ).format(
        table=sql.Identifier(shape.table),
        columns=_names(shape.columns),
        staged=staging_name(shape),
        key=_names(shape.key),
        same=same_key(shape, "s", "a"),
    )


@cache
def _compare_statement(shape: Shape) -> sql.Composed:
    return sql.SQL(
        "select s.ordinal from {staged} s cross join lateral (select {compared} from {table} r"
        " where {same} and r.time between to_timestamp(%s) and to_timestamp(%s) limit 1) t"
        " where s.ordinal = any(%s::int[]) and ({mine}) is not distinct from ({theirs})"
    ).format(
        staged=staging_name(shape),
        compared=_names(shape.compared, "r"),
        table=sql.Identifier(shape.table),
        same=same_key(shape, "r", "s"),
        mine=_names(shape.compared, "s"),
        theirs=_names(shape.compared, "t"),
    )


def copy_direct(conn: Connection, rows: Rows, meanwhile: Callable[[], None] | None = None) -> None:
    """COPY all rows into their table; fails as a whole when one of the keys exists.

    `meanwhile` is called when everything is sent, while the database still works on it.
    """
    with conn.cursor().copy(_direct_statement(rows.shape)) as copy:
        for piece in rows.copied(np.arange(len(rows.message))):
            copy.write(piece)
        if meanwhile is not None:
            meanwhile()


def insert_staged(conn: Connection, rows: Rows, chosen: Integers, accepted: Mask) -> Mask:
    """Stage the chosen rows and insert those whose key is new.

    Parameters
    ----------
    conn : Connection
        Inside a transaction, after `create_staging`.
    rows : Rows
        Rows of one table.
    chosen : ndarray of int64
        Ascending indices of rows.
    accepted : ndarray of bool
        One per row of `rows`: as a revision it would count at once.

    Returns
    -------
    ndarray of bool
        One per chosen row: inserted.
    """
    conn.execute(sql.SQL("truncate {}").format(staging_name(rows.shape)))
    marks = np.column_stack([rows.first(chosen), rows.announced[chosen], accepted[chosen]])
    before = (numbers(chosen, ">i4"), numbers(marks, ">i1"))
    with conn.cursor().copy(_stage_statement(rows.shape)) as copy:
        for piece in rows.copied(chosen, before):
            copy.write(piece)
    row = conn.execute(_insert_statement(rows.shape)).fetchone()
    return np.isin(chosen, np.array(row[0] if row else [], dtype=np.int64))


def equal_rows(conn: Connection, rows: Rows, ordinals: Integers) -> Integers:
    """Those of the staged rows whose values and marks are the stored ones; flags, being ours, are not compared."""
    seconds = rows.times_us[ordinals] // 1_000_000
    bounds = (float(seconds.min()) - 1, float(seconds.max()) + 1)
    # The bounds leave one or two chunks; excluding these again for every row would cost three times the comparison.
    exclusion = "off" if bounds[1] - bounds[0] < _NARROW_S else "on"
    conn.execute("select set_config('timescaledb.enable_runtime_exclusion', %s, true)", (exclusion,))
    found = conn.execute(_compare_statement(rows.shape), (*bounds, ordinals.tolist())).fetchall()
    return np.array(sorted(ordinal for (ordinal,) in found), dtype=np.int64)
