"""Connections kept open for a program that answers many short requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from domain.error import ServiceError
from store.connection import Connection, connection_arguments
from store.error import translated

_WAIT_S: Final = 5.0


class Pool:
    """Connections to one database as one role; safe to use from many threads.

    Parameters
    ----------
    url : str
        The database.
    size : int
        At most so many connections.
    wait_s : float
        Longest wait for one of them.
    application_name : str
        Shown in ``pg_stat_activity``.
    """

    def __init__(
        self, url: str, *, size: int = 8, wait_s: float = _WAIT_S, application_name: str = "lantian console"
    ) -> None:
        self._wait_s = wait_s
        arguments = connection_arguments(url, application_name=application_name, statement_timeout_s=30)
        self._pool: ConnectionPool[psycopg.Connection[tuple[Any, ...]]] = ConnectionPool(
            url,
            kwargs=arguments,
            min_size=1,
            max_size=size,
            timeout=wait_s,
            check=ConnectionPool.check_connection,
            open=False,
            name=application_name,
        )

    def open(self) -> None:
        """Begin to connect; returns at once, whether or not the server answers."""
        self._pool.open()

    def close(self) -> None:
        """End every connection."""
        self._pool.close()

    @contextmanager
    def connection(self, action: str) -> Iterator[Connection]:
        """A connection in a transaction, committed at the end of the block and rolled back by an error.

        Parameters
        ----------
        action : str
            What is being done, for messages: database errors become errors of the house.

        Yields
        ------
        Connection
            Given back at the end.
        """
        with translated(action):
            try:
                with self._pool.connection() as conn:
                    yield conn
            except PoolTimeout as error:
                raise ServiceError(f"{action}: no connection to the database within {self._wait_s:g} s") from error
