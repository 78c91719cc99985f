"""Checks of the gateway for data loggers: whether it listens, how many it may hold, whose password is checked."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from typing import Final

from app.service.address import database_url
from app.service.finding import Finding, judged
from app.settings import Settings
from ingest.gateway.tally import SPARE_FILES
from store.connection import connect
from store.error import translated
from store.gateway import read_password_count

_ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what to connect to when it listens everywhere
_CONNECT_S: Final = 3.0


def gateway_findings(settings: Settings) -> Iterator[Finding]:
    """Findings about the gateway; none when it is not asked for.

    Parameters
    ----------
    settings : Settings
        Settings in force.

    Yields
    ------
    Finding
        Missing passwords are a warning: then anybody who knows an MN may send as that device.
    """
    if not settings.gateway_port:
        return
    where = (_ANY.get(settings.gateway_address, settings.gateway_address), settings.gateway_port)
    try:
        socket.create_connection(where, timeout=_CONNECT_S).close()
        listens = True
    except OSError:
        listens = False
    text = f"{settings.gateway_address}:{settings.gateway_port} {'listens' if listens else 'does not listen'}"
    yield judged(listens, "gateway", text, "see gateway.log in the log folder; another program may hold the port")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = settings.gateway_max_connections + SPARE_FILES
    enough = hard == resource.RLIM_INFINITY or hard >= wanted
    text = f"{'enough' if enough else hard} for {settings.gateway_max_connections} loggers"
    advice = f"raise the hard limit of open files to {wanted} (LimitNOFILE of systemd, nofile in limits.conf)"
    yield judged(enough, "gateway files", text, advice, otherwise="warn")
    with connect(database_url(settings), connect_timeout_s=5) as connection, translated("count passwords"):
        checked, loggers = read_password_count(connection)
    text = f"PW is checked of {checked} of {loggers} HJ 212 devices"
    advice = "without a check, whoever knows an MN may send as that device: lantian gateway password ID"
    yield judged(checked == loggers, "gateway passwords", text, advice, otherwise="warn")
