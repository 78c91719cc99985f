"""The demonstration county: its story is told once its past has arrived; its neighbours go on sending."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Final

from app.command.simulate import history_start
from app.demonstration import calibrate_past, is_told, tell
from app.demonstration_mailbox import open_mailboxes
from app.demonstration_neighbour import add_neighbours, send_hours
from app.first_play import played_since
from app.settings import Settings, load_settings
from domain.county import County, load_county
from store.connection import Connection
from store.job_run import held_job
from store.line import read_lines
from store.plant_hour import read_plant_hours
from store.settlement import read_queue_lengths
from store.statistic import read_hours

#: What the past is worth showing for runs at once instead of when it is next due.
BEFORE: Final = ("calibrate", "forecast-train", "forecast", "rolling", "budget", "source-hint", "integrity")
AFTER: Final = ("integrity-vehicle", "forecast-skill")
#: What must not run while the story is told: it writes moments of the past.
HELD: Final = ("evaluate_warnings", "escalate")
#: Hours of meters that the scenario `works` sends of the time before, and those that may be missing.
METER_HOURS: Final = 56 * 24
MISSING: Final = 48
#: Rows that readings which come in at the time keep in the queues.
LIVE_ROWS: Final = 100
HOUR: Final = dt.timedelta(hours=1)


def demonstrate(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Tell the story of the demonstration county once, and keep its neighbours sending; nothing anywhere else."""
    settings = load_settings()
    since = played_since(settings) if settings.demonstrates else None
    if since is None:
        return {}
    county = load_county(settings.county)
    begin = dt.datetime.fromtimestamp(since // 3600 * 3600, dt.UTC)
    if is_told(conn, county.id):
        return {"neighbour_hours": send_hours(conn, county.id, begin, now)}
    if not has_past(conn, county, begin, settings, now):
        return {"waiting": 1}
    return told(conn, county, begin, settings)


def told(conn: Connection, county: County, begin: dt.datetime, settings: Settings) -> Mapping[str, int]:
    """Everything at once: jobs that are due only later, the story, the neighbours."""
    calibrate_past(conn, begin)
    run_all(conn, BEFORE)
    with ExitStack() as stack:
        held = [stack.enter_context(held_job(conn, name)) for name in HELD]
        if not all(held):
            return {"waiting": 1}
        now = dt.datetime.now(dt.UTC)
        reached = open_mailboxes(settings, county.id, [one.id for one in county.enterprises], now)
        counts = tell(conn, county, begin, now=now, reached=reached)
    with conn.transaction():
        add_neighbours(conn)
    run_all(conn, AFTER)
    return {**counts, "neighbour_hours": send_hours(conn, county.id, begin, now)}


def run_all(conn: Connection, names: tuple[str, ...]) -> None:
    """Run jobs now, recorded as always; one that runs already is left to it."""
    from app.job.runner import run_job  # noqa: PLC0415 - the table of jobs names this module
    from app.job.schedule import job_named  # noqa: PLC0415

    for name in names:
        run_job(conn, job_named(name), lambda: dt.datetime.now(dt.UTC))


def has_past(conn: Connection, county: County, begin: dt.datetime, settings: Settings, now: dt.datetime) -> bool:
    """Whether the hours before the beginning have arrived and been settled."""
    if sum(read_queue_lengths(conn).values()) > LIVE_ROWS:
        return False
    meters = sorted({name for line in read_lines(conn).values() for name in line.meters})
    hours = read_plant_hours(conn, meters, begin - METER_HOURS * HOUR, begin)
    if len(hours.devices) < len(meters) * (METER_HOURS - MISSING):
        return False
    first_s = history_start(settings.simulator_history, now.timestamp())
    if first_s is None:
        return True
    oldest = dt.datetime.fromtimestamp(first_s, dt.UTC)
    return len(read_hours(conn, [county.id], oldest, oldest + 48 * HOUR).hours_s) > 0
