"""Who sent a frame: what its head says, which device that is, whether its password is right, where it is published."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from domain.error import RejectError
from ingest.gateway.stream import Piece
from ingest.topic import ROOT
from store.gateway import PROTOCOL, Logger

#: Protocol segment of topics that carry bytes the gateway refuses; what follows the dot is the reason.
REFUSED: Final = "gateway."
#: Reasons that the gateway gives itself; all others are the collector's.
_DETAILS: Final = {
    "malformed": "bytes on TCP that are no frame of a registered device; expected '##' to the checksum, and its MN",
    "unknown_device": "MN is missing or cannot be a device id; expected a registered one",
    "identity_mismatch": "MN or PW of the frame on TCP is not the one registered for {device}",
}
REFUSALS: Final = tuple(_DETAILS)
#: Device segment where no equipment number can be told.
NOBODY: Final = "unknown"
_ROUNDS: Final = 1000
_NAMED: Final = ("qn", "cn", "pw", "mn", "flag")
_HEAD_BYTES: Final = 1024
_SEGMENT: Final = re.compile("[A-Za-z0-9_.-]{1,64}")
_REQUEST: Final = re.compile(rb"QN=([^;&]{0,64})[;&]")


class Head(NamedTuple):
    """Header fields of a frame as sent, empty where they are missing."""

    qn: str = ""
    cn: str = ""
    pw: str = ""
    mn: str = ""
    flag: str = ""

    @property
    def wants_answer(self) -> bool:
        """Whether the platform answers it: bit A of the flag, on data, notifications and heartbeats."""
        asked = self.flag.isascii() and self.flag.isdigit() and len(self.flag) <= 3 and int(self.flag) & 1
        return bool(asked) and (self.cn[:1] in ("1", "2", "3") or self.cn == "9015")


class Route(NamedTuple):
    """Where a piece is published.

    Attributes
    ----------
    branch : str
        Topic without its stream.
    head : Head
        What the piece says.
    device_id : str or None
        The registered device that the frame is taken for; None when it is broken, strange or refused.
    """

    branch: str
    head: Head
    device_id: str | None


def read_head(content: bytes) -> Head:
    """Header fields of a frame, in any order and case, as far as they can be read."""
    end = content.find(b"CP=", 0, _HEAD_BYTES)
    start = 6 if content.startswith(b"##") else 0
    found: dict[str, str] = {}
    for item in content[start : _HEAD_BYTES if end < 0 else end].split(b";"):
        name, _, value = item.partition(b"=")
        key = name.strip().lower().decode("ascii", "replace")
        if key in _NAMED:
            found[key] = value.strip().decode("utf-8", "replace")
    return Head(**found)


def answered_request(payload: bytes) -> str:
    """The ``QN`` that an answer frame names, empty when it names none."""
    found = _REQUEST.search(payload[:200])
    return found[1].strip().decode("ascii", "replace") if found else ""


def password_digest(password: str) -> str:
    """What is kept of a password: salted PBKDF2-HMAC-SHA256, so that a reader of the registry does not learn it."""
    salt = secrets.token_hex(8)
    return f"pbkdf2${_ROUNDS}${salt}${_digest(password, salt, _ROUNDS)}"


def _digest(password: str, salt: str, rounds: int) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode("utf-8", "replace"), salt.encode("ascii"), rounds).hex()


@lru_cache(maxsize=16384)
def is_password(stored: str, password: str) -> bool:
    """Whether `password` is the one whose digest is `stored`; remembered, for every frame shows it."""
    kind, rounds, salt, digest = stored.split("$")
    return kind == "pbkdf2" and hmac.compare_digest(digest, _digest(password, salt, int(rounds)))


def check_refused(protocol: str, device: str) -> None:
    """Reject what the gateway has refused, for its reason, which the protocol segment of the topic names.

    Parameters
    ----------
    protocol, device : str
        Segments of the topic; of any other message nothing is said.
    """
    if not protocol.startswith(REFUSED):
        return
    reason = protocol.removeprefix(REFUSED)
    detail = _DETAILS.get(reason)
    if detail is None:
        raise RejectError("unknown_protocol", f"protocol {protocol!r}; expected {REFUSED}<reason> from the gateway")
    raise RejectError(reason, detail.format(device=device))


class AddressBook:
    """The loggers there are, and the branch of each.

    Parameters
    ----------
    county : str
        Area whose branch takes what no registered device sent.
    """

    def __init__(self, county: str) -> None:
        self._county = county
        self._loggers: Mapping[str, Logger] = {}
        self._ids: frozenset[str] = frozenset()
        self._mns: dict[str, str] = {}
        #: Whether a number came that nobody has: the registry should be read again.
        self.surprised = False

    def take(self, loggers: Mapping[str, Logger], ids: frozenset[str]) -> None:
        """Know these from now on."""
        self._loggers, self._ids, self.surprised = loggers, ids, False

    def route(self, piece: Piece) -> Route:
        """Where a piece goes.

        Parameters
        ----------
        piece : Piece
            Of a logger's stream.

        Returns
        -------
        Route
            A device's own branch when number and password are right, broken or not: the collector says what is wrong.
            A stranger's number is its branch, so that it can be approved. Everything else goes where the collector
            rejects it with the reason in the topic.
        """
        head = read_head(piece.content)
        logger = self._loggers.get(head.mn)
        if logger is not None:
            if logger.access_password is not None and not is_password(logger.access_password, head.pw[:64]):
                return self._refused("identity_mismatch", logger.device_id, head, logger.area_id)
            branch = f"{ROOT}/{logger.area_id}/{PROTOCOL}/{logger.device_id}"
            return Route(branch, head, logger.device_id if piece.good else None)
        if not piece.good:
            return self._refused("malformed", NOBODY, head, self._county)
        self.surprised = True
        if head.mn in self._ids:
            return self._refused("identity_mismatch", head.mn, head, self._county)
        if _SEGMENT.fullmatch(head.mn):
            return Route(f"{ROOT}/{self._county}/{PROTOCOL}/{head.mn}", head, None)
        return self._refused("unknown_device", NOBODY, head, self._county)

    def _refused(self, reason: str, name: str, head: Head, county: str) -> Route:
        return Route(f"{ROOT}/{county}/{REFUSED}{reason}/{name}", head, None)
