"""Short ways to say what a batch holds."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.family import FAMILIES
from store.batch import Batch, FactorBlock, Message, ReadingBlock, Rejection

START = dt.datetime(2026, 3, 1, 0, 0, tzinfo=dt.UTC)
START_US = int(START.timestamp()) * 1_000_000
_payloads = itertools.count()


@dataclass(frozen=True)
class Row:
    """One reading; `value` is that of the first column, the others are missing."""

    device: str = "explicit"
    minute: int = 0
    value: float = 1.0
    mark: str = "N"
    announced: bool = False
    span_s: int = 60
    family: str = "air"
    flag: int = 1

    @property
    def time_us(self) -> int:
        return START_US + self.minute * 60_000_000


@dataclass(frozen=True)
class Factor:
    """One value without a column."""

    device: str = "explicit"
    minute: int = 0
    value: float = 1.0
    text: str | None = None
    factor: str = "a05024"
    field: str = "Min"
    mark: str = "N"
    announced: bool = False


Content = Rejection | Sequence[Row | Factor]


def message(
    content: Content, *, device: str | None = None, payload: bytes | None = None, received_at: dt.datetime | None = None
) -> Message:
    """The message that carries `content`; its payload is unique unless given."""
    refused = isinstance(content, Rejection)
    owner = device or (None if refused or not content else content[0].device)
    return Message(
        f"lt/v1/x/json/{owner}/data",
        b"payload %d" % next(_payloads) if payload is None else payload,
        received_at or dt.datetime.now(dt.UTC),
        owner,
        content if refused else None,
    )


def batch(*contents: Content, messages: Sequence[Message] | None = None) -> Batch:
    """A batch of one message per content."""
    made = list(messages) if messages is not None else [message(content) for content in contents]
    owned = [(at, row) for at, content in enumerate(contents) if not isinstance(content, Rejection) for row in content]
    readings = {}
    for family in FAMILIES:
        rows = [(at, row) for at, row in owned if isinstance(row, Row) and row.family == family]
        if rows:
            readings[family] = _block(FAMILIES[family].width, rows)
    factors = [(at, row) for at, row in owned if isinstance(row, Factor)]
    return Batch(made, readings, _factors(factors) if factors else None, "test", dt.datetime.now(dt.UTC))


def _block(width: int, owned: Sequence[tuple[int, Row]]) -> ReadingBlock:
    rows = [row for _, row in owned]
    values = np.full((len(rows), width), np.nan)
    values[:, 0] = [row.value for row in rows]
    return ReadingBlock(
        np.array([at for at, _ in owned], dtype=np.int64),
        [row.device for row in rows],
        np.array([row.time_us for row in rows], dtype=np.int64),
        np.array([row.span_s for row in rows], dtype=np.int32),
        values,
        np.array([[row.flag] * width for row in rows], dtype=np.uint8),
        [row.mark + "-" * (width - 1) for row in rows],
        np.array([row.announced for row in rows], dtype=np.bool_),
    )


def _factors(owned: Sequence[tuple[int, Factor]]) -> FactorBlock:
    rows = [row for _, row in owned]
    return FactorBlock(
        np.array([at for at, _ in owned], dtype=np.int64),
        [row.device for row in rows],
        np.array([START_US + row.minute * 60_000_000 for row in rows], dtype=np.int64),
        np.array([60] * len(rows), dtype=np.int32),
        [row.factor for row in rows],
        [row.field for row in rows],
        np.array([math.nan if row.text is not None else row.value for row in rows]),
        [row.text for row in rows],
        [row.mark for row in rows],
        np.array([row.announced for row in rows], dtype=np.bool_),
    )
