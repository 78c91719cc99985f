"""Rows out of PostgreSQL as one NumPy array: binary COPY of columns without nulls and of fixed width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg import sql

from domain.error import LantianError
from store.connection import Connection

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\x00"
_TRAILER: Final = b"\xff\xff"


class CopyError(LantianError):
    """The rows of a binary COPY are not of the stated fixed width; a column holds nulls or texts of another length."""

    code = "copy"


def copy_records(conn: Connection, statement: sql.Composed, fields: Sequence[tuple[str, str]]) -> npt.NDArray[np.void]:
    """Run ``copy (...) to stdout (format binary)`` and read all rows at once.

    Parameters
    ----------
    conn : Connection
        Connection to use.
    statement : Composed
        The COPY statement.
    fields : sequence of (str, str)
        Name and big-endian NumPy type of each output column, e.g. ``("time", ">i8")``, ``("flag", "S12")``.

    Returns
    -------
    ndarray
        Structured array with one record per row.

    Raises
    ------
    CopyError
        When a value is null or of another width.
    """
    with conn.cursor().copy(statement) as copy:
        payload = b"".join(bytes(block) for block in copy)
    record = np.dtype(
        [("count", ">i2"), *(pair for name, kind in fields for pair in ((f"{name} size", ">i4"), (name, kind)))]
    )
    extension = int.from_bytes(payload[15:19], "big")
    body = payload[19 + extension : -len(_TRAILER)]
    if not payload.startswith(_SIGNATURE) or not payload.endswith(_TRAILER) or len(body) % record.itemsize:
        raise CopyError(f"binary copy of {len(body)} bytes is not made of rows of {record.itemsize} bytes")
    rows = np.frombuffer(body, dtype=record)
    for name, kind in fields:
        expected = np.dtype(kind).itemsize
        if (rows[f"{name} size"] != expected).any():
            raise CopyError(f"column {name}: found nulls or other widths, expected {expected} bytes in every row")
    return rows
