"""Rows that a connection knows to be committed: to change these is cheaper than to insert or change what is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from weakref import WeakKeyDictionary

from store.connection import Connection
from store.receipt import Statement

#: So many sets of devices are remembered, one for their states and one for each day; then all are forgotten.
_MOST: Final = 100
_known: WeakKeyDictionary[Connection, dict[object, set[str]]] = WeakKeyDictionary()

#: Rows are looked up one by one in the order of the arrays, which is sorted: collectors that change the same rows wait
#: for each other, never in a circle. For the rest of the transaction.
_IN_ORDER: Final = (
    "select set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),"
    " set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)"
)


class RowsGone(Exception):  # noqa: N818 - no fault: a turn of events
    """Rows that were known do not exist any more: the transaction is to be tried again; nothing is known now."""


def execute_all(conn: Connection, statements: Sequence[Statement]) -> None:
    """Execute statements in one round trip, each as an update where all its rows are known.

    Parameters
    ----------
    conn : Connection
        Inside a transaction.
    statements : sequence of Statement
        In this order.

    Raises
    ------
    RowsGone
        When an update has not found all its rows.
    """
    known = _known.get(conn, {})
    updates = [
        one.update if all(names <= known.get(key, set()) for key, names in one.keys.items()) else None
        for one in statements
    ]
    with conn.pipeline():
        if any(updates):
            conn.execute(_IN_ORDER)
        cursors = [
            conn.execute(update or one.text, one.parameters) for one, update in zip(statements, updates, strict=True)
        ]
    for one, update, cursor in zip(statements, updates, cursors, strict=True):
        if update and cursor.rowcount != sum(map(len, one.keys.values())):
            known.clear()
            raise RowsGone


def remember(conn: Connection, statements: Sequence[Statement]) -> None:
    """Know the rows of statements that have been committed."""
    known = _known.setdefault(conn, {})
    if len(known) > _MOST:
        known.clear()
    for one in statements:
        for key, names in one.keys.items():
            known.setdefault(key, set()).update(names)
