"""Tries what docs/scale.md says about a read replica, with local services in a folder of their own.

A replica is made of a copy of the running database and follows it over its log. A collector stores messages; how long
after the primary the replica shows them is measured, and every query of the dashboards is run on it as lantian_reader.
Then the primary is killed: the replica must go on answering, refuse to be written, and take over when it is promoted.

Usage: python -m scripts.try_replica [--messages 20000]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from app.service.account import SUPERUSER
from app.service.folder import cache_folder
from app.service.local import LocalServices
from app.service.postgres import Cluster
from app.service.progress import Silence
from app.service.runtime import find_runtime
from app.service.unprivileged import make_folder, service_user
from benchmarks.ingest import SPAWN, Place, collectors, register
from benchmarks.load import publish
from benchmarks.panels import timings
from benchmarks.scratch import scratch_services
from dashboards.render import DASHBOARDS
from domain.county import load_county as county_data
from scripts.point_in_time import copy, own
from store.connection import Connection, connect
from store.error import translated
from store.metric import MEASURES, read_measure
from store.registry import load_county

_ROUNDS = 30


def follow(services: LocalServices, folder: Path) -> Cluster:
    """Make and start a replica of the running database."""
    user = service_user()
    make_folder(folder, user, 0o700)
    log = folder.parent / "replica.log"
    replica = Cluster(folder, find_runtime(cache_folder(), Silence()).postgres, user, log=log)
    copy(services, replica.data)
    url = services.database_url(SUPERUSER)
    with (replica.data / "postgresql.auto.conf").open("a", encoding="utf-8") as handle:
        handle.write(f"primary_conninfo = '{url}'\n")
    (replica.data / "standby.signal").touch()
    own(replica.data)
    replica.start(0, Silence())
    return replica


def reader(services: LocalServices, replica: Cluster) -> Connection:
    """A connection to the replica as lantian_reader."""
    url = services.database_url("lantian_reader")
    return connect(url.replace(url.rsplit("@", 1)[1].split("/")[0], f"127.0.0.1:{replica.port}"), autocommit=True)


def delays(primary: Connection, replica: Connection) -> list[float]:
    """Seconds from a commit on the primary until the replica shows it."""
    found = []
    for number in range(_ROUNDS):
        primary.execute("insert into area (id, name_zh) values (%s, '副本')", (f"replica-{number}",))
        began = time.perf_counter()
        while not replica.execute("select 1 from screen.area where area_id = %s", (f"replica-{number}",)).fetchone():
            time.sleep(0.001)
        found.append(time.perf_counter() - began)
    return found


def store(place: Place, count: int) -> None:
    """Messages through broker and collector."""
    with collectors(place, 1):
        before, done, ready = place.ledger()[1], SPAWN.Value("q", 0, lock=False), SPAWN.Event()
        arguments = {"done": done, "ahead": 5000, "rate": 0.0, "ready": ready, "sent": None}
        load = SPAWN.Process(
            target=publish, args=(place.load, "json", place.span(count)), kwargs=arguments, daemon=True
        )
        load.start()
        ready.wait(120)
        ready.clear()
        until = time.monotonic() + 300
        while done.value < count and time.monotonic() < until:
            done.value = place.ledger()[1] - before
            time.sleep(0.02)
        load.join(30)


def counted(conn: Connection) -> int:
    """Messages that the ledger of a database shows."""
    row = conn.execute("select coalesce(sum(received), 0) from screen.ledger_batch").fetchone()
    assert row is not None
    return int(row[0])


def panels(conn: Connection) -> dict[str, float]:
    """Milliseconds of every query of every dashboard."""
    now = dt.datetime.now(dt.UTC)
    every = (timings(conn, dashboard, 1, now) for dashboard in DASHBOARDS)
    return {name: max(found) for part in every for name, found in part.items()}


def caught_up(conn: Connection, messages: int) -> bool:
    """Whether a replica shows so many messages within a minute."""
    until = time.monotonic() + 60
    while counted(conn) < messages and time.monotonic() < until:
        time.sleep(0.02)
    return counted(conn) == messages


def refuses_writing(services: LocalServices, replica: Cluster) -> bool:
    """Whether the replica refuses even the superuser."""
    try:
        with replica.connect(services.credential_file.load(), "lantian") as conn:
            conn.execute("insert into lantian.area (id, name_zh) values ('replica-write', '副本')")
    except psycopg.errors.ReadOnlySqlTransaction:
        return True
    return False


def main() -> int:
    """Try it and print JSON; exit status 1 when something is not as the page says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    chosen = parser.parse_args()
    checks: dict[str, bool] = {}
    with scratch_services() as services, tempfile.TemporaryDirectory(prefix="lantian-replica-") as folder:
        Path(folder).chmod(0o755)
        owner = services.database_url("lantian_owner")
        with connect(owner) as conn:
            load_county(conn, county_data("zhongyang"))
        register(owner)
        place = Place(services, services.folder.parent)
        replica = follow(services, Path(folder) / "replica")
        try:
            with reader(services, replica) as conn:
                behind = delays(place.watch, conn)
                store(place, chosen.messages)
                checks["every message shown"] = caught_up(conn, chosen.messages)
                lag = next(measure for measure in MEASURES if measure.name == "lantian_replica_delay_seconds")
                checks["lag is a figure"] = len(read_measure(conn, lag)) == 1
                times = panels(conn)
                checks["replica refuses writing"] = refuses_writing(services, replica)
                place.watch.close()
                assert services.cluster is not None
                services.cluster.kill()
                with translated("read the replica"):
                    checks["answers without primary"] = counted(conn) == chosen.messages and bool(panels(conn))
            with replica.connect(services.credential_file.load(), "lantian") as conn:
                conn.execute("select pg_promote(true, 60)")
                conn.execute("insert into lantian.area (id, name_zh) values ('promoted', '副本')")
                checks["takes over"] = not read_measure(conn, lag)
        finally:
            replica.stop()
    figures = {
        "shown_after_ms": {
            "median": round(1000 * statistics.median(behind), 1),
            "largest": round(1000 * max(behind), 1),
        },
        "queries": len(times),
        "slowest_query_ms": round(max(times.values()), 1),
        "checks": checks,
    }
    print(json.dumps(figures, indent=1))
    return int(not all(checks.values()))


if __name__ == "__main__":
    sys.exit(main())
