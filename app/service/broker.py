"""A Mosquitto broker of our own: its configuration, accounts and permissions, started, stopped, reloaded."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.service.account import Credentials, enterprise_of, hashed_password, neighbour_of
from app.service.authority import Authority
from app.service.listener import TlsListener
from app.service.port import LOOPBACK, free_port, is_listening
from app.service.process import end_process, log_tail, start_process, wait_until
from app.service.progress import Reporter
from app.service.runtime import Program
from app.service.unprivileged import ServiceUser, make_folder, write_file
from domain.error import ServiceError
from ingest.gateway.tally import raise_file_limit

MAX_PACKET_SIZE: Final = 1_048_576
#: Files of the broker besides the connections of devices: its log, what it keeps, clients on loopback.
SPARE_FILES: Final = 256
#: What each account of the platform may do; devices are covered by patterns on their user name.
PERMISSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "collector": (
        "read lt/v1/#",
        "write lt/v1/+/+/+/reply",
        "write lt/v1/+/+/+/error",
        "write lt/v1/+/+/+/cmd",
        "readwrite lt/v1/preflight/#",
        "read $SYS/#",
    ),
    "simulator": (
        "write lt/v1/+/+/+/data",
        "write lt/v1/+/+/+/state",
        "read lt/v1/+/+/+/reply",
        "read lt/v1/+/+/+/error",
        "read lt/v1/+/+/+/cmd",
    ),
    "replay": (
        "write lt/v1/+/+/+/data",
        "write lt/v1/+/+/+/state",
        "read lt/v1/+/+/+/reply",
        "read lt/v1/+/+/+/error",
        "read lt/v1/+/+/+/cmd",
    ),
    "gateway": (
        "write lt/v1/+/hj212/+/data",
        "readwrite lt/v1/+/hj212/+/state",
        *(f"write lt/v1/+/gateway.{reason}/+/data" for reason in ("malformed", "unknown_device", "identity_mismatch")),
        *(f"read lt/v1/+/hj212/+/{stream}" for stream in ("reply", "error", "cmd")),
    ),
    "notifier": (
        "write lt/v1/+/enterprise/+/notice",
        "write lt/v1/+/enterprise/+/reply",
        "read lt/v1/+/enterprise/+/ack",
    ),
    "exchange": ("readwrite lt/v1/+/exchange/data",),
    "doctor": ("read $SYS/#", "readwrite lt/v1/doctor/#", "readwrite lt/v1/preflight/#"),
}
_DEVICE: Final = {"write": ("data", "state"), "read": ("cmd", "reply", "error")}


def access_list(names: Iterable[str] = ()) -> str:
    """The broker's file of permissions; of `names`, those of enterprises and neighbours get their branch."""
    blocks = ["# Written by lantian at every start. Devices: only their own branch, by user name."]
    blocks += [f"pattern {verb} lt/v1/+/+/%u/{stream}" for verb, streams in _DEVICE.items() for stream in streams]
    blocks.append("pattern write lt/v1/+/forecast/%u/issue")
    for account, rules in PERMISSIONS.items():
        blocks += ["", f"user {account}", *(f"topic {rule}" for rule in rules)]
    for name in sorted(names):
        if (enterprise := enterprise_of(name)) is not None:
            branch = f"lt/v1/+/enterprise/{enterprise}"
            blocks += ["", f"user {name}", f"topic read {branch}/notice", f"topic read {branch}/reply"]
            blocks.append(f"topic write {branch}/ack")
        if (neighbour := neighbour_of(name)) is not None:
            blocks += ["", f"user {name}", "topic read lt/v1/+/exchange/data"]
            blocks.append(f"topic write lt/v1/{neighbour}/exchange/data")
    return "\n".join(blocks) + "\n"


def write_account_files(folder: Path, credentials: Credentials, user: ServiceUser) -> None:
    """Write a broker's password file and permissions; it reads them at its start and on SIGHUP.

    Parameters
    ----------
    folder : Path
        The broker's folder.
    credentials : Credentials
        Accounts of the platform and of devices.
    user : ServiceUser
        Who runs the broker.
    """
    devices = {name: record.password for name, record in credentials.devices.items()}
    lines = [f"{name}:{hashed_password(word)}\n" for name, word in {**devices, **credentials.accounts}.items()]
    write_file(folder / "passwords", "".join(lines), user=user)
    write_file(folder / "permissions", access_list(credentials.devices), user=user)


def _written_since(log: Path, mark: int) -> bytes:
    with log.open("rb") as handle:
        handle.seek(mark)
        return handle.read()


class Broker:
    """One Mosquitto with its folder of configuration and data.

    Parameters
    ----------
    folder : Path
        Holds configuration, passwords, permissions and the stored messages.
    program : Program
        Mosquitto.
    user : ServiceUser
        Owner of the folder and user of the broker.
    log : Path
        Log file.
    max_queued_messages : int
        Messages kept per session while its program is away.
    autosave_s : int
        Seconds between two savings of sessions and messages to disk.
    tls : TlsListener, optional
        A second listener, with TLS.
    authority : Authority, optional
        Whose certificates it uses; needed with `tls`.
    """

    def __init__(  # noqa: PLR0913 - everything behind the star is named by its caller
        self,
        folder: Path,
        program: Program,
        user: ServiceUser,
        *,
        log: Path,
        max_queued_messages: int = 1_000_000,
        autosave_s: int = 30,
        tls: TlsListener | None = None,
        authority: Authority | None = None,
    ) -> None:
        self.tls = tls
        self._authority = authority
        self.folder = folder
        self.configuration = folder / "mosquitto.conf"
        self.log = log
        self.port = 0
        self._program = program
        self._user = user
        self._max_queued_messages = max_queued_messages
        self._autosave_s = autosave_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the broker that this object started lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Process number of the broker, None when it does not run."""
        return self._process.pid if self._process is not None and self.is_running else None

    def settings(self) -> dict[str, str]:
        """The broker's settings; in-flight and queue limits are what redelivery to a busy collector needs."""
        return {
            "per_listener_settings": "false",
            "listener": f"{self.port} {LOOPBACK}",
            "allow_anonymous": "false",
            "password_file": str(self.folder / "passwords"),
            "acl_file": str(self.folder / "permissions"),
            "max_inflight_messages": "0",
            "max_queued_messages": str(self._max_queued_messages),
            "max_queued_bytes": "0",
            "max_packet_size": str(MAX_PACKET_SIZE),
            "persistence": "true",
            "persistence_location": f"{self.folder / 'data'}/",
            "autosave_interval": str(self._autosave_s),
            "autosave_on_changes": "false",
            "persistent_client_expiration": "90d",
            "sys_interval": "5",
            "set_tcp_nodelay": "true",
            "log_dest": "stderr",
            "log_timestamp_format": "%Y-%m-%dT%H:%M:%SZ",
            "log_type": "error\nlog_type warning\nlog_type notice\nlog_type information",
            "connection_messages": "true",
        }

    def write_accounts(self, credentials: Credentials) -> None:
        """Write the password file and the permissions; a running broker takes them over at once."""
        write_account_files(self.folder, credentials, self._user)
        if self._process is None or not self.is_running:
            return
        mark = self.log.stat().st_size
        self._process.send_signal(signal.SIGHUP)
        # The broker says so and reads the files before it looks at the next connection.
        wait_until(lambda: b"Reloading config" in _written_since(self.log, mark), lambda: self.is_running, 5)

    def start(self, port: int, credentials: Credentials, reporter: Reporter) -> None:
        """Start the broker and wait until it accepts connections; a taken port is replaced by another.

        Parameters
        ----------
        port : int
            Port to try first, 0 for any.
        credentials : Credentials
            The accounts.
        reporter : Reporter
            Told when another port had to be chosen.
        """
        make_folder(self.folder, self._user, 0o700)
        make_folder(self.folder / "data", self._user, 0o700)
        self.write_accounts(credentials)
        if self.tls is not None and self._authority is not None:
            self._authority.ensure(self.tls.names, dt.datetime.now(dt.UTC))
            self._authority.hand_over(self.folder, self._user)
        for _ in range(5):
            self.port = free_port(port)
            if port and self.port != port:
                reporter.say(f"port {port} is taken: the broker listens on {self.port}")
            text = "".join(f"{key} {value}\n" for key, value in self.settings().items())
            text += self._within_files(self.tls, reporter).configuration(self.folder) if self.tls is not None else ""
            write_file(self.configuration, text, user=self._user)
            command: list[str | Path] = [self._program.path, "-c", self.configuration]
            self._process = start_process(self._user, command, folder=self.folder, log=self.log, dies_by=signal.SIGTERM)
            if wait_until(lambda: is_listening(self.port), lambda: self.is_running, 20) and self.is_running:
                return
            if "in use" not in log_tail(self.log):
                break
        self.stop()
        raise ServiceError(f"Mosquitto did not start; the end of {self.log}:\n{log_tail(self.log)}")

    def _within_files(self, tls: TlsListener, reporter: Reporter) -> TlsListener:
        """The listener with no more connections than leave files for clients on loopback; the broker inherits them."""
        files = raise_file_limit()
        most = min(tls.connections, max(1, files - SPARE_FILES))
        if most < tls.connections:
            reporter.say(
                f"the broker takes {most} devices at once: open files are limited to {files} (docs/settings.md)"
            )
        return replace(tls, connections=most)

    def stop(self) -> None:
        """Shut the broker down; sessions and queued messages are saved."""
        if self._process is not None:
            end_process(self._process, signal.SIGTERM)
        self._process = None

    def kill(self) -> None:
        """End the broker at once; what changed since the last saving is lost."""
        if self._process is not None:
            end_process(self._process)
        self._process = None
