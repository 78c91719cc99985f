"""Tries what docs/deploy.md says about recovery to a point in time, with the local services in a folder of their own.

A cluster archives its log; a base copy is taken; frames are stored every so often; the cluster is destroyed and
recovered to a moment between two of them: those before must be there, those after not, and it must take new ones.

Usage: python scripts/point_in_time.py
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from app.service.account import SUPERUSER
from app.service.folder import cache_folder
from app.service.local import LocalServices
from app.service.progress import Lines
from app.service.unprivileged import service_user
from store.connection import connect
from store.migration import migrate


def services(home: Path) -> LocalServices:
    """The cluster of the home folder."""
    return LocalServices(home, cache_folder(), reporter=Lines(), broker=False, database_port=0)


def put(running: LocalServices, number: int) -> dt.datetime:
    """Store a frame; a moment after its commit by the database's clock."""
    with connect(running.database_url("lantian_writer"), autocommit=True) as conn:
        conn.execute(
            "insert into raw_frame (received_at, topic, payload, outcome, batch_id)"
            " values (now(), 't', '', 'stored', %s)",
            (number,),
        )
        time.sleep(1)
        row = conn.execute("select clock_timestamp()").fetchone()
        assert row is not None
        time.sleep(1)
        return row[0]


def kept(running: LocalServices) -> list[int]:
    """Numbers of the frames that the database holds."""
    with connect(running.database_url("lantian_app")) as conn:
        return [number for (number,) in conn.execute("select batch_id from raw_frame order by 1").fetchall()]


def copy(running: LocalServices, base: Path) -> None:
    """A base copy of the running cluster, as pg_basebackup makes it, by PostgreSQL's own functions."""
    with connect(running.database_url(SUPERUSER), autocommit=True) as conn:
        conn.execute("select pg_backup_start('base', true)")
        left_out = shutil.ignore_patterns("postmaster.*", "pgsql_tmp*")
        shutil.copytree(running.folder / "postgres" / "data", base, ignore=left_out, symlinks=True)
        row = conn.execute("select labelfile from pg_backup_stop()").fetchone()
        assert row is not None
        (base / "backup_label").write_text(row[0], encoding="utf-8")
    for path in (base / "pg_wal").iterdir():
        if path.is_file():
            path.unlink()
    base.chmod(0o700)


def own(folder: Path) -> None:
    """Give a folder and what is in it to the user of the server."""
    user = service_user()
    if user.dropped:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.uid, user.gid)


def append(home: Path, lines: str) -> None:
    """Add settings of the server, as an operator does."""
    with (home / "postgres" / "data" / "postgresql.auto.conf").open("a", encoding="utf-8") as handle:
        handle.write(lines)


def main() -> int:
    """Try it; exit status 1 when the frames are not those expected."""
    work = Path(tempfile.mkdtemp(prefix="lantian-pitr-"))
    work.chmod(0o755)
    home, log, base = work / "home", work / "log", work / "base"
    log.mkdir(mode=0o700)
    own(log)
    try:
        with services(home) as running:
            migrate(running.database_url("lantian_owner"))
        append(home, f"archive_mode = on\narchive_command = 'test ! -f {log}/%f && cp %p {log}/%f'\n")
        with services(home) as running:
            put(running, 1)
            copy(running, base)
            moment = put(running, 2)
            put(running, 3)
            with connect(running.database_url(SUPERUSER), autocommit=True) as conn:
                conn.execute("select pg_switch_wal()")
        shutil.rmtree(home / "postgres" / "data")
        base.rename(home / "postgres" / "data")
        append(home, f"restore_command = 'cp {log}/%f %p'\nrecovery_target_time = '{moment.isoformat()}'\n")
        for action, expected in (("pause", "waits there"), ("promote", "")):
            append(home, f"recovery_target_action = '{action}'\n")
            (home / "postgres" / "data" / "recovery.signal").touch()
            own(home / "postgres" / "data")
            try:
                with services(home) as running:
                    found = kept(running)
                    put(running, 4)
                    written = kept(running)
            except Exception as error:
                if not expected or expected not in str(error):
                    raise
                print(f"{action}: {error}")
        print(f"recovered to {moment}: frames {found}, afterwards {written}")
        return int((found, written) != ([1, 2], [1, 2, 4]))
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
