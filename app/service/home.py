"""A home folder seen by programs that did not start its services: ports, credentials, addresses."""

from __future__ import annotations

import fcntl
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from app.service.account import CredentialFile
from app.service.port import LOOPBACK
from app.service.unprivileged import write_file
from domain.error import ConfigurationError, ServiceError

DATABASE: Final = "lantian"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who connects; `tls` is a file of accepted certificates, None for plain loopback."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    tls: str | None = None


def database_address(role: str, password: str, host: str, *, port: int, dbname: str) -> str:
    """A ``postgresql://`` address.

    Parameters
    ----------
    role, password : str
        Who connects.
    host : str
        Where.
    port : int
        Where.
    dbname : str
        The database.

    Returns
    -------
    str
        Quoted as addresses need.
    """
    return f"postgresql://{quote(role, safe='')}:{quote(password, safe='')}@{host}:{port}/{quote(dbname, safe='')}"


class Home:
    """What a home folder says about its services, for programs that did not start them.

    Parameters
    ----------
    folder : Path
        The home folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.credential_file = CredentialFile(folder / "credentials.json")
        self.lock_file = folder / "services.lock"

    def keeper(self) -> int | None:
        """Process that runs the services of this home (it holds the lock), None when nobody does."""
        for _ in range(50):
            try:
                with self.lock_file.open("r") as handle:
                    fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except FileNotFoundError:
                return None
            except BlockingIOError:
                written = self.lock_file.read_text().strip()
                if written:
                    return int(written)
                # Whoever has just locked it is about to write its number.
                time.sleep(0.02)
            else:
                return None
        raise ServiceError(f"{self.lock_file} is locked by a process that does not say which it is")

    def ports(self) -> dict[str, int]:
        """Ports of ``database`` and ``broker`` as last used; empty before the first start."""
        path = self.folder / "ports.json"
        if not path.exists():
            return {}
        try:
            return {str(name): int(port) for name, port in json.loads(path.read_text(encoding="utf-8")).items()}
        except (ValueError, AttributeError) as error:
            raise ConfigurationError(f"{path}: found {error}, expected the ports that lantian wrote") from error

    def remember_ports(self, **ports: int) -> None:
        """Keep ports for the next start and for other programs."""
        known = self.ports()
        if known | ports != known:
            write_file(self.folder / "ports.json", json.dumps(known | ports) + "\n", mode=0o644)

    def _port(self, name: str) -> int:
        try:
            return self.ports()[name]
        except KeyError:
            raise ServiceError(f"no local {name} has been started in {self.folder}; run: ./lantian up") from None

    def database_url(self, role: str = "lantian_app", dbname: str = DATABASE) -> str:
        """Address of the local database for a role, with its password.

        Parameters
        ----------
        role : str
            One of `app.service.account.ROLES`, or the superuser.
        dbname : str
            The database.

        Returns
        -------
        str
            ``postgresql://role:password@127.0.0.1:port/dbname``.
        """
        port = self._port("database")
        known = self.credential_file.load().roles
        if role not in known:
            raise ConfigurationError(
                f"no role {role!r} in {self.credential_file.path}; known are {', '.join(known) or 'none'}"
            )
        return database_address(role, known[role], LOOPBACK, port=port, dbname=dbname)

    def broker_for(self, account: str) -> BrokerAddress:
        """Address of the local broker for an account of the platform or a device.

        Parameters
        ----------
        account : str
            Such as ``collector`` or a device id.

        Returns
        -------
        BrokerAddress
            Where and with which password.
        """
        port = self._port("broker")
        known = self.credential_file.load()
        device = known.devices.get(account)
        password = known.accounts.get(account) or (device.password if device else None)
        if password is None:
            raise ConfigurationError(
                f"no broker account {account!r} in {self.credential_file.path}; known are {', '.join(known.accounts)}"
            )
        return BrokerAddress(LOOPBACK, port, account, password)
