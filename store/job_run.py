"""Runs of scheduled jobs: recorded when they begin and when they end, held so that no job runs twice at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from psycopg.types.json import Jsonb

from store.connection import Connection

#: First key of the advisory locks of jobs; the second is the job's name.
_LOCK: Final = 4_226_035


@dataclass(frozen=True, slots=True)
class JobRun:
    """The newest run of a job; `outcome` is done, failed, interrupted, or None while it runs."""

    job: str
    began_at: dt.datetime
    ended_at: dt.datetime | None
    outcome: str | None
    counts: Mapping[str, int]
    error: str | None


@contextmanager
def held_job(conn: Connection, job: str) -> Iterator[bool]:
    """Hold `job` for this session; yields False when another session holds it."""
    row = conn.execute("select pg_try_advisory_lock(%s, hashtext(%s))", (_LOCK, job)).fetchone()
    held = row is not None and bool(row[0])
    try:
        yield held
    finally:
        if held and not conn.closed:
            conn.execute("select pg_advisory_unlock(%s, hashtext(%s))", (_LOCK, job))


def begin_run(conn: Connection, job: str, *, now: dt.datetime) -> int:
    """Record that `job`, which the caller holds, begins; runs of it left without an end were interrupted."""
    conn.execute(
        "update job_run set ended_at = greatest(%s, began_at), outcome = 'interrupted'"
        " where job = %s and ended_at is null",
        (now, job),
    )
    row = conn.execute("insert into job_run (job, began_at) values (%s, %s) returning id", (job, now)).fetchone()
    assert row is not None
    return int(row[0])


def end_run(conn: Connection, run: int, counts: Mapping[str, int], *, now: dt.datetime) -> None:
    """Record that run number `run` ended well and what it did."""
    conn.execute(
        "update job_run set ended_at = %s, outcome = 'done', counts = %s where id = %s", (now, Jsonb(dict(counts)), run)
    )


def fail_run(conn: Connection, run: int, error: tuple[str, str], *, now: dt.datetime) -> None:
    """Record that run number `run` failed with `error`: its code and its text."""
    conn.execute(
        "update job_run set ended_at = %s, outcome = 'failed', error_code = %s, error = %s where id = %s",
        (now, *error, run),
    )


#: The newest run of each job, from one jump in the index to the next: there are millions of runs and a few jobs.
_LAST: Final = """
with recursive name as (
    (select job from job_run order by job limit 1)
    union all
    select (select r.job from job_run r where r.job > n.job order by r.job limit 1) from name n where n.job is not null
)
select r.job, r.began_at, r.ended_at, r.outcome, r.counts, r.error from name n
cross join lateral (
    select * from job_run x where x.job = n.job and x.began_at <= coalesce(%s, 'infinity'::timestamptz)
    order by x.began_at desc, x.id desc limit 1
) r
"""


def read_last_runs(conn: Connection, *, until: dt.datetime | None = None) -> dict[str, JobRun]:
    """The newest run of each job by its name; with `until` of those that began by then.

    Runs after the present moment are there when a clock was set back: they say nothing about when a job is due.
    """
    return {row[0]: JobRun(*row) for row in conn.execute(_LAST, (until,)).fetchall()}


def began_after(conn: Connection, job: str, moment: dt.datetime) -> bool:
    """Whether a run of `job` says that it began after a moment; after the present one, a clock was set back."""
    row = conn.execute("select exists (select from job_run where job = %s and began_at > %s)", (job, moment)).fetchone()
    return row is not None and bool(row[0])


def read_last_done(conn: Connection, job: str, *, until: dt.datetime) -> dt.datetime | None:
    """When the newest run of `job` that ended well, and by `until`, did so; None when there is none."""
    row = conn.execute(
        "select ended_at from job_run where job = %s and began_at <= %s and ended_at <= %s and outcome = 'done'"
        " order by began_at desc limit 1",
        (job, until, until),
    ).fetchone()
    return None if row is None else row[0]


def drop_runs(conn: Connection, before: dt.datetime) -> int:
    """Delete runs that began before `before`, but the newest of each job; returns how many."""
    return conn.execute(
        "delete from job_run r where began_at < %s"
        " and exists (select from job_run x where x.job = r.job and x.began_at > r.began_at)",
        (before,),
    ).rowcount
