"""Addresses of database and broker, as every process of Lantian is given them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote


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
