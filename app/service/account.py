"""Generated passwords of database roles, broker accounts and devices, in one file that only its owner reads."""

from __future__ import annotations

import base64
import datetime as dt
import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from app.service.unprivileged import write_file
from domain.error import ConfigurationError

SUPERUSER: Final = "postgres"
#: Roles of the database; the store's migrations decide what each may do.
ROLES: Final = ("lantian_owner", "lantian_writer", "lantian_app", "lantian_reader")
#: Accounts of the platform's own programs at the broker; no device may bear such a name.
ACCOUNTS: Final = ("collector", "simulator", "replay", "gateway", "notifier", "exchange", "doctor")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_ROUNDS: Final = 101
_ENTERPRISE: Final = "enterprise."
_NEIGHBOUR: Final = "neighbour."


@dataclass(frozen=True, slots=True)
class DeviceAccount:
    """Password of a device at the broker and since when it holds."""

    password: str
    created_at: str
    rotated_at: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything secret of one home folder: name -> password, and the device accounts."""

    roles: Mapping[str, str] = field(default_factory=dict, repr=False)
    accounts: Mapping[str, str] = field(default_factory=dict, repr=False)
    devices: Mapping[str, DeviceAccount] = field(default_factory=dict, repr=False)


def generated_password() -> str:
    """A password of 96 bits in letters and digits that needs no quoting in an address."""
    return secrets.token_hex(12)


def hashed_password(password: str, salt: bytes | None = None) -> str:
    """What mosquitto_passwd would write for a password: PBKDF2-HMAC-SHA512, 101 rounds, 12 bytes of salt."""
    salt = secrets.token_bytes(12) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 64)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def check_mode(path: Path) -> None:
    """Refuse a file with secrets that others than its owner can read."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigurationError(f"{path} holds secrets and has mode {mode:03o}, expected 600; run: chmod 600 {path}")


def enterprise_account(enterprise: str) -> str:
    """User name of an enterprise at the broker; no device can have it, because ids of devices hold no point."""
    return f"{_ENTERPRISE}{enterprise}"


def enterprise_of(name: str) -> str | None:
    """The enterprise whose user name this is, None for a device's."""
    return name.removeprefix(_ENTERPRISE) if name.startswith(_ENTERPRISE) else None


def neighbour_account(neighbour: str) -> str:
    """User name of a neighbouring county at the broker."""
    return f"{_NEIGHBOUR}{neighbour}"


def neighbour_of(name: str) -> str | None:
    """The neighbouring county whose user name this is, None for anybody else's."""
    return name.removeprefix(_NEIGHBOUR) if name.startswith(_NEIGHBOUR) else None


def check_device_name(name: str) -> None:
    """Refuse a device id that cannot be a user name of the broker."""
    if name in ACCOUNTS:
        raise ConfigurationError(f"device {name!r} has the name of an account of the platform; expected another id")
    if _NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"device {name!r} cannot be a user name of the broker; expected letters, digits, '_', '-' and '.'"
        )


class CredentialFile:
    """The file of mode 600 that holds `Credentials`.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self.path.with_suffix(".lock")
        with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o600), "r") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def load(self) -> Credentials:
        """Its content, empty when there is no file yet; refuses a file that others can read."""
        try:
            check_mode(self.path)
            content: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
            devices = {name: DeviceAccount(**record) for name, record in content["devices"].items()}
            return Credentials(dict(content["roles"]), dict(content["accounts"]), devices)
        except FileNotFoundError:
            return Credentials()
        except PermissionError as error:
            raise ConfigurationError(
                f"{self.path} belongs to another user; run this as the user who ran ./lantian up"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(f"{self.path}: found {error!r}, expected the credentials lantian wrote") from error

    def _save(self, known: Credentials) -> None:
        devices = {name: asdict(record) for name, record in known.devices.items()}
        content = {"roles": dict(known.roles), "accounts": dict(known.accounts), "devices": devices}
        write_file(self.path, json.dumps(content, indent=1, sort_keys=True) + "\n")

    def ensure(self) -> Credentials:
        """Give every role and every account of the platform a password, keeping those there are."""
        with self._locked():
            known = self.load()
            roles = {name: generated_password() for name in (SUPERUSER, *ROLES)} | dict(known.roles)
            accounts = {name: generated_password() for name in ACCOUNTS} | dict(known.accounts)
            if (roles, accounts) != (known.roles, known.accounts):
                known = Credentials(roles, accounts, known.devices)
                self._save(known)
            return known

    def set_account(self, name: str, password: str | None) -> str:
        """Give an account of the platform `password`, or a generated one, and return it."""
        with self._locked():
            known = self.load()
            chosen = password or generated_password()
            self._save(replace(known, accounts={**known.accounts, name: chosen}))
            return chosen

    def remove_account(self, name: str) -> None:
        """Forget an account of the platform."""
        with self._locked():
            known = self.load()
            self._save(replace(known, accounts={key: word for key, word in known.accounts.items() if key != name}))

    def set_device(self, name: str, password: str | None, now: dt.datetime) -> str:
        """Give a device `password`, or a generated one; rotates the one it has.

        Parameters
        ----------
        name : str
            Device id, which is its user name at the broker.
        password : str, optional
            Its password.
        now : datetime
            When, with an offset.

        Returns
        -------
        str
            The password.
        """
        check_device_name(name)
        with self._locked():
            known = self.load()
            chosen = password or generated_password()
            before = known.devices.get(name)
            stamp = now.isoformat(timespec="seconds")
            record = DeviceAccount(chosen, before.created_at if before else stamp, stamp if before else None)
            self._save(replace(known, devices={**known.devices, name: record}))
            return chosen

    def remove_device(self, name: str) -> None:
        """Forget a device's account; `ConfigurationError` when it has none."""
        with self._locked():
            known = self.load()
            if name not in known.devices:
                raise ConfigurationError(f"device {name!r} has no account at the broker")
            self._save(replace(known, devices={key: each for key, each in known.devices.items() if key != name}))
