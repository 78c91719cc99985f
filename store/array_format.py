"""Arrays as parameters of statements, in PostgreSQL's binary format: laid out at once, not parsed by the database."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.abc import Buffer, PyFormat
from psycopg.adapt import Dumper
from psycopg.pq import Format

from store.copy_format import Fields, Integers, Mask, numbers, rows_laid_out, texts, times

#: PostgreSQL counts days from 2000-01-01.
_EPOCH_2000_DAY: Final = 10_957
#: Type of the element -> type of its arrays, as in the catalogue pg_type.
_TEXT, _SMALLINT, _INT, _DATE, _MOMENT = 25, 21, 23, 1082, 1184
_ARRAYS: Final = {_TEXT: 1009, _INT: 1007, _DATE: 1182, _MOMENT: 1185}


@dataclass(frozen=True, slots=True)
class Array:
    """A one-dimensional array as psycopg is to send it: type of its elements, and its bytes."""

    element: int
    body: bytes


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def get_key(self, obj: Any, format: PyFormat) -> Any:  # noqa: ARG002 - psycopg's
        return self.cls, obj.element

    def upgrade(self, obj: Any, format: PyFormat) -> Dumper:  # noqa: ARG002 - psycopg's
        made = type(self)(self.cls)
        made.oid = _ARRAYS[obj.element]
        return made

    def dump(self, obj: Any) -> Buffer:
        return bytes(obj.body)


psycopg.adapters.register_dumper(Array, _ArrayDumper)


def array_of(element: int, fields: Fields) -> Array:
    """An array of n elements from one field of n rows."""
    size = len(fields.layout)
    if not size:
        return Array(element, struct.pack(">iiI", 0, 0, element))
    head = struct.pack(">iiIii", 1, int(fields.kept is not None), element, size, 1)
    return Array(element, head + rows_laid_out(fields.layout, fields.kept))


def smallint_rows(values: npt.NDArray[np.int16]) -> Fields:
    """One ``smallint[]`` of k elements for each row of an array (n, k)."""
    items = numbers(values, ">i2").layout
    head = struct.pack(">iiIii", 1, 0, _SMALLINT, values.shape[1], 1)
    size = (len(head) + items.shape[1]).to_bytes(4, "big")
    lead = np.broadcast_to(np.frombuffer(size + head, dtype=np.uint8), (len(values), 4 + len(head)))
    return Fields(np.hstack([lead, items]), None, 1)


def text_array(values: Sequence[str | None]) -> Array:
    """``text[]``; None = null."""
    return array_of(_TEXT, texts(values))


def int_array(values: Integers) -> Array:
    """``int[]``."""
    return array_of(_INT, numbers(values, ">i4"))


def date_array(days: Integers, missing: Mask | None = None) -> Array:
    """``date[]`` from days since 1970-01-01; `missing` True = null."""
    return array_of(_DATE, numbers(days - _EPOCH_2000_DAY, ">i4", missing))


def moment_array(microseconds: Integers, missing: Mask | None = None) -> Array:
    """``timestamptz[]`` from Unix microseconds; `missing` True = null."""
    return array_of(
        _MOMENT, times(np.where(missing, 0, microseconds) if missing is not None else microseconds, missing)
    )
