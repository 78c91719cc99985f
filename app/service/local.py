"""Database and broker of one home folder, together: prepared, started, stopped, addressed."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from pathlib import Path
from typing import IO, Self

from app.service.account import SUPERUSER, Credentials
from app.service.authority import Authority
from app.service.broker import Broker
from app.service.home import BrokerAddress, Home
from app.service.listener import TlsListener
from app.service.postgres import Cluster
from app.service.progress import Reporter, Silence
from app.service.runtime import find_runtime
from app.service.unprivileged import ServiceUser, make_folder, service_user, unreachable_folder
from domain.error import PrerequisiteError, ServiceError

#: Ports tried first in a new home folder.
DATABASE_PORT = 55432
BROKER_PORT = 1883


class LocalServices(Home):
    """PostgreSQL with TimescaleDB and Mosquitto in one home folder.

    Parameters
    ----------
    home : Path
        Folder of data, logs and credentials; the unprivileged user must be able to reach it.
    cache : Path
        Folder of private runtimes.
    reporter : Reporter, optional
        Told what happens; silent by default.
    durable : bool
        False only for tests.
    database, broker : bool
        Whether each is wanted here (False when the settings name one elsewhere).
    user : str, optional
        Name of the unprivileged user when root runs this.
    database_port, broker_port : int
        Ports tried first in a new home; 0 for any free one.
    max_queued_messages : int
        See `Broker`.
    autosave_s : int
        See `Broker`.
    tls : TlsListener, optional
        See `Broker`.
    """

    def __init__(  # noqa: PLR0913 - everything behind the star is named by its caller
        self,
        home: Path,
        cache: Path,
        *,
        reporter: Reporter | None = None,
        durable: bool = True,
        database: bool = True,
        broker: bool = True,
        user: str | None = None,
        database_port: int = DATABASE_PORT,
        broker_port: int = BROKER_PORT,
        max_queued_messages: int = 1_000_000,
        autosave_s: int = 30,
        tls: TlsListener | None = None,
    ) -> None:
        super().__init__(home.absolute())
        self.cache = cache.absolute()
        self.user: ServiceUser = service_user(user)
        self.cluster: Cluster | None = None
        self.broker: Broker | None = None
        self._reporter: Reporter = reporter or Silence()
        self._durable = durable
        self._wanted = (database, broker)
        self._first_ports = {"database": database_port, "broker": broker_port}
        self._max_queued_messages = max_queued_messages
        self._autosave_s = autosave_s
        self._tls = tls
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def prepare(self) -> Credentials:
        """Find or make the programs, the folders and the credentials; nothing is started."""
        make_folder(self.folder)
        make_folder(self.log)
        if not any(self._wanted):
            return self.credential_file.ensure()
        for folder in (self.folder / "x", self.cache / "x"):
            if blocked := unreachable_folder(folder, self.user):
                raise PrerequisiteError(
                    f"user {self.user.name}, who runs database and broker, cannot pass {blocked} (mode "
                    f"{blocked.stat().st_mode & 0o777:03o}); choose another folder with LANTIAN_HOME and LANTIAN_CACHE"
                )
        runtime = find_runtime(self.cache, self._reporter)
        credentials = self.credential_file.ensure()
        wants_database, wants_broker = self._wanted
        if wants_database:
            log = self.log / "postgres.log"
            folder = self.folder / "postgres"
            self.cluster = Cluster(folder, runtime.postgres, self.user, log=log, durable=self._durable)
            if not (self.cluster.data / "PG_VERSION").exists():
                self._reporter.step("Making the database's data folder")
            self.cluster.prepare(credentials.roles[SUPERUSER])
        if wants_broker:
            log = self.log / "mosquitto.log"
            self.broker = Broker(
                self.folder / "broker",
                runtime.mosquitto,
                self.user,
                log=log,
                max_queued_messages=self._max_queued_messages,
                autosave_s=self._autosave_s,
                tls=self._tls,
                authority=Authority(self.folder / "tls"),
            )
        return credentials

    def start(self) -> None:
        """Start what is wanted; roles, database and accounts exist afterwards.

        A home folder whose services run already is a `ServiceError`.
        """
        make_folder(self.folder)
        self._hold_lock()
        try:
            credentials = self.prepare()
            if self.cluster is not None:
                self._start_database(self.cluster, credentials)
            if self.broker is not None:
                self._start_broker(self.broker, credentials)
        except BaseException:
            self.stop()
            raise

    def _start_database(self, cluster: Cluster, credentials: Credentials) -> None:
        self._reporter.step("Starting PostgreSQL")
        cluster.start(self.ports().get("database", self._first_ports["database"]), self._reporter)
        self.remember_ports(database=cluster.port)
        cluster.finish_recovery(credentials, self._reporter)
        cluster.ensure_roles(credentials)

    def _start_broker(self, broker: Broker, credentials: Credentials) -> None:
        self._reporter.step("Starting Mosquitto")
        broker.start(self.ports().get("broker", self._first_ports["broker"]), credentials, self._reporter)
        self.remember_ports(broker=broker.port)

    def _hold_lock(self) -> None:
        handle = self.lock_file.open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise ServiceError(f"the services of {self.folder} are running already; see: ./lantian status") from None
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        self._lock = handle

    def stop(self) -> None:
        """Stop broker and database cleanly; harmless when nothing runs."""
        if self.broker is not None:
            self.broker.stop()
        if self.cluster is not None:
            self.cluster.stop()
        if self._lock is not None:
            self._lock.truncate(0)
            self._lock.close()
        self._lock = None

    def restart_missing(self) -> list[str]:
        """Start again what has died; names of what was started."""
        credentials = self.credential_file.load()
        started = []
        if self.cluster is not None and not self.cluster.is_running:
            self._start_database(self.cluster, credentials)
            started.append("postgres")
        if self.broker is not None and not self.broker.is_running:
            self._start_broker(self.broker, credentials)
            started.append("mosquitto")
        return started

    def kill_broker(self) -> None:
        """Kill the broker without letting it save; `restart_missing` brings it back on the same port."""
        if self.broker is not None:
            self.broker.kill()

    def kill_database(self) -> None:
        """End the database as a crash would; `restart_missing` brings it back on the same port."""
        if self.cluster is not None:
            self.cluster.kill()

    def _accounts_changed(self) -> None:
        if self.broker is not None:
            self.broker.write_accounts(self.credential_file.load())

    def ensure_account(self, name: str, password: str | None = None) -> BrokerAddress:
        """Give an account of the platform a password (the one given, else the one it has, else a new one).

        Parameters
        ----------
        name : str
            Such as ``collector``.
        password : str, optional
            Its password.

        Returns
        -------
        BrokerAddress
            How it connects.
        """
        if password is not None or name not in self.credential_file.load().accounts:
            self.credential_file.set_account(name, password)
            self._accounts_changed()
        return self.broker_for(name)

    def remove_account(self, name: str) -> None:
        """Take an account of the platform away."""
        self.credential_file.remove_account(name)
        self._accounts_changed()

    def set_device_account(self, device: str, now: dt.datetime, password: str | None = None) -> BrokerAddress:
        """Give a device its account, or a new password when it has one.

        Parameters
        ----------
        device : str
            Device id = user name = level of its topics.
        now : datetime
            When, kept in the record.
        password : str, optional
            Generated when not given.

        Returns
        -------
        BrokerAddress
            How the device connects.
        """
        self.credential_file.set_device(device, password, now)
        self._accounts_changed()
        return self.broker_for(device)

    def revoke_device_account(self, device: str) -> None:
        """Take a device's account away; the broker refuses its next connection."""
        self.credential_file.remove_device(device)
        self._accounts_changed()
