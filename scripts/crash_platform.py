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
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
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
#: Seconds between two looks for what has ended.
LOOK_S = 0.1


class Platform:
    """Database, broker, collector, gateway, settler, job runner and dispatcher in one folder."""

    def __init__(self, services: LocalServices, folder: Path, hook_port: int, reviver: Executor) -> None:
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
        self._not_before = {"look": 0.0, "services": 0.0}
        self._reviver = reviver
        self._revived: Future[None] = reviver.submit(lambda: None)
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

        #: Hours by which our processes' clocks differ from the machine's.
        self.shift_h = 0

    def set_clock(self, hours: int) -> None:
        """Let the clocks of our processes jump, not that of the database; called first before they start."""
        self.shift_h = hours
        file, library = self.folder / "clock", self.folder / "clock.so"
        if not file.exists():
            file.write_bytes(bytes(8))
            source = Path(__file__).with_name("crash_clock.c")
            subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
            self.environment |= {"LD_PRELOAD": str(library), "CRASH_CLOCK": str(file)}
        with file.open("r+b") as shift:
            shift.write((hours * 3600).to_bytes(8, sys.byteorder, signed=True))

    def url(self, role: str) -> str:
        """Address of the database for a role."""
        return self.services.database_url(role)

    def keep_alive(self) -> None:
        """Start again what has ended; what cannot start yet is tried at a later call."""
        if time.monotonic() < self._not_before.get("look", 0.0):
            return
        self._not_before["look"] = time.monotonic() + LOOK_S
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
        if not self.held and self._revived.done() and time.monotonic() >= self._not_before["services"]:
            self._revived = self._reviver.submit(self._revive)

    def _revive(self) -> None:
        """Start database and broker again, in a thread: a database needs seconds, and may be struck meanwhile."""
        with suppress(ServiceError, OSError):
            self.services.restart_missing()
        self._not_before["services"] = time.monotonic() + RESTART_S

    def kill(self, name: str) -> bool:
        """SIGKILL: a process of ours, every process of the database, or the broker; False when it does not run."""
        if name == "database":
            return self._kill_database()
        if name in {"broker", "broker-forgets"}:
            return self._kill_broker(forgets=name == "broker-forgets")
        child = self._children.get(name)
        if child is None or child.poll() is not None:
            return False
        child.kill()
        child.wait(10)
        return True

    def _kill_database(self) -> bool:
        cluster = self.services.cluster
        if cluster is None or not cluster.is_running or cluster.pid is None:
            return False
        family = Path(f"/proc/{cluster.pid}/task/{cluster.pid}/children").read_text(encoding="ascii").split()
        for pid in (cluster.pid, *map(int, family)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        cluster.kill()
        return True

    def _kill_broker(self, *, forgets: bool) -> bool:
        """With `forgets` the file in which it keeps sessions and messages goes with it."""
        broker = self.services.broker
        if broker is None or not broker.is_running:
            return False
        broker.kill()
        if forgets:
            (broker.folder / "data" / "mosquitto.db").unlink(missing_ok=True)
        return True

    def stop(self) -> None:
        """End the processes politely."""
        wait([self._revived])
        for child in reversed(self._children.values()):
            end_process(child, signal.SIGTERM)


@contextmanager
def platform(hook_port: int, *, small_disk: bool = False, own_clock: bool = False) -> Iterator[Platform]:
    """A platform with the county registered, its processes running.

    With `small_disk` on a file system of 700 MB, with `own_clock` with a clock that can be set.
    """
    folder = Path(tempfile.mkdtemp(prefix="lantian-crash-"))
    folder.chmod(0o755)
    home = folder / "home"
    home.mkdir(mode=0o755)
    if small_disk:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700m,mode=755", "tmpfs", str(home)], check=True)
    try:
        services = LocalServices(home, cache_folder(), reporter=Silence(), database_port=0, broker_port=0, autosave_s=1)
        # One thread for all its life: what it starts ends with it.
        with ThreadPoolExecutor(1) as reviver, services:
            made = Platform(services, folder, hook_port, reviver)
            os.environ["LANTIAN_HOME"] = str(home)
            prepare_database(load_settings(), Silence())
            if own_clock:
                made.set_clock(0)
            made.keep_alive()
            try:
                yield made
            finally:
                made.stop()
    finally:
        if small_disk:
            subprocess.run(["umount", str(home)], check=True)
        shutil.rmtree(folder, ignore_errors=True)
