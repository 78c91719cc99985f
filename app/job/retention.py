"""Dropping what is older than the settings keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from app.settings import Settings, load_settings
from store.connection import Connection
from store.retention import EXPIRING, drop_oldest_chunk


def drop_expired(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Drop chunks older than ``retention_<table>_days``, each in a transaction of its own; 0 days keep everything.

    With ``archive_dir`` no raw frames are dropped that a verified file of the archive does not hold.
    """
    settings = load_settings()
    counts: dict[str, int] = {}
    for table in EXPIRING:
        days: int = getattr(settings, f"retention_{table}_days")
        chunks = rows = 0
        with ExitStack() as stack:
            drop = _dropping(settings, table, stack)
            while days and (held := drop(conn, now - dt.timedelta(days=days), now)) is not None:
                chunks, rows = chunks + 1, rows + held
        counts |= {f"{table}_chunks": chunks, f"{table}_rows": rows}
    return counts


def _dropping(
    settings: Settings, table: str, stack: ExitStack
) -> Callable[[Connection, dt.datetime, dt.datetime], int | None]:
    """What drops the oldest chunk of `table` that ended before a moment; its second moment is the present."""
    folder = settings.archive_dir
    if table != "raw_frame" or folder is None or not settings.retention_raw_frame_days:

        def drop(conn: Connection, before: dt.datetime, now: dt.datetime) -> int | None:  # noqa: ARG001
            with conn.transaction():
                return drop_oldest_chunk(conn, table, before)

        return drop
    # Reading and writing Parquet takes a while to import.
    from app.frame_archive import drop_oldest_archived, writing  # noqa: PLC0415

    stack.enter_context(writing(folder))
    return lambda conn, before, now: drop_oldest_archived(conn, before, folder, now=now)
