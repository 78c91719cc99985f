"""Deliveries after a clock was set back: their next step would otherwise wait until the clock is there again."""

from __future__ import annotations

import datetime as dt
from typing import Final

from store.connection import Connection

#: Clocks of several machines differ by less.
_TOLERANCE: Final = dt.timedelta(minutes=1)
#: The claim of a delivery is in the future: its next step moves back by as much. When its birth is, and it was to be
#: sent at once, it is due now; what waits for the hours of its contact goes on waiting for them.
_BRING_BACK: Final = """
update delivery set
    claimed_at = case when claimed_at is not null then %(now)s end,
    due_at = case when claimed_at is not null then least(due_at, greatest(%(now)s, due_at - (claimed_at - %(now)s)))
        when due_at <= created_at + %(tolerance)s then least(due_at, %(now)s) else due_at end,
    leased_until = leased_until - (claimed_at - %(now)s)
where state in ('waiting', 'sending') and (
    claimed_at > %(now)s + %(tolerance)s
    or (claimed_at is null and due_at > %(now)s and created_at > %(now)s + %(tolerance)s
        and due_at <= created_at + %(tolerance)s))
"""


def bring_back(conn: Connection, *, now: dt.datetime) -> int:
    """Bring deliveries that were claimed or born in the future back to the present; how many.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    now : datetime
        The moment.
    """
    return conn.execute(_BRING_BACK, {"now": now, "tolerance": _TOLERANCE}).rowcount
