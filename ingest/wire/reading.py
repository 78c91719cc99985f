"""What every decoder yields: rows of one family, rows of factors without a column, and what the answer needs."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from domain.family import Family
from domain.flag import NO_MARK
from store.message import FirePoint, RequestResult

MISSING: Final = math.nan
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_UNKNOWN_MARK: Final = "?"


class ColumnRule(NamedTuple):
    """What becomes of one field of one factor: its column, and the number that turns its unit into the column's.

    `multiplier` is None while nobody has registered the unit.
    """

    position: int
    multiplier: float | None


@dataclass(slots=True, eq=False)
class Source:
    """What a decoder must know about the device that sent a message.

    Attributes
    ----------
    device_id : str
        Id in the registry, the device segment of the topic.
    family : Family
        Family of its readings.
    mn : str or None
        Identity inside HJ 212 frames.
    label_end : bool
        Whether the device labels a span by its end.
    zone_offset_s : int
        Offset from UTC of time stamps that carry none, in seconds.
    span_s : int
        Usual span of its readings in seconds.
    units : mapping of str to str
        Factor code -> unit in which the device sends it.
    crc_policy : str
        ``exact``, ``swapped`` or ``modbus``: the HJ 212 checksum accepted besides the right one.
    columns : mapping of str to str
        Factor code -> column, for codes that the standard's tables do not place.
    keys : tuple of bytes
        SM4 keys of the device (HJ 212-2025), the newest first; none: only frames in clear.
    positions : mapping of str to int
        Column key -> position, derived.
    blank_marks : str
        The marks of a reading without any, derived.
    rules : dict
        Memory of the HJ 212 decoder: basic field -> factor and field -> rule, None for what has no column.
    """

    device_id: str
    family: Family
    mn: str | None = None
    label_end: bool = False
    zone_offset_s: int = 28800
    span_s: int = 60
    units: Mapping[str, str] = field(default_factory=dict)
    crc_policy: str = "exact"
    columns: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    positions: Mapping[str, int] = field(init=False, repr=False)
    blank_marks: str = field(init=False, repr=False)
    rules: dict[str, dict[str, ColumnRule | None]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Derive what is looked up for every reading."""
        self.positions = {key: at for at, key in enumerate(self.family.keys)}
        self.blank_marks = NO_MARK * self.family.width
        self.columns = {code.casefold(): column for code, column in self.columns.items()}
        self.units = {code.casefold(): unit for code, unit in self.units.items()}


class Reading(NamedTuple):
    """One row of the device's family: start in UTC microseconds, span in seconds, one value and mark per column."""

    time_us: int
    span_s: int
    values: list[float]
    marks: str
    announced: bool


class FactorReading(NamedTuple):
    """One value without a column, as sent: `value` is NaN when the text is no number, `text` None when it is."""

    time_us: int
    span_s: int
    factor: str
    field: str
    value: float
    text: str | None
    mark: str
    announced: bool = False


class PartLabel(NamedTuple):
    """Which part of a split frame a message is; `key` is what all parts of that frame share."""

    key: str
    number: int
    total: int


@dataclass(slots=True)
class Decoded:
    """One decoded message.

    Attributes
    ----------
    readings, factors : list
        Rows; both empty for messages that carry no data.
    wants_reply : bool
        Whether the device asked for an answer.
    seq : int or None
        The device's message number (JSON).
    answer : bytes or None
        The protocol's own answer, ready to send, when it does not depend on the outcome (HJ 212).
    link : str or None
        ``online`` or ``offline`` when the message says so of its device (GB 17691 login and logout).
    part : PartLabel or None
        Set when the message is a part of a split frame (HJ 212); its rows are then those of the part alone.
    result : RequestResult or None
        Set when the message answers a request of the platform (HJ 212 9011, 9012).
    fires : sequence of FirePoint
        Straw-fire points, of sources of such.
    request : callable or None
        Moment -> the platform's own request that the message calls for, for topic ``cmd`` (HJ 212 1013: set the time).
    """

    readings: list[Reading]
    factors: list[FactorReading]
    wants_reply: bool = False
    seq: int | None = None
    answer: bytes | None = None
    link: str | None = None
    part: PartLabel | None = None
    result: RequestResult | None = None
    request: Callable[[dt.datetime], bytes] | None = None
    fires: Sequence[FirePoint] = ()


def microseconds(moment: dt.datetime) -> int:
    """UTC microseconds since 1970 of an aware moment."""
    passed = moment - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def mark_letter(text: str) -> str:
    """The one character stored for a mark as sent: `NO_MARK` for none, ``?`` for what is not printable ASCII."""
    if not text:
        return NO_MARK
    letter = text[0].upper()
    return letter if "!" <= letter <= "~" else _UNKNOWN_MARK
