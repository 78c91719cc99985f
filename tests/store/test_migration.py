"""Migrations: once, twice, at once, changed, broken; the schema agrees with the vocabulary."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from domain.error import PrerequisiteError, ServiceError
from domain.family import FAMILIES
from store.connection import connect
from store.error import StoreError
from store.migration import MIGRATIONS, MigrationError, load_migrations, migrate, pending
from store.registry import RegisteredDevice


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped migrations."""
    return Path(shutil.copytree(MIGRATIONS, tmp_path / "migrations"))


def test_a_migrated_database_has_nothing_to_apply(database: Any) -> None:
    owner = database.url("lantian_owner")
    assert (pending(owner), migrate(owner), pending(database.url("lantian_app"))) == ([], [], [])


def test_a_new_file_is_pending_then_applied_once(database: Any, folder: Path) -> None:
    owner = database.url("lantian_owner")
    (folder / "9000_more.sql").write_text("create table more (id int); insert into more values (1);")
    assert pending(owner, folder=folder) == ["9000_more"]
    with ThreadPoolExecutor(2) as pool:
        applied = list(pool.map(lambda _: migrate(owner, folder=folder), range(2)))
    assert sorted(applied) == [[], ["9000_more"]]
    with connect(owner) as conn:
        assert conn.execute("select count(*) from lantian.more").fetchone() == (1,)


def test_an_applied_file_that_changed_is_an_error_that_names_it(database: Any, folder: Path) -> None:
    path = folder / "0003_statistic.sql"
    path.write_text(path.read_text(encoding="utf-8") + "-- one more remark\n", encoding="utf-8")
    for check in (pending, migrate):
        with pytest.raises(MigrationError, match=r"0003_statistic\.sql was changed"):
            check(database.url("lantian_owner"), folder=folder)


def test_a_database_of_a_newer_version_is_refused(database: Any, folder: Path) -> None:
    (folder / "0005_grant.sql").unlink()
    with pytest.raises(MigrationError, match="newer version"):
        migrate(database.url("lantian_owner"), folder=folder)


def test_a_file_that_fails_leaves_the_earlier_ones_applied(database: Any, folder: Path) -> None:
    owner = database.url("lantian_owner")
    (folder / "9000_good.sql").write_text("create table good (id int);")
    (folder / "9001_bad.sql").write_text("create table half (id int);\n\nselect nonsense;")
    with pytest.raises(MigrationError, match=r"9001_bad\.sql line 3: .*nonsense"):
        migrate(owner, folder=folder)
    assert pending(owner, folder=folder) == ["9001_bad"]
    with connect(owner) as conn:
        tables = conn.execute("select to_regclass('good') is not null, to_regclass('half') is not null").fetchone()
    assert tables == (True, False)


def test_file_names_must_be_numbered_and_unique(folder: Path) -> None:
    (folder / "0003_again.sql").write_text("")
    with pytest.raises(MigrationError, match="version 3 is already"):
        load_migrations(folder)
    (folder / "0003_again.sql").rename(folder / "later.sql")
    with pytest.raises(MigrationError, match=r"later\.sql"):
        load_migrations(folder)


def test_unreachable_and_refusing_servers_differ(database: Any) -> None:
    with pytest.raises(ServiceError):
        connect("postgresql://nobody@127.0.0.1:1/none", connect_timeout_s=2)
    with pytest.raises(StoreError), connect(database.url("lantian_reader")) as conn:
        pending(database.url("lantian_reader"))
        conn.execute("select 1")
    assert PrerequisiteError.retryable is False


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.key)
def test_columns_have_the_order_and_units_of_the_family(database: Any, family: Any) -> None:
    with connect(database.url("lantian_owner")) as conn:
        rows = conn.execute(
            "select attname, col_description(attrelid, attnum) from pg_attribute"
            " where attrelid = to_regclass(%s) and attnum > 0 order by attnum",
            (family.table,),
        ).fetchall()
    expected = ["device_id", "time", "span_s", *family.keys, "flag", "mark", "received_at"]
    assert [name for name, _ in rows] == expected
    comments = dict(rows)
    assert [comments[c.key] for c in family.columns] == [f"{c.name_zh} {c.unit}" for c in family.columns]


def test_every_table_is_described_and_readings_are_hypertables(database: Any) -> None:
    with connect(database.url("lantian_owner")) as conn:
        bare = conn.execute(
            "select relname from pg_class where relnamespace = 'lantian'::regnamespace and relkind = 'r'"
            " and obj_description(oid) is null"
        ).fetchall()
        hyper = conn.execute(
            "select hypertable_name, time_interval from timescaledb_information.dimensions order by 1"
        ).fetchall()
    assert bare == []
    weekly = [(family.table, 7) for family in FAMILIES.values()] + [
        *(("factor_reading", 7), ("raw_frame", 1), ("quality_result", 28)),
    ]
    assert [(name, interval.days) for name, interval in hyper] == sorted(weekly)


def test_registered_devices_are_read_with_their_area(devices: dict[str, RegisteredDevice]) -> None:
    assert devices["chimney"].area_id == "x"
    assert (devices["chimney"].family, devices["review"].revision_policy) == ("stack", "review")
