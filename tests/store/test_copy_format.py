"""Bytes of the binary COPY format, against what psycopg writes row by row."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import Transformer
from psycopg.pq import Format

from store.block import Rows
from store.copy_format import (
    EPOCH_2000_US,
    HEADER,
    TRAILER,
    chosen_texts,
    letters,
    numbers,
    rows_of,
    rows_with_payload,
    texts,
    times,
)

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def reference(rows: list[tuple[Any, ...]], oids: list[int]) -> bytes:
    """The same rows through psycopg's dumpers."""
    transformer = Transformer()
    transformer.set_dumper_types(oids, Format.BINARY)
    out = b""
    for row in rows:
        out += len(row).to_bytes(2, "big")
        for value in transformer.dump_sequence(row, [Format.BINARY] * len(row)):  # type: ignore[arg-type]
            out += b"\xff" * 4 if value is None else len(value).to_bytes(4, "big") + bytes(value)
    return out


TEXTS = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
LINES = st.lists(
    st.tuples(TEXTS, st.integers(0, 2**52), st.integers(-5, 86400), st.floats(), st.floats(), st.binary(max_size=5)),
    min_size=1,
    max_size=12,
)


@given(LINES)
def test_rows_are_those_of_psycopg(lines: list[tuple[Any, ...]]) -> None:
    pairs = np.array([line[3:5] for line in lines], dtype=np.float64)
    names = sorted({line[0] for line in lines}, key=str)
    columns = [
        texts([line[0] for line in lines]),
        chosen_texts(names, np.array([names.index(line[0]) for line in lines])),
        times(np.array([line[1] for line in lines], dtype=np.int64)),
        numbers(np.array([line[2] for line in lines]), ">i4"),
        numbers(pairs, ">f8", np.isnan(pairs)),
        letters(np.full((len(lines), 3), ord("N"), dtype=np.uint8)),
    ]
    expected = [
        (name, name, EPOCH + dt.timedelta(microseconds=us), span, *(None if math.isnan(v) else v for v in pair), "NNN")
        for (name, us, span, *pair, _) in lines
    ]
    oids = [25, 25, 1184, 23, 701, 701, 25]
    assert rows_of(columns) == reference(expected, oids)
    payloads = [line[5] for line in lines]
    with_payload = [(*row, payload) for row, payload in zip(expected, payloads, strict=True)]
    assert rows_with_payload(columns, payloads) == reference(with_payload, [*oids, 17])


def test_the_frame_of_a_copy() -> None:
    assert (len(HEADER), HEADER[:11], TRAILER) == (19, b"PGCOPY\n\xff\r\n\x00", b"\xff\xff")
    assert dt.datetime(2000, 1, 1, tzinfo=dt.UTC).timestamp() * 1e6 == EPOCH_2000_US


def test_long_texts_are_laid_out_in_pieces_without_changing_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.block._LAYOUT_BYTES", 1 << 12)
    size = 200
    long: list[str | None] = ["x" * 3000 if at == 77 else str(at) for at in range(size)]
    index = np.arange(size)
    rows = Rows(None, index, index, index, [], index, index, index < 0, [long, numbers(index, ">i4")])  # type: ignore[arg-type]
    pieces = list(rows.copied(index, [numbers(index, ">i8")]))
    assert len(pieces) > 3
    whole = rows_of([numbers(index, ">i8"), texts(long), numbers(index, ">i4")])
    assert b"".join(pieces) == HEADER + whole + TRAILER
