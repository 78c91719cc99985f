"""How fast hours are settled, as a ratio to the bare reading of the same rows in the same run.

Fills a scratch database with minute readings, reads them once by plain COPY (what any settlement must at least do),
settles them, and prints both. The ratio is what to compare between versions and machines; rows per second depend on the
machine.
"""

from __future__ import annotations

import datetime as dt
import time

import click

from app.job.settle import settle_days, settle_hours, settle_periods
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
    """An area of `sites` evaluated stations with `hours` hours of readings each, all dirty; returns the number of
    rows."""
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
    owner.execute(
        "insert into dirty_hour (family, site_id, hour)"
        " select distinct 'air', device_id, date_trunc('hour', time, 'UTC') from air_reading"
    )
    owner.execute("analyze")
    return rows


def bare_read(conn: Connection) -> float:
    """Seconds to copy the same columns out of the database."""
    began, columns = time.perf_counter(), ", ".join(AIR.keys)
    statement = f"copy (select device_id, time, span_s, flag, {columns} from air_reading) to stdout (format binary)"
    with conn.cursor().copy(statement) as copy:
        for _ in copy:
            pass
    return time.perf_counter() - began


def settled(conn: Connection) -> float:
    """Seconds to settle everything, level by level."""
    began = time.perf_counter()
    levels = (
        lambda: settle_hours(conn),
        lambda: settle_days(conn),
        lambda: settle_periods(conn, as_of=START.date()),
    )
    for level in levels:
        while level().claimed:
            pass
    return time.perf_counter() - began


@click.command()
@click.option("--owner-url", required=True, help="Scratch database with the schema, as lantian_owner.")
@click.option("--app-url", required=True, help="The same database as lantian_app.")
@click.option("--sites", default=6, show_default=True)
@click.option("--hours", default=500, show_default=True, help="Hours per site.")
@click.option("--span", "span_s", default=60, show_default=True, help="Seconds per reading.")
def main(owner_url: str, app_url: str, sites: int, hours: int, span_s: int) -> None:
    """Measure a settlement against a bare read of the same rows."""
    with connect(owner_url, autocommit=True) as owner, connect(app_url, autocommit=True) as app:
        rows = fill(owner, sites, hours, span_s)
        bare_read(app)
        read_s, settle_s = bare_read(app), settled(app)
    click.echo(f"{rows} readings, {sites * hours} site-hours")
    click.echo(f"bare read {read_s:.3f} s, settlement {settle_s:.3f} s, ratio {settle_s / read_s:.1f}")
    click.echo(f"{sites * hours / settle_s:.0f} site-hours/s settled")


if __name__ == "__main__":
    main()
