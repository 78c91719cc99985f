"""Screens read from a streaming replica: the same rows, later ones too, without the primary, and after a promotion."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from grafana_sql import Range
from seeding import seed
from test_panel_sql import CASES, run, seeded_values

from app.service.account import SUPERUSER
from app.service.exporter import Measures
from app.service.home import Home, database_address
from app.service.port import LOOPBACK, free_port
from app.service.process import end_process, log_tail, start_process, wait_until
from app.service.replica_check import replica_findings
from app.settings import Settings
from console.public.app import public_app
from console.public.desk import PublicDesk
from store.connection import Connection, connect
from store.pool import Pool
from store.status import read_instance

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
SPAN = Range(NOW - dt.timedelta(days=400), NOW, "12h")
FOLLOWER = "lantian_replica"
PASSWORD = "follow-the-primary"


def left_out(where: str, names: list[str]) -> set[str]:
    """What a base copy does without: the primary's process number and its log."""
    return {"postmaster.pid"} if Path(where).name != "pg_wal" else {name for name in names if len(name) == 24}


class Replica:
    """A hot standby of the session's cluster: a base copy with ``standby.signal`` and ``primary_conninfo``."""

    def __init__(self, services: Any, folder: Path) -> None:
        self.services = services
        self.folder = folder
        self.log = folder / "replica.log"
        self.port = free_port(0)
        user, cluster = services.user, services.cluster
        folder.mkdir(mode=0o755)
        data = folder / "data"
        with connect(services.database_url(SUPERUSER, "postgres"), autocommit=True) as conn:
            conn.execute(f"create role {FOLLOWER} login replication password '{PASSWORD}'".encode())
            conn.execute("select pg_backup_start('replica', true)")
            # The log since the copy began comes from the primary.
            shutil.copytree(cluster.data, data, symlinks=True, ignore=left_out)
            row = conn.execute("select labelfile from pg_backup_stop(false)").fetchone()
        assert row is not None
        (data / "backup_label").write_text(row[0])
        (data / "standby.signal").touch()
        with (data / "postgresql.auto.conf").open("a") as handle:
            source = f"host={LOOPBACK} port={cluster.port} user={FOLLOWER} password={PASSWORD}"
            handle.write(f"primary_conninfo = '{source}'\nhot_standby_feedback = on\n")
        data.chmod(0o700)
        if user.dropped:
            for path in (folder, data, *data.rglob("*")):
                os.chown(path, user.uid, user.gid)
        program = cluster._program.path / "postgres"
        options = ["-c", f"port={self.port}", "-c", "unix_socket_directories="]
        self.process = start_process(
            user, [program, "-D", data, *options], folder=folder, log=self.log, dies_by=signal.SIGINT
        )
        assert wait_until(self.answers, lambda: self.process.poll() is None, 60), log_tail(self.log, 30)

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url(SUPERUSER, "postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def url(self, role: str, name: str) -> str:
        password = self.services.credential_file.load().roles[role]
        return database_address(role, password, LOOPBACK, port=self.port, dbname=name)

    def close(self) -> None:
        end_process(self.process, signal.SIGINT, signal.SIGQUIT)
        shutil.rmtree(self.folder)


@pytest.fixture
def replica(services: Any, scratch: Path) -> Iterator[Replica]:
    """A replica of everything; the primary runs again afterwards."""
    made = Replica(services, scratch / "replica")
    yield made
    made.close()
    services.restart_missing()
    with connect(services.database_url(SUPERUSER, "postgres"), autocommit=True) as conn:
        conn.execute(f"drop role {FOLLOWER}".encode())


def write_batch_row(url: str) -> None:
    with connect(url) as writer:
        writer.execute(
            "insert into ledger (collector, opened_at, committed_at, received, stored, duplicate, revised, rejected,"
            " rows_stored, rows_duplicate, rows_revised) values ('a', now(), now(), 5, 5, 0, 0, 0, 5, 0, 0)"
        )


def batches(conn: Connection) -> int:
    row = conn.execute("select count(*) from screen.ledger_batch").fetchone()
    assert row is not None
    return int(row[0])


def public_status(url: str) -> list[int]:
    """Answers of the public pages that read from `url`."""
    pool = Pool(url, size=1)
    pool.open()
    desk = PublicDesk(pool=pool, now=lambda: NOW, county="zhongyang", county_zh="中阳县", per_minute=1000)

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(public_app(desk, lambda: 1000.0), client=("192.0.2.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://air.test") as client:
            ways = ("/public/", "/public/about", "/public/api/v1/forecast")
            return [(await client.get(way)).status_code for way in ways]

    try:
        return asyncio.run(ask())
    finally:
        pool.close()


def samples(url: str, home: Path) -> dict[str, list[float]]:
    measures = Measures(lambda: connect(url, autocommit=True), Home(home))
    return {family.name: [sample.value for sample in family.samples] for family in measures.collect()}


def rows_of(conn: psycopg.Connection[Any]) -> dict[str, list[int]]:
    """Number of rows of every query of every panel but the one of the server's own connections."""
    return {
        f"{dashboard.uid} {panel.title}": [
            len(rows) for _, rows in run(conn, panel, dashboard.folder, seeded_values(conn, dashboard), SPAN)
        ]
        for dashboard, panel in CASES
        if panel.sql != ("connections",)
    }


def addressed(database: Any, replica: Replica, **changed: str) -> Settings:
    """Settings whose reader is the replica."""
    urls = {role: database.url(f"lantian_{role}") for role in ("owner", "writer", "app")}
    urls["reader"] = replica.url("lantian_reader", database.name)
    return Settings(**{f"database_{role}_url": url for role, url in {**urls, **changed}.items()})  # type: ignore[arg-type]


def test_screens_read_a_replica_with_and_without_its_primary(
    database: Any, services: Any, scratch: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed(database.url("lantian_owner"), database.url("lantian_app"), NOW)
    with psycopg.connect(database.url("lantian_reader"), autocommit=True) as conn:
        expected = rows_of(conn)
    replica: Replica = request.getfixturevalue("replica")
    reader_url = replica.url("lantian_reader", database.name)
    with psycopg.connect(reader_url, autocommit=True) as conn:
        assert rows_of(conn) == expected
    assert public_status(reader_url) == [200, 200, 200]

    with connect(reader_url, autocommit=True) as reader:
        before = batches(reader)
        write_batch_row(database.url("lantian_writer"))
        assert wait_until(lambda: batches(reader) == before + 1, lambda: True, 20), log_tail(replica.log)
        lag_s = read_instance(reader).lag_s
        assert lag_s is not None and 0 <= lag_s < 30
        assert samples(reader_url, tmp_path)["lantian_replica_delay_seconds"][0] < 30
        assert samples(database.url("lantian_reader"), tmp_path)["lantian_replica_delay_seconds"] == []
        (finding,) = replica_findings(addressed(database, replica))
        assert finding.verdict == "ok" and "a replica" in finding.found
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            write_batch_row(replica.url("lantian_writer", database.name))
        (finding,) = replica_findings(addressed(database, replica, app=replica.url("lantian_app", database.name)))
        assert finding.verdict == "fail" and "can only be read" in finding.found

        services.kill_database()
        assert batches(reader) == before + 1
        assert samples(reader_url, tmp_path)["lantian_database_up"] == [1.0]
        with psycopg.connect(reader_url, autocommit=True) as conn:
            assert rows_of(conn) == expected
        assert public_status(reader_url) == [200, 200, 200]

        with connect(replica.url(SUPERUSER, "postgres"), autocommit=True) as conn:
            assert conn.execute("select pg_promote()").fetchone() == (True,)
        write_batch_row(replica.url("lantian_writer", database.name))
        assert batches(reader) == before + 2

    services.restart_missing()
    (finding,) = replica_findings(addressed(database, replica))
    assert finding.verdict == "fail" and "follows nobody" in finding.found
    assert list(replica_findings(addressed(database, replica, reader=database.url("lantian_reader")))) == []
