"""The JSON codec (docs/wire.md section 4): typed decoding, one dictionary look-up per value."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Final, Literal

import msgspec

from domain.error import RejectError
from domain.period import DAY_S
from ingest.wire.reading import MISSING, Decoded, FactorReading, Reading, Source, microseconds

MAX_READINGS: Final = 1000
#: Field under which a value without a column is kept.
FIELD: Final = "Rtd"
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LETTER: Final = re.compile(r"[A-Z]")
_PATH: Final = re.compile(r"`\$([^`]*)`$")
_NAMED: Final = re.compile(r"field `([^`]*)`")

_Seq = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Span = Annotated[int, msgspec.Meta(ge=0, le=DAY_S)]
_Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
#: Fields of a message of one reading beside its values, without marks and corrections: name, type, default if any.
PLAIN_FIELDS: Final[tuple[Any, ...]] = (
    ("v", Literal[1]),
    ("ts", _Moment),
    ("seq", _Seq | None, None),
    ("ack", bool, False),
    ("span", _Span, 0),
)


class _Reading(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    ts: _Moment
    values: dict[str, float | None]
    span: _Span = 0
    marks: dict[str, str] | None = None
    correction: bool = False


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    v: Literal[1]
    seq: _Seq | None = None
    ack: bool = False
    ts: _Moment | None = None
    values: dict[str, float | None] | None = None
    span: _Span | None = None
    marks: dict[str, str] | None = None
    correction: bool | None = None
    readings: list[_Reading] | None = None


class _Numbered(msgspec.Struct, gc=False):
    seq: _Seq | None = None


class _State(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    v: Literal[1]
    state: Literal["online", "offline"]
    ts: _Moment
    via: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


_MESSAGES: Final = msgspec.json.Decoder(_Message)
_NUMBERS: Final = msgspec.json.Decoder(_Numbered)
_STATES: Final = msgspec.json.Decoder(_State)


def decode_json(payload: bytes, source: Source) -> Decoded:
    """Decode one JSON message of stream ``data``.

    Parameters
    ----------
    payload : bytes
        The message as received.
    source : Source
        The device that sent it.

    Returns
    -------
    Decoded
        One reading per entry that holds a column of the family; `null` and absent quantities are NaN.

    Raises
    ------
    RejectError
        ``malformed``, ``bad_field``, ``bad_value``, ``bad_time``, ``empty`` or ``too_large``.
    """
    try:
        message = _MESSAGES.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise rejection(payload, error) from error
    decoded = Decoded([], [], message.ack, message.seq)
    if message.readings is None:
        if message.ts is None or message.values is None:
            missing = "ts" if message.ts is None else "values"
            raise RejectError("bad_field", f"{missing} is missing; expected ts and values, or readings")
        _take(decoded, source, (message.ts, message.span or 0, bool(message.correction)), message.values, message.marks)
        return decoded
    _check_many(message)
    for reading in message.readings:
        _take(decoded, source, (reading.ts, reading.span, reading.correction), reading.values, reading.marks)
    return decoded


def _check_many(message: _Message) -> None:
    readings = message.readings or []
    beside = [key for key in ("ts", "span", "values", "marks", "correction") if getattr(message, key) is not None]
    if beside:
        raise RejectError("bad_field", f"{', '.join(beside)} found beside readings; expected them inside each reading")
    if not readings:
        raise RejectError("empty", "readings is empty; expected 1 to 1000")
    if len(readings) > MAX_READINGS:
        raise RejectError("too_large", f"{len(readings)} readings in one message; expected at most {MAX_READINGS}")


def _take(
    decoded: Decoded,
    source: Source,
    label: tuple[dt.datetime, int, bool],
    values: dict[str, float | None],
    marks: dict[str, str] | None,
) -> None:
    """Append the rows of one reading to `decoded`."""
    if not values:
        raise RejectError("empty", "values is empty; expected at least one quantity")
    moment, span_s, announced = label
    time_us = microseconds(moment) - (span_s * 1_000_000 if source.label_end else 0)
    if marks:
        _check_marks(marks, values)
    positions, blank = source.positions, source.blank_marks
    row = [MISSING] * len(blank)
    filled = False
    for key, value in values.items():
        at = positions.get(key)
        if at is not None:
            filled = True
            if value is not None:
                row[at] = value
            continue
        if not _KEY.fullmatch(key):
            raise RejectError("bad_field", f"quantity {key[:80]!r}; expected 1 to 64 of A-Z a-z 0-9 _ . -")
        mark = marks.get(key, "-") if marks else "-"
        number = MISSING if value is None else value
        decoded.factors.append(FactorReading(time_us, span_s, key, FIELD, number, None, mark, announced))
    if filled:
        letters = "".join(marks.get(key, "-") for key in positions) if marks else blank
        decoded.readings.append(Reading(time_us, span_s, row, letters, announced))


def _check_marks(marks: dict[str, str], values: dict[str, float | None]) -> None:
    for key, mark in marks.items():
        if key not in values:
            raise RejectError("bad_field", f"marks names {key[:80]!r}, which values does not hold")
        if not _LETTER.fullmatch(mark):
            raise RejectError("bad_value", f"mark {mark[:20]!r} of {key[:80]!r}; expected one letter A-Z")


def decode_state(payload: bytes) -> tuple[str, int]:
    """Decode a message of stream ``state``.

    Parameters
    ----------
    payload : bytes
        The message as received.

    Returns
    -------
    tuple of (str, int)
        ``online`` or ``offline``, and the device's time in UTC microseconds.
    """
    try:
        state = _STATES.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise rejection(payload, error) from error
    return state.state, microseconds(state.ts)


def encode_state(state: str, at: dt.datetime, via: str) -> bytes:
    """The link state of a device that `via` knows of, for topic ``state``."""
    return msgspec.json.encode({"v": 1, "state": state, "ts": at.isoformat(timespec="seconds"), "via": via})


def stated_by(payload: bytes) -> tuple[str, str | None] | None:
    """State and `via` of a message of stream ``state``; None when it cannot be read."""
    try:
        found = _STATES.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found.state, found.via


def sequence_number(payload: bytes) -> int | None:
    """The ``seq`` of a message that may be broken otherwise; None when it cannot be read."""
    try:
        return _NUMBERS.decode(payload).seq
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def encode_reply(seq: int | None, outcome: str) -> bytes:
    """The JSON answer for topic ``reply``: the message is safe, `outcome` says how it was taken."""
    return msgspec.json.encode({"v": 1, "seq": seq, "outcome": outcome})


def encode_error(
    error: RejectError,
    received_at: dt.datetime,
    *,
    seq: int | None = None,
    qn: str | None = None,
    release: bytes | None = None,
) -> bytes:
    """The JSON answer for topic ``error``, in every protocol; `release` as key ``release`` when there is one."""
    stamp = received_at.isoformat(timespec="milliseconds")
    told = {"v": 1, "seq": seq, "qn": qn, "reason": error.reason, "detail": error.detail, "received_at": stamp}
    if release is not None:
        told["release"] = release.decode("utf-8", "replace")
    return msgspec.json.encode(told)


def rejection(payload: bytes, error: Exception) -> RejectError:
    """The reject reason for what the decoder said, naming the key at fault."""
    said = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return RejectError("malformed", f"not JSON: {said[:200]}")
    found = _PATH.search(said)
    path = found[1] if found else ""
    if named := _NAMED.search(said):
        where = f" in {path.lstrip('.')}" if path else ""
        return RejectError("bad_field", f"{'unknown' if 'unknown' in said else 'missing'} key {named[1][:80]!r}{where}")
    if path.endswith((".ts", "_at")):
        return RejectError("bad_time", f"{_at(payload, path)}; expected for instance '2026-11-23T08:00:00+08:00'")
    if path.endswith("[...]"):
        return RejectError("bad_value", f"{_entry_at_fault(payload, path)}: {said[:120]}")
    reason = "bad_field" if path in ("", ".v") else "bad_value"
    return RejectError(reason, f"{_at(payload, path)}: {said[:160]}")


def _lookup(payload: bytes, path: str) -> Any:
    try:
        found: Any = msgspec.json.decode(payload)
        for step in re.findall(r"\.(\w+)|\[(\d+)\]", path):
            found = found[step[0]] if step[0] else found[int(step[1])]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError):
        return None
    return found


def _at(payload: bytes, path: str) -> str:
    return f"{path.lstrip('.') or 'message'} {_lookup(payload, path)!r:.80}"


def _entry_at_fault(payload: bytes, path: str) -> str:
    """Name the first entry of a dictionary whose value is of the wrong type; decoders only say that there is one."""
    where = path.removesuffix("[...]")
    entries = _lookup(payload, where)
    expected = str if where.endswith("marks") else (int, float, type(None))
    if isinstance(entries, dict):
        for key, value in entries.items():
            if isinstance(value, bool) or not isinstance(value, expected):
                return f"{where.lstrip('.')} {key[:80]!r} is {value!r:.80}"
    return where.lstrip(".")
