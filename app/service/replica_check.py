"""Whether the server that screens read from is the primary itself or a replica that follows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.service.address import database_url
from app.service.finding import Finding, judged
from app.settings import Settings
from store.connection import connect
from store.error import translated
from store.status import read_instance

#: Jobs write every minute; a replica that is further behind does not keep up.
LAG_S: Final = 120.0


def replica_findings(settings: Settings) -> Iterator[Finding]:
    """Findings about the addresses of lantian_app and lantian_reader; none when both name one server that writes.

    Parameters
    ----------
    settings : Settings
        Settings in force.

    Yields
    ------
    Finding
        A replica with its lag, or what is wrong.
    """
    with connect(database_url(settings), connect_timeout_s=5) as conn, translated("look at the primary"):
        primary = read_instance(conn)
    with connect(database_url(settings, "lantian_reader"), connect_timeout_s=5) as conn, translated("look at it"):
        reader = read_instance(conn)
    if primary.lag_s is not None:
        yield Finding(
            "fail",
            "primary",
            "the database named for writing is a replica: it can only be read",
            "promote it (select pg_promote()) or name the primary; docs/scale.md",
        )
    elif reader.lag_s is not None:
        text = f"screens read a replica, {reader.lag_s:.0f} s behind"
        advice = "does it reach the primary? see its log, and pg_stat_replication on the primary; docs/scale.md"
        yield judged(reader.lag_s < LAG_S, "replica", text, advice)
    elif reader.started != primary.started:
        text = "screens read another server than the one written to, and it follows nobody"
        yield Finding("fail", "replica", text, "make it a replica again, or set database_reader_url; docs/scale.md")
