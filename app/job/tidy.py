"""Deleting what nobody needs any more."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from store.connection import Connection
from store.integrity import drop_checks
from store.job_run import drop_runs

RUNS_KEPT: Final = dt.timedelta(days=90)
#: A year and what people need to look back at it.
CHECKS_KEPT: Final = dt.timedelta(days=400)


def tidy(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Delete records of job runs older than `RUNS_KEPT`, the newest of each job excepted, and integrity checks
    older than `CHECKS_KEPT` that suspected nothing."""
    with conn.transaction():
        return {
            "job_runs": drop_runs(conn, now - RUNS_KEPT),
            "integrity_checks": drop_checks(conn, (now - CHECKS_KEPT).date()),
        }
