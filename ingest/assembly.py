"""From messages to one batch: decode each, collect the rows of each family in arrays, flag the arrays."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.screening import range_flags
from domain.error import RejectError
from domain.family import FAMILIES, Family
from domain.flag import MARK_FLAGS, MISSING, NO_MARK, SUSPECT, Flags, strongest
from domain.period import ZONE
from domain.screening_table import screening_limits
from ingest.part import PartBook, PartDraft, joined
from ingest.plain import PlainRows
from ingest.registry import Registry
from ingest.topic import Topic, parse_topic
from ingest.wire.codec import CODECS
from ingest.wire.json_frame import decode_state
from ingest.wire.reading import Decoded, FactorReading, Reading, Source, microseconds
from store.batch import Batch, FactorBlock, Message, ReadingBlock, Rejection
from store.message import FirePoint, FramePart, RequestResult

MAX_BYTES: Final = 1 << 20
#: A clock may be ahead this much; older than the second is no measurement of this system.
FUTURE_S: Final = 600
EARLIEST: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_EARLIEST_US: Final = microseconds(EARLIEST)
_MAX_DETAIL: Final = 500
_FLAG_OF_MARK: Final = np.full(256, SUSPECT, dtype=np.uint8)
for _mark, _flag in MARK_FLAGS.items():
    _FLAG_OF_MARK[ord(_mark)] = _flag


@dataclass(slots=True)
class Assembled:
    """A batch ready for the store, and per message what its answer needs (None: nothing is answered here).

    `draft` holds what the batch does to the book of parts; settle it once the batch is committed.
    """

    batch: Batch
    decoded: list[Decoded | None]
    draft: PartDraft


@dataclass(slots=True)
class _Rows:
    """Rows of one family while they are collected; `owners` are positions of messages."""

    owners: list[int] = field(default_factory=list)
    device_ids: list[str] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)


@dataclass(slots=True)
class _Factors:
    owners: list[int] = field(default_factory=list)
    device_ids: list[str] = field(default_factory=list)
    readings: list[FactorReading] = field(default_factory=list)


def assemble(  # noqa: PLR0913 - keyword-only from the third on
    arrivals: Sequence[tuple[str, bytes, dt.datetime]],
    registry: Registry,
    *,
    collector: str,
    opened_at: dt.datetime,
    book: PartBook | None = None,
    refused: Mapping[int, Rejection] = MappingProxyType({}),
) -> Assembled:
    """Decode a batch of messages; a message that cannot become readings is rejected alone.

    Parameters
    ----------
    arrivals : sequence of (str, bytes, datetime)
        Topic, payload and time of receipt, in order of arrival.
    registry : Registry
        The known devices.
    collector : str
        Name for the ledger.
    opened_at : datetime
        When the batch was opened.
    book : PartBook, optional
        Parts of split frames from earlier batches; without one only parts of this batch find together.
    refused : mapping of int to Rejection
        Messages that are not looked into, by position, and why.

    Returns
    -------
    Assembled
        Messages in the order of `arrivals`.
    """
    assembler = _Assembler(registry, PartDraft(book or PartBook()))
    for at, (topic, payload, received_at) in enumerate(arrivals):
        if at in refused:
            assembler.refuse(topic, payload, received_at, refused[at])
        elif not assembler.take_plain(topic, payload, received_at):
            assembler.take(topic, payload, received_at)
    blocks = {
        key: _reading_block(FAMILIES[key], assembler.rows.get(key), assembler.plain.get(key))
        for key in assembler.rows.keys() | assembler.plain.keys()
    }
    batch = Batch(
        messages=assembler.messages,
        readings=blocks,
        factors=_factor_block(assembler.factors),
        collector=collector,
        opened_at=opened_at,
        parts=assembler.draft.parts,
        closed=assembler.draft.closed,
        results=assembler.results,
        fires=assembler.fires,
    )
    return Assembled(batch, assembler.decoded, assembler.draft)


class _Assembler:
    """The parts of a batch while messages are taken in."""

    def __init__(self, registry: Registry, draft: PartDraft) -> None:
        self.registry = registry
        self.draft = draft
        self.messages: list[Message] = []
        self.decoded: list[Decoded | None] = []
        self.rows: dict[str, _Rows] = {}
        self.plain: dict[str, PlainRows] = {}
        self.within_s = (_EARLIEST_US / 1e6, -math.inf)
        self.received_at: dt.datetime | None = None
        self.factors = _Factors()
        self.fires: list[tuple[int, Sequence[FirePoint]]] = []
        self.results: list[tuple[int, RequestResult]] = []

    def take_plain(self, text: str, payload: bytes, received_at: dt.datetime) -> bool:
        """Take one message if it is an ordinary one."""
        channel = self.registry.channel(text, received_at)
        if channel is None or len(payload) > MAX_BYTES:
            return False
        if received_at is not self.received_at:  # messages of one read share it
            self.received_at = received_at
            self.within_s = self.within_s[0], received_at.timestamp() + FUTURE_S
        rows = self.plain.get(channel.family)
        if rows is None:
            rows = self.plain[channel.family] = PlainRows()
        message = channel.take(payload, rows, len(self.messages), self.within_s)
        if message is None:
            self.registry.close_channel(text)
            return False
        self.messages.append(Message(text, payload, received_at, channel.device_id))
        self.decoded.append(Decoded([], [], True, message.seq) if message.ack else None)
        return True

    def take(self, text: str, payload: bytes, received_at: dt.datetime) -> None:
        """Decode one message and note its rows, or why there are none."""
        device_id: str | None = None
        decoded: Decoded | None = None
        rejection: Rejection | None = None
        link: str | None = None
        try:
            topic = parse_topic(text)
            if topic.device_id in self.registry.devices:
                device_id = topic.device_id
            source = self.registry.source(topic, received_at)
            if topic.stream == "data":
                decoded = self._decoded(text, topic, source, payload, received_at)
                link = decoded.link
            elif payload:  # an empty message is how a retained state is cleared
                link = decode_state(payload)[0]
        except RejectError as error:
            rejection = Rejection(error.reason, error.detail[:_MAX_DETAIL])
        self.messages.append(Message(text, payload, received_at, device_id, rejection, link))
        self.decoded.append(decoded)

    def refuse(self, text: str, payload: bytes, received_at: dt.datetime, why: Rejection) -> None:
        """Note a message that is not looked into."""
        device_id: str | None = None
        with suppress(RejectError):
            name = parse_topic(text).device_id
            device_id = name if name in self.registry.devices else None
        self.messages.append(Message(text, payload, received_at, device_id, why))
        self.decoded.append(None)

    def _decoded(self, text: str, topic: Topic, source: Source, payload: bytes, received_at: dt.datetime) -> Decoded:
        if len(payload) > MAX_BYTES:
            raise RejectError("too_large", f"message of {len(payload)} bytes; expected at most {MAX_BYTES}")
        decoded = CODECS[topic.protocol].decode(payload, source)
        _check_times(decoded, received_at)
        if decoded.part is not None:
            decoded = self._joined(FramePart(topic.device_id, *decoded.part, received_at, text, payload), decoded)
        if decoded.fires:
            self.fires.append((len(self.messages), decoded.fires))
        if decoded.result is not None:
            self.results.append((len(self.messages), decoded.result))
        self._note(source.family.key, topic.device_id, decoded)
        return decoded

    def _joined(self, part: FramePart, decoded: Decoded) -> Decoded:
        """What a part of a split frame brings: the rows of all parts when it is the last one to come, else none."""
        alone = Decoded([], [], decoded.wants_reply, decoded.seq, decoded.answer)
        if self.draft.repeats(part):
            return alone
        if self.draft.follows(part):  # another content than before: its rows are a revision
            return decoded
        whole = self.draft.offer(part)
        if whole is not None:
            topic = parse_topic(part.topic)
            source = self.registry.source(topic, part.received_at)
            codec = CODECS[topic.protocol]
            others = [codec.decode(each.payload, source) for each in whole if each is not part]
            alone = joined([decoded, *others])
        self.draft.accept(len(self.messages), part, whole)
        return alone

    def _note(self, family: str, device_id: str, decoded: Decoded) -> None:
        owner = len(self.messages)
        if decoded.readings:
            rows = self.rows.get(family)
            if rows is None:
                rows = self.rows[family] = _Rows()
            count = len(decoded.readings)
            rows.owners.extend([owner] * count)
            rows.device_ids.extend([device_id] * count)
            rows.readings.extend(decoded.readings)
        if decoded.factors:
            count = len(decoded.factors)
            self.factors.owners.extend([owner] * count)
            self.factors.device_ids.extend([device_id] * count)
            self.factors.readings.extend(decoded.factors)


def _check_times(decoded: Decoded, received_at: dt.datetime) -> None:
    latest_us = microseconds(received_at) + FUTURE_S * 1_000_000
    moments = (moment for point in decoded.fires for moment in (point.seen_at, point.checked_at) if moment is not None)
    for time_us in chain(
        (row.time_us for row in decoded.readings),
        (row.time_us for row in decoded.factors),
        (microseconds(moment) for moment in moments),
    ):
        if not _EARLIEST_US <= time_us <= latest_us:
            expected = f"{EARLIEST:%Y-%m-%d} to {FUTURE_S // 60} minutes after receipt at {_stamp(received_at)}"
            raise RejectError("impossible_time", f"{_moment(time_us)}; expected {expected}")


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(ZONE).isoformat(sep=" ", timespec="seconds")


def _moment(time_us: int) -> str:
    try:
        return _stamp(dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=time_us))
    except OverflowError:
        return f"{time_us // 1_000_000} s after 1970"


def _reading_block(family: Family, rows: _Rows | None, plain: PlainRows | None) -> ReadingBlock:
    rows, plain, width = rows or _Rows(), plain or PlainRows(), family.width
    readings, count = rows.readings, len(rows.readings)
    flat = np.fromiter(chain.from_iterable(row.values for row in readings), dtype=np.float64, count=count * width)
    values = np.concatenate([plain.values(width), flat.reshape(count, width)])
    times_us = np.array([row.time_us for row in readings], dtype=np.int64)
    marks = [NO_MARK * width] * len(plain.rows) + [row.marks for row in readings]
    letters = np.frombuffer("".join(marks).encode("ascii"), dtype=np.uint8).reshape(len(marks), width)
    announced = np.zeros(len(marks), dtype=np.bool_)
    announced[len(plain.rows) :] = [row.announced for row in readings]
    return ReadingBlock(
        message=np.array(plain.owners + rows.owners, dtype=np.int64),
        device_ids=plain.device_ids + rows.device_ids,
        times_us=np.concatenate([plain.times_us, times_us]),
        spans_s=np.array(plain.spans_s + [row.span_s for row in readings], dtype=np.int32),
        values=values,
        flags=screened(family.key, values, letters),
        marks=marks,
        announced=announced,
    )


def _factor_block(rows: _Factors) -> FactorBlock | None:
    readings = rows.readings
    if not readings:
        return None
    return FactorBlock(
        message=np.array(rows.owners, dtype=np.int64),
        device_ids=rows.device_ids,
        times_us=np.array([row.time_us for row in readings], dtype=np.int64),
        spans_s=np.array([row.span_s for row in readings], dtype=np.int32),
        factors=[row.factor for row in readings],
        fields=[row.field for row in readings],
        values=np.array([row.value for row in readings], dtype=np.float64),
        texts=[row.text for row in readings],
        marks=[row.mark for row in readings],
        announced=np.array([row.announced for row in readings], dtype=np.bool_),
    )


def screened(family: str, values: npt.NDArray[np.float64], marks: npt.NDArray[np.uint8]) -> Flags:
    """Flags of freshly received values: range and the device's own marks.

    Steps and constant runs need a device's neighbouring readings and would depend here on how messages happened to be
    batched; they belong to the settling of hours.

    Parameters
    ----------
    family : str
        Key of the family.
    values : ndarray of float64
        Shape (n, k); NaN = missing.
    marks : ndarray of uint8
        Shape (n, k); ASCII codes of status letters.

    Returns
    -------
    ndarray of uint8
        Shape (n, k); missing values are flagged so whatever their mark.
    """
    absent = np.isnan(values)
    by_range = np.where(absent, np.uint8(MISSING), range_flags(screening_limits(family), values)).astype(np.uint8)
    return strongest([by_range, _FLAG_OF_MARK[marks]])
