"""Hours of the ledger added up, so that long ranges need not read every batch."""

from __future__ import annotations

import datetime as dt
from typing import Final

from store.connection import Connection

_COLUMNS: Final = "received, stored, duplicate, revised, rejected, rows_stored, rows_duplicate, rows_revised"
#: Batches are numbered before they are committed: what is younger than this may still have an older one beside it.
_SETTLED: Final = dt.timedelta(minutes=2)


def add_up(conn: Connection, now: dt.datetime) -> int:
    """Add batches up to `now` less two minutes to their hours; the caller commits.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    now : datetime
        The moment.

    Returns
    -------
    int
        Batches added.
    """
    conn.execute("lock table ledger_hour in share row exclusive mode")
    row = conn.execute("select coalesce(max(through_id), 0) from ledger_hour").fetchone()
    through = row[0] if row else 0
    row = conn.execute(
        "select coalesce(max(id), %(through)s) from ledger where id > %(through)s and committed_at < %(until)s"
        " and id < (select coalesce(min(y.id), 9223372036854775807) from ledger y where y.id > %(through)s"
        " and y.committed_at >= %(until)s)",
        {"through": through, "until": now - _SETTLED},
    ).fetchone()
    last = row[0] if row else through
    names = _COLUMNS.split(", ")
    sums = ", ".join(f"sum({name})" for name in names)
    more = ", ".join(f"{name} = ledger_hour.{name} + excluded.{name}" for name in ("batches", *names))
    conn.execute(
        f"insert into ledger_hour (hour, collector, batches, {_COLUMNS}, through_id)"  # noqa: S608 - names of this module
        f" select date_trunc('hour', committed_at), collector, count(*), {sums}, %(last)s from ledger"
        " where id > %(through)s and id <= %(last)s group by 1, 2"
        f" on conflict (hour, collector) do update set {more}, through_id = excluded.through_id, settled_at = now()",
        {"through": through, "last": last},
    )
    counted = conn.execute("select count(*) from ledger where id > %s and id <= %s", (through, last)).fetchone()
    return int(counted[0]) if counted else 0
