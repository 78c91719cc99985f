"""Questions to a broker whose answers show how it is really set: who may enter, write what, how much it keeps."""

from __future__ import annotations

import queue
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from app.service.home import BrokerAddress
from domain.error import ServiceError

_TIMEOUT_S: Final = 10.0
_SILENCE_S: Final = 1.5
_Event = tuple[str, Any]


@contextmanager
def _client(
    address: BrokerAddress,
    *,
    password: str | None,
    name: str,
    expiry_s: int = 0,
    clean: bool = True,
) -> Iterator[tuple[mqtt.Client, queue.Queue[_Event]]]:
    """A client that has asked to connect, and its events: connected, subscribed, published, message."""
    events: queue.Queue[_Event] = queue.Queue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=True)
    if password is not None:
        client.username_pw_set(address.username, password)
    if address.tls is not None:
        client.tls_set(address.tls)
    client.on_connect = lambda _c, _d, _f, reason, _p: events.put(("connected", reason))
    client.on_subscribe = lambda _c, _d, _m, reasons, _p: events.put(("subscribed", reasons[0]))
    client.on_publish = lambda _c, _d, _m, reason, _p: events.put(("published", reason))
    client.on_message = lambda _c, _d, message: events.put(("message", message.topic))
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = expiry_s
    try:
        client.connect(address.host, address.port, clean_start=clean, properties=properties)
    except OSError as error:
        raise ServiceError(f"broker {address.host}:{address.port} cannot be reached: {error}") from error
    client.loop_start()
    try:
        yield client, events
    finally:
        client.disconnect()
        client.loop_stop()


def _next(events: queue.Queue[_Event], kind: str) -> Any:
    end = time.monotonic() + _TIMEOUT_S
    while (left := end - time.monotonic()) > 0:
        try:
            found, value = events.get(timeout=left)
        except queue.Empty:
            break
        if found == kind:
            return value
    raise ServiceError(f"the broker did not answer within {_TIMEOUT_S:.0f} s (waited for: {kind})")


def login_refusal(address: BrokerAddress, password: str | None) -> str | None:
    """Why the broker does not let an account in; None when it does.

    Parameters
    ----------
    address : BrokerAddress
        Broker and user name.
    password : str or None
        What to try; None tries without any credentials.

    Returns
    -------
    str or None
        The broker's reason.
    """
    with _client(address, password=password, name=f"lantian-login-{secrets.token_hex(4)}") as (_, events):
        reason: ReasonCode = _next(events, "connected")
    return str(reason) if reason.is_failure else None


def publish_refusal(address: BrokerAddress, topic: str) -> str | None:
    """Why an account may not publish on `topic`; None when it may (an empty message is sent)."""
    with _client(address, password=address.password, name=f"lantian-publish-{secrets.token_hex(4)}") as (
        client,
        events,
    ):
        entered: ReasonCode = _next(events, "connected")
        if entered.is_failure:
            return str(entered)
        client.publish(topic, b"", qos=1)
        reason: ReasonCode = _next(events, "published")
    return str(reason) if reason.is_failure else None


def kept_while_away(address: BrokerAddress, messages: int) -> int:
    """How many of `messages` the broker keeps for an absent client, and hands out without acknowledgement.

    Parameters
    ----------
    address : BrokerAddress
        An account that may read and write ``lt/v1/doctor/#``.
    messages : int
        How many to publish while the client is away.

    Returns
    -------
    int
        At most `messages`; what is missing was dropped or held back.
    """
    name = f"lantian-doctor-{secrets.token_hex(4)}"
    topic = f"lt/v1/doctor/{name}"
    with _client(address, password=address.password, name=name, expiry_s=300) as (client, events):
        _next(events, "connected")
        client.subscribe(topic, qos=1)
        _next(events, "subscribed")
    with _client(address, password=address.password, name=f"{name}-sender") as (client, events):
        _next(events, "connected")
        for _ in range(messages):
            client.publish(topic, b"x", qos=1)
        for _ in range(messages):
            _next(events, "published")
    with _client(address, password=address.password, name=name, clean=False) as (_, events):
        return _counted(events, messages)


def _counted(events: queue.Queue[_Event], wanted: int) -> int:
    end, count = time.monotonic() + _TIMEOUT_S, 0
    while count < wanted and time.monotonic() < end:
        try:
            kind, _ = events.get(timeout=_SILENCE_S)
        except queue.Empty:
            break
        count += kind == "message"
    return count
