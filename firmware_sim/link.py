"""One MQTT connection of one or many simulated devices."""

from __future__ import annotations

import queue
import ssl
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from domain.error import ServiceError
from firmware_sim.pump import Pump

SESSION_EXPIRY_S: Final = 3600
IN_FLIGHT: Final = 4000


class LinkError(ServiceError):
    """The broker refuses the connection or a message for a reason that trying again does not cure."""

    code = "link"
    retryable = False


@dataclass(frozen=True, slots=True)
class Account:
    """Where the broker is and who speaks; `ca_file` names the authority to check when the connection is encrypted."""

    host: str
    port: int
    username: str
    password: str
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the platform: to which device, on which stream."""

    device: str
    stream: str
    payload: bytes


def topic(county: str, protocol: str, device: str, stream: str) -> str:
    """Topic of one stream of one device; ``+`` may stand for any part."""
    return f"lt/v1/{county}/{protocol}/{device}/{stream}"


Inbox = queue.Queue[Received | None]


class Link:
    """A connection that comes back by itself; what arrives is queued for the thread that calls `received`.

    Parameters
    ----------
    account : Account
        Broker, user name and password.
    client_id : str
        Fixed identifier: the broker keeps answers for it while the connection is down.
    topics : sequence of str
        Subscriptions, made again after every connect.
    will : (topic, payload) or None
        Retained message the broker publishes when the connection breaks.
    keep_session : bool
        Whether the broker keeps the session for `SESSION_EXPIRY_S` after a disconnect.
    inbox : Queue or None
        Where what arrives is queued; several links may share one, its own otherwise.
    pump : Pump or None
        Drives the sockets of many links in one thread; a thread of its own otherwise.
    """

    def __init__(  # noqa: PLR0913 - keyword-only from the fourth on
        self,
        account: Account,
        client_id: str,
        topics: Sequence[str],
        *,
        will: tuple[str, bytes] | None = None,
        keep_session: bool = True,
        inbox: Inbox | None = None,
        pump: Pump | None = None,
    ) -> None:
        self.account = account
        self.failure: LinkError | None = None
        self._topics = tuple(topics)
        self._keep_session = keep_session
        self._queue: Inbox = queue.Queue() if inbox is None else inbox
        self._pump = pump
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name=client_id, daemon=True)
        # The broker's Receive Maximum is not paho's business; messages beyond it wait here.
        self._backlog: deque[tuple[str, bytes, bool]] = deque()
        self._limit = IN_FLIGHT
        self._handed = 0
        self._acknowledged = 0
        self._fresh = False
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        client.username_pw_set(account.username, account.password)
        if account.ca_file is not None:
            client.tls_set(ca_certs=str(account.ca_file), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        if will is not None:
            client.will_set(will[0], will[1], qos=1, retain=True)
        client.max_inflight_messages_set(0)
        client.reconnect_delay_set(1, 10)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        self._client = client

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        if self._keep_session:
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
        self._client.connect_async(
            self.account.host,
            self.account.port,
            keepalive=30,
            clean_start=not self._keep_session,
            properties=properties,
        )
        if self._pump is not None:
            self._pump.add(self._client)
        else:
            self._thread.start()

    def stop(self, farewell: Sequence[tuple[str, bytes]] = ()) -> None:
        """Publish the retained `farewell` messages when connected, and disconnect."""
        if self.ready:
            sent = [self._client.publish(where, what, qos=1, retain=True) for where, what in farewell]
            for message in sent:
                message.wait_for_publish(timeout=2.0)
        self._ready.clear()
        if self._pump is not None:
            self._pump.remove(self._client)
        self._client.disconnect()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    @property
    def ready(self) -> bool:
        """Whether the connection stands and the subscriptions are granted."""
        return self._ready.is_set()

    def wait_ready(self, timeout_s: float) -> bool:
        """Wait for `ready`; also ends on a failure."""
        return self._ready.wait(timeout_s) and self.failure is None

    def freshly_connected(self) -> bool:
        """True once after every (re)connect."""
        fresh, self._fresh = self._fresh and self.ready, self._fresh and not self.ready
        return fresh

    def publish(self, where: str, what: bytes, *, retain: bool = False) -> None:
        """Hand one message to the connection, QoS 1. Only the thread that calls `received` may do so."""
        self._backlog.append((where, what, retain))
        self._flush()

    def check(self) -> None:
        """Send on what waits for the broker.

        Raises
        ------
        LinkError
            As `received` does.
        """
        if self.failure is not None:
            raise self.failure
        self._flush()

    def received(self, timeout_s: float, most: int = 5000) -> list[Received]:
        """Messages that have arrived; waits up to `timeout_s` for the first.

        Raises
        ------
        LinkError
            When the broker has refused the account, a subscription or a message, or another client took the session.
        """
        self._flush()
        found = taken(self._queue, timeout_s, most)
        if self.failure is not None:
            raise self.failure
        self._flush()
        return found

    def _flush(self) -> None:
        while self._backlog and self._handed - self._acknowledged < self._limit:
            where, what, retain = self._backlog.popleft()
            self._client.publish(where, what, qos=1, retain=retain)
            self._handed += 1

    def _run(self) -> None:
        try:
            self._client.loop_forever(retry_first_connection=True)
        except Exception as error:
            # Whatever breaks this thread must not leave the agent waiting for ever.
            self._fail(f"the connection's thread stopped: {error!r}")
            raise

    def _fail(self, text: str) -> None:
        self.failure = LinkError(
            f"broker {self.account.host}:{self.account.port}, user {self.account.username}: {text}"
        )
        self._ready.set()
        self._queue.put(None)

    def _on_connect(
        self,
        client: mqtt.Client,
        _data: Any,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            if reason.getName() in {
                "Bad user name or password",
                "Not authorized",
                "Banned",
                "Client identifier not valid",
            }:
                self._fail(f"connection refused: {reason}; expected an account that the broker knows")
            return
        most = getattr(properties, "ReceiveMaximum", None)
        self._limit = min(IN_FLIGHT, int(most)) if most else IN_FLIGHT
        self._fresh = True
        if self._topics:
            client.subscribe([(name, SubscribeOptions(qos=1)) for name in self._topics])
        else:
            self._ready.set()

    def _on_subscribe(
        self, _client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        refused = [name for name, reason in zip(self._topics, reasons, strict=True) if reason.is_failure]
        if refused:
            self._fail(f"subscription to {', '.join(refused)} refused; expected an account that may read its answers")
        self._ready.set()
        self._queue.put(None)

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _data: Any,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._ready.clear()
        if reason.getName() == "Session taken over":
            self._fail("another client with the same identifier took the session; run one simulator only")

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        parts = message.topic.split("/")
        if len(parts) == 6:
            self._queue.put(Received(parts[4], parts[5], bytes(message.payload)))

    def _on_publish(
        self, _client: mqtt.Client, _data: Any, _mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._acknowledged += 1
        if self._backlog:
            self._queue.put(None)
        if reason.is_failure:
            self._fail(f"publishing refused: {reason}; expected an account that may write its devices' data")


def taken(inbox: Inbox, timeout_s: float, most: int = 5000) -> list[Received]:
    """What has arrived in `inbox`; waits up to `timeout_s` for the first."""
    found: list[Received] = []
    try:
        first = inbox.get(timeout=timeout_s)
        while True:
            if first is not None:
                found.append(first)
            if len(found) >= most:
                break
            first = inbox.get_nowait()
    except queue.Empty:
        pass
    return found
