"""The platform of the crash matrix: real processes that are started again when they end, as a service manager does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.service.folder import cache_folder
from app.service.local import LocalServices
from app.service.port import free_port
from app.service.process import end_process
from app.service.progress import Silence
from app.service.schema import prepare_database
from app.settings import load_settings
from domain.error import ServiceError

#: Seconds after which what has ended is started again (RestartSec of the systemd units is 2).
RESTART_S = 0.5


class Platform:
    """Database, broker, collector, gateway, settler, job runner and dispatcher in one folder."""

    def __init__(self, services: LocalServices, folder: Path, hook_port: int) -> None:
        self.services, self.folder = services, folder
        self.gateway_port = free_port(0)
        self.restarts = 0
        #: Services that stay away although they could be started.
        self.held: set[str] = set()
        self._commands = {
            "collector": ["collect"],
            "gateway": ["gateway", "--port", str(self.gateway_port)],
            "settler": ["settle", "--follow"],
            "jobs": ["job", "follow"],
            "dispatcher": ["dispatch"],
        }
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before: dict[str, float] = {}
        secrets = folder / "alert.toml"
        secrets.write_text('[webhook]\nkey = "0123456789abcdef"\n', encoding="utf-8")
        secrets.chmod(0o600)
        self.environment = {
            **os.environ,
            "LANTIAN_HOME": str(services.folder),
            "LANTIAN_SETTLE_INTERVAL_S": "1",
            "LANTIAN_ALERT_SECRETS_FILE": str(secrets),
            "LANTIAN_ALERT_WEBHOOK_ORIGINS": f"http://127.0.0.1:{hook_port}",
        }

    def url(self, role: str) -> str:
        """Address of the database for a role."""
        return self.services.database_url(role)

    def keep_alive(self) -> None:
        """Start again what has ended; what cannot start yet is tried at the next call."""
        for name, arguments in self._commands.items():
            child = self._children.get(name)
            if child is not None and child.poll() is not None:
                self.restarts += 1
                self._not_before[name] = time.monotonic() + RESTART_S
                del self._children[name]
            if name not in self._children and time.monotonic() >= self._not_before.get(name, 0.0):
                with (self.folder / f"{name}.log").open("ab") as log:
                    self._children[name] = subprocess.Popen(
                        [sys.executable, "-m", "app", *arguments], env=self.environment, stdout=log, stderr=log
                    )
        if not self.held:
            try:
                self.services.restart_missing()
            except ServiceError:
                self._not_before["services"] = time.monotonic() + RESTART_S

    def kill(self, name: str) -> None:
        """SIGKILL: a process of ours, every process of the database, or the broker."""
        if name == "database":
            self._kill_database()
        elif name == "broker":
            self.services.kill_broker()
        else:
            child = self._children.get(name)
            if child is not None:
                child.kill()
                child.wait(10)

    def _kill_database(self) -> None:
        cluster = self.services.cluster
        if cluster is None or cluster.pid is None:
            return
        family = Path(f"/proc/{cluster.pid}/task/{cluster.pid}/children").read_text(encoding="ascii").split()
        for pid in (cluster.pid, *map(int, family)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        cluster.kill()

    def forget(self) -> None:
        """Kill the broker and remove the file in which it keeps sessions and messages."""
        self.services.kill_broker()
        broker = self.services.broker
        if broker is not None:
            (broker.folder / "data" / "mosquitto.db").unlink(missing_ok=True)

    def stop(self) -> None:
        """End the processes politely."""
        for child in reversed(self._children.values()):
            end_process(child, signal.SIGTERM)


@contextmanager
def platform(hook_port: int, *, small_disk: bool = False) -> Iterator[Platform]:
    """A platform with the county registered, its processes running; with `small_disk` on a file system of 700 MB."""
    folder = Path(tempfile.mkdtemp(prefix="lantian-crash-"))
    folder.chmod(0o755)
    home = folder / "home"
    home.mkdir(mode=0o755)
    if small_disk:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700m,mode=755", "tmpfs", str(home)], check=True)
    try:
        services = LocalServices(home, cache_folder(), reporter=Silence(), database_port=0, broker_port=0, autosave_s=1)
        with services:
            made = Platform(services, folder, hook_port)
            os.environ["LANTIAN_HOME"] = str(home)
            prepare_database(load_settings(), Silence())
            made.keep_alive()
            try:
                yield made
            finally:
                made.stop()
    finally:
        if small_disk:
            subprocess.run(["umount", str(home)], check=True)
        shutil.rmtree(folder, ignore_errors=True)
