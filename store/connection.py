"""Opening a connection to the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import psycopg

from store.error import translated

#: A connection whose rows are plain tuples; functions of this room take one and leave the transaction
#: to the caller unless they say otherwise.
Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

SEARCH_PATH: Final = "lantian,screen,public"


def connect(
    url: str,
    *,
    autocommit: bool = False,
    application_name: str = "lantian",
    statement_timeout_s: float | None = None,
    connect_timeout_s: int = 10,
) -> Connection:
    """Open a connection: UTC, search path of the house, UTF-8.

    Parameters
    ----------
    url : str
        ``postgresql://...`` or a libpq connection string; options it names are kept after ours.
    autocommit : bool
        Whether each statement is a transaction of its own.
    application_name : str
        Shown in ``pg_stat_activity``.
    statement_timeout_s : float, optional
        Longest time one statement may take; by default the server's setting.
    connect_timeout_s : int
        Longest wait for the server.

    Returns
    -------
    Connection
        The open connection.

    Raises
    ------
    ServiceError
        When the server cannot be reached now.
    StoreError
        When it refuses (password, unknown database or role).
    """
    arguments = connection_arguments(url, application_name=application_name, statement_timeout_s=statement_timeout_s)
    with translated("connect to the database"):
        return psycopg.connect(url, autocommit=autocommit, connect_timeout=connect_timeout_s, **arguments)


@contextmanager
def snapshot(conn: Connection) -> Iterator[None]:
    """A read-only transaction in which every statement sees the same rows; `conn` is in none yet."""
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        yield


def connection_arguments(
    url: str, *, application_name: str, statement_timeout_s: float | None = None
) -> dict[str, Any]:
    """Arguments of every connection besides its address: search path, UTC, UTF-8, and whose it is.

    Parameters
    ----------
    url : str
        The address; options it names are kept after ours.
    application_name : str
        Shown in ``pg_stat_activity``.
    statement_timeout_s : float, optional
        Longest time one statement may take.

    Returns
    -------
    dict of str to object
        For ``psycopg.connect``.
    """
    options = [f"-c search_path={SEARCH_PATH}", "-c timezone=UTC"]
    if statement_timeout_s is not None:
        options.append(f"-c statement_timeout={round(statement_timeout_s * 1000)}")
    with translated("read the address of the database"):
        named = psycopg.conninfo.conninfo_to_dict(url).get("options")
    return {
        "application_name": application_name,
        "client_encoding": "UTF8",
        "options": " ".join([*options, str(named)] if named else options),
    }
