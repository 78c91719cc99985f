"""The table of protocols: how each decodes, answers, and refers to a message that it could not decode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypedDict

from domain.error import RejectError
from ingest.wire.gb17691_reading import decode_gb17691, serial_number
from ingest.wire.hj212 import decode_frame, encode_answer, request_number
from ingest.wire.hj212_reading import decode_hj212
from ingest.wire.json_frame import decode_json, encode_reply, sequence_number
from ingest.wire.reading import Decoded, Source
from ingest.wire.straw_fire import decode_straw_fire


class Reference(TypedDict, total=False):
    """What names a message in the answer on topic ``error``."""

    seq: int | None
    qn: str | None


@dataclass(frozen=True, slots=True)
class Codec:
    """One protocol.

    Attributes
    ----------
    decode : callable
        Bytes and their source -> rows; raises `RejectError`.
    answer : callable
        Decoded message and its outcome -> bytes for topic ``reply``, None when no answer is due.
    reference : callable
        Bytes, possibly broken -> what the device knows the message by.
    release : callable
        Bytes of a message that will never be taken -> the protocol's own acknowledgement for whoever cannot read the
        answer on topic ``error``; None in protocols that have none and for bytes that ask for none.
    """

    decode: Callable[[bytes, Source], Decoded]
    answer: Callable[[Decoded, str], bytes | None]
    reference: Callable[[bytes], Reference]
    release: Callable[[bytes], bytes | None] = lambda _payload: None


def _json_answer(decoded: Decoded, outcome: str) -> bytes | None:
    return encode_reply(decoded.seq, outcome) if decoded.wants_reply else None


def _hj212_answer(decoded: Decoded, _outcome: str) -> bytes | None:
    return decoded.answer


def _hj212_release(payload: bytes) -> bytes | None:
    try:
        return encode_answer(decode_frame(payload))
    except RejectError:
        return None


def _refuse_data(_payload: bytes, source: Source) -> Decoded:
    raise RejectError(
        "unsupported_command", f"{source.device_id} is registered with link alone; expected no data of it"
    )


#: Protocol segment of a topic -> codec. A new protocol is a module and a row here.
CODECS: Final = MappingProxyType(
    {
        "json": Codec(decode_json, _json_answer, lambda payload: {"seq": sequence_number(payload)}),
        "hj212": Codec(decode_hj212, _hj212_answer, lambda payload: {"qn": request_number(payload)}, _hj212_release),
        "straw_fire": Codec(decode_straw_fire, _json_answer, lambda payload: {"seq": sequence_number(payload)}),
        "link": Codec(_refuse_data, _json_answer, lambda payload: {"seq": sequence_number(payload)}),
        "gb17691": Codec(decode_gb17691, _json_answer, lambda payload: {"seq": serial_number(payload)}),
    }
)
