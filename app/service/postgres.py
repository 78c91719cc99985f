"""A PostgreSQL cluster with TimescaleDB of our own: made once, started, stopped, its roles and database."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from app.service.account import ROLES, SUPERUSER, Credentials
from app.service.home import DATABASE
from app.service.port import LOOPBACK, free_port
from app.service.process import end_process, log_tail, run_as, start_process, wait_until
from app.service.progress import Reporter
from app.service.runtime import Program
from app.service.unprivileged import ServiceUser, make_folder, write_file
from domain.error import ServiceError

_LONGEST_SOCKET_PATH: Final = 90


class Cluster:
    """One PostgreSQL data folder and the server that runs on it.

    Parameters
    ----------
    folder : Path
        Holds ``data`` and, where the path is short enough, the socket.
    program : Program
        Folder of PostgreSQL's programs.
    user : ServiceUser
        Owner of the data and user of the server.
    log : Path
        Log file.
    durable : bool
        False only for tests: nothing is flushed to disk, so a power cut loses data.
    """

    def __init__(self, folder: Path, program: Program, user: ServiceUser, *, log: Path, durable: bool = True) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = log
        self.port = 0
        self._program = program
        self._user = user
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the server that this object started lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Process number of the server, None when it does not run."""
        return self._process.pid if self._process is not None and self.is_running else None

    def prepare(self, password: str) -> None:
        """Make the data folder unless it is there; an interrupted attempt is made anew.

        Parameters
        ----------
        password : str
            Password of the superuser.
        """
        make_folder(self.folder, self._user, 0o700)
        if (self.data / "PG_VERSION").exists():
            self._check_version()
            return
        fresh = self.folder / "data.new"
        if fresh.exists():
            run_as(self._user, ["rm", "-r", fresh], self.folder)
        secret = self.folder / "superuser-password"
        write_file(secret, password + "\n", user=self._user)
        try:
            options = [
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                f"--username={SUPERUSER}",
                "--no-instructions",
            ]
            extra = [] if self._durable else ["--no-sync"]
            command: list[str | Path] = [
                self._program.path / "initdb",
                "-D",
                fresh,
                f"--pwfile={secret}",
                *options,
                *extra,
            ]
            run_as(self._user, command, self.folder)
        finally:
            secret.unlink(missing_ok=True)
        fresh.rename(self.data)

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != self._program.version.split(".")[0]:
            raise ServiceError(
                f"{self.data} was made by PostgreSQL {made_by}, the server found is {self._program.version}; "
                f"install PostgreSQL {made_by} with TimescaleDB again, or move the data with pg_dump"
            )

    def _settings(self) -> dict[str, str]:
        memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        shared_mb = max(64, min(1024, memory_mb // 8)) if self._durable else 64
        chosen = {
            "listen_addresses": f"'{LOOPBACK}'",
            "port": str(self.port),
            "unix_socket_directories": f"'{self.folder if len(str(self.folder)) < _LONGEST_SOCKET_PATH else ''}'",
            "shared_preload_libraries": "'timescaledb'",
            "timescaledb.telemetry_level": "off",
            "jit": "off",
            "max_connections": "100",
            "max_locks_per_transaction": "512",
            "shared_buffers": f"{shared_mb}MB",
            "max_wal_size": "2GB",
            "timezone": "'UTC'",
            "log_timezone": "'UTC'",
            "log_line_prefix": "'%m [%p] %q%u@%d '",
            "log_checkpoints": "off",
            "password_encryption": "'scram-sha-256'",
        }
        if not self._durable:
            chosen |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            chosen |= {"timescaledb.max_background_workers": "0", "max_connections": "60", "autovacuum": "off"}
        return chosen

    def start(self, port: int, reporter: Reporter) -> None:
        """Start the server and wait until it answers; a port taken in between is replaced by another.

        Parameters
        ----------
        port : int
            Port to try first, 0 for any.
        reporter : Reporter
            Told when another port had to be chosen.
        """
        main = self.data / "postgresql.conf"
        include = "include = 'lantian.conf'"
        text = main.read_text(encoding="utf-8")
        if include not in text:
            write_file(main, f"{text}\n{include}\n", user=self._user)
        for _ in range(5):
            self.port = free_port(port)
            if port and self.port != port:
                reporter.say(f"port {port} is taken: the database listens on {self.port}")
            lines = [f"{key} = {value}" for key, value in self._settings().items()]
            write_file(self.data / "lantian.conf", "\n".join(lines) + "\n", user=self._user)
            mark = self.log.stat().st_size if self.log.exists() else 0
            command: list[str | Path] = [self._program.path / "postgres", "-D", self.data]
            self._process = start_process(self._user, command, folder=self.folder, log=self.log, dies_by=signal.SIGINT)
            if wait_until(self._answers, lambda: self.is_running, 120):
                return
            with self.log.open("rb") as handle:
                handle.seek(mark)
                if b"Address already in use" in handle.read():
                    continue
            break
        self.stop()
        raise ServiceError(f"PostgreSQL did not start; the end of {self.log}:\n{log_tail(self.log)}")

    def _answers(self) -> bool:
        # Without a password the server refuses; that it refuses says that it is ready.
        try:
            psycopg.connect(host=LOOPBACK, port=self.port, user=SUPERUSER, password="none", dbname="postgres").close()  # noqa: S106
        except psycopg.OperationalError as error:
            return "authentication failed" in str(error)
        return True

    def stop(self) -> None:
        """Shut the server down cleanly: sessions are ended, everything is on disk."""
        if self._process is not None:
            end_process(self._process, signal.SIGINT, signal.SIGQUIT, timeout_s=60)
        self._process = None

    def kill(self) -> None:
        """End the server as a power cut would; for tests of what survives."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
        self._process = None

    def connect(self, credentials: Credentials, dbname: str = "postgres") -> psycopg.Connection:
        """A connection as superuser with every statement its own transaction."""
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=credentials.roles[SUPERUSER],
            dbname=dbname,
            autocommit=True,
            application_name="lantian services",
        )

    def finish_recovery(self, credentials: Credentials, reporter: Reporter) -> None:
        """Wait while the server replays an archived log: until then it can be read, not written.

        Parameters
        ----------
        credentials : Credentials
            For the superuser's password.
        reporter : Reporter
            Told the wait.

        Raises
        ------
        ServiceError
            When it has reached its target and stays there: `recovery_target_action` is not ``promote``.
        """
        with self.connect(credentials) as connection:
            told = False
            while True:
                recovering, paused, replayed = connection.execute(
                    "select r, r and pg_get_wal_replay_pause_state() = 'paused', pg_last_xact_replay_timestamp()"
                    " from pg_is_in_recovery() r"
                ).fetchone() or (False, False, None)
                if paused:
                    raise ServiceError(
                        f"the database has recovered to its target ({replayed}) and waits there; "
                        "set recovery_target_action = 'promote' in postgresql.auto.conf and start again"
                    )
                if not recovering:
                    return
                if not told:
                    reporter.step("Replaying the archived log")
                    told = True
                time.sleep(0.1)

    def ensure_roles(self, credentials: Credentials) -> None:
        """Create the roles and the database, or bring their passwords up to date."""
        with self.connect(credentials) as connection:
            known = {row[0] for row in connection.execute("select rolname from pg_roles")}
            for role in ROLES:
                verb = "alter" if role in known else "create"
                statement = sql.SQL("{} role {} login nosuperuser nocreatedb nocreaterole password {}").format(
                    sql.SQL(verb), sql.Identifier(role), sql.Literal(credentials.roles[role])
                )
                connection.execute(statement)
            made = connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone()
            if made is None:
                self.create_database(credentials, DATABASE)
        with self.connect(credentials, DATABASE) as connection:
            connection.execute("create extension if not exists timescaledb")

    def create_database(self, credentials: Credentials, name: str, template: str | None = None) -> None:
        """Create a database of `lantian_owner`, open only to our roles.

        Parameters
        ----------
        credentials : Credentials
            For the superuser's password.
        name : str
            Its name.
        template : str, optional
            A database to copy; else an empty one with the extension is made.
        """
        with self.connect(credentials) as connection:
            statement = sql.SQL("create database {} owner lantian_owner template {}").format(
                sql.Identifier(name), sql.Identifier(template or "template0")
            )
            connection.execute(statement)
            connection.execute(sql.SQL("revoke all on database {} from public").format(sql.Identifier(name)))
            granted = sql.SQL(", ").join(sql.Identifier(role) for role in ROLES)
            connection.execute(
                sql.SQL("grant connect, temporary on database {} to {}").format(sql.Identifier(name), granted)
            )
        if template is None:
            with self.connect(credentials, name) as connection:
                connection.execute("create extension if not exists timescaledb")

    def drop_database(self, credentials: Credentials, name: str) -> None:
        """Drop a database, ending the sessions in it."""
        with self.connect(credentials) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
