"""The alerting room's connection to the broker: notices out, answers in."""

from __future__ import annotations

import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from alerting.message import Message
from domain.error import ConfigurationError, ServiceError

QOS: Final = 1
KEEPALIVE_S: Final = 30
_NOBODY: Final = 0x10
_BRANCH: Final = "lt/v1/{area}/enterprise/{enterprise}/{stream}"


@dataclass(frozen=True, slots=True)
class Broker:
    """Address and account of a broker; `ca_file` switches TLS on."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    ca_file: Path | None = None


def topic(area: str, enterprise: str, stream: str) -> str:
    """Topic of an enterprise: ``notice``, ``ack`` or ``reply``."""
    return _BRANCH.format(area=area, enterprise=enterprise, stream=stream)


def prepared_client(broker: Broker, client_id: str, *, manual_ack: bool = False) -> mqtt.Client:
    """A client with account and trust, not connected yet."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5, manual_ack=manual_ack
    )  # fmt: skip
    client.username_pw_set(broker.username, broker.password)
    if broker.ca_file is not None:
        client.tls_set(ca_certs=str(broker.ca_file), tls_version=ssl.PROTOCOL_TLS_CLIENT)
    client.reconnect_delay_set(min_delay=1, max_delay=30)
    return client


def connect_in_background(client: mqtt.Client, broker: Broker, *, keep_session_s: int = 0) -> None:
    """Connect and keep reconnecting in a thread of the client's own.

    Parameters
    ----------
    client : paho client
        Prepared.
    broker : Broker
        Where.
    keep_session_s : int
        How long the broker keeps what arrives while the client is away, 0 = not at all.
    """
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = keep_session_s
    client.connect_async(
        broker.host, broker.port, keepalive=KEEPALIVE_S, clean_start=not keep_session_s, properties=properties
    )
    client.loop_start()


class MqttChannel:
    """Publishes notices on the enterprises' branch; done when the broker has taken one for somebody.

    Parameters
    ----------
    broker : Broker
        Where, with the account ``notifier``.
    client_id : str
        Of this sender.
    timeout_s : float
        Longest wait for connection and answer.
    """

    def __init__(self, broker: Broker, client_id: str, *, timeout_s: float = 10) -> None:
        self._where = f"broker {broker.host}:{broker.port}"
        self._timeout_s = timeout_s
        self._connected = threading.Event()
        self._answers: dict[int, int] = {}
        self._answered = threading.Condition()
        self._client = prepared_client(broker, client_id)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = lambda *_: self._connected.clear()
        self._client.on_publish = self._on_publish
        connect_in_background(self._client, broker)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not reason.is_failure:
            self._connected.set()

    def _on_publish(self, _client: Any, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        with self._answered:
            self._answers[mid] = reason.value
            self._answered.notify_all()

    def send(self, message: Message) -> None:
        """Publish a message; a broker that has nobody to give it to is a failure, so that it is tried again."""
        if message.area_id is None or message.enterprise_id is None:
            raise ConfigurationError(f"notice of contact {message.contact_id} by MQTT: expected one to an enterprise")
        if not self._connected.wait(self._timeout_s):
            raise ServiceError(f"{self._where}: no connection within {self._timeout_s:g} s")
        reason = self._publish(topic(message.area_id, message.address, "notice"), message.content)
        if reason == _NOBODY:
            raise ServiceError(f"{self._where}: enterprise {message.address} has no session; nobody listens")
        if reason >= 0x80:
            raise ServiceError(f"{self._where}: refused the notice with reason 0x{reason:02x}")

    def _publish(self, where: str, content: bytes) -> int:
        self._answers.clear()
        mid = self._client.publish(where, content, qos=QOS).mid
        with self._answered:
            if not self._answered.wait_for(lambda: mid in self._answers, self._timeout_s):
                raise ServiceError(f"{self._where}: no answer within {self._timeout_s:g} s")
            return self._answers.pop(mid)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()
