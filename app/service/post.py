"""What sends notices, as the settings say: secrets from their file, channels, links that answer."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import os
import random
import secrets
import socket
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from alerting.answer import AnswerAgent
from alerting.channel import Channel
from alerting.dispatcher import Post
from alerting.link import Broker, MqttChannel
from alerting.mail import Mail
from alerting.message import LinkOf, no_link
from alerting.robot import Robot, Sms
from alerting.secret import ChannelSecrets, parse_secrets
from alerting.signature import ANSWER, Ticket, signed_ticket
from alerting.webhook import Webhook, parsed_origins
from app.service.account import check_mode
from app.service.address import broker_for, database_url
from app.settings import Settings
from domain.alert import channel_policies
from domain.error import ConfigurationError
from store.connection import Connection, connect
from store.delivery import Item

ACCOUNT: Final = "notifier"
#: Path of the console's page that takes an answer; the ticket follows.
ANSWER_PATH: Final = "/answer/"
#: How long after its deadline a notice may still be answered by its link.
_LINK_LIFE: Final = dt.timedelta(days=7)


def channel_secrets(settings: Settings) -> ChannelSecrets:
    """What channels need; nothing without `alert_secrets_file`."""
    path = settings.alert_secrets_file
    if path is None:
        return ChannelSecrets()
    try:
        check_mode(path)
        return parse_secrets(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(f"alert_secrets_file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"alert_secrets_file {path}: no TOML in UTF-8") from error


def link_key(home: Path) -> bytes:
    """The key that signs links of this installation, in a file of mode 600; made when there is none."""
    path = home / "link.key"
    with suppress(FileExistsError), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(secrets.token_hex(32).encode())
    check_mode(path)
    key = path.read_bytes()
    if len(key) < 32:
        raise ConfigurationError(f"{path}: found {len(key)} bytes, expected 64; remove it to have a new one made")
    return key


def link_maker(settings: Settings) -> LinkOf:
    """Makes links that answer notices; none without `console_public_url`."""
    if settings.console_public_url is None:
        return no_link
    key, base = link_key(settings.home), settings.console_public_url.rstrip("/")

    def link_of(item: Item, contact_id: str) -> str | None:
        if item.enterprise_id is None or item.respond_by is None:
            return None
        ticket = Ticket(ANSWER, item.notice_id, contact_id, item.respond_by + _LINK_LIFE)
        return f"{base}{ANSWER_PATH}{signed_ticket(key, ticket)}"

    return link_of


def notifier_broker(settings: Settings) -> Broker:
    """The broker for notices and answers."""
    where = broker_for(settings, ACCOUNT)
    return Broker(where.host, where.port, where.username, where.password, Path(where.tls) if where.tls else None)


def opener(settings: Settings, name: str) -> Callable[[], Connection]:
    """Opens connections of the jobs' role in autocommit mode."""
    url = database_url(settings, "lantian_app")
    return lambda: connect(url, autocommit=True, application_name=name)


def post(settings: Settings) -> Post:
    """What lanes of a dispatcher work with."""
    known, policies = channel_secrets(settings), channel_policies()
    origins = parsed_origins(settings.alert_webhook_origins or "")
    broker = notifier_broker(settings)

    def mqtt() -> Channel:
        return MqttChannel(broker, f"lantian-notifier-{secrets.token_hex(8)}", timeout_s=policies["mqtt"].timeout_s)

    channels: dict[str, Callable[[], Channel]] = {
        "mqtt": mqtt,
        "webhook": lambda: Webhook(origins, known, time_s=time.time, timeout_s=policies["webhook"].timeout_s),
        "mail": lambda: Mail(known.mail, timeout_s=policies["mail"].timeout_s),
        "robot": lambda: Robot(known, time_s=time.time, timeout_s=policies["robot"].timeout_s),
        "sms": lambda: Sms(known, time_s=time.time, timeout_s=policies["sms"].timeout_s),
    }
    return Post(opener(settings, "lantian dispatch"), channels, policies, _now, random.random, link_maker(settings))


def answer_agent(settings: Settings) -> AnswerAgent:
    """The agent that hears answers; its session has the same secret name in every process."""
    broker = notifier_broker(settings)
    tail = hmac.new(broker.password.encode(), b"lantian-answers", hashlib.sha256).hexdigest()[:24]
    return AnswerAgent(broker, f"lantian-answers-{tail}", opener(settings, "lantian answers"), _now)


def worker_name() -> str:
    """A name that no other running process has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
