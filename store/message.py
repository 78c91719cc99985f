"""What the collector hands over: messages as received and the rows decoded from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a message was rejected: `reason` is a key of `domain.error.REASONS`, `detail` is for the field engineer."""

    reason: str
    detail: str


class Message(NamedTuple):
    """One message as received.

    Attributes
    ----------
    topic : str
        Its topic.
    payload : bytes
        Its bytes.
    received_at : datetime
        Aware time of receipt.
    device_id : str or None
        The registered device; None when unknown.
    rejection : Rejection or None
        Why it carries no rows, when it was rejected.
    link : str or None
        ``online`` or ``offline`` when it states the device's link.
    """

    topic: str
    payload: bytes
    received_at: dt.datetime
    device_id: str | None
    rejection: Rejection | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ReadingBlock:
    """n readings of one family with k value columns.

    Attributes
    ----------
    message : ndarray of int64
        Shape (n,); index into the batch's messages.
    device_ids : list of str
        n devices.
    times_us : ndarray of int64
        Shape (n,); UTC microseconds since 1970 of the start.
    spans_s : ndarray of int32
        Shape (n,); seconds covered, 0 = an instant.
    values : ndarray of float64
        Shape (n, k); NaN = missing.
    flags : ndarray of uint8
        Shape (n, k); quality flags.
    marks : list of str
        n texts of k letters.
    announced : ndarray of bool
        Shape (n,); the message calls it a correction.
    """

    message: Integers
    device_ids: list[str]
    times_us: Integers
    spans_s: npt.NDArray[np.int32]
    values: npt.NDArray[np.float64]
    flags: npt.NDArray[np.uint8]
    marks: list[str]
    announced: Mask


@dataclass(frozen=True, slots=True, eq=False)
class FactorBlock:
    """n values without a column; `values` NaN = missing or a text, `texts` None = a number.

    `announced` None: a value is a correction when a reading of the same message is.
    """

    message: Integers
    device_ids: list[str]
    times_us: Integers
    spans_s: npt.NDArray[np.int32]
    factors: list[str]
    fields: list[str]
    values: npt.NDArray[np.float64]
    texts: list[str | None]
    marks: list[str]
    announced: Mask | None = None


class RequestResult(NamedTuple):
    """A device's answer to a request of the platform: the request's QN, ``QnRtn`` or ``ExeRtn``, and the code."""

    request_number: str
    field: str
    code: int


class FramePart(NamedTuple):
    """One part of a split frame, kept until its other parts come; `number` counts from 1 to `total`."""

    device_id: str
    set_key: str
    number: int
    total: int
    received_at: dt.datetime
    topic: str
    payload: bytes


class FirePoint(NamedTuple):
    """A straw-fire point as its register has it (`domain.register_table.STRAW_FIRE`), without id and area."""

    seen_at: dt.datetime
    longitude: float
    latitude: float
    source: str
    township: str | None
    place: str | None
    result: str
    checked_by: str | None
    checked_at: dt.datetime | None
    note: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Messages and the rows decoded from those that were not rejected; `readings` by family.

    `parts` are parts of split frames that wait after this batch, with the index of their message; `closed` are sets of
    parts that wait no longer (device and key), with the index of the message that completed them, None: given up;
    `results` are answers of devices to requests, with the index of their message. `fires` are
    straw-fire points, with the index of their message. `given_up`: the messages were
    counted as stored when they came and are rejected now; the ledger moves them from the one to the other.
    """

    messages: list[Message]
    readings: dict[str, ReadingBlock]
    factors: FactorBlock | None
    collector: str
    opened_at: dt.datetime
    parts: Sequence[tuple[int, FramePart]] = ()
    closed: Sequence[tuple[int | None, str, str]] = ()
    results: Sequence[tuple[int, RequestResult]] = ()
    given_up: bool = False
    fires: Sequence[tuple[int, Sequence[FirePoint]]] = ()
