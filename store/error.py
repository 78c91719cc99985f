"""Database errors in the words of the house, translated once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from domain.error import LantianError, ServiceError
from store.sqlstate import Kind, kind_of


class StoreError(LantianError):
    """The database refuses for a reason that only a person can remove: a missing privilege, table or column."""

    code = "store"


class UnstorableError(StoreError):
    """A value that no column can hold, whoever asks: a text with NUL, a number out of range."""

    code = "unstorable"


def kind(error: psycopg.Error) -> Kind:
    """What to do about `error`; without SQLSTATE: transient when the connection broke, else a fault of the program."""
    if error.sqlstate is None and not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return Kind.STANDING
    return kind_of(error.sqlstate)


def message(error: psycopg.Error) -> str:
    """The server's own message and detail on one line, without the statement."""
    if error.diag.message_primary is None:
        return " ".join(str(error).split())
    parts = (error.diag.message_primary, error.diag.message_detail, error.diag.constraint_name)
    return "; ".join(" ".join(part.split()) for part in parts if part)


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Turn a `psycopg.Error` of the block into `ServiceError` (transient) or `StoreError`; the cause is kept.

    Values that cannot be stored become `UnstorableError`.

    Parameters
    ----------
    action : str
        What was being done, e.g. ``"write a batch"``; starts the message.
    """
    try:
        yield
    except psycopg.Error as error:
        text = f"{action}: {message(error)} (SQLSTATE {error.sqlstate or 'none'})"
        standing = UnstorableError if isinstance(error, psycopg.DataError) else StoreError
        raise (ServiceError if kind(error) is Kind.TRANSIENT else standing)(text) from error
