"""One message to a device, sent by a command and confirmed by the broker."""

from __future__ import annotations

import secrets
from typing import Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from domain.error import ServiceError
from ingest.link import Broker, prepare
from ingest.topic import QOS

PATIENCE_S: Final = 10.0


def send(broker: Broker, topic: str, payload: bytes) -> None:
    """Publish one message and wait until the broker has it.

    Parameters
    ----------
    broker : Broker
        Where, with an account that may write `topic`.
    topic : str
        For instance a device's ``cmd``.
    payload : bytes
        The message.

    Raises
    ------
    ServiceError
        When the broker cannot be reached, refuses the account, or does not confirm within ten seconds.
    """
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"lantian-send-{secrets.token_hex(4)}")
    prepare(client, broker)
    where = f"broker {broker.host}:{broker.port}"
    try:
        client.connect(broker.host, broker.port)
    except OSError as error:
        raise ServiceError(f"{where} cannot be reached: {error}") from error
    client.loop_start()
    try:
        sent = client.publish(topic, payload, qos=QOS)
        sent.wait_for_publish(PATIENCE_S)
        if not sent.is_published():
            raise ServiceError(f"{where} has not confirmed a message for {topic} within {PATIENCE_S:.0f} s")
    except (RuntimeError, ValueError) as error:
        raise ServiceError(f"{where} does not take a message for {topic}: {error}") from error
    finally:
        client.disconnect()
        client.loop_stop()
