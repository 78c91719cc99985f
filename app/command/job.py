"""`lantian job`: what is done at set intervals."""

from __future__ import annotations

import datetime as dt
import logging
import signal
import sys
import threading

import click
from rich.table import Table

from app.job.runner import follow_lane, run_job
from app.job.schedule import JOBS, LANES, job_named
from app.output import table_console
from app.service.address import app_database_url
from app.service.schema import check_schema
from app.settings import load_settings
from domain.period import ZONE
from store.connection import Connection, connect
from store.error import translated
from store.job_run import JobRun, read_last_runs


@click.group("job")
def command() -> None:
    """Scheduled jobs: list them, run one now, keep running all of them."""


@command.command("list")
def show_jobs() -> None:
    """Every job, how often it runs, and what came of its last run."""
    with translated("read job runs"), _open() as conn:
        last = read_last_runs(conn)
    table = Table(box=None, header_style="bold")
    for name in ("job", "every", "last run", "outcome"):
        table.add_column(name, no_wrap=True)
    for name in ("did", "what for"):
        table.add_column(name, overflow="fold")
    for job in JOBS:
        table.add_row(job.name, _interval(job.every), *_told(last.get(job.name)), job.title)
    table_console().print(table)


@command.command("run")
@click.argument("name", type=click.Choice([job.name for job in JOBS]))
def run_now(name: str) -> None:
    """Run the job NAME now, whether it is due or not."""
    check_schema(load_settings())
    with _open() as conn:
        counts = run_job(conn, job_named(name), _clock)
    if counts is None:
        click.echo(f"{name}: another process is running it now; nothing done")
        raise SystemExit(1)
    click.echo(f"{name}: " + (", ".join(f"{count} {what}" for what, count in counts.items()) or "done"))


@command.command("follow")
def follow() -> None:
    """Run every job whenever it is due, until stopped (SIGTERM, Ctrl-C); one JSON line a run on standard error."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    check_schema(load_settings())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    failures: list[Exception] = []

    def live(lane: str) -> None:
        try:
            follow_lane([job for job in JOBS if job.lane == lane], _open, clock=_clock, stop=stop)
        except Exception as error:
            failures.append(error)
            stop.set()

    threads = [threading.Thread(target=live, args=(lane,), name=lane) for lane in LANES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _interval(every: dt.timedelta) -> str:
    seconds = int(every.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _told(run: JobRun | None) -> tuple[str, str, str]:
    if run is None:
        return "never", "", ""
    did = run.error or ", ".join(f"{count} {what}" for what, count in run.counts.items())
    return f"{run.began_at.astimezone(ZONE):%Y-%m-%d %H:%M:%S}", run.outcome or "running", did


def _open() -> Connection:
    return connect(app_database_url(), autocommit=True, application_name="lantian job")


def _clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
