"""Figures that people have reported for a target, as they entered them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class Reported:
    """A figure with who reported it; `counts` is False where a later one of the same day has replaced it."""

    as_of: dt.date
    value: float
    reported_by: str
    reported_at: dt.datetime
    note: str | None
    counts: bool


def read_reported(conn: Connection, area: str, target: str) -> list[Reported]:
    """Everything reported for a target, the newest entry first."""
    rows = conn.execute(
        "select as_of, value, reported_by, reported_at, note,"
        " row_number() over (partition by as_of order by reported_at desc, id desc) = 1"
        " from target_report where area_id = %s and target_id = %s order by id desc",
        (area, target),
    ).fetchall()
    return [Reported(*row) for row in rows]
