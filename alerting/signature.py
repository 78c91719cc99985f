"""Signatures: of webhooks, so that receivers know who called; of links, so that an answer needs no account.

A link holds for one purpose, one notice and one contact, until a moment; whoever changes a letter of it has no link.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Final

from domain.error import LantianError

#: Purpose of a link that answers a notice.
ANSWER: Final = "answer"
_VERSION: Final = "v1"


class SignatureError(LantianError):
    """A signature or a link does not hold: changed, expired, or made for something else."""

    code = "signature"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link allows: one purpose, for one notice and contact, until a moment."""

    purpose: str
    notice_id: int
    contact_id: str
    expires_at: dt.datetime


def signed(key: bytes, timestamp: int, content: bytes) -> str:
    """Signature of a webhook: ``v1=`` and the HMAC-SHA256 of ``<timestamp>.<content>`` in hexadecimal.

    Parameters
    ----------
    key : bytes
        Known to both sides.
    timestamp : int
        Unix time of sending, in seconds.
    content : bytes
        The body as sent.
    """
    digest = hmac.new(key, f"{timestamp}.".encode() + content, hashlib.sha256).hexdigest()
    return f"{_VERSION}={digest}"


def is_signed(key: bytes, timestamp: int, content: bytes, *, signature: str) -> bool:
    """Whether `signature` is that of `content` at `timestamp`; compared in constant time."""
    return hmac.compare_digest(signed(key, timestamp, content).encode(), signature.encode())


def _coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _mac(key: bytes, claims: str) -> bytes:
    return hmac.new(key, f"lantian-link.{claims}".encode(), hashlib.sha256).digest()


def signed_ticket(key: bytes, ticket: Ticket) -> str:
    """The ticket as one word of a link.

    Parameters
    ----------
    key : bytes
        Of this installation, at least 16 bytes.
    ticket : Ticket
        What the link allows.

    Returns
    -------
    str
        Letters, digits, ``-``, ``_`` and one ``.``.
    """
    expires = int(ticket.expires_at.timestamp())
    claims = _coded(json.dumps([ticket.purpose, ticket.notice_id, ticket.contact_id, expires]).encode())
    return f"{claims}.{_coded(_mac(key, claims))}"


def parse_ticket(key: bytes, word: str, *, purpose: str, now: dt.datetime) -> Ticket:
    """The ticket in a link.

    Parameters
    ----------
    key : bytes
        Of this installation.
    word : str
        As the link has it.
    purpose : str
        What it is to be used for.
    now : datetime
        The moment.

    Returns
    -------
    Ticket
        Genuine, for this purpose and not expired; otherwise `SignatureError`.
    """
    try:
        claims, mac = word.split(".")
        genuine = hmac.compare_digest(_mac(key, claims), _decoded(mac))
        what, notice, contact, expires = json.loads(_decoded(claims)) if genuine else ("", 0, "", 0)
    except (ValueError, binascii.Error, UnicodeError) as error:
        raise SignatureError("the link is not one of ours; expected it as it was sent") from error
    if not genuine:
        raise SignatureError("the link is not one of ours; expected it as it was sent")
    if what != purpose:
        raise SignatureError(f"the link is for {what!r}, expected one for {purpose!r}")
    ends = dt.datetime.fromtimestamp(expires, dt.UTC)
    if now >= ends:
        raise SignatureError(f"the link has expired on {ends.isoformat()}; ask for a new one")
    return Ticket(what, notice, contact, ends)
