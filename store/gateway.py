"""What the gateway knows of data loggers: whose equipment number it is, and the digest of its password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from domain.error import ConfigurationError
from store.connection import Connection

PROTOCOL: Final = "hj212"


@dataclass(frozen=True, slots=True)
class Logger:
    """A device that sends HJ 212 frames.

    Attributes
    ----------
    device_id, area_id : str
        Its registered id, and the area of its site: its branch at the broker.
    mn : str
        Equipment number in its frames.
    access_password : str or None
        Digest of its password; None when the password is not checked.
    """

    device_id: str
    area_id: str
    mn: str
    access_password: str | None = field(default=None, repr=False)


def read_loggers(conn: Connection) -> tuple[dict[str, Logger], frozenset[str]]:
    """Loggers by equipment number (one in service goes before a retired one), and the ids of all devices."""
    rows = conn.execute(
        "select d.id, s.area_id, d.mn, d.access_password from device d join site s on s.id = d.site_id"
        " where d.protocol = %s and d.mn is not null order by d.retired_at is null, d.retired_at, d.id",
        (PROTOCOL,),
    ).fetchall()
    ids = conn.execute("select id from device").fetchall()
    return {row[2]: Logger(*row) for row in rows}, frozenset(row[0] for row in ids)


def set_access_password(conn: Connection, device_id: str, digest: str | None) -> None:
    """Have the gateway check a device's password, or no longer.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    device_id : str
        A device of protocol hj212 in service; `ConfigurationError` when it is none.
    digest : str or None
        What `ingest.gateway.identity.password_digest` made of the password; None switches the check off.
    """
    cursor = conn.execute(
        "update device set access_password = %s where id = %s and protocol = %s and retired_at is null",
        (digest, device_id, PROTOCOL),
    )
    if cursor.rowcount == 0:
        raise ConfigurationError(f"found no device {device_id!r} of protocol {PROTOCOL} in service, expected one")


def read_password_count(conn: Connection) -> tuple[int, int]:
    """Loggers in service whose password is checked, and all of them."""
    row = conn.execute(
        "select count(access_password), count(*) from device where protocol = %s and retired_at is null", (PROTOCOL,)
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])
