"""What channels need and nobody may see: keys of webhooks, the mail account, addresses of group robots and gateways."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from domain.error import ConfigurationError

_LEAST_KEY: Final = 16
_MAIL: Final = {"host": str, "port": int, "security": str, "username": str, "password": str, "sender": str}
_SECURITIES: Final = ("starttls", "tls", "none")


@dataclass(frozen=True, slots=True)
class MailAccount:
    """How mail is sent; `security` is ``starttls``, ``tls`` from the first byte, or ``none`` (loopback only)."""

    host: str
    port: int
    sender: str
    security: str = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelSecrets:
    """Everything in the file of secrets.

    Attributes
    ----------
    webhook_key : str or None
        Signs webhooks to contacts without a key of their own.
    webhook_keys : mapping of str to str
        Contact -> its key.
    mail : MailAccount or None
        The account that sends mail.
    gateways : mapping of str to str
        Name -> address in apprise's form, which usually holds a token; of an SMS gateway with ``{to}``.
    """

    webhook_key: str | None = field(default=None, repr=False)
    webhook_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    mail: MailAccount | None = None
    gateways: Mapping[str, str] = field(default_factory=dict, repr=False)


def parse_secrets(table: Mapping[str, Any]) -> ChannelSecrets:
    """The secrets of a TOML table; `ConfigurationError` names what is wrong, never a value."""
    unknown = set(table) - {"webhook", "mail", "gateway"}
    if unknown:
        raise ConfigurationError(f"alert_secrets_file: found {sorted(unknown)}, expected webhook, mail, gateway")
    webhook = _texts(table, "webhook", nested="keys")
    keys = {name: _key(f"webhook.keys.{name}", key) for name, key in _texts(table.get("webhook", {}), "keys").items()}
    key = _key("webhook.key", webhook["key"]) if "key" in webhook else None
    mail = _mail(table["mail"]) if "mail" in table else None
    return ChannelSecrets(key, keys, mail, _texts(table, "gateway"))


def _texts(table: Mapping[str, Any], name: str, nested: str = "") -> dict[str, str]:
    found = table.get(name, {})
    if not isinstance(found, dict) or not all(isinstance(value, str) for key, value in found.items() if key != nested):
        raise ConfigurationError(f"alert_secrets_file: {name}: expected lines of name = text")
    return {key: value for key, value in found.items() if key != nested}


def _key(name: str, key: str) -> str:
    if len(key) < _LEAST_KEY:
        raise ConfigurationError(f"alert_secrets_file: {name}: found {len(key)} letters, expected {_LEAST_KEY} or more")
    return key


def _mail(table: Any) -> MailAccount:
    if not isinstance(table, dict) or not {"host", "port", "sender"} <= set(table) <= {*_MAIL, "ca_file"}:
        raise ConfigurationError("alert_secrets_file: mail: expected host, port, sender; security, username, password")
    for name, value in table.items():
        if not isinstance(value, _MAIL.get(name, str)):
            raise ConfigurationError(f"alert_secrets_file: mail.{name}: expected {_MAIL.get(name, str).__name__}")
    account = MailAccount(**table)
    if account.security not in _SECURITIES:
        raise ConfigurationError(f"alert_secrets_file: mail.security: expected one of {', '.join(_SECURITIES)}")
    if account.security == "none" and account.host not in ("127.0.0.1", "localhost", "::1"):
        raise ConfigurationError("alert_secrets_file: mail.security: none is for a server on this machine only")
    return account


_PART: Final = re.compile(r"[A-Za-z0-9_\-.~+]{6,}")


def redacted(text: str, secrets: str) -> str:
    """`text` without anything of `secrets` (such as an address with a token) that is six letters or longer."""
    for part in sorted(set(_PART.findall(secrets)), key=len, reverse=True):
        text = text.replace(part, "***")
    return text
