"""The collector's link to the broker: what arrives waits unacknowledged in a bounded queue until the database has it.

MQTT 5 with a persistent session, QoS 1 and manual acknowledgement: docs/decisions/0002-mqtt-5-persistent-session.md.
The callbacks only put and note; everything that may fail or wait happens in the thread that calls `take`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import logging
import queue
import re
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from domain.error import ConfigurationError, LantianError, ServiceError
from ingest.subscriber import Arrival, BulkClient
from ingest.topic import QOS

_log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 30
MAX_RECONNECT_S: Final = 30
MAX_WINDOW: Final = 65535
_POLL_S: Final = 0.2
_FAREWELL_S: Final = 5.0
#: MQTT 5 reason codes of CONNACK that no waiting mends: protocol, client id, credentials, authorization, banned.
_STANDING: Final = frozenset({0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C})
_SEND_RETAINED_ONCE: Final = 1
#: What stands before the topics of a shared subscription.
_SHARED: Final = re.compile(r"^\$share/[^/]+/")


@dataclass(frozen=True, slots=True)
class Broker:
    """Address and account of a broker; `ca_file` switches TLS on."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """How to listen.

    Attributes
    ----------
    client_id : str
        Fixed: the broker keeps what arrives while the collector is away under this name, made secret by
        `secret_client_id`.
    topics : sequence of str
        Topic filters.
    window : int
        Messages that may be unacknowledged at once; more than one batch, or batches never fill.
    expiry_s : int
        How long the broker keeps the session of an absent collector, in seconds.
    former : sequence of str
        Topic filters of an earlier way of listening, which the broker still keeps; they are given up.
    leaving : bool
        Subscribe to nothing, take what waits, and end the session when stopped.
    """

    client_id: str
    topics: Sequence[str]
    window: int = 2000
    expiry_s: int = 30 * 86400
    former: Sequence[str] = ()
    leaving: bool = False


def secret_client_id(name: str, broker: Broker) -> str:
    """A client id that only who has the account's password can know.

    A broker hands a session to whoever names it, with any account: by a plain name every device could end the
    collector's connection, or receive nothing in its place. The id changes with the password, and with it the session.

    Parameters
    ----------
    name : str
        Plain name; it stands in front.
    broker : Broker
        Broker and account; without a password the plain name is the id.
    """
    if broker.password is None:
        return name
    digest = hmac.new(broker.password.encode(), f"client id {name}".encode(), hashlib.sha256)
    return f"{name}-{digest.hexdigest()[:32]}"


def prepare(client: mqtt.Client, broker: Broker) -> None:
    """Give a client the account and the trust it needs for a broker."""
    if broker.username is not None:
        client.username_pw_set(broker.username, broker.password)
    if broker.ca_file is not None:
        client.tls_set(ca_certs=str(broker.ca_file), tls_version=ssl.PROTOCOL_TLS_CLIENT)


class Link:
    """A running connection to the broker.

    Parameters
    ----------
    broker : Broker
        Where to connect.
    session : Session
        How to listen.
    now : callable
        The clock that stamps arrivals; aware moments.
    """

    def __init__(self, broker: Broker, session: Session, now: Callable[[], dt.datetime]) -> None:
        if not 1 <= session.window <= MAX_WINDOW:
            raise ConfigurationError(f"window of {session.window} messages; expected 1 to {MAX_WINDOW}")
        self._broker = broker
        self._session = session
        self._now = now
        #: Set while the broker has confirmed the subscriptions: from then on nothing published is missed.
        self.listening = threading.Event()
        # No SimpleQueue: a signal in the last moment of its timeout makes it wait for ever (CPython 3.11).
        self._arrived: queue.Queue[list[Arrival]] = queue.Queue()
        self._rest: list[Arrival] = []
        self._came = 0
        self._taken = 0
        self._connection = 0
        #: Messages of earlier connections come again: the broker has kept the session.
        self._repeated_before = 0
        self._fault: LantianError | None = None
        self._last_answer: mqtt.MQTTMessageInfo | None = None
        self._client = self._make_client()

    def _make_client(self) -> BulkClient:
        client = BulkClient(
            self._arrive,
            self._stamp,
            CallbackAPIVersion.VERSION2,
            client_id=secret_client_id(self._session.client_id, self._broker),
            protocol=mqtt.MQTTv5,
            manual_ack=True,
        )
        prepare(client, self._broker)
        # All answers of a batch leave before its acknowledgements do; a queue of them would die with this process. The
        # broker hands out no more than a window without acknowledgements, so no more answers than that are on the way.
        client.max_inflight_messages_set(0)
        client.reconnect_delay_set(min_delay=1, max_delay=MAX_RECONNECT_S)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        return client

    @property
    def connections(self) -> int:
        """How often the broker has let this link in."""
        return self._connection

    @property
    def window(self) -> int:
        """Messages that may be unacknowledged at once."""
        return self._session.window

    def start(self) -> None:
        """Connect in the background and keep reconnecting; the first messages may arrive at once."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session.expiry_s
        properties.ReceiveMaximum = self._session.window
        self._client.connect_async(
            self._broker.host, self._broker.port, keepalive=KEEPALIVE_S, clean_start=False, properties=properties
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Send what is on its way and disconnect; the broker keeps the session."""
        if self._last_answer is not None and self._client.is_connected():
            with suppress(RuntimeError, ValueError):  # paho's way to say that it was queued while offline
                self._last_answer.wait_for_publish(_FAREWELL_S)
        if self._session.leaving:
            properties = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
            self._client.disconnect(properties=properties)
        else:
            self._client.disconnect()
        self._client.loop_stop()

    def take(self, size: int, age_s: float, *, most: int | None = None) -> list[Arrival]:
        """Next batch: `size` messages, or what came within `age_s` seconds of the first one.

        Parameters
        ----------
        size : int
            Messages that close a batch.
        age_s : float
            Longest wait for them, in seconds.
        most : int, optional
            Largest batch, when more than `size` wait already; `size` unless given.

        Returns
        -------
        list of Arrival
            Empty after a short wait without messages.

        Raises
        ------
        LantianError
            When the link cannot go on: refused by the broker, network thread ended, queue overrun.
        """
        self._check()
        most = max(size, most or size)
        batch, self._rest = self._rest, []
        if not batch:
            try:
                batch = self._arrived.get(timeout=_POLL_S)
            except queue.Empty:
                return []
        deadline = time.monotonic() + age_s
        with suppress(queue.Empty):
            while len(batch) < most:
                wait_s = 0.0 if len(batch) >= size else max(0.0, deadline - time.monotonic())
                batch += self._arrived.get(timeout=wait_s)
        self._rest = batch[most:]
        batch = batch[:most]
        self._taken += len(batch)
        if batch[0].connection < self._repeated_before:
            batch = [arrival for arrival in batch if arrival.connection >= self._repeated_before]
        return batch

    def acknowledge(self, arrivals: Sequence[Arrival]) -> int:
        """Tell the broker that these are safe; those of an earlier connection come again and are left out.

        Parameters
        ----------
        arrivals : sequence of Arrival
            Messages whose batch is committed.

        Returns
        -------
        int
            How many were acknowledged.
        """
        client, connection = self._client, self._connection
        if not client.is_connected():
            return 0
        current = [arrival.mid for arrival in arrivals if arrival.connection == connection and arrival.mid]
        client.acknowledge(current)
        return len(current)

    def hears(self, topic: str) -> bool:
        """Whether messages of `topic` come over this link."""
        wanted = (_SHARED.sub("", each) for each in self._session.topics)
        return any(mqtt.topic_matches_sub(each, topic) for each in wanted)

    def publish(self, topic: str, payload: bytes) -> None:
        """Queue an answer for the broker, QoS 1, not retained; it survives reconnects of this process."""
        self._last_answer = self._client.publish(topic, payload, qos=QOS)

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._client.ended.is_set():
            raise ServiceError("the network thread of the MQTT client has ended; expected it to run until stopped")

    # Callbacks: in the network thread, never waiting.

    def _connected(
        self,
        client: mqtt.Client,
        _data: Any,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            text = f"broker {self._broker.host}:{self._broker.port} refuses {self._session.client_id}: {reason}"
            _log.error(text)
            if reason.value in _STANDING:
                self._fault = ConfigurationError(text)
            return
        allowed = getattr(properties, "ReceiveMaximum", MAX_WINDOW)
        if allowed < self._session.window:
            self._fault = ConfigurationError(
                f"broker takes {allowed} unanswered messages from us; expected at least {self._session.window}: "
                "set `max_inflight_messages 0`"
            )
            return
        self._connection += 1
        if flags.session_present:
            self._repeated_before = self._connection
        granted = getattr(properties, "SessionExpiryInterval", self._session.expiry_s)
        if granted < self._session.expiry_s:
            _log.warning("broker keeps the session for %s s only, asked for %s s", granted, self._session.expiry_s)
        former = [*self._session.former, *(self._session.topics if self._session.leaving else ())]
        if former:
            client.unsubscribe(former)
        if self._session.leaving:
            self._listen()
            return
        options = SubscribeOptions(qos=QOS, retainHandling=_SEND_RETAINED_ONCE)
        client.subscribe([(topic, options) for topic in self._session.topics])

    def _subscribed(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        for topic, reason in zip(self._session.topics, reasons, strict=True):
            if reason.value != QOS:
                self._fault = ConfigurationError(
                    f"subscription {topic!r} answered {reason}; expected granted QoS {QOS}"
                )
                return
        self._listen()

    def _listen(self) -> None:
        self.listening.set()
        line = {"event": "listening", "session": self._session.client_id, "topics": list(self._session.topics)}
        _log.info(msgspec.json.encode(line).decode())

    def _disconnected(
        self,
        _client: mqtt.Client,
        _data: Any,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.listening.clear()
        if reason.is_failure:
            _log.warning("connection to the broker lost: %s", reason)

    def _received(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        """A message that somebody sent at QoS 0: nothing to acknowledge."""
        self._arrive([Arrival(message.topic, bytes(message.payload), self._now(), message.mid, self._connection)])

    def _arrive(self, arrivals: list[Arrival]) -> None:
        if self._came - self._taken > 2 * self._session.window:
            self._fault = ServiceError(
                f"more than {2 * self._session.window} messages wait; expected the window to hold"
            )
            return
        self._came += len(arrivals)
        self._arrived.put(arrivals)

    def _stamp(self) -> tuple[dt.datetime, int]:
        return self._now(), self._connection
