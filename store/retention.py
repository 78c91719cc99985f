"""Dropping old chunks: counted when dropped, as far as the database's function allows."""

from __future__ import annotations

import datetime as dt
from typing import Final

from store.connection import Connection

#: Tables of which old chunks may go; readings are not among them, because statistics are computed from them again.
EXPIRING: Final = ("raw_frame", "quality_result")


def drop_oldest_chunk(conn: Connection, table: str, before: dt.datetime) -> int | None:
    """Drop the oldest chunk of `table` that ended at or before `before` and record what it held; the caller commits.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    table : str
        One of `EXPIRING`.
    before : datetime
        At least 30 days ago by the database's clock, which refuses anything else.

    Returns
    -------
    int or None
        Rows it held; None when there is no such chunk.
    """
    row = conn.execute("select drop_oldest_chunk(%s, %s)", (table, before)).fetchone()
    return None if row is None or row[0] is None else int(row[0])
