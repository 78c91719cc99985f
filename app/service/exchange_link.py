"""The exchange's connection to the broker: ours out, neighbours' in (topics ``lt/v1/{county}/exchange/data``)."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import logging
import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import paho.mqtt.client as mqtt

from alerting.link import QOS, Broker, connect_in_background, prepared_client
from app.exchange import changed, export_exchange, import_exchange
from domain.error import LantianError, ServiceError
from domain.exchange import Exchange, encode_json
from store.connection import Connection
from store.error import translated

FILTER: Final = "lt/v1/+/exchange/data"
#: Hours that are sent again when they change; what is older goes by file.
SPAN: Final = dt.timedelta(hours=48)
#: Rows of one message, far below the broker's largest packet.
ROWS: Final = 2000
#: Seconds that the broker keeps what arrives while nobody listens.
_KEEP_S: Final = 7 * 86400
_POLL_S: Final = 0.2
logger = logging.getLogger(__name__)


def topic(county: str) -> str:
    """Where a county publishes."""
    return f"lt/v1/{county}/exchange/data"


def messages(exchange: Exchange) -> list[bytes]:
    """A document in parts that fit into messages; none for one without rows."""
    hours, warnings = exchange.hours, exchange.warnings
    parts = [Exchange(exchange.county, hours[at : at + ROWS]) for at in range(0, len(hours), ROWS)]
    parts += [Exchange(exchange.county, (), warnings[at : at + ROWS]) for at in range(0, len(warnings), ROWS)]
    return [encode_json(part) for part in parts]


class ExchangeAgent:
    """Stores what neighbours publish and publishes what has changed here.

    Parameters
    ----------
    broker : Broker
        Where, with the account ``exchange``.
    county : str
        Ours.
    open_connection : callable
        A connection as role lantian_app in a transaction of its own.
    clock : callable
        The aware present moment.
    every_s : float
        Seconds between two looks for what has changed here.
    """

    def __init__(
        self,
        broker: Broker,
        county: str,
        open_connection: Callable[[], AbstractContextManager[Connection]],
        clock: Callable[[], dt.datetime],
        every_s: float = 300,
    ) -> None:
        self._broker = broker
        self._county = county
        self._open_connection = open_connection
        self._clock = clock
        self._every_s = every_s
        self._sent: Exchange | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until stopped; a database that is away ends it, and the broker keeps what was not acknowledged."""
        arrived: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        tail = hmac.new(self._broker.password.encode(), b"lantian-exchange", hashlib.sha256).hexdigest()[:24]
        client = prepared_client(self._broker, f"lantian-exchange-{tail}", manual_ack=True)
        connected = threading.Event()

        def subscribe(client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if reason.is_failure:
                logger.error(json.dumps({"event": "exchange_refused", "error": str(reason)}))
                return
            client.subscribe(FILTER, qos=QOS)
            connected.set()

        client.on_connect = subscribe
        client.on_disconnect = lambda *_: connected.clear()
        client.on_message = lambda _client, _data, message: arrived.put(message)
        connect_in_background(client, self._broker, keep_session_s=_KEEP_S)
        due = self._clock()
        try:
            while not stop.is_set():
                if connected.is_set() and self._clock() >= due:
                    self._publish(client)
                    due = self._clock() + dt.timedelta(seconds=self._every_s)
                try:
                    message = arrived.get(timeout=_POLL_S)
                except queue.Empty:
                    continue
                self._take(message)
                client.ack(message.mid, message.qos)
        finally:
            client.disconnect()
            client.loop_stop()

    def _publish(self, client: mqtt.Client) -> None:
        now = self._clock()
        end = now.replace(minute=0, second=0, microsecond=0)
        with translated("export for neighbours"), self._open_connection() as conn:
            ours = export_exchange(conn, self._county, end - SPAN, end)
        parts = messages(changed(self._sent, ours))
        for part in parts:
            client.publish(topic(self._county), part, qos=QOS)
        self._sent = ours
        if parts:
            logger.info(json.dumps({"event": "exchange_published", "messages": len(parts)}))

    def _take(self, message: mqtt.MQTTMessage) -> None:
        county = message.topic.split("/")[2]
        if county == self._county:
            return
        try:
            with translated("store a neighbour's data"), self._open_connection() as conn:
                receipt = import_exchange(conn, bytes(message.payload), message.topic, self._clock(), expected=county)
        except ServiceError:
            raise
        except LantianError as error:
            logger.warning(json.dumps({"event": "exchange_rejected", "county": county, "error": str(error)}))
            return
        logger.info(json.dumps({"event": "exchange", "county": county, "received": receipt.received,
                                "stored": receipt.stored, "duplicate": receipt.duplicate, "revised": receipt.revised,
                                "rejected": receipt.rejected}))  # fmt: skip
