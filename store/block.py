"""Readings of one batch made ready for the database: sorted by key, their fields laid out for binary COPY."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.family import FAMILIES, Family
from domain.flag import MISSING, usable
from store.copy_format import HEADER, TRAILER, Fields, chosen_texts, letters, numbers, rows_of, texts, times
from store.message import FactorBlock, Integers, Mask, ReadingBlock

#: Rows laid out at once: what fits the processor's cache.
PIECE: Final = 1024
#: Padded bytes of texts laid out at once; more rows are laid out in halves.
_LAYOUT_BYTES: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class Shape:
    """A table of readings.

    Attributes
    ----------
    family : str
        As in tables dirty_hour and revision.
    table : str
        Its name.
    key : tuple of str
        Primary key.
    compared : tuple of str
        Columns whose difference makes a revision; the last one is `mark`.
    columns : tuple of str
        All columns, in COPY order.
    """

    family: str
    table: str
    key: tuple[str, ...]
    compared: tuple[str, ...]
    columns: tuple[str, ...]


def _wide(family: Family) -> Shape:
    key = ("device_id", "time", "span_s")
    return Shape(
        family.key, family.table, key, (*family.keys, "mark"), (*key, *family.keys, "flag", "mark", "received_at")
    )


FACTOR: Final = Shape(
    "factor",
    "factor_reading",
    ("device_id", "time", "span_s", "factor", "field"),
    ("value", "text", "mark"),
    ("device_id", "time", "span_s", "factor", "field", "value", "text", "mark", "received_at"),
)
SHAPES: Final = {family.key: _wide(family) for family in FAMILIES.values()} | {FACTOR.family: FACTOR}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one table, sorted by key and, within a key, by message: the first of a key is the original.

    Attributes
    ----------
    shape : Shape
        Their table.
    message : ndarray of int64
        Shape (n,); index into the batch's messages.
    key : ndarray of int64
        Shape (n,); equal where the keys are equal, ascending.
    device : ndarray of int64
        Shape (n,); index into `devices`.
    devices : list of str
        Distinct devices, sorted.
    times_us, spans_s : ndarray of int64
        Shape (n,).
    announced : ndarray of bool
        Shape (n,); the message calls the row a correction.
    fields : list of Fields or of list of str or None
        The columns; a list holds texts of any length.
    carried, usable : ndarray of int64 or None
        Shape (n,); values a row carries and those that enter statistics, None for factors.
    """

    shape: Shape
    message: Integers
    key: Integers
    device: Integers
    devices: list[str]
    times_us: Integers
    spans_s: Integers
    announced: Mask
    fields: list[Fields | list[str | None]]
    carried: Integers | None = None
    usable: Integers | None = None

    def first(self, rows: Integers) -> Mask:
        """Which of the given ascending rows come first among them with their key."""
        keys = self.key[rows]
        return np.concatenate([np.ones(min(1, len(keys)), dtype=np.bool_), keys[1:] != keys[:-1]])

    def copied(self, rows: Integers, before: Sequence[Fields] = ()) -> Iterator[bytes]:
        """The given rows as pieces of a whole binary COPY; `before` are fields of these rows that lead.

        The database reads one piece while the next is being built.
        """
        yield HEADER
        whole = len(rows) == len(self.message)
        for low in range(0, len(rows), PIECE):
            part = slice(low, low + PIECE)
            yield from self._pieces(part if whole else rows[part], [field.at(part) for field in before])
        yield TRAILER

    def _pieces(self, rows: Integers | slice, before: Sequence[Fields]) -> Iterator[bytes]:
        chosen = np.arange(len(self.message))[rows]
        widest = 0
        ragged: dict[int, list[str | None]] = {}
        for at, column in enumerate(self.fields):
            if isinstance(column, list):
                ragged[at] = [column[row] for row in chosen.tolist()]
                widest += max((len(text) for text in ragged[at] if text), default=0)
        if len(chosen) > 1 and widest * len(chosen) > _LAYOUT_BYTES:
            for half in np.array_split(np.arange(len(chosen)), 2):
                yield from self._pieces(chosen[half], [field.at(half) for field in before])
            return
        columns = [
            texts(ragged[at]) if isinstance(column, list) else column.at(rows) for at, column in enumerate(self.fields)
        ]
        yield rows_of([*before, *columns])


def ranks(names: Sequence[str]) -> tuple[Integers, list[str]]:
    """Position of each name among the distinct names, and these, sorted."""
    distinct = sorted(set(names))
    position = {name: at for at, name in enumerate(distinct)}
    return np.fromiter(map(position.__getitem__, names), np.int64, len(names)), distinct


def wide_rows(family: str, block: ReadingBlock, received_us: Integers) -> Rows:
    """Rows of a family's table.

    Parameters
    ----------
    family : str
        Key of the family.
    block : ReadingBlock
        Its readings.
    received_us : ndarray of int64
        Time of receipt per message of the batch.

    Returns
    -------
    Rows
        NaN as null; letters per column as text.
    """
    device, devices = ranks(block.device_ids)
    spans = block.spans_s.astype(np.int64)
    order = np.lexsort((block.message, spans, block.times_us, device))
    message, device, times_us, spans = block.message[order], device[order], block.times_us[order], spans[order]
    values = block.values[order]
    fields: list[Fields | list[str | None]] = [
        chosen_texts(devices, device),
        times(times_us),
        numbers(spans, ">i4"),
        numbers(values, ">f8", np.isnan(values)),
        letters(block.flags[order] + np.uint8(ord("0"))),
        _marks(block.marks, order),
        times(received_us[message]),
    ]
    key = _groups(device, times_us, spans)
    announced = block.announced[order].astype(np.bool_)
    flags = block.flags[order]
    carried = np.count_nonzero(flags != MISSING, axis=1).astype(np.int64)
    good = np.count_nonzero(usable(flags) & ~np.isnan(values), axis=1).astype(np.int64)
    return Rows(SHAPES[family], message, key, device, devices, times_us, spans, announced, fields, carried, good)


def factor_rows(block: FactorBlock, received_us: Integers, announced: Mask) -> Rows:
    """Rows of table factor_reading; `announced` says it per row of the block, the rest as for `wide_rows`."""
    device, devices = ranks(block.device_ids)
    factor, factors = ranks(block.factors)
    field, names = ranks(block.fields)
    spans = block.spans_s.astype(np.int64)
    order = np.lexsort((block.message, field, factor, spans, block.times_us, device))
    message, device, times_us, spans = block.message[order], device[order], block.times_us[order], spans[order]
    values = block.values[order]
    chosen = order.tolist()
    if any(text is not None for text in block.texts):
        text: Fields | list[str | None] = [block.texts[at] for at in chosen]
    else:
        text = chosen_texts([None], np.zeros(len(chosen), dtype=np.int64))
    fields: list[Fields | list[str | None]] = [
        chosen_texts(devices, device),
        times(times_us),
        numbers(spans, ">i4"),
        chosen_texts(factors, factor[order]),
        chosen_texts(names, field[order]),
        numbers(values, ">f8", np.isnan(values)),
        text,
        _chosen(block.marks, order),
        times(received_us[message]),
    ]
    key = _groups(device, times_us, spans, factor[order], field[order])
    return Rows(FACTOR, message, key, device, devices, times_us, spans, announced[order], fields)


def _groups(*parts: Integers) -> Integers:
    """Number of the key of each row; rows are sorted by the parts."""
    changed = np.zeros(len(parts[0]), dtype=np.int64)
    for part in parts:
        changed[1:] |= part[1:] != part[:-1]
    return np.cumsum(changed)


def _marks(marks: Sequence[str], order: Integers) -> Fields | list[str | None]:
    """Mark letters as fields of one width, or as texts where somebody's are not one byte each."""
    width = len(marks[0]) if marks else 0
    joined = "".join(marks)
    if not joined.isascii() or set(map(len, marks)) - {width}:
        return [marks[at] for at in order.tolist()]
    codes = np.frombuffer(joined.encode("ascii"), dtype=np.uint8)
    return letters(codes.reshape(len(marks), width)[order])


def _chosen(names: Sequence[str], order: Integers) -> Fields:
    """A text per row where few texts repeat."""
    rank, distinct = ranks(names)
    return chosen_texts(distinct, rank[order])
