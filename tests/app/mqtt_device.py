"""A device at the broker, as tests need it: connects, publishes, subscribes, and tells what became of it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties

from app.service.address import BrokerAddress

WAIT_S = 5.0


def wait_for(condition: Callable[[], bool], timeout_s: float = WAIT_S) -> bool:
    """Whether `condition` becomes true in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def handshake_refusal(address: BrokerAddress, ca: Path, name: str = "localhost") -> str | None:
    """Why a client that trusts `ca` and looks for `name` breaks the TLS handshake off; None when it does not."""
    context = ssl.create_default_context(cafile=str(ca))
    with socket.create_connection((address.host, address.port), timeout=WAIT_S) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=name):
                return None
        except ssl.SSLError as error:
            return str(error)


class Client:
    """One connection; `refused` holds why the broker or TLS said no."""

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str = "",
        ca: Path | None = None,
        pair: tuple[Path, Path] | None = None,
        keep: bool = False,
    ) -> None:
        self.connected = threading.Event()
        self.ended = threading.Event()
        self.refused: str | None = None
        self.session_present = False
        self.messages: list[tuple[str, bytes]] = []
        self.granted: list[int] = []
        self.published: list[int] = []
        self._subscribed, self._acknowledged = threading.Event(), threading.Event()
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        if address.username:
            self.client.username_pw_set(address.username, address.password or None)
        if ca is not None:
            certfile, keyfile = pair or (None, None)
            self.client.tls_set(
                str(ca), certfile and str(certfile), keyfile and str(keyfile), tls_version=ssl.PROTOCOL_TLS_CLIENT
            )
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = lambda *_: self.ended.set()
        self.client.on_message = lambda _c, _d, message: self.messages.append((message.topic, message.payload))
        self.client.on_subscribe = self._on_subscribe
        self.client.on_publish = self._on_publish
        properties = Properties(1)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 600 if keep else 0
        try:
            self.client.connect(address.host, address.port, clean_start=not keep, properties=properties)
        except (OSError, ssl.SSLError) as error:
            self.refused = str(error)
            return
        self.client.loop_start()
        wait_for(lambda: self.connected.is_set() or self.ended.is_set())
        if not self.connected.is_set():
            self.refused = self.refused or "connection closed"

    def _on_connect(self, _client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.refused = str(reason)
        else:
            self.session_present = flags.session_present
            self.connected.set()

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        self.granted = [reason.value for reason in reasons]
        self._subscribed.set()

    def _on_publish(self, _client: Any, _data: Any, _mid: int, reason: Any, _properties: Any) -> None:
        self.published.append(reason.value)
        self._acknowledged.set()

    def subscribe(self, *topics: str) -> list[int]:
        """Reason codes of the subscriptions."""
        self._subscribed.clear()
        self.client.subscribe([(topic, 1) for topic in topics])
        self._subscribed.wait(WAIT_S)
        return self.granted

    def publish(self, topic: str, payload: bytes = b"x") -> int:
        """Reason code of a publication with QoS 1; 0 or 16 (nobody listens) is a success, -1 no answer."""
        self._acknowledged.clear()
        before = len(self.published)
        self.client.publish(topic, payload, qos=1)
        self._acknowledged.wait(WAIT_S)
        return self.published[-1] if len(self.published) > before else -1

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()
