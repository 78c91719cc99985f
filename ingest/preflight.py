"""A look at the broker before collecting: does it hand out a whole batch before anything is acknowledged?"""

from __future__ import annotations

import queue
import secrets
import time
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


def measured_window(broker: Broker, wanted: int, window: int) -> int:
    """Send messages to ourselves and count how many come without any acknowledgement.

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
    signals: queue.Queue[ReasonCode | None] = queue.Queue()
    name = f"lantian-preflight-{secrets.token_hex(4)}"
    topic = f"{ROOT}/preflight/{name}"
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=True)
    prepare(client, broker)

    def connected(_client: mqtt.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        signals.put(reason)

    def subscribed(_client: mqtt.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        signals.put(reasons[0])

    client.on_connect = connected
    client.on_subscribe = subscribed
    client.on_message = lambda *_: signals.put(None)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = window
    try:
        client.connect(broker.host, broker.port, clean_start=True, properties=properties)
    except OSError as error:
        raise ServiceError(f"broker {broker.host}:{broker.port} cannot be reached: {error}") from error
    client.loop_start()
    try:
        _expect(signals, f"connection as {broker.username!r}")
        client.subscribe(topic, qos=QOS)
        _expect(signals, f"subscription {topic!r}")
        taken = iter(range(wanted - 1, -1, -1))

        def published(*_: Any) -> None:
            if next(taken, None) == 0:
                client.subscribe(topic, qos=QOS)

        client.on_publish = published
        for _ in range(wanted):
            client.publish(topic, b"", qos=QOS)
        return _counted(signals, wanted)
    finally:
        client.disconnect()
        client.loop_stop()


def _expect(signals: queue.Queue[ReasonCode | None], what: str) -> None:
    try:
        reason = signals.get(timeout=_TIMEOUT_S)
    except queue.Empty:
        raise ServiceError(f"{what}: no answer from the broker within {_TIMEOUT_S:.0f} s") from None
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
