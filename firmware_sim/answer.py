"""Which message an answer of the platform belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_sim.frame_hj212 import answered_request, request_moment
from firmware_sim.frame_json import parse_answer
from firmware_sim.link import Received


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform's word on one message: its number (None when the platform could not read it) and the outcome.

    `outcome` is ``stored``, ``duplicate``, ``revised`` or ``rejected``; an HJ 212 answer only tells ``answered``.
    """

    number: int | None
    device: str
    outcome: str
    reason: str = ""
    detail: str = ""


def receipt(message: Received) -> Receipt:
    """Receipt in a message of the reply or the error stream.

    Parameters
    ----------
    message : Received
        A message as it arrived.

    Raises
    ------
    AnswerError
        When the bytes are no answer of `docs/wire.md`.
    """
    if message.stream == "reply" and message.payload.startswith(b"##"):
        return Receipt(request_moment(answered_request(message.payload)), message.device, "answered")
    answer = parse_answer(message.payload)
    number = answer.seq if answer.qn is None else request_moment(answer.qn)
    return Receipt(number, message.device, answer.outcome, answer.reason, answer.detail)
