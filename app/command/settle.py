"""`lantian settle`: compute what readings have changed."""

from __future__ import annotations

import datetime as dt
import logging
import signal
import sys
import threading

import click

from app.job.follow import Follower
from app.job.settle import LIMIT, Settled, settle
from app.job.target import evaluate_targets
from app.output import table_console
from app.service.address import app_database_url
from app.service.schema import check_schema
from app.settings import load_settings
from domain.error import ConfigurationError
from domain.period import midnight
from store.connection import Connection, connect
from store.error import translated
from store.plant_hour import mark_plant_hours
from store.settlement import mark_hours
from store.stack_hour import mark_stack_hours


@click.command("settle")
@click.option("--follow", is_flag=True, help="Keep settling until stopped (SIGTERM, Ctrl-C).")
@click.option("--limit", default=LIMIT, show_default=True, type=click.IntRange(1), help="Queue rows per transaction.")
@click.option(
    "--again",
    nargs=2,
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="FROM TO",
    help="First mark the hours of these local days (TO included) dirty: after a change of registry or rules.",
)
def command(follow: bool, limit: int, again: tuple[dt.datetime, dt.datetime] | None) -> None:
    """Recompute dirty hours, days, months, quarters and years, then the targets."""
    settings = load_settings()
    check_schema(settings)
    if again is not None:
        mark_again(again[0].date(), again[1].date())
    if follow:
        follow_queues(settings.settle_interval_s)
        return
    with translated("settle"), _open() as conn:
        done = settle(conn, clock=_clock, limit=limit)
        targets = len(evaluate_targets(conn, now=_clock()))
    table_console().print(summary(done, targets))


def mark_again(first: dt.date, last: dt.date) -> None:
    """Queue all settled hours of the local days `first` to `last`."""
    if last < first:
        raise ConfigurationError(f"--again {first} {last}: expected the earlier day first")
    with translated("mark hours"), _open() as conn:
        bounds = midnight(first), midnight(last + dt.timedelta(days=1))
        for mark in (mark_hours, mark_stack_hours, mark_plant_hours):
            mark(conn, *bounds)


def follow_queues(interval_s: float) -> None:
    """Settle every `interval_s` seconds until SIGTERM or SIGINT; one JSON line per settlement on standard error."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Follower(_clock, stop).follow(_open, interval_s)


def summary(done: Settled, targets: int) -> str:
    """What a settlement did, on one line."""
    return (
        f"{done.claimed} queue rows settled: {done.hours} hours, {done.days} days, {done.periods} periods;"
        f" {targets} target figures judged"
    )


def _open() -> Connection:
    return connect(app_database_url(), autocommit=True, application_name="lantian settle")


def _clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
