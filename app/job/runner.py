"""Running scheduled jobs: each when it is due, recorded with what came of it."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from app.job.schedule import Job
from domain.error import LantianError, ServiceError
from store.connection import Connection
from store.error import translated
from store.job_run import JobRun, begin_run, end_run, fail_run, held_job, read_last_runs

logger = logging.getLogger(__name__)

#: Seconds between two looks for due jobs.
TICK_S: Final = 1.0


def is_due(job: Job, last: JobRun | None, now: dt.datetime) -> bool:
    """Whether `job` should run: it never did, or its last run began at least `job.every` ago (or in the future, which
    means that a clock was set back)."""
    return last is None or not dt.timedelta(0) <= now - last.began_at < job.every


def run_job(conn: Connection, job: Job, clock: Callable[[], dt.datetime]) -> Mapping[str, int] | None:
    """Run `job` now and record it.

    Parameters
    ----------
    conn : Connection
        Role `lantian_app`, in autocommit mode.
    job : Job
        What to run.
    clock : callable
        Gives the aware present moment.

    Returns
    -------
    mapping or None
        What it did by name; None when another process is running the same job.

    Raises
    ------
    LantianError
        What the job raised; recorded first, unless the database is away.
    """
    with held_job(conn, job.name) as held:
        if not held:
            return None
        began = clock()
        run = begin_run(conn, job.name, now=began)
        try:
            with translated(f"job {job.name}"):
                counts = job.load()(conn, began)
        except Exception as error:
            if not conn.closed:
                code = error.code if isinstance(error, LantianError) else type(error).__name__
                fail_run(conn, run, (code, str(error) or code), now=clock())
            raise
        end_run(conn, run, counts, now=clock())
        return counts


def follow_lane(
    jobs: Sequence[Job],
    open_connection: Callable[[], Connection],
    *,
    clock: Callable[[], dt.datetime],
    stop: threading.Event,
) -> None:
    """Run the jobs of one lane whenever they are due, until `stop` is set.

    A job that fails is recorded and tried again when it is next due; a database that cannot be reached is tried again.

    Parameters
    ----------
    jobs : sequence of Job
        Jobs of the lane, in the order in which they run when several are due.
    open_connection : callable
        Opens a connection as role `lantian_app`, in autocommit mode.
    clock : callable
        Gives the aware present moment.
    stop : Event
        Ends the work between two jobs.

    Raises
    ------
    StoreError
        When the database refuses the connection for a reason that time does not mend.
    """
    while not stop.is_set():
        try:
            with translated("jobs"), open_connection() as conn:
                while not stop.is_set():
                    _run_due(conn, jobs, clock, stop)
                    stop.wait(TICK_S)
        except ServiceError as error:
            logger.warning(json.dumps({"event": "jobs_retry", "code": error.code, "error": str(error)}))
            stop.wait(TICK_S * 5)


def _run_due(conn: Connection, jobs: Iterable[Job], clock: Callable[[], dt.datetime], stop: threading.Event) -> None:
    last = read_last_runs(conn, until=clock())
    for job in jobs:
        if stop.is_set() or not is_due(job, last.get(job.name), clock()):
            continue
        began = clock()
        line: dict[str, object] = {"event": "job", "job": job.name}
        try:
            counts = run_job(conn, job, clock)
            if counts is None:
                continue
            line |= {"outcome": "done", **counts}
        except Exception as error:
            if conn.closed:
                raise
            # The run is recorded as failed: the job is tried again when it is next due, the others go on.
            line |= {"outcome": "failed", "error": str(error), "trace": traceback.format_exc(limit=-3)}
        line["seconds"] = round((clock() - began).total_seconds(), 3)
        logger.info(json.dumps(line, ensure_ascii=False))
