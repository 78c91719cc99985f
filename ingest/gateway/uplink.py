"""The gateway's connection to the broker: paho's thread on one side, the event loop on the other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from domain.error import ConfigurationError
from ingest.link import KEEPALIVE_S, MAX_RECONNECT_S, MAX_WINDOW, Broker, prepare, secret_client_id
from ingest.topic import QOS, ROOT
from store.gateway import PROTOCOL

_log = logging.getLogger(__name__)
#: What the platform says to loggers, and the link states there are.
SUBSCRIPTIONS: Final = tuple(f"{ROOT}/+/{PROTOCOL}/+/{stream}" for stream in ("reply", "error", "cmd", "state"))
#: Answers given while the broker cannot be reached are kept so long; a logger repeats its frame anyway.
_SESSION_S: Final = 600
_STANDING: Final = frozenset({0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C})
_NOBODY_LISTENS: Final = 0x10


@dataclass(frozen=True, slots=True)
class Listener:
    """What the event loop does with news from the broker.

    Attributes
    ----------
    connected : callable
        The broker has confirmed the subscriptions; it takes so many messages at once.
    lost : callable
        The connection is gone.
    taken : callable
        Message ``mid`` is the broker's now; whether anybody listens.
    heard : callable
        Topic and payload of a message.
    fault : callable
        Something no waiting mends.
    """

    connected: Callable[[int], None]
    lost: Callable[[], None]
    taken: Callable[[int, bool], None]
    heard: Callable[[str, bytes], None]
    fault: Callable[[ConfigurationError], None]


class Uplink:
    """A client of the broker whose callbacks run in the event loop.

    Parameters
    ----------
    broker : Broker
        Where, and as whom.
    client_id : str
        Plain name of the session.
    listener : Listener
        Called in the event loop, in order.
    """

    def __init__(self, broker: Broker, client_id: str, listener: Listener) -> None:
        self._listener = listener
        self._name = f"{client_id} at {broker.host}:{broker.port}"
        self._broker = broker
        self._news: deque[Callable[[], None]] = deque()
        self._told = False
        self._window = MAX_WINDOW
        self._loop: asyncio.AbstractEventLoop | None = None
        secret = secret_client_id(client_id, broker)
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=secret, protocol=mqtt.MQTTv5)
        prepare(client, broker)
        client.max_inflight_messages_set(0)
        client.reconnect_delay_set(min_delay=1, max_delay=MAX_RECONNECT_S)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_publish = self._published
        client.on_message = lambda _client, _data, message: self._tell(
            lambda: listener.heard(message.topic, bytes(message.payload))
        )

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Connect in the background and keep reconnecting."""
        self._loop = loop
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = _SESSION_S
        self._client.connect_async(
            self._broker.host, self._broker.port, keepalive=KEEPALIVE_S, clean_start=True, properties=properties
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; what the broker has not taken is left to the loggers, which were not answered."""
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> int:
        """Hand a message over, QoS 1; returns the number under which the broker will confirm it."""
        return self._client.publish(topic, payload, qos=QOS).mid

    def retain(self, topic: str, payload: bytes) -> int:
        """The same, and the broker keeps the message for whoever asks later."""
        return self._client.publish(topic, payload, qos=QOS, retain=True).mid

    # In paho's thread: note, never wait.

    def _tell(self, news: Callable[[], None]) -> None:
        self._news.append(news)
        if not self._told and self._loop is not None:
            self._told = True
            self._loop.call_soon_threadsafe(self._pass_on)

    def _pass_on(self) -> None:
        self._told = False
        while self._news:
            self._news.popleft()()

    def _connected(
        self, client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            text = f"broker refuses {self._name}: {reason}"
            _log.error(text)
            if reason.value in _STANDING:
                self._fault(text)
            return
        self._window = getattr(properties, "ReceiveMaximum", MAX_WINDOW)
        client.subscribe([(topic, QOS) for topic in SUBSCRIPTIONS])

    def _subscribed(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: Sequence[ReasonCode], _properties: Any
    ) -> None:
        if any(reason.value != QOS for reason in reasons):
            self._fault(f"subscriptions of {self._name} answered {[str(reason) for reason in reasons]}; expected QoS 1")
            return
        window = self._window
        self._tell(lambda: self._listener.connected(window))

    def _disconnected(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _props: Any) -> None:
        if reason.is_failure:
            _log.warning("connection of %s lost: %s", self._name, reason)
        self._tell(self._listener.lost)

    def _published(self, _client: mqtt.Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        if reason.value in _STANDING:
            self._fault(f"broker refuses messages of {self._name}: {reason}; see docs/gateway.md")
            return
        heard = reason.value != _NOBODY_LISTENS and not reason.is_failure
        self._tell(lambda: self._listener.taken(mid, heard))

    def _fault(self, text: str) -> None:
        error = ConfigurationError(text)
        self._tell(lambda: self._listener.fault(error))
