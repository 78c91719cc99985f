"""What the platform answers: on ``reply`` that a message is safe, on ``error`` why it was rejected."""

from __future__ import annotations

from contextlib import suppress

from domain.error import HOPELESS, RejectError
from domain.period import ZONE
from ingest.topic import answer_topic, parse_topic
from ingest.wire.codec import CODECS, Reference
from ingest.wire.json_frame import encode_error
from ingest.wire.reading import Decoded
from store.batch import Message, Rejection


def outcome_answer(message: Message, decoded: Decoded, outcome: str) -> tuple[str, bytes] | None:
    """Topic and bytes of the answer that an accepted message asked for; None when it asked for none."""
    answer = CODECS[parse_topic(message.topic).protocol].answer(decoded, outcome)
    return None if answer is None else (answer_topic(message.topic, "reply"), answer)


def rejection_answer(message: Message, refused: Rejection | None) -> tuple[str, bytes]:
    """Topic and bytes of the answer to a rejected message (docs/wire.md section 4.4).

    Parameters
    ----------
    message : Message
        The message; its own rejection counts when the database has none.
    refused : Rejection or None
        What the database said.

    Returns
    -------
    tuple of (str, bytes)
        The message is named in its protocol's own way as far as it can be read.
    """
    rejection = refused or message.rejection or Rejection("database_refused", "the database refused this message")
    error = RejectError(rejection.reason, rejection.detail)
    reference: Reference = {}
    release: bytes | None = None
    with suppress(RejectError):
        codec = CODECS.get(parse_topic(message.topic).protocol)
        reference = codec.reference(message.payload) if codec else {}
        release = codec.release(message.payload) if codec and error.reason in HOPELESS else None
    answer = encode_error(error, message.received_at.astimezone(ZONE), release=release, **reference)
    return answer_topic(message.topic, "error"), answer
