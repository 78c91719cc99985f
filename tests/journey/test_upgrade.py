"""From an earlier schema to this one: nothing lost, figures and rights as they should be, and the program works on."""

from __future__ import annotations

import datetime as dt
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from click.testing import CliRunner
from earlier_schema import build

from app.job.settle import settle
from app.main import main
from app.service.progress import Lines
from app.service.schema import prepare_database
from app.settings import load_settings
from domain.family import AIR
from store.batch import Batch, Message, ReadingBlock, write_batch
from store.connection import Connection, connect
from store.ledger import read_balance
from store.migration import MIGRATIONS, MigrationError, check_schema, load_migrations, migrate, pending
from store.registry import read_devices
from store.settlement import mark_hours

NEWEST = load_migrations()[-1].name
NOW = dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
ROLES = ("owner", "writer", "app", "reader")
#: What a database consists of, besides its rows: everything by name, since the order of creation differs.
_SHAPE = {
    "columns": "select table_schema, table_name, column_name, data_type, is_nullable, column_default"
    " from information_schema.columns where table_schema in ('lantian', 'screen')",
    "constraints": "select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint"
    " where connamespace in ('lantian'::regnamespace, 'screen'::regnamespace)",
    "indexes": "select tablename, indexname, indexdef from pg_indexes where schemaname in ('lantian', 'screen')",
    "rights": "select relnamespace::regnamespace::text, relname, pg_get_userbyid(relowner), relacl::text from pg_class"
    " where relnamespace in ('lantian'::regnamespace, 'screen'::regnamespace)",
    "column rights": "select attrelid::regclass::text, attname, attacl::text from pg_attribute"
    " where attacl is not null",
    "functions": "select oid::regprocedure::text, proacl::text, prosecdef, pg_get_functiondef(oid) from pg_proc"
    " where pronamespace in ('lantian'::regnamespace, 'screen'::regnamespace) and prokind = 'f'",
    "views": "select schemaname, viewname, definition from pg_views where schemaname in ('lantian', 'screen')",
    "triggers": "select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal",
}
_numbers = itertools.count(1)


class Earlier:
    """A database of an earlier version."""

    def __init__(self, services: Any, name: str, folder: Path, version: int) -> None:
        self.url: Callable[[str], str] = lambda role: services.database_url(f"lantian_{role}", name)
        self.folder = build(self.url("owner"), version, folder)
        self.name = load_migrations(self.folder)[-1].name
        self.rows = rows(self.url("owner"))


def rows(url: str) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """Columns and rows of every table of schema lantian but the record of migrations."""
    with connect(url) as conn:
        tables = conn.execute(
            "select table_name, array_agg(column_name::text order by ordinal_position) from information_schema.columns"
            " join information_schema.tables using (table_schema, table_name)"
            " where table_schema = 'lantian' and table_type = 'BASE TABLE' and table_name <> 'migration' group by 1"
        ).fetchall()
        return {name: (columns, _rows(conn, name, columns)) for name, columns in tables}


def _rows(conn: Connection, table: str, columns: list[str]) -> list[tuple[Any, ...]]:
    listed = ", ".join(f'"{column}"' for column in columns)
    return sorted(conn.execute(f"select {listed} from {table}").fetchall(), key=repr)


@pytest.fixture
def earlier(services: Any, tmp_path: Path) -> Iterator[Callable[[int], Earlier]]:
    """Makes a database of an earlier version; all made are dropped afterwards."""
    credentials, made = services.credential_file.load(), []

    def make(version: int) -> Earlier:
        made.append(f"upgrade_{next(_numbers)}")
        services.cluster.create_database(credentials, made[-1])
        return Earlier(services, made[-1], tmp_path / made[-1], version)

    yield make
    for name in made:
        services.cluster.drop_database(credentials, name)


@pytest.fixture
def using(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], str]], None]:
    """Points the settings to a database."""

    def use(url: Callable[[str], str]) -> None:
        for role in ROLES:
            monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", url(role))

    return use


def kept(before: dict[str, Any], url: str) -> None:
    """Every row of before is there with the same values; columns and tables may have been added."""
    now = rows(url)
    assert before.keys() <= now.keys()
    with connect(url) as conn:
        for name, (columns, contents) in before.items():
            assert _rows(conn, name, columns) == contents, name


@pytest.mark.parametrize("version", [5, 62])
def test_nothing_is_lost_and_the_database_becomes_like_a_new_one(
    earlier: Callable[[int], Earlier], database: Any, version: int
) -> None:
    old = earlier(version)
    assert len(old.rows["air_reading"][1]) == 2880
    applied = migrate(old.url("owner"))
    assert applied == [each.name for each in load_migrations() if each.version > version]
    kept(old.rows, old.url("owner"))
    with connect(old.url("owner")) as upgraded, connect(database.url("lantian_owner")) as fresh:
        for what, question in _SHAPE.items():
            shapes = [sorted(conn.execute(question).fetchall(), key=repr) for conn in (upgraded, fresh)]
            assert shapes[0] == shapes[1], what
    with connect(old.url("app")) as conn:
        balance = read_balance(conn)
    assert (balance.balanced, balance.received, balance.frames, balance.rejects) == (True, 2881, 2880, 1)


@pytest.mark.parametrize("version", [5, 62])
def test_the_program_works_on_with_the_right_figures(
    earlier: Callable[[int], Earlier], using: Callable[[Callable[[str], str]], None], version: int
) -> None:
    old = earlier(version)
    using(old.url)
    assert prepare_database(load_settings(), Lines())[-1] == NEWEST
    with connect(old.url("writer")) as writer:
        devices = read_devices(writer)
        writer.commit()
        # What is stored already, and one more minute after the last: hour 48 would be 48.
        assert write_batch(writer, minute("2026-03-02T15:59:00", 47.295), devices).outcomes == ["duplicate"]
        assert write_batch(writer, minute("2026-03-02T16:00:00", 48.0), devices).outcomes == ["stored"]
    with connect(old.url("app"), autocommit=True) as conn:
        mark_hours(conn, dt.datetime(2026, 2, 28, 16, tzinfo=dt.UTC), dt.datetime(2026, 3, 2, 16, tzinfo=dt.UTC))
        settle(conn, clock=lambda: NOW)
        hours = dict(conn.execute("select hour, round(pm25::numeric, 6) from air_hour where site_id = 's1'").fetchall())
        days = dict(conn.execute("select day::text, pm25 from air_day where site_id = 's1'").fetchall())
        assert read_balance(conn).balanced
        assert conn.execute("select count(*) from dirty_hour").fetchone() == (0,)
        warnings = conn.execute("select state, highest_level from warning where area_id = 'x'").fetchall()
    assert warnings == ([("yellow", "yellow")] if version >= 62 else [])
    expected: list[Any] = [*range(48), None]
    if version >= 62:
        expected[1] = None  # found invalid by two persons
    assert [
        hours[dt.datetime(2026, 2, 28, 16, tzinfo=dt.UTC) + n * dt.timedelta(hours=1)] for n in range(49)
    ] == expected
    left = [n for n in range(24) if expected[n] is not None]
    assert days["2026-03-01"] == pytest.approx(sum(left) / len(left))
    assert days["2026-03-02"] == pytest.approx(35.5)
    with connect(old.url("reader"), autocommit=True) as reader:
        views = reader.execute("select viewname from pg_views where schemaname = 'screen'").fetchall()
        for (view,) in views:
            reader.execute(f'select count(*) from screen."{view}"')
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("select from lantian.air_reading")


def minute(stamp: str, pm25: float) -> Batch:
    """A batch of one message with one minute of d1, as the collector makes it."""
    moment = dt.datetime.fromisoformat(f"{stamp}+00:00")
    values = np.full((1, AIR.width), np.nan)
    values[0, 0] = pm25
    flags = np.full((1, AIR.width), 9, dtype=np.uint8)
    flags[0, 0] = 1
    block = ReadingBlock(
        np.zeros(1, dtype=np.int64), ["d1"], np.array([int(moment.timestamp()) * 1_000_000]),
        np.array([60], dtype=np.int32), values, flags, ["N" + "-" * (AIR.width - 1)], np.zeros(1, dtype=np.bool_),
    )  # fmt: skip
    return Batch(
        [Message("lt/v1/x/json/d1/data", stamp.encode(), moment, "d1", None)], {"air": block}, None, "test", moment
    )


def test_an_upgrade_killed_in_the_middle_of_a_migration_is_resumed(earlier: Callable[[int], Earlier]) -> None:
    """Somebody reads a table that a later migration changes: the upgrade waits there, and is killed."""
    old = earlier(62)
    code = f"from store.migration import migrate; migrate({old.url('owner')!r})"
    with connect(old.url("owner")) as reader, connect(old.url("owner"), autocommit=True) as watch:
        reader.execute("lock table target_actual in access share mode")
        process = subprocess.Popen([sys.executable, "-c", code])
        waiting = "select pid from pg_locks where relation = 'lantian.target_actual'::regclass and not granted"
        while watch.execute(waiting).fetchone() is None:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        assert process.wait() == -9
        blocked = pending(old.url("owner"))
        # Until now the server has not noticed that its client is gone: it goes on, finds nobody, and rolls back.
        reader.rollback()
    assert blocked
    assert len(blocked) < len(load_migrations()) - len(load_migrations(old.folder))
    assert migrate(old.url("owner")) == blocked
    kept(old.rows, old.url("owner"))


def test_new_code_says_that_the_schema_is_old(
    earlier: Callable[[int], Earlier], using: Callable[[Callable[[str], str]], None]
) -> None:
    old = earlier(62)
    using(old.url)
    for command in (
        ["settle"],
        ["settle", "--follow"],
        ["job", "follow"],
        ["job", "run", "tidy"],
        ["console"],
        ["public"],
    ):
        told = CliRunner().invoke(main, command)
        assert told.exit_code == 2
        assert f"the database has schema {old.name}, this version of Lantian needs {NEWEST}" in told.output
        assert "lantian migrate" in told.output


def test_old_code_says_that_the_schema_is_newer(earlier: Callable[[int], Earlier], database: Any) -> None:
    """What an old version knows is its folder of migrations."""
    old = earlier(5)
    expected = f"the database has schema {NEWEST}, this version of Lantian knows schemas up to {old.name}"
    with connect(database.url("lantian_app")) as conn, pytest.raises(MigrationError, match=expected):
        check_schema(conn, folder=old.folder)
    with pytest.raises(MigrationError, match="newer version"):
        migrate(database.url("lantian_owner"), folder=old.folder)
    with connect(database.url("lantian_app")) as conn:
        check_schema(conn, folder=MIGRATIONS)
