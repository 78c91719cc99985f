"""How fast settled hours are tested: minutes of many stations over a day, and months of hour frames of a county.

Run as ``python -m benchmarks.quality [SITES]``; the rates depend on the machine.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time

from app.job.quality import screen_hours
from app.job.settle import settle_hours
from benchmarks.scratch import machine, peak_mib, scratch_services
from benchmarks.settle import START, fill, mark
from store.connection import Connection, connect


def measure(owner: Connection, app: Connection, sites: int, *, hours: int, span_s: int) -> dict[str, float]:
    """Seconds to test `hours` hours of each of `sites` sites after their settlement, and again while they run."""
    rows = fill(owner, sites, hours, span_s)
    owner.execute(
        "update site set longitude = 111 + (length(id) * 7 + ascii(right(id, 1)) * 13 % 50) / 100.0,"
        " latitude = 37 + (ascii(right(id, 2)) * 17 % 50) / 100.0 where kind <> 'area'"
    )
    mark(owner)
    while settle_hours(app).claimed:
        pass
    end = START + dt.timedelta(hours=hours)
    began = time.perf_counter()
    running = screen_hours(app, now=START)  # nothing is over yet: everything is tested as running hours are
    middle = time.perf_counter()
    over = screen_hours(app, now=end + dt.timedelta(hours=2))
    return {
        "readings": rows,
        "site_hours": over.hours,
        "running_s": round(middle - began, 2),
        "running_readings": running.readings,
        "over_s": round(time.perf_counter() - middle, 2),
        "site_hours_per_s": round(over.hours / (time.perf_counter() - middle)),
        "results": over.results + running.results,
    }


def main() -> None:
    """Print both measurements."""
    sites = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    result: dict[str, object] = {"machine": machine()}
    for name, count, hours, span_s in (("minutes", sites, 24, 60), ("hour_frames", 17, 24 * 90, 3600)):
        with scratch_services(broker=False) as services:
            owner_url, app_url = (services.database_url(role) for role in ("lantian_owner", "lantian_app"))
            with connect(owner_url, autocommit=True) as owner, connect(app_url, autocommit=True) as app:
                result[name] = measure(owner, app, count, hours=hours, span_s=span_s)
    print(json.dumps({**result, "peak_mib": peak_mib(os.getpid())}, ensure_ascii=False))


if __name__ == "__main__":
    main()
