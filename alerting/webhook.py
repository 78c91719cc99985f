"""Signed webhooks: one POST per message, only to origins that the settings allow, never following a redirection."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import urlsplit

from alerting.http_post import posted
from alerting.message import Message
from alerting.secret import ChannelSecrets
from alerting.signature import signed
from domain.error import ConfigurationError, ServiceError

_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_ANSWER_SHOWN: Final = 200


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, in lower case; `ConfigurationError` for what is no http(s) address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"webhook address: {error}; expected https://host/path") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ConfigurationError("webhook address: expected https://host/path without a user name")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")


def parsed_origins(text: str) -> frozenset[str]:
    """Origins of a setting, separated by commas; plain http is allowed to this machine only."""
    found = [part.strip().lower().rstrip("/") for part in text.split(",") if part.strip()]
    for origin in found:
        if _ORIGIN.fullmatch(origin) is None:
            raise ConfigurationError(f"webhook origin {origin!r}: expected https://host or https://host:port")
        if origin.startswith("http:") and urlsplit(origin).hostname not in _LOOPBACK:
            raise ConfigurationError(f"webhook origin {origin!r}: expected https; http is for this machine only")
    return frozenset(origin_of(origin) for origin in found)


class Webhook:
    """Posts messages as JSON.

    Headers: ``Lantian-Key`` (the same in every repetition), ``Lantian-Attempt``, ``Lantian-Timestamp``,
    ``Lantian-Signature`` (`alerting.signature.signed`). Any answer 2xx means that the receiver has it.

    Parameters
    ----------
    origins : collection of str
        Origins that may be called.
    secrets : ChannelSecrets
        Keys that sign.
    time_s : callable
        Unix time.
    timeout_s : float
        Longest wait.
    """

    def __init__(
        self, origins: Collection[str], secrets: ChannelSecrets, *, time_s: Callable[[], float], timeout_s: float = 15
    ) -> None:
        self._origins = origins
        self._secrets = secrets
        self._time_s = time_s
        self._timeout_s = timeout_s

    def send(self, message: Message) -> None:
        """Post a message."""
        origin = origin_of(message.address)
        if origin not in self._origins:
            raise ConfigurationError(f"webhook to {origin}: not among alert_webhook_origins; expected an allowed one")
        key = self._secrets.webhook_keys.get(message.contact_id, self._secrets.webhook_key)
        if key is None:
            raise ConfigurationError(f"webhook of {message.contact_id}: found no key in alert_secrets_file")
        timestamp, content = int(self._time_s()), message.content
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "lantian",
            "Lantian-Key": message.key,
            "Lantian-Attempt": str(message.attempt),
            "Lantian-Timestamp": str(timestamp),
            "Lantian-Signature": signed(key.encode(), timestamp, content),
        }
        try:
            status, answer = posted(message.address, content, headers, self._timeout_s)
        except ServiceError as error:
            raise ServiceError(f"webhook to {origin}: {error}") from error
        if not 200 <= status < 300:
            said = " ".join(answer[:_ANSWER_SHOWN].split())
            raise ServiceError(f"webhook to {origin}: answered {status} {said}; expected 2xx")

    def close(self) -> None:
        """Nothing stays open between messages."""
