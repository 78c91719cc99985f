"""A look at the broker before collecting: does it hand out a whole batch before anything is acknowledged?"""

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

from domain.error import ConfigurationError, ServiceError
from ingest.link import Broker, prepare
from ingest.topic import QOS, ROOT

_TIMEOUT_S: Final = 10.0
#: For the messages themselves, on a machine that is busy.
_LONGEST_S: Final = 30.0
_SILENCE_S: Final = 1.0
#: Seconds for which the broker keeps what waits.
_KEPT_S: Final = 60


def measured_window(broker: Broker, wanted: int, window: int) -> int:
    """Send messages to ourselves and count how many come without any acknowledgement.

    First as they are published. Some brokers hand out nothing more while anything is under way, and all that waits
    afterwards: fewer than wanted are therefore counted again after they have waited for an absent client.

    Parameters
    ----------
    broker : Broker
        Where to connect; the account needs ``lt/v1/preflight/#``.
    wanted : int
        Messages to send; no more is measured.
    window : int
        What the collector will ask for when it connects.

    Returns
    -------
    int
        At most `wanted`.

    Raises
    ------
    ServiceError
        When the broker cannot be reached or does not answer.
    ConfigurationError
        When it refuses the account or the subscription.
    """
    name = f"lantian-preflight-{secrets.token_hex(4)}"
    topic = f"{ROOT}/preflight/{name}"
    with _client(broker, name, window) as (client, signals):
        _subscribe(client, signals, topic)
        _publish(client, topic, wanted)
        found = _counted(signals, wanted)
    return found if found == wanted else max(found, _waiting_window(broker, wanted, window))


def _waiting_window(broker: Broker, wanted: int, window: int) -> int:
    """The same of messages that waited for a client that was away."""
    name = f"lantian-preflight-{secrets.token_hex(4)}"
    topic = f"{ROOT}/preflight/{name}"
    with _client(broker, name, window, expiry_s=_KEPT_S) as (client, signals):
        _subscribe(client, signals, topic)
    with _client(broker, f"{name}-source", window) as (client, signals):
        last_word = f"{topic}/source"
        _subscribe(client, signals, last_word)
        _publish(client, topic, wanted, last_word)
        _expect(signals, "acknowledgements of what was published", _LONGEST_S)
    with _client(broker, name, window, expiry_s=_KEPT_S, clean=False) as (client, signals):
        client.subscribe(topic, qos=QOS)
        found = _counted(signals, wanted)
    with _client(broker, name, window):
        # A clean start ends the session and what it keeps.
        return found


@contextmanager
def _client(
    broker: Broker, name: str, window: int, *, expiry_s: int = 0, clean: bool = True
) -> Iterator[tuple[mqtt.Client, queue.Queue[ReasonCode | None]]]:
    """A client that was let in, and what comes: a reason for each subscription, None for each message."""
    signals: queue.Queue[ReasonCode | None] = queue.Queue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=True)
    prepare(client, broker)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: signals.put(reason)
    client.on_subscribe = lambda _client, _data, _mid, reasons, _properties: signals.put(reasons[0])
    client.on_message = lambda *_: signals.put(None)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = window
    properties.SessionExpiryInterval = expiry_s
    try:
        client.connect(broker.host, broker.port, clean_start=clean, properties=properties)
    except OSError as error:
        raise ServiceError(f"broker {broker.host}:{broker.port} cannot be reached: {error}") from error
    client.loop_start()
    try:
        _expect(signals, f"connection as {broker.username!r}")
        yield client, signals
    finally:
        client.disconnect()
        client.loop_stop()


def _subscribe(client: mqtt.Client, signals: queue.Queue[ReasonCode | None], topic: str) -> None:
    client.subscribe(topic, qos=QOS)
    _expect(signals, f"subscription {topic!r}")


def _publish(client: mqtt.Client, topic: str, count: int, asked: str | None = None) -> None:
    """Publish; once the broker has taken every message, subscribe to `topic` (or `asked`) again for a last word."""
    taken = iter(range(count - 1, -1, -1))

    def published(*_: Any) -> None:
        if next(taken, None) == 0:
            client.subscribe(asked or topic, qos=QOS)

    client.on_publish = published
    for _ in range(count):
        client.publish(topic, b"", qos=QOS)


def _expect(signals: queue.Queue[ReasonCode | None], what: str, timeout_s: float = _TIMEOUT_S) -> None:
    try:
        reason = signals.get(timeout=timeout_s)
    except queue.Empty:
        raise ServiceError(f"{what}: no answer from the broker within {timeout_s:.0f} s") from None
    if reason is not None and reason.is_failure:
        raise ConfigurationError(f"{what}: the broker answers {reason}")


def _counted(signals: queue.Queue[ReasonCode | None], wanted: int) -> int:
    """Messages that arrive until all are there, or nothing comes for a while after the broker's last word.

    The last word answers what was asked once the broker had taken every message: a slow machine is no small window.
    """
    deadline = time.monotonic() + _LONGEST_S
    count, patience_s = 0, _TIMEOUT_S
    while count < wanted and time.monotonic() < deadline:
        try:
            last_word = signals.get(timeout=patience_s)
        except queue.Empty:
            break
        if last_word is None:
            count += 1
        else:
            patience_s = _SILENCE_S
    return count


def check_broker(broker: Broker, batch_size: int, window: int) -> None:
    """`ConfigurationError` when the broker stops handing out messages before a batch is full."""
    found = measured_window(broker, batch_size + 1, window)
    if found <= batch_size:
        raise ConfigurationError(
            f"broker {broker.host}:{broker.port} hands out {found} unacknowledged messages and then waits; expected "
            f"more than the batch of {batch_size}: set `max_inflight_messages 0` and a large `max_queued_messages`"
        )
