"""Topics of the wire (docs/wire.md section 1): ``lt/v1/{county}/{protocol}/{device}/{stream}``."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from domain.error import RejectError

ROOT: Final = "lt/v1"
QOS: Final = 1
_SEGMENT: Final = "[A-Za-z0-9_.-]{1,64}"
_TOPIC: Final = re.compile(f"{ROOT}/({_SEGMENT})/({_SEGMENT})/({_SEGMENT})/(data|state)")


class Topic(NamedTuple):
    """Where a message came from."""

    county: str
    protocol: str
    device_id: str
    stream: str


@lru_cache(maxsize=65536)
def parse_topic(text: str) -> Topic:
    """Take a topic apart; `RejectError` ``unknown_topic`` when it is none of ours."""
    found = _TOPIC.fullmatch(text)
    if found is None:
        expected = f"{ROOT}/<county>/<protocol>/<device>/data or .../state"
        raise RejectError("unknown_topic", f"topic {text[:200]!r}; expected {expected}")
    return Topic(*found.groups())


def answer_topic(text: str, stream: str) -> str:
    """The topic of an answer: the same branch, another stream (``reply`` or ``error``)."""
    return f"{text.rpartition('/')[0]}/{stream}"


def subscriptions(county: str = "+", share: str | None = None) -> tuple[str, ...]:
    """What a collector of one county listens to, ``+`` for all; with `share`, as one of a group that divides it."""
    prefix = "" if share is None else f"$share/{share}/"
    return tuple(f"{prefix}{ROOT}/{county}/+/+/{stream}" for stream in ("data", "state"))
