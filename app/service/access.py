"""Credentials of devices at the local broker, changed while it runs: a revoked device is cut off at once.

How the broker behaves is in docs/decisions/0004-device-credentials-in-files.md.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from app.service.account import DeviceAccount
from app.service.authority import Authority, Issued, KeyPair
from app.service.broker import write_account_files
from app.service.home import BrokerAddress, Home
from app.service.state import read_state
from app.service.unprivileged import ServiceUser, service_user
from app.settings import Settings
from domain.error import ConfigurationError, ServiceError

_ANSWER_S: Final = 5.0
_ENDING_ACCOUNT: Final = "doctor"


@dataclass(frozen=True, slots=True)
class Access:
    """What a device may use to connect: its password's record, its certificates."""

    account: DeviceAccount | None
    certificates: tuple[Issued, ...]


class DeviceAccess:
    """Makes, rotates and revokes the credentials of devices of one home folder.

    Parameters
    ----------
    home : Home
        The home folder.
    user : ServiceUser
        Who runs the broker.
    broker_pid : callable
        Process number of the running broker, None when it does not run.
    """

    def __init__(self, home: Home, user: ServiceUser, broker_pid: Callable[[], int | None]) -> None:
        self.home = home
        self.authority = Authority(home.folder / "tls")
        self._user = user
        self._broker_pid = broker_pid

    @property
    def broker_folder(self) -> Path:
        """Where the broker's files are."""
        return self.home.folder / "broker"

    def read(self, device: str) -> Access:
        """Credentials that a device has."""
        account = self.home.credential_file.load().devices.get(device)
        return Access(account, tuple(each for each in self.authority.issued() if each.device == device))

    def create(self, device: str, now: dt.datetime) -> BrokerAddress:
        """Give a device its account; `ConfigurationError` when it has one.

        Parameters
        ----------
        device : str
            Its id.
        now : datetime
            The moment.

        Returns
        -------
        BrokerAddress
            With the password.
        """
        if self.read(device).account is not None:
            raise ConfigurationError(
                f"device {device!r} has an account already; a new password: lantian device credential {device} rotate"
            )
        return self._give_password(device, now)

    def rotate(self, device: str, now: dt.datetime) -> BrokerAddress:
        """Give a device another password and end its connections; `ConfigurationError` when it has no account.

        Parameters
        ----------
        device : str
            Its id.
        now : datetime
            The moment.

        Returns
        -------
        BrokerAddress
            With the new password.
        """
        if self.read(device).account is None:
            raise ConfigurationError(f"device {device!r} has no account; expected one to rotate")
        return self._give_password(device, now)

    def _give_password(self, device: str, now: dt.datetime) -> BrokerAddress:
        self.home.credential_file.set_device(device, None, now)
        self.apply()
        return self.home.broker_for(device)

    def certify(self, device: str, now: dt.datetime, days: int) -> KeyPair:
        """A client certificate for a device; `ConfigurationError` when no authority has been made.

        Parameters
        ----------
        device : str
            Its id.
        now : datetime
            The moment.
        days : int
            How long it holds.

        Returns
        -------
        KeyPair
            The key is kept nowhere.
        """
        if not self.authority.exists:
            raise ConfigurationError(
                "found no certificate authority; expected one: set broker_tls_address and run lantian up, or"
                " lantian tls create"
            )
        return self.authority.issue(device, now, days)

    def revoke(self, device: str, now: dt.datetime) -> bool:
        """Take a device's account and certificates away and end its connections; whether it had any.

        Parameters
        ----------
        device : str
            Its id.
        now : datetime
            The moment.
        """
        found = self.read(device)
        certified = any(each.revoked_at is None for each in found.certificates)
        if found.account is None and not certified:
            return False
        if found.account is not None:
            self.home.credential_file.remove_device(device)
        if certified:
            self.authority.revoke(device, now)
        self.apply()
        if certified and self._broker_pid() is not None:
            end_session(self.home.broker_for(_ENDING_ACCOUNT), device)
        return True

    def apply(self) -> None:
        """Bring the broker's files up to date and let a running broker read them."""
        if self.broker_folder.exists():
            write_account_files(self.broker_folder, self.home.credential_file.load(), self._user)
            if self.authority.exists:
                self.authority.hand_over(self.broker_folder, self._user)
        if (pid := self._broker_pid()) is not None:
            with suppress(ProcessLookupError):  # it died just now and reads the files when it is started again
                os.kill(pid, signal.SIGHUP)


def local_access(settings: Settings) -> DeviceAccess:
    """Credentials at the local broker that the settings mean.

    Parameters
    ----------
    settings : Settings
        Settings in force; a broker elsewhere is a `ConfigurationError`, so is a home without credentials.

    Returns
    -------
    DeviceAccess
        The broker's process is looked up in the supervisor's state.
    """
    if not settings.broker_is_local:
        raise ConfigurationError(
            f"broker_host names {settings.broker_host}; expected the local broker; accounts of that one are kept there"
        )
    home = Home(settings.home)
    if not home.credential_file.path.exists():
        raise ConfigurationError(f"{settings.home} holds no credentials yet; run: lantian up")

    def broker_pid() -> int | None:
        found = (each.pid for each in read_state(home).processes if each.name == "mosquitto")
        return next(found, None)

    return DeviceAccess(home, service_user(settings.service_user), broker_pid)


def end_session(address: BrokerAddress, client_id: str) -> None:
    """End the session of a client by taking its name over for a moment: the broker drops who had it.

    Parameters
    ----------
    address : BrokerAddress
        The broker, with an account of the platform.
    client_id : str
        Name of the session; on the TLS listener that is the device's id.
    """
    taken = threading.Event()

    def connected(client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            taken.set()
        client.disconnect()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
    client.username_pw_set(address.username, address.password)
    client.on_connect = connected
    try:
        client.connect(address.host, address.port, clean_start=True)
    except OSError as error:
        raise ServiceError(f"no broker at {address.host}:{address.port}: {error}") from error
    client.loop_start()
    done = taken.wait(_ANSWER_S)
    client.disconnect()
    client.loop_stop()
    if not done:
        raise ServiceError(f"the broker did not end the session {client_id!r} within {_ANSWER_S:.0f} s")
