"""Adding up the ledger by hour."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from store.connection import Connection
from store.ledger_hour import add_up


def add_up_ledger(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Add the batches since the last run to their hours."""
    with conn.transaction():
        return {"batches": add_up(conn, now)}
