"""Rows out of PostgreSQL as NumPy arrays, by binary COPY: columns of fixed width, and numbers that may be null."""

from __future__ import annotations

import select
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from psycopg import sql
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from domain.error import LantianError
from store.connection import Connection

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\x00"
_TRAILER: Final = b"\xff\xff"
#: First byte of the size of a null (-1); widths of real fields are too small to begin so.
_NULL: Final = 0xFF


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
    body, _ = _received(conn, statement)
    record = _record(fields)
    if len(body) % record.itemsize:
        raise CopyError(f"binary copy of {len(body)} bytes is not made of rows of {record.itemsize} bytes")
    return _checked(np.frombuffer(body, dtype=record), fields)


def copy_columns(
    conn: Connection, statement: sql.Composed, fields: Sequence[tuple[str, str]], numbers: int
) -> tuple[npt.NDArray[np.void], npt.NDArray[np.float64]]:
    """Run ``copy (...) to stdout (format binary)`` whose last `numbers` columns are ``double precision`` or null.

    Nulls are found here: asking the database to replace them costs more than reading the rows.

    Parameters
    ----------
    conn : Connection
        Connection to use.
    statement : Composed
        The COPY statement.
    fields : sequence of (str, str)
        Name and type of each column before the numbers, as for `copy_records`.
    numbers : int
        How many columns follow.

    Returns
    -------
    records : ndarray
        Structured array with one record per row.
    values : ndarray of float64
        Shape (rows, numbers); null becomes NaN.

    Raises
    ------
    CopyError
        When a field is null or of another width, or a number is of another type.
    """
    body, ends = _received(conn, statement)
    rows, record = len(ends), _record(fields)
    if not rows:
        return np.zeros(0, dtype=record), np.zeros((0, numbers))
    starts = np.concatenate([[0], ends[:-1]])
    if (ends - starts < record.itemsize + 4 * numbers).any():
        raise CopyError(
            f"a row of {int((ends - starts).min())} bytes, expected {record.itemsize} and {numbers} numbers"
        )
    body += bytes(12)  # the last number may be null; what is read in its place must exist
    data = np.frombuffer(body, dtype=np.uint8)
    records = _checked(_slices(data, record.itemsize)[starts].view(record).reshape(rows), fields)
    numbers_at, eight = starts + record.itemsize, _slices(data, 8)
    values = np.empty((rows, numbers))
    for column in range(numbers):
        values[:, column] = eight[numbers_at + 4].view(">f8").reshape(rows)
        absent = data[numbers_at] == _NULL
        values[absent, column] = np.nan
        numbers_at += np.where(absent, 4, 12)
    if (numbers_at != ends).any():
        raise CopyError(f"{numbers} columns: found numbers of other widths, expected 8 bytes or null")
    return records, values


def _received(conn: Connection, statement: sql.Composed) -> tuple[bytearray, npt.NDArray[np.int64]]:
    """Bytes of the rows, and where each ends; the protocol sends one message per row."""
    payload, sizes = bytearray(), []
    with conn.cursor().copy(statement):
        for block in _messages(conn.pgconn):
            payload += block
            sizes.append(len(block))
    head = 19 + int.from_bytes(payload[15:19], "big")
    if not payload.startswith(_SIGNATURE) or not payload.endswith(_TRAILER):
        raise CopyError(f"found {len(payload)} bytes, expected a binary copy from its signature to its trailer")
    del payload[-len(_TRAILER) :], payload[:head]
    ends = np.cumsum(sizes) - head
    return payload, ends[(ends > 0) & (ends <= len(payload))]


def _messages(pgconn: PGconn) -> Iterator[memoryview]:
    """Messages of the COPY in progress, to its end: half the cost of psycopg's own loop, which waits for each alone."""
    ready = select.poll()
    ready.register(pgconn.socket, select.POLLIN)
    take = pgconn.get_copy_data
    while True:
        size, block = take(1)
        if size > 0:
            yield block
        elif size == 0:
            ready.poll()
            pgconn.consume_input()
        else:
            break
    ends = list(iter(pgconn.get_result, None))
    for end in ends:
        if end.status != ExecStatus.COMMAND_OK:
            raise error_from_result(end)


def _record(fields: Sequence[tuple[str, str]]) -> np.dtype[np.void]:
    return np.dtype(
        [("count", ">i2"), *(pair for name, kind in fields for pair in ((f"{name} size", ">i4"), (name, kind)))]
    )


def _checked(rows: npt.NDArray[np.void], fields: Sequence[tuple[str, str]]) -> npt.NDArray[np.void]:
    """The rows, whose fields must have the widths of their types."""
    for name, kind in fields:
        expected = np.dtype(kind).itemsize
        if (rows[f"{name} size"] != expected).any():
            raise CopyError(f"column {name}: found nulls or other widths, expected {expected} bytes in every row")
    return rows


def _slices(data: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.uint8]:
    """Every run of `width` bytes; a view."""
    return np.lib.stride_tricks.sliding_window_view(data, width)
