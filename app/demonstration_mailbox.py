"""Mailboxes of the demonstration's enterprises: the broker keeps their notices as for a program that is away."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from alerting.link import Broker, prepared_client, topic
from app.service.access import local_access
from app.service.account import enterprise_account
from app.settings import Settings
from domain.error import ServiceError

#: How long the broker keeps notices that nobody fetches.
KEEP_S: Final = 30 * 86400
_WAIT_S: Final = 10.0


def open_mailboxes(settings: Settings, area_id: str, enterprises: list[str], now: dt.datetime) -> list[str]:
    """Give each enterprise an account and a subscription to its notices; those that have an account keep it as it is.

    Parameters
    ----------
    settings : Settings
        Where the broker is; nothing is done at one that is not ours.
    area_id : str
        Area of the topics.
    enterprises : list of str
        Whose.
    now : datetime
        The moment.

    Returns
    -------
    list of str
        Enterprises that have a mailbox, made now or before.
    """
    if not settings.broker_is_local:
        return []
    access = local_access(settings)
    for enterprise in enterprises:
        account = enterprise_account(enterprise)
        if access.read(account).account is None:
            address = access.create(account, now)
            broker = Broker(address.host, address.port, address.username, address.password)
            _subscribe(broker, f"mailbox-{enterprise}", topic(area_id, enterprise, "notice"))
    return enterprises


def _subscribe(broker: Broker, client_id: str, where: str) -> None:
    """Leave a lasting subscription at the broker."""
    done = threading.Event()
    client = prepared_client(broker, client_id)

    def subscribe(client: mqtt.Client, *_: Any) -> None:
        client.subscribe(where, qos=1)

    def granted(*_: Any) -> None:
        done.set()

    client.on_connect, client.on_subscribe = subscribe, granted
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = KEEP_S
    client.connect_async(broker.host, broker.port, clean_start=False, properties=properties)
    client.loop_start()
    try:
        if not done.wait(_WAIT_S):
            raise ServiceError(f"{client_id}: the broker granted no subscription to {where} within {_WAIT_S:.0f} s")
    finally:
        client.disconnect()
        client.loop_stop()
