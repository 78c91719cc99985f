"""The ordinary JSON message, decoded straight into columns: one reading, known quantities, no marks, no correction.

What is not ordinary is left to the codecs (`ingest.wire`), which also say why a message is wrong; nothing is rejected
here. Both ways give the same rows (`tests/ingest/test_plain.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from domain.family import FAMILIES, Family
from ingest.wire.json_frame import PLAIN_FIELDS
from ingest.wire.reading import Source

_ABSENT: Final = math.nan


@dataclass(slots=True)
class PlainRows:
    """Readings of one family while they are collected, a list per column; in `rows` NaN or None is missing."""

    owners: list[int] = field(default_factory=list)
    device_ids: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    spans_s: list[int] = field(default_factory=list)
    rows: list[tuple[float | None, ...]] = field(default_factory=list)

    @property
    def times_us(self) -> npt.NDArray[np.int64]:
        """UTC microseconds; exact, since a double of seconds errs by a quarter of one at most until the year 2242."""
        seconds = np.array(self.seconds, dtype=np.float64)
        whole = np.floor(seconds)
        return whole.astype(np.int64) * 1_000_000 + np.rint((seconds - whole) * 1e6).astype(np.int64)

    def values(self, width: int) -> npt.NDArray[np.float64]:
        """Shape (n, width), NaN where missing."""
        count = len(self.rows)
        try:
            flat = np.fromiter(chain.from_iterable(self.rows), dtype=np.float64, count=count * width)
        except TypeError:  # a null among them
            return np.array(self.rows, dtype=np.float64).reshape(count, width)
        return flat.reshape(count, width)


@dataclass(slots=True, frozen=True)
class Channel:
    """A topic whose device sends ordinary messages, and how they are decoded."""

    device_id: str
    family: str
    decode: Callable[[bytes], Any]
    width: int

    def take(self, payload: bytes, rows: PlainRows, owner: int, within_s: tuple[float, float]) -> Any:
        """Append the reading of one message.

        Parameters
        ----------
        payload : bytes
            The message.
        rows : PlainRows
            Of the channel's family.
        owner : int
            Index of the message.
        within_s : (float, float)
            First and last Unix second that a reading may have.

        Returns
        -------
        object or None
            The message, with `ack` and `seq`; None when it is not ordinary: nothing is appended then.
        """
        try:
            message = self.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        row = msgspec.structs.astuple(message.values)
        second = message.ts.timestamp()
        if row.count(_ABSENT) == self.width or not within_s[0] <= second <= within_s[1]:
            return None
        rows.owners.append(owner)
        rows.device_ids.append(self.device_id)
        rows.seconds.append(second)
        rows.spans_s.append(message.span)
        rows.rows.append(row)
        return message


def channel_of(source: Source) -> Channel | None:
    """The channel of a JSON device; None when its readings are labelled by their end."""
    if source.label_end:
        return None
    family = source.family
    return Channel(source.device_id, family.key, _decoder(family.key).decode, family.width)


@cache
def _decoder(family: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_message_type(FAMILIES[family]))


def _message_type(family: Family) -> Any:
    """The message as a type: any other key, type or level is not ordinary."""
    columns = [(key, float | None, _ABSENT) for key in family.keys]
    values = msgspec.defstruct(f"{family.key}_values", columns, forbid_unknown_fields=True, gc=False)
    fields = [*PLAIN_FIELDS[:2], ("values", values), *PLAIN_FIELDS[2:]]
    return msgspec.defstruct(f"{family.key}_message", fields, forbid_unknown_fields=True, gc=False)
