"""Reports that the schedule has written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A report with its files; `subject` is the enterprise of a validity report, otherwise empty."""

    kind: str
    area_id: str
    subject: str
    period_start: dt.date
    made_at: dt.datetime
    folder: str
    files: Sequence[str]
    remark: str


def read_made(conn: Connection, limit: int | None = None) -> list[MadeReport]:
    """Reports made, the newest first; at most `limit`."""
    rows = conn.execute(
        "select kind, area_id, subject, period_start, made_at, folder, files, remark from screen.report_made"
        " order by id desc limit %s",
        (limit,),
    ).fetchall()
    return [MadeReport(*row) for row in rows]


def add_made(conn: Connection, made: MadeReport) -> None:
    """Record a report; one that is recorded already stays as it was."""
    conn.execute(
        "insert into report_made (kind, area_id, subject, period_start, made_at, folder, files, remark)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
        (
            made.kind, made.area_id, made.subject, made.period_start, made.made_at, made.folder, list(made.files),
            made.remark,
        ),
    )  # fmt: skip
