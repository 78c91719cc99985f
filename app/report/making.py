"""A report by its kind."""

from __future__ import annotations

import datetime as dt

from app.report.content import Report
from app.report.day import day_report
from app.report.period import period_report
from app.report.plan import plan_report
from app.report.validity import validity_report
from domain.error import ConfigurationError
from store.connection import Connection, snapshot


def make_report(  # noqa: PLR0913 - everything behind the star is named by its caller
    conn: Connection, kind: str, area: str, day: dt.date, *, now: dt.datetime, subject: str = ""
) -> Report:
    """Read a report in one snapshot.

    Parameters
    ----------
    conn : Connection
        In autocommit mode; schema `screen` is enough.
    kind : {"day", "month", "year", "plan", "validity"}
        Which.
    area : str
        Whose.
    day : date
        A local day of its period.
    now : datetime
        The present moment; a period that has not begun is a `ConfigurationError`.
    subject : str
        Enterprise of a validity report.

    Returns
    -------
    Report
        Ready to be written.
    """
    with snapshot(conn):
        if kind == "day":
            return day_report(conn, area, day, now=now)
        if kind == "month":
            return period_report(conn, area, "month", day, now=now)
        if kind == "year":
            return period_report(conn, area, "year", day, now=now)
        if kind == "plan":
            return plan_report(conn, area, day, now=now)
        if kind == "validity":
            return validity_report(conn, area, subject, day, now=now)
    raise ConfigurationError(f"report {kind!r}: expected day, month, year, plan or validity")
