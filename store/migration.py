"""Bringing a database to the schema of this version: numbered files, each in a transaction of its own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from domain.error import PrerequisiteError
from store.connection import Connection, connect
from store.error import StoreError, translated

MIGRATIONS: Final = Path(__file__).parent / "migrations"
ROLES: Final[tuple[str, ...]] = ("lantian_owner", "lantian_writer", "lantian_app", "lantian_reader")
_FILE: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
#: Any fixed number: whoever holds it migrates.
_LOCK: Final = 4_226_001

_BOOTSTRAP: Final = """
create schema if not exists lantian;
create table if not exists lantian.migration (
    version int primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default clock_timestamp()
);
comment on table lantian.migration is 'Applied files of store/migrations 已执行的迁移';
"""


class MigrationError(StoreError):
    """The files and the database disagree about what has been applied, or a file fails."""

    code = "migration"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of the folder; `sha256` is that of its bytes."""

    version: int
    name: str
    text: str
    sha256: str


def load_migrations(folder: Path = MIGRATIONS) -> tuple[Migration, ...]:
    """Migrations of `folder` by version; `MigrationError` for a file name of another form or a version used twice."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: found this file name, expected NNNN_lower_case_words.sql")
        version, content = int(match[1]), path.read_bytes()
        if version in found:
            raise MigrationError(f"{path.name}: version {version} is already that of {found[version].name}")
        digest = hashlib.sha256(content).hexdigest()
        found[version] = Migration(version, path.stem, content.decode("utf-8"), digest)
    return tuple(found[version] for version in sorted(found))


def _read_applied(conn: Connection) -> dict[int, tuple[str, str]]:
    row = conn.execute("select to_regclass('lantian.migration') is not null").fetchone()
    if row is None or not row[0]:
        return {}
    rows = conn.execute("select version, name, sha256 from lantian.migration").fetchall()
    return {version: (name, digest) for version, name, digest in rows}


def _newer(found: str, known: Sequence[Migration]) -> str:
    return (
        f"the database has schema {found}, this version of Lantian knows schemas up to {known[-1].name}: the database "
        "belongs to a newer version of Lantian; run that one"
    )


def _outstanding(known: Sequence[Migration], applied: Mapping[int, tuple[str, str]]) -> list[Migration]:
    """Migrations to apply, after checking that the applied ones are still what they were."""
    by_version = {migration.version: migration for migration in known}
    for version, (name, digest) in sorted(applied.items()):
        migration = by_version.get(version)
        if migration is None:
            raise MigrationError(_newer(name, known))
        if migration.sha256 != digest:
            raise MigrationError(
                f"{migration.name}.sql was changed after it had been applied: found sha256 {migration.sha256[:12]}, "
                f"expected {digest[:12]}; put the file back and write the change as a new migration"
            )
    return [migration for migration in known if migration.version not in applied]


def pending(url: str, *, folder: Path = MIGRATIONS) -> list[str]:
    """Names of migrations that `migrate` would apply; needs a role that may read table `migration` (owner or app).

    Parameters
    ----------
    url : str
        The database.
    folder : Path
        Where the files are.

    Returns
    -------
    list of str
        In order; empty when the schema is current.
    """
    with connect(url, application_name="lantian migrate") as conn, translated("read applied migrations"):
        return [migration.name for migration in _outstanding(load_migrations(folder), _read_applied(conn))]


def read_version(conn: Connection) -> int:
    """Version of the newest migration that the database has; as owner or lantian_app."""
    row = conn.execute("select coalesce(max(version), 0) from lantian.migration").fetchone()
    assert row is not None
    return int(row[0])


def check_schema(conn: Connection, *, folder: Path = MIGRATIONS) -> None:
    """Check that the database has the schema that this version works with.

    Parameters
    ----------
    conn : Connection
        As owner or lantian_app.
    folder : Path
        Where the files are.

    Raises
    ------
    MigrationError
        When the database's schema is older or newer; the text names both.
    """
    known = load_migrations(folder)
    applied = _read_applied(conn)
    if newer := sorted(applied.keys() - {migration.version for migration in known}):
        raise MigrationError(_newer(applied[newer[-1]][0], known))
    missing = [migration for migration in known if migration.version not in applied]
    if missing:
        found = applied[max(applied)][0] if applied else "none"
        raise MigrationError(
            f"the database has schema {found}, this version of Lantian needs {known[-1].name} ({len(missing)} "
            "migrations are outstanding): run lantian migrate"
        )


def _check_server(conn: Connection) -> None:
    missing = conn.execute("select r from unnest(%s::text[]) r where to_regrole(r) is null", (list(ROLES),)).fetchall()
    if missing:
        names = ", ".join(name for (name,) in missing)
        raise PrerequisiteError(
            f"the database server lacks the roles {names}; a superuser creates them: create role ..."
        )
    if conn.execute("select 1 from pg_extension where extname = 'timescaledb'").fetchone() is None:
        try:
            with conn.transaction():
                conn.execute("create extension timescaledb")
        except psycopg.Error as error:
            raise PrerequisiteError(
                "the database lacks the extension timescaledb; a superuser creates it there with: "
                f"create extension timescaledb ({error.diag.message_primary})"
            ) from error


def _apply(conn: Connection, migration: Migration) -> None:
    try:
        with conn.transaction():
            conn.execute(migration.text.encode())
            conn.execute(
                "insert into lantian.migration (version, name, sha256) values (%s, %s, %s)",
                (migration.version, migration.name, migration.sha256),
            )
    except psycopg.Error as error:
        at = error.diag.statement_position
        line = migration.text.count("\n", 0, int(at)) + 1 if at else None
        where = f"{migration.name}.sql" + (f" line {line}" if line else "")
        raise MigrationError(f"{where}: {error.diag.message_primary or error} (SQLSTATE {error.sqlstate})") from error


def migrate(owner_url: str, *, folder: Path = MIGRATIONS) -> list[str]:
    """Apply every outstanding migration; doing it twice, or twice at once, is harmless.

    Parameters
    ----------
    owner_url : str
        The database, as the role that owns the schema.
    folder : Path
        Where the files are.

    Returns
    -------
    list of str
        Names of the migrations applied now, in order.

    Raises
    ------
    PrerequisiteError
        When roles or the extension are missing.
    MigrationError
        When an applied file has changed, the database is newer, or a file fails; earlier files stay applied.
    """
    known = load_migrations(folder)
    with connect(owner_url, autocommit=True, application_name="lantian migrate") as conn, translated("migrate"):
        conn.execute("select pg_advisory_lock(%s)", (_LOCK,))
        try:
            outstanding = _outstanding(known, _read_applied(conn))
            if outstanding:
                _check_server(conn)
                conn.execute(_BOOTSTRAP)
            for migration in outstanding:
                _apply(conn, migration)
        finally:
            if not conn.broken:
                conn.execute("select pg_advisory_unlock(%s)", (_LOCK,))
    return [migration.name for migration in outstanding]
