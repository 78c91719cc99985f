"""Rows in PostgreSQL's binary COPY format, built from arrays in one go.

A row is a two-byte field count, then per field a four-byte length (-1 = null) and the bytes. Every field is laid out
as if it had its greatest length; a mask then keeps the bytes that exist: nulls and texts need no loop over rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER: Final = b"\xff\xff"
#: PostgreSQL counts microseconds from 2000-01-01 UTC.
EPOCH_2000_US: Final = 946_684_800_000_000
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


class Fields(NamedTuple):
    """One or more fields of n rows: bytes as laid out, which of them exist (None = all), how many fields they are."""

    layout: Bytes
    kept: Mask | None
    fields: int

    def at(self, rows: Integers | slice) -> Fields:
        """The fields of the given rows."""
        return Fields(self.layout[rows], None if self.kept is None else self.kept[rows], self.fields)


def numbers(values: npt.NDArray[np.generic], kind: str, missing: Mask | None = None) -> Fields:
    """Fields of fixed width.

    Parameters
    ----------
    values : ndarray
        Shape (n,) or (n, k): one or k fields.
    kind : str
        Big-endian type on the wire, e.g. ``">i4"``.
    missing : ndarray of bool, optional
        Same shape; True becomes null.

    Returns
    -------
    Fields
        Of n rows.
    """
    rows = len(values)
    grid = values.reshape(rows, 1 if values.ndim == 1 else values.shape[1])
    wire = np.ascontiguousarray(grid.astype(kind))
    size = wire.dtype.itemsize
    layout = np.empty((rows, grid.shape[1], 4 + size), dtype=np.uint8)
    layout[:, :, :4] = np.frombuffer(size.to_bytes(4, "big"), dtype=np.uint8)
    layout[:, :, 4:] = wire.view(np.uint8).reshape(rows, grid.shape[1], size)
    flat = (rows, layout.shape[1] * layout.shape[2])
    if missing is None or not missing.any():
        return Fields(layout.reshape(flat), None, grid.shape[1])
    absent = missing.reshape(rows, grid.shape[1])
    layout[absent, :4] = 0xFF
    kept = np.ones(layout.shape, dtype=np.bool_)
    kept[absent, 4:] = False
    return Fields(layout.reshape(flat), kept.reshape(flat), grid.shape[1])


def times(microseconds: Integers, missing: Mask | None = None) -> Fields:
    """Unix microseconds (shape (n,)) as timestamptz; `missing` True = null."""
    return numbers(microseconds - EPOCH_2000_US, ">i8", missing)


def letters(codes: Bytes) -> Fields:
    """One text of k one-byte characters per row from an array (n, k) of their codes."""
    rows, width = codes.shape
    layout = np.empty((rows, 4 + width), dtype=np.uint8)
    layout[:, :4] = np.frombuffer(width.to_bytes(4, "big"), dtype=np.uint8)
    layout[:, 4:] = codes
    return Fields(layout, None, 1)


def encoded(text: str) -> bytes:
    """UTF-8; what no UTF-8 can express is left for the database to refuse."""
    return text.encode("utf-8", "surrogatepass")


def texts(values: Sequence[str | None]) -> Fields:
    """One text per row, None = null."""
    nulls = [value is None for value in values] if None in values else []
    present = [value or "" for value in values]
    coded: list[str] | list[bytes] = present if "".join(present).isascii() else list(map(encoded, present))
    lengths = np.fromiter(map(len, coded), np.int64, len(coded))
    width = int(lengths.max(initial=0))
    layout = np.empty((len(coded), 4 + width), dtype=np.uint8)
    wire = lengths.astype(">i4")
    if nulls:
        wire[nulls] = -1
    layout[:, :4] = wire.view(np.uint8).reshape(-1, 4)
    if width:
        layout[:, 4:] = np.array(coded, dtype=f"S{width}").view(np.uint8).reshape(-1, width)
    if not nulls and bool((lengths == width).all()):
        return Fields(layout, None, 1)
    return Fields(layout, np.arange(-4, width) < lengths[:, None], 1)


def chosen_texts(distinct: Sequence[str | None], choice: Integers) -> Fields:
    """One text per row, row i being ``distinct[choice[i]]``: cheap where few texts repeat."""
    fields = texts(distinct)
    return Fields(fields.layout[choice], None if fields.kept is None else fields.kept[choice], 1)


def rows_of(columns: Sequence[Fields]) -> bytes:
    """The rows, without header and trailer.

    Parameters
    ----------
    columns : sequence of Fields
        All of n rows, in the order of the COPY statement's columns.

    Returns
    -------
    bytes
        Ready to be sent between `HEADER` and `TRAILER`.
    """
    return rows_laid_out(*_joined(columns, sum(column.fields for column in columns)))


def rows_laid_out(layout: Bytes, kept: Mask | None) -> bytes:
    """The bytes that exist, row by row."""
    return layout.tobytes() if kept is None else layout[kept].tobytes()


def framed(columns: Sequence[Fields]) -> bytes:
    """The rows as a whole COPY, with header and trailer; for as many rows as fit in memory at once."""
    return HEADER + rows_of(columns) + TRAILER


def field(value: bytes | None) -> bytes:
    """One field; None = null."""
    return b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "big") + value


def led(columns: Sequence[Fields], count: int) -> list[bytes]:
    """The first fields of each row, of fixed width, led by the field count of the whole row."""
    layout, _ = _joined(columns, count)
    width, joined = layout.shape[1], layout.tobytes()
    return [joined[low : low + width] for low in range(0, len(joined), width)]


def rows_with_payload(columns: Sequence[Fields], payloads: Sequence[bytes]) -> bytes:
    """Rows as `rows_of` makes them with one more, last field: bytes of any length."""
    sizes = np.array([len(payload) for payload in payloads], dtype=np.int64).astype(">i4")
    size_layout = sizes.view(np.uint8).reshape(-1, 4)
    layout, kept = _joined([*columns, Fields(size_layout, None, 1)], sum(column.fields for column in columns) + 1)
    if kept is None:
        ends = np.arange(1, len(payloads) + 1) * layout.shape[1]
        heads = layout.tobytes()
    else:
        ends = np.cumsum(kept.sum(axis=1))
        heads = layout[kept].tobytes()
    parts: list[bytes] = []
    low = 0
    for high, payload in zip(ends.tolist(), payloads, strict=True):
        parts += (heads[low:high], payload)
        low = high
    return b"".join(parts)


def _joined(columns: Sequence[Fields], count: int) -> tuple[Bytes, Mask | None]:
    """Rows as laid out, led by the field count, and which of their bytes exist."""
    rows = len(columns[0].layout)
    width = 2 + sum(column.layout.shape[1] for column in columns)
    layout = np.empty((rows, width), dtype=np.uint8)
    layout[:, :2] = np.frombuffer(count.to_bytes(2, "big"), dtype=np.uint8)
    kept: Mask | None = None
    low = 2
    for column in columns:
        high = low + column.layout.shape[1]
        layout[:, low:high] = column.layout
        if column.kept is not None:
            kept = np.ones(layout.shape, dtype=np.bool_) if kept is None else kept
            kept[:, low:high] = column.kept
        low = high
    return layout, kept
