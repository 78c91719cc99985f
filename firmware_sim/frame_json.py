"""The devices' own JSON encoder and the reading of answers (docs/wire.md)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.period import ZONE
from firmware_sim.frame_hj212 import AnswerError

VERSION: Final = 1
#: Readings a device puts into one message; the platform takes up to 1000.
READINGS_PER_MESSAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: Unix second its span starts, seconds covered, value per column (None = missing), marks if any."""

    start_s: int
    span_s: int
    values: Mapping[str, float | None]
    marks: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The platform's answer: the message's `seq` or `qn` (both None when it could not be read), outcome and reason."""

    seq: int | None
    qn: str | None
    outcome: str
    reason: str = ""
    detail: str = ""


def time_stamp(moment_s: float) -> str:
    """ISO 8601 text with the local offset of a Unix time; fractions are kept to milliseconds when there are any."""
    moment = dt.datetime.fromtimestamp(moment_s, ZONE)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


def data_message(sequence: int, readings: Sequence[Reading]) -> bytes:
    """Payload of the data stream: one reading in short form, several as a list; an answer is wanted."""
    head: dict[str, object] = {"v": VERSION, "seq": sequence, "ack": True}
    bodies: list[dict[str, object]] = []
    for one in readings:
        body: dict[str, object] = {"ts": time_stamp(one.start_s), "span": one.span_s, "values": dict(one.values)}
        bodies.append(body if one.marks is None else body | {"marks": dict(one.marks)})
    return _text(head | bodies[0] if len(bodies) == 1 else {**head, "readings": bodies})


def state_message(online: bool, moment_s: float) -> bytes:
    """Payload of the retained state stream."""
    return _text({"v": VERSION, "state": "online" if online else "offline", "ts": time_stamp(moment_s)})


def parse_answer(payload: bytes) -> Answer:
    """Answer in a message of the reply or the error stream.

    Parameters
    ----------
    payload : bytes
        A message in JSON.

    Raises
    ------
    AnswerError
        When it is not a JSON object with an outcome or a reason.
    """
    try:
        fields = json.loads(payload)
    except ValueError as error:
        raise AnswerError(f"found {payload[:60]!r}, expected JSON: {error}") from error
    if not isinstance(fields, dict) or not ("outcome" in fields or "reason" in fields):
        raise AnswerError(f"found {payload[:60]!r}, expected an object with outcome or reason")
    seq, qn = fields.get("seq"), fields.get("qn")
    if not isinstance(seq, int | None) or not isinstance(qn, str | None):
        raise AnswerError(f"found seq {seq!r}, qn {qn!r}; expected a number or null, a text or null")
    if "reason" in fields:
        return Answer(seq, qn, "rejected", str(fields["reason"]), str(fields.get("detail", "")))
    return Answer(seq, qn, str(fields["outcome"]))


def _text(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
