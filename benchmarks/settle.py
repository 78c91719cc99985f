"""How fast hours are settled, as a ratio to the bare reading of the same rows in the same run.

Usage: python -m benchmarks.settle [--sites 300] [--hours 24] [--span 60] [--rounds 5]

Fills a database of its own with minute readings, reads them by plain COPY into memory (what any settlement must at
least do) and settles them, in turns, and prints medians as JSON. The ratio is what to compare between versions and
machines.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import time
from collections.abc import Callable

import click

from app.job.settle import Settled, settle_days, settle_hours, settle_periods
from benchmarks.scratch import machine, peak_mib, scratch_services
from domain.family import AIR
from store.connection import Connection, connect

START = dt.datetime(2016, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))

_FILL = """
insert into air_reading (device_id, time, span_s, pm25, pm10, so2, no2, co, o3, temperature, flag, mark, received_at)
select 'bench-' || at, moment, %(span)s, random() * 90, random() * 150, random() * 20, random() * 60, random() * 2,
    random() * 160, random() * 30, '111111911111'::text, '------------', now()
from generate_series(1, %(sites)s) at, generate_series(%(start)s::timestamptz, %(last)s, make_interval(secs =>
%(span)s)) moment
"""


def fill(owner: Connection, sites: int, hours: int, span_s: int) -> int:
    """An area of `sites` evaluated stations with `hours` hours of readings each, returns the number of rows."""
    owner.execute("insert into area (id, name_zh) values ('bench', '基准') on conflict do nothing")
    owner.execute("insert into site (id, area_id, kind, name_zh) values ('bench', 'bench', 'area', '基准')")
    for at in range(1, sites + 1):
        owner.execute(
            "insert into site (id, area_id, kind, name_zh, evaluated) values (%s, 'bench', 'ambient', '站', true)",
            (f"bench-{at}",),
        )
        owner.execute(
            "insert into device (id, site_id, protocol, family, span_s, interval_s)"
            " values (%s, %s, 'json', 'air', %s, %s)",
            (f"bench-{at}", f"bench-{at}", span_s, span_s),
        )
    last = START + dt.timedelta(hours=hours, seconds=-1)
    rows = owner.execute(_FILL, {"sites": sites, "last": last, "span": span_s, "start": START}).rowcount
    owner.execute("vacuum analyze")
    return rows


def mark(owner: Connection) -> None:
    """Every hour is dirty, nothing else is."""
    owner.execute("truncate dirty_hour, dirty_day, dirty_period")
    owner.execute(
        "insert into dirty_hour (family, site_id, hour) select 'air', device_id, hour from (select distinct device_id,"
        " date_trunc('hour', time, 'UTC') as hour from air_reading) found order by hour, device_id"
    )


def bare_read(conn: Connection) -> None:
    """The same columns into memory, as the database sends them."""
    columns = ", ".join(AIR.keys)
    statement = f"copy (select device_id, time, span_s, flag, {columns} from air_reading) to stdout (format binary)"
    with conn.cursor().copy(statement) as copy:
        b"".join(bytes(block) for block in copy)


def exhaust(level: Callable[[], Settled]) -> None:
    """Run a level until its queue is empty."""
    while level().claimed:
        pass


def seconds(action: Callable[[], object]) -> float:
    """Seconds that `action` takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def measure(owner: Connection, app: Connection, rounds: int) -> dict[str, float]:
    """Median seconds of each level and of the bare read, which take turns."""
    levels = {
        "bare_read": lambda: bare_read(app),
        "hours": lambda: exhaust(lambda: settle_hours(app)),
        "days": lambda: exhaust(lambda: settle_days(app)),
        "periods": lambda: exhaust(lambda: settle_periods(app, as_of=START.date())),
    }
    found: dict[str, list[float]] = {name: [] for name in levels}
    for _ in range(rounds):
        mark(owner)
        for name, action in levels.items():
            found[name].append(seconds(action))
    return {name: statistics.median(times) for name, times in found.items()}


@click.command()
@click.option("--sites", default=300, show_default=True)
@click.option("--hours", default=24, show_default=True, help="Hours per site.")
@click.option("--span", "span_s", default=60, show_default=True, help="Seconds per reading.")
@click.option("--rounds", default=5, show_default=True)
def main(sites: int, hours: int, span_s: int, rounds: int) -> None:
    """Measure a settlement against a bare read of the same rows."""
    with scratch_services(broker=False) as services:
        owner_url, app_url = (services.database_url(role) for role in ("lantian_owner", "lantian_app"))
        with connect(owner_url, autocommit=True) as owner, connect(app_url, autocommit=True) as app:
            rows = fill(owner, sites, hours, span_s)
            measure(owner, app, 1)
            median = measure(owner, app, rounds)
        result = {
            "machine": machine(),
            "readings": rows,
            "site_hours": sites * hours,
            "seconds": {name: round(value, 3) for name, value in median.items()},
            "hours_to_bare_read": round(median["hours"] / median["bare_read"], 2),
            "site_hours_per_s": round(sites * hours / median["hours"]),
            "peak_mib": peak_mib(os.getpid()),
        }
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
