"""Dropping what is older than the settings keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from app.settings import load_settings
from store.connection import Connection
from store.retention import EXPIRING, drop_oldest_chunk


def drop_expired(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Drop chunks older than ``retention_<table>_days``, each in a transaction of its own; 0 days keep everything."""
    settings = load_settings()
    counts: dict[str, int] = {}
    for table in EXPIRING:
        days: int = getattr(settings, f"retention_{table}_days")
        chunks = rows = 0
        while days:
            with conn.transaction():
                held = drop_oldest_chunk(conn, table, now - dt.timedelta(days=days))
            if held is None:
                break
            chunks, rows = chunks + 1, rows + held
        counts |= {f"{table}_chunks": chunks, f"{table}_rows": rows}
    return counts
