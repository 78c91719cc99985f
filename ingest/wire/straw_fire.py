"""Straw-fire points over MQTT (plan clause 23): JSON, one point or many, checked by the rules of their register."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Final, Literal

import msgspec

from domain.error import RejectError
from domain.period import ZONE
from domain.register_table import FIRE_RESULTS, FIRE_SOURCES, STRAW_FIRE
from ingest.wire.json_frame import rejection
from ingest.wire.reading import Decoded, Source
from store.message import FirePoint

MAX_POINTS: Final = 1000
#: Decimals of a degree that make a place: about a metre.
DECIMALS: Final = 5
_FIELDS: Final = {each.key: each for each in STRAW_FIRE.fields}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_CHECKED: Final = ("confirmed", "other_fire", "none")

_Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
_Text = Annotated[str, msgspec.Meta(max_length=200)]


class _Point(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    seen_at: _Moment
    longitude: float
    latitude: float
    source: _Text
    township: _Text | None = None
    place: _Text | None = None
    result: _Text = "pending"
    checked_by: _Text | None = None
    checked_at: _Moment | None = None
    note: _Text | None = None


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    v: Literal[1]
    points: list[_Point]
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None
    ack: bool = False


_MESSAGES: Final = msgspec.json.Decoder(_Message)


def decode_straw_fire(payload: bytes, source: Source) -> Decoded:  # noqa: ARG001 - the signature of every codec
    """Decode one message of fire points.

    Parameters
    ----------
    payload : bytes
        The message as received.
    source : Source
        Who sent it; any source may report any point.

    Returns
    -------
    Decoded
        Its `fires`; no readings.

    Raises
    ------
    RejectError
        ``malformed``, ``bad_field``, ``bad_value``, ``bad_time``, ``empty`` or ``too_large``; one bad point rejects the
        message.
    """
    try:
        message = _MESSAGES.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise rejection(payload, error) from error
    if not message.points:
        raise RejectError("empty", f"points is empty; expected 1 to {MAX_POINTS}")
    if len(message.points) > MAX_POINTS:
        raise RejectError("too_large", f"{len(message.points)} points in one message; expected at most {MAX_POINTS}")
    decoded = Decoded([], [], message.ack, message.seq)
    decoded.fires = [_point(f"points[{at}]", each) for at, each in enumerate(message.points)]
    return decoded


def _point(where: str, point: _Point) -> FirePoint:
    for key in ("longitude", "latitude"):
        value, field = getattr(point, key), _FIELDS[key]
        if not field.low <= value <= field.high:
            raise RejectError("bad_value", f"{where}.{key} {value}; expected {field.low:g} to {field.high:g} degrees")
    result = _word(where, "result", point.result)
    checked_by = _text(where, "checked_by", point.checked_by)
    if result in _CHECKED and checked_by is None:
        raise RejectError("bad_field", f"{where}.checked_by is missing; expected who found {result!r} on the spot")
    seen_at = point.seen_at.astimezone(ZONE).replace(microsecond=0)
    checked_at = None if point.checked_at is None else point.checked_at.astimezone(ZONE).replace(microsecond=0)
    if checked_at is not None and checked_at < seen_at:
        raise RejectError("bad_value", f"{where}.checked_at {checked_at.isoformat()} is before seen_at")
    return FirePoint(
        seen_at,
        round(point.longitude, DECIMALS),
        round(point.latitude, DECIMALS),
        _word(where, "source", point.source),
        _text(where, "township", point.township),
        _text(where, "place", point.place),
        result,
        checked_by,
        checked_at,
        _text(where, "note", point.note),
    )


def _word(where: str, key: str, text: str) -> str:
    """The program's word for a Chinese or English one."""
    words = FIRE_SOURCES if key == "source" else FIRE_RESULTS
    found = words.get(text.strip(), text.strip())
    if found not in _FIELDS[key].allowed:
        raise RejectError(
            "bad_value", f"{where}.{key} {text[:40]!r}; expected one of {', '.join((*_FIELDS[key].allowed, *words))}"
        )
    return found


def _text(where: str, key: str, text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    if _CONTROL.search(text):
        raise RejectError("bad_value", f"{where}.{key} holds control characters; expected a text")
    return text.strip()
