"""A backup of one installation: the database as one snapshot, credentials, certificates, settings, with checksums."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from app.service.account import SUPERUSER, check_mode
from app.service.device_key import FILE_NAME as KEY_FILE
from app.service.home import DATABASE, Home
from app.service.local import LocalServices
from app.service.progress import Reporter
from app.service.runtime import find_runtime
from app.service.unprivileged import write_file
from app.settings import Settings, config_file
from domain.error import ConfigurationError, ServiceError

#: Changes when a backup's layout does.
FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
_DUMP: Final = "database"
_FILES: Final = "files"
#: What of a home folder cannot be made again.
_HOME: Final = ("credentials.json", "tls", KEY_FILE)
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes
    ----------
    format : int
        Layout of the folder.
    made_at : str
        Moment of the database's snapshot.
    lantian, postgres, timescaledb : str
        Versions that made it.
    migration : int
        Version of the schema.
    rows : mapping of str to int
        Rows of every table in the snapshot.
    sha256 : mapping of str to str
        Digest of every other file, by its path in the folder.
    """

    format: int
    made_at: str
    lantian: str
    postgres: str
    timescaledb: str
    migration: int
    rows: Mapping[str, int]
    sha256: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Watch:
    """A growing folder by which the progress of a program is told."""

    folder: Path
    expected_bytes: float
    reporter: Reporter


def write_backup(settings: Settings, folder: Path, reporter: Reporter, *, jobs: int, now: dt.datetime) -> Manifest:
    """Write a backup of a running local installation into `folder`, which must not exist.

    Parameters
    ----------
    settings : Settings
        Which installation.
    folder : Path
        Made with mode 700: it holds every password.
    reporter : Reporter
        Told the progress.
    jobs : int
        Tables dumped side by side.
    now : datetime
        Kept in the manifest.

    Returns
    -------
    Manifest
        As written.

    Raises
    ------
    ConfigurationError
        When the folder exists or the database is not a local one.
    ServiceError
        When the database does not run or the dump fails; nothing is left behind.
    """
    if not settings.database_is_local:
        raise ConfigurationError(
            "the settings name a database of your own; back it up with its own tools (pg_dump, pgBackRest), "
            "and keep the settings and credential files beside it"
        )
    if folder.exists():
        raise ConfigurationError(f"{folder} exists; expected a new folder for the backup")
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700, parents=True)
    try:
        manifest = _filled(settings, unfinished, reporter, jobs, now)
        write_file(unfinished / MANIFEST, json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n")
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return manifest


def _filled(settings: Settings, folder: Path, reporter: Reporter, jobs: int, now: dt.datetime) -> Manifest:
    home = Home(settings.home)
    program = find_runtime(settings.cache, reporter).postgres
    with psycopg.connect(home.database_url(SUPERUSER), application_name="lantian backup") as conn:
        conn.execute("set transaction isolation level repeatable read, read only")
        reporter.step("Counting rows")
        rows = _row_counts(conn)
        snapshot = _single(conn, "select pg_export_snapshot()")
        size = int(_single(conn, "select pg_database_size(current_database())"))
        extension = _single(conn, "select extversion from pg_extension where extname = 'timescaledb'")
        migration = int(_single(conn, "select max(version) from lantian.migration"))
        reporter.step("Copying the database")
        arguments = ["--format=directory", f"--jobs={jobs}", f"--snapshot={snapshot}", f"--file={folder / _DUMP}"]
        # A compressed copy is about a fifth of the tables and indexes it comes from.
        copied = Watch(folder / _DUMP, size / 5, reporter)
        _run(program.path / "pg_dump", [*arguments, DATABASE], home, watch=copied)
    reporter.step("Copying credentials, certificates and settings")
    for name in _HOME:
        _copy(settings.home / name, folder / _FILES / name)
    named = config_file(os.environ)
    if named is not None:
        _copy(named, folder / _FILES / "lantian.toml")
    digests = {str(path.relative_to(folder)): _digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    moment = now.isoformat(timespec="seconds")
    return Manifest(FORMAT, moment, version("lantian"), program.version, extension, migration, rows, digests)


def load_manifest(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all as they were written.

    Parameters
    ----------
    folder : Path
        A backup.

    Returns
    -------
    Manifest
        As it was written.

    Raises
    ------
    ConfigurationError
        When `folder` is no backup, of another format, or a file is missing or changed.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        manifest = Manifest(**found)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{folder}: found no readable {MANIFEST} ({error}), expected a backup") from error
    if manifest.format != FORMAT:
        raise ConfigurationError(f"{path}: found format {manifest.format}, this version reads {FORMAT}")
    for name, digest in manifest.sha256.items():
        if not (folder / name).is_file():
            raise ConfigurationError(f"{folder / name} is missing; the backup is not complete")
        if _digest(folder / name) != digest:
            raise ConfigurationError(f"{folder / name} has changed since the backup was made (its digest differs)")
    return manifest


def restore_backup(settings: Settings, folder: Path, reporter: Reporter) -> Manifest:
    """Make the installation of `settings` from a backup; its home folder must hold no database.

    Parameters
    ----------
    settings : Settings
        Whose home folder is filled; the services must not run.
    folder : Path
        A backup.
    reporter : Reporter
        Told the progress.

    Returns
    -------
    Manifest
        Of the backup; every table holds as many rows as it says.

    Raises
    ------
    ConfigurationError
        When the backup is damaged or made by another TimescaleDB, or the home folder holds a database.
    ServiceError
        When a program fails or the rows differ.
    """
    reporter.step("Checking the backup")
    manifest = load_manifest(folder)
    data = settings.home / "postgres" / "data"
    if data.exists():
        raise ConfigurationError(
            f"{data} exists; move that installation away, or name another home folder: LANTIAN_HOME"
        )
    settings.home.mkdir(parents=True, exist_ok=True)
    for name in _HOME:
        _copy(folder / _FILES / name, settings.home / name)
    services = LocalServices(
        settings.home, settings.cache, reporter=reporter, broker=False, user=settings.service_user, database_port=0
    )
    try:
        with services:
            _fill_database(services, folder, manifest, reporter)
    except BaseException:
        shutil.rmtree(settings.home / "postgres", ignore_errors=True)
        raise
    (settings.home / "ports.json").unlink(missing_ok=True)
    return manifest


def _fill_database(services: LocalServices, folder: Path, manifest: Manifest, reporter: Reporter) -> None:
    program = find_runtime(services.cache, reporter).postgres
    with psycopg.connect(services.database_url(SUPERUSER), autocommit=True) as conn:
        own = _single(conn, "select extversion from pg_extension where extname = 'timescaledb'")
        if own != manifest.timescaledb:
            raise ConfigurationError(
                f"the backup was made with TimescaleDB {manifest.timescaledb}, this machine has {own}; "
                "restore with the same version, then upgrade"
            )
        conn.execute("select timescaledb_pre_restore()")
    reporter.step("Restoring the database")
    # TimescaleDB's catalogue must be read in order: one job.
    _run(program.path / "pg_restore", ["--exit-on-error", f"--dbname={DATABASE}", str(folder / _DUMP)], services)
    with psycopg.connect(services.database_url(SUPERUSER), autocommit=True) as conn:
        conn.execute("select timescaledb_post_restore()")
        reporter.step("Comparing rows with the backup")
        found = _row_counts(conn)
        conn.execute("analyze")
    differing = sorted(name for name in {*manifest.rows, *found} if manifest.rows.get(name) != found.get(name))
    if differing:
        told = ", ".join(f"{name} {found.get(name)} for {manifest.rows.get(name)}" for name in differing[:5])
        raise ServiceError(f"after restoring, {len(differing)} tables differ from the backup: {told}")


def _row_counts(conn: psycopg.Connection) -> dict[str, int]:
    """Rows of every table of schema lantian."""
    names = [
        str(row[0])
        for row in conn.execute("select tablename from pg_tables where schemaname = 'lantian' order by tablename")
    ]
    counts = {}
    for name in names:
        row = conn.execute(sql.SQL("select count(*) from {}").format(sql.Identifier("lantian", name))).fetchone()
        counts[name] = int(row[0]) if row else 0
    return counts


def _single(conn: psycopg.Connection, statement: str) -> str:
    row = conn.execute(statement.encode()).fetchone()
    if row is None or row[0] is None:
        raise ServiceError(f"the database answered nothing to: {statement}")
    return str(row[0])


def _run(program: Path, arguments: Sequence[str], home: Home, *, watch: Watch | None = None) -> None:
    """Run a program of PostgreSQL against the local database."""
    secret = home.credential_file.load().roles[SUPERUSER]
    command = [str(program), "--host=127.0.0.1", f"--port={home.ports()['database']}", f"--username={SUPERUSER}"]
    command += ["--no-password", *arguments]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PGPASSWORD": secret}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    said: str | None = None
    while said is None:
        try:
            said, _ = process.communicate(timeout=0.5)
        except subprocess.TimeoutExpired:
            if watch is not None:
                watch.reporter.part(min(0.99, _folder_size(watch.folder) / max(watch.expected_bytes, 1.0)))
    if process.returncode:
        raise ServiceError(f"{program.name} failed ({process.returncode}): {said.strip()[-600:]}")


def _folder_size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def _copy(source: Path, target: Path) -> None:
    """Copy a file or folder with its modes; nothing when there is none."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    if target.name == "credentials.json" and target.exists():
        check_mode(target)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while piece := handle.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()
