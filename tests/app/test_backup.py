"""Backing up and restoring with real services: what comes back, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.service.backup import MANIFEST, Manifest, load_manifest, restore_backup, write_backup
from app.service.home import Home
from app.service.local import LocalServices
from app.service.progress import Silence
from app.settings import Settings
from domain.county import load_county as county_data
from domain.error import ConfigurationError, ServiceError
from store.connection import connect
from store.migration import migrate, pending
from store.reference import load_reference
from store.registry import load_county

NOW = dt.datetime(2026, 11, 25, 14, 0, tzinfo=dt.UTC)
INSTANT = "2026-11-25 13:59:00+00"


def settings_of(home: Path, cache: Path) -> Settings:
    return Settings(home=home, cache=cache)


@pytest.fixture(scope="module")
def source(scratch: Path, runtime_cache: Path) -> Iterator[tuple[Settings, Path, Manifest]]:
    """A small installation with readings in hypertables, and a backup of it."""
    home = scratch / "backup-source"
    folder = scratch / "backups" / "one"
    services = LocalServices(home, runtime_cache, durable=False, database_port=0, broker=False)
    with services:
        owner = services.database_url("lantian_owner")
        migrate(owner)
        with connect(owner) as conn:
            load_reference(conn)
            load_county(conn, county_data("zhongyang"))
        with connect(services.database_url("lantian_writer")) as conn:
            for minute in range(200):
                conn.execute(
                    "insert into air_reading (device_id, time, span_s, pm25, flag, mark, received_at)"
                    " values ('ningxiang-air', %s::timestamptz - %s * interval '3 hours', 60, %s, %s, %s, %s)",
                    (INSTANT, minute, 30.5 + minute, "1" * 12, "-" * 12, INSTANT),
                )
        services.credential_file.set_device("ningxiang-air", "secret-of-a-device", NOW)
        settings = settings_of(home, runtime_cache)
        manifest = write_backup(settings, folder, Silence(), jobs=2, now=NOW)
    yield settings, folder, manifest
    shutil.rmtree(home)
    shutil.rmtree(folder.parent)


def test_a_backup_comes_back_as_it_was(
    source: tuple[Settings, Path, Manifest], scratch: Path, runtime_cache: Path
) -> None:
    _, folder, manifest = source
    home = scratch / "backup-target"
    restored = restore_backup(settings_of(home, runtime_cache), folder, Silence())
    assert restored == manifest
    assert manifest.rows["air_reading"] == 200
    with LocalServices(home, runtime_cache, durable=False, database_port=0, broker=False) as services:
        assert services.credential_file.load().devices["ningxiang-air"].password == "secret-of-a-device"
        assert not pending(services.database_url("lantian_owner"))
        with connect(services.database_url("lantian_writer")) as conn:
            row = conn.execute("select count(*), min(pm25), max(pm25) from air_reading").fetchone()
            assert row == (200, 30.5, 229.5)
            chunks = conn.execute(
                "select count(*) from timescaledb_information.chunks where hypertable_name = 'air_reading'"
            ).fetchone()
            assert chunks is not None
            assert chunks[0] > 3
            # A restored hypertable takes new rows, also into chunks that it did not have.
            conn.execute(
                "insert into air_reading (device_id, time, span_s, flag, mark, received_at)"
                " values ('ningxiang-air', '2027-05-01 00:00+00', 60, repeat('9', 12), repeat('-', 12), now())"
            )
    shutil.rmtree(home)


def test_a_backup_is_closed_to_others_and_holds_no_password_in_its_manifest(
    source: tuple[Settings, Path, Manifest],
) -> None:
    _, folder, _ = source
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "files" / "credentials.json").stat().st_mode & 0o077 == 0
    assert "secret-of-a-device" not in (folder / MANIFEST).read_text(encoding="utf-8")


def damaged(folder: Path, scratch: Path, name: str) -> Path:
    copy = scratch / f"backup-{name}"
    shutil.copytree(folder, copy)
    return copy


def test_a_damaged_backup_is_refused_before_anything_is_made(
    source: tuple[Settings, Path, Manifest], scratch: Path, runtime_cache: Path
) -> None:
    _, folder, _ = source
    copy = damaged(folder, scratch, "damaged")
    part = next((copy / "database").glob("*.dat*"))
    part.write_bytes(part.read_bytes() + b"x")
    home = scratch / "backup-nowhere"
    with pytest.raises(ConfigurationError, match=f"{part.name} has changed"):
        restore_backup(settings_of(home, runtime_cache), copy, Silence())
    assert not home.exists()
    part.unlink()
    with pytest.raises(ConfigurationError, match=f"{part.name} is missing"):
        load_manifest(copy)
    manifest = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    (copy / MANIFEST).write_text(json.dumps(manifest | {"format": 99}), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="format 99"):
        load_manifest(copy)
    shutil.rmtree(copy)


def test_rows_that_differ_from_the_manifest_are_named_and_nothing_stays(
    source: tuple[Settings, Path, Manifest], scratch: Path, runtime_cache: Path
) -> None:
    _, folder, manifest = source
    copy = damaged(folder, scratch, "short")
    found = json.loads((copy / MANIFEST).read_text(encoding="utf-8"))
    found["rows"]["air_reading"] = 201
    (copy / MANIFEST).write_text(json.dumps(found), encoding="utf-8")
    home = scratch / "backup-short-target"
    with pytest.raises(ServiceError, match=f"air_reading {manifest.rows['air_reading']} for 201"):
        restore_backup(settings_of(home, runtime_cache), copy, Silence())
    assert not (home / "postgres").exists()
    shutil.rmtree(copy)
    shutil.rmtree(home)


def test_an_installation_with_a_database_is_not_overwritten(source: tuple[Settings, Path, Manifest]) -> None:
    settings, folder, _ = source
    with pytest.raises(ConfigurationError, match="move that installation away"):
        restore_backup(settings, folder, Silence())


def test_a_backup_does_not_overwrite_and_says_when_nothing_runs(
    source: tuple[Settings, Path, Manifest], tmp_path: Path
) -> None:
    settings, folder, _ = source
    with pytest.raises(ConfigurationError, match="exists"):
        write_backup(settings, folder, Silence(), jobs=1, now=NOW)
    assert Home(settings.home).ports()
    with pytest.raises(Exception, match="connect"):
        write_backup(settings, tmp_path / "new", Silence(), jobs=1, now=NOW)
    assert list(tmp_path.iterdir()) == []
