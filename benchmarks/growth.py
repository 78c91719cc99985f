"""What a reading costs as data grow from a month to five years: storage, queries, settlement, by size of chunk.

Usage: python -m benchmarks.growth [--devices 10] [--interval 600] [--months 1 6 12 24 60] [--chunk-days 7 30 90]

A reduced rate stands for the real one: ten devices with a reading every ten minutes make 43,200 readings a month. For
every size of chunk a database of its own is filled month after month; at each of the given months the same questions
are asked: median milliseconds of nine. Prints JSON.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

from app.job.settle import settle_hours
from benchmarks.scratch import machine, scratch_services
from domain.period import ZONE
from store.connection import Connection, connect

_START: Final = dt.datetime(2021, 1, 1, tzinfo=ZONE)
_REPEATS: Final = 9

FILL: Final = """
insert into air_reading (device_id, time, span_s, pm25, pm10, so2, no2, co, o3, temperature, humidity, pressure,
    wind_speed, wind_direction, flag, mark, received_at)
select 'grow-' || at, moment, %(span)s, round((random() * 90)::numeric, 1), round((random() * 150)::numeric, 1),
    round((random() * 20)::numeric, 1), round((random() * 60)::numeric, 1), round((random() * 2)::numeric, 2),
    round((random() * 160)::numeric, 1), round((random() * 30)::numeric, 1), round((random() * 90)::numeric, 1), 921.4,
    round((random() * 5)::numeric, 1), round((random() * 359)::numeric), '111111911111', 'NNNNNN-NNNNN', moment
from generate_series(%(low)s::timestamptz, %(high)s::timestamptz - interval '1 second', make_interval(secs => %(span)s))
    moment, generate_series(1, %(devices)s) at
"""
_OF_ONE: Final = "from air_reading where device_id = 'grow-1'"
_A_YEAR_AGO: Final = "greatest(%(start)s, %(end)s - interval '1 year')"
_QUESTIONS: Final = {
    "last day of one device": f"select * {_OF_ONE} and time >= %(end)s - interval '1 day'",
    "a month of one device a year ago": f"select avg(pm25) {_OF_ONE} and time >= {_A_YEAR_AGO}"
    f" and time < {_A_YEAR_AGO} + interval '1 month'",
    "newest reading of one device": f"select * {_OF_ONE} order by time desc limit 1",
    "one reading by its key": f"select * {_OF_ONE} and time = %(start)s and span_s = 600",
    "everything of one device": f"select count(*), avg(pm25) {_OF_ONE}",
}


def month_start(number: int) -> dt.datetime:
    """First instant of a month counted from the start."""
    return dt.datetime(_START.year + number // 12, 1 + number % 12, 1, tzinfo=ZONE)


def register(owner: Connection, devices: int, span_s: int) -> None:
    """Devices, one at a site each."""
    owner.execute("insert into area (id, name_zh) values ('grow', '基准')")
    for at in range(1, devices + 1):
        name = f"grow-{at}"
        owner.execute("insert into site (id, area_id, kind, name_zh) values (%s, 'grow', 'ambient', '站')", (name,))
        owner.execute(
            "insert into device (id, site_id, protocol, family, span_s, interval_s)"
            " values (%s, %s, 'json', 'air', %s, %s)",
            (name, name, span_s, span_s),
        )


def median_ms(action: Callable[[], object]) -> float:
    """Median of a few runs, in milliseconds."""
    found = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        action()
        found.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(found), 2)


def settlement_ms(owner: Connection, app: Connection, end: dt.datetime) -> float:
    """Settling the last day of every site once more."""

    def settle_day() -> None:
        owner.execute(
            "insert into dirty_hour (family, site_id, hour) select 'air', s.id, h from site s,"
            " generate_series(%s::timestamptz - interval '1 day', %s::timestamptz - interval '1 hour', '1 hour') h",
            (end, end),
        )
        while settle_hours(app).claimed:
            pass

    return median_ms(settle_day)


def figures(owner: Connection, app: Connection, end: dt.datetime) -> dict[str, Any]:
    """What is asked at one size."""
    owner.execute("analyze air_reading")
    row = owner.execute(
        "select count(*), hypertable_size('air_reading'), (select count(*) from"
        " timescaledb_information.chunks where hypertable_name = 'air_reading') from air_reading"
    ).fetchone()
    assert row is not None
    found: dict[str, Any] = {"readings": row[0], "bytes_per_reading": round(row[1] / row[0], 1), "chunks": row[2]}
    bounds = {"start": _START, "end": end}
    for name, question in _QUESTIONS.items():
        found[name] = median_ms(lambda: app.execute(question, bounds).fetchall())  # noqa: B023 - called at once
    found["settling a day of every site"] = settlement_ms(owner, app, end)
    return found


def measure(chosen: argparse.Namespace, chunk_days: int) -> dict[str, Any]:
    """Grow one database."""
    result: dict[str, Any] = {}
    with scratch_services(broker=False) as services:
        owner_url, app_url = (services.database_url(role) for role in ("lantian_owner", "lantian_app"))
        with connect(owner_url, autocommit=True) as owner, connect(app_url, autocommit=True) as app:
            register(owner, chosen.devices, chosen.interval)
            owner.execute("select set_chunk_time_interval('air_reading', make_interval(days => %s))", (chunk_days,))
            for month in range(max(chosen.months)):
                low, high = month_start(month), month_start(month + 1)
                given = {"low": low, "high": high, "span": chosen.interval, "devices": chosen.devices}
                owner.execute(FILL, given)
                if month + 1 in chosen.months:
                    result[str(month + 1)] = figures(owner, app, high)
    return result


def main() -> None:
    """Measure every size of chunk and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=10)
    parser.add_argument("--interval", type=int, default=600)
    parser.add_argument("--months", type=int, nargs="+", default=[1, 6, 12, 24, 60])
    parser.add_argument("--chunk-days", type=int, nargs="+", default=[7, 30, 90])
    chosen = parser.parse_args()
    found = {f"chunks of {days} days": measure(chosen, days) for days in chosen.chunk_days}
    print(json.dumps({"machine": machine(), **found}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
