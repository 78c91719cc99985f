"""The agent that hears enterprises answer by MQTT: stored, then replied to, then acknowledged to the broker.

A crash before the last step brings the same answer again; its key makes it a repetition.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, Final

import msgspec
import paho.mqtt.client as mqtt

from alerting.link import QOS, Broker, connect_in_background, prepared_client, topic
from domain.error import ConfigurationError, LantianError, ServiceError
from store.acknowledgement import Answer, hold_answers, record_answer
from store.connection import Connection
from store.error import translated

logger = logging.getLogger(__name__)
#: Topics on which enterprises answer.
FILTER: Final = "lt/v1/+/enterprise/+/ack"
_KEEP_S: Final = 30 * 86400
_POLL_S: Final = 0.2
_RETRY_S: Final = 2.0
_LONGEST: Final = 2000


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    """What an enterprise sends."""

    notice_id: int
    by: str
    key: str | None = None
    measures: list[str] = []
    effective_at: dt.datetime | None = None
    comment: str | None = None


def parse_answer(content: bytes) -> tuple[int, Answer]:
    """Notice and answer in a message of an enterprise; `ConfigurationError` says what is wrong with it."""
    try:
        said = msgspec.json.decode(content, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"answer: {error}; expected JSON with notice_id, by, measures, effective_at"
        ) from error
    texts = [said.by, said.key or "", said.comment or "", *said.measures]
    if not said.by.strip() or any("\x00" in text or len(text) > _LONGEST for text in texts) or len(texts) > 500:
        raise ConfigurationError(f"answer: expected a name in by, and texts of at most {_LONGEST} letters")
    if said.effective_at is not None and said.effective_at.tzinfo is None:
        raise ConfigurationError("answer: effective_at: expected a moment with its offset from UTC")
    if not 0 < said.notice_id < 2**63:
        raise ConfigurationError("answer: notice_id: expected the number of a notice")
    key = said.key or hashlib.sha256(content).hexdigest()
    return said.notice_id, Answer(said.by, "mqtt", key, tuple(said.measures), said.effective_at, said.comment)


class AnswerAgent:
    """Listens for answers as long as it holds the office: of several processes one does, another follows it.

    Parameters
    ----------
    broker : Broker
        Where, with the account ``notifier``.
    client_id : str
        Name of the persistent session, secret and always the same.
    open_connection : callable
        Connects to the database, role lantian_app, autocommit.
    clock : callable
        The aware present moment.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        open_connection: Callable[[], Connection],
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._open_connection = open_connection
        self._clock = clock

    def run(self, stop: threading.Event) -> None:
        """Work until stopped."""
        while not stop.is_set():
            try:
                with translated("store answers"), self._open_connection() as conn:
                    while not hold_answers(conn):
                        if stop.wait(_RETRY_S):
                            return
                    self._listen(conn, stop)
            except ServiceError as error:
                logger.warning(json.dumps({"event": "answers_retry", "error": str(error)}, ensure_ascii=False))
                stop.wait(_RETRY_S)

    def _listen(self, conn: Connection, stop: threading.Event) -> None:
        arrived: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        client = prepared_client(self._broker, self._client_id, manual_ack=True)
        client.on_connect = _subscribe
        client.on_message = lambda _client, _data, message: arrived.put(message)
        connect_in_background(client, self._broker, keep_session_s=_KEEP_S)
        try:
            while not stop.is_set():
                try:
                    message = arrived.get(timeout=_POLL_S)
                except queue.Empty:
                    continue
                self._take(conn, client, message)
        finally:
            client.disconnect()
            client.loop_stop()

    def _take(self, conn: Connection, client: mqtt.Client, message: mqtt.MQTTMessage) -> None:
        _, _, area, _, enterprise, _ = message.topic.split("/")
        reply = self._stored(conn, enterprise, bytes(message.payload))
        content = json.dumps(reply, ensure_ascii=False).encode()
        client.publish(topic(area, enterprise, "reply"), content, qos=QOS)
        client.ack(message.mid, message.qos)
        logger.info(json.dumps({"event": "answer", "enterprise": enterprise, **reply}, ensure_ascii=False))

    def _stored(self, conn: Connection, enterprise: str, content: bytes) -> dict[str, Any]:
        try:
            notice_id, answer = parse_answer(content)
            with conn.transaction():
                new = record_answer(conn, notice_id, answer, now=self._clock(), enterprise_id=enterprise)
        except ServiceError:
            raise
        except LantianError as error:
            return {"result": "refused", "error": str(error)}
        return {"notice_id": notice_id, "key": answer.request_key, "result": "stored" if new else "repeated"}


def _subscribe(client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
    if reason.is_failure:
        logger.error(json.dumps({"event": "answers_refused", "error": f"the broker refuses the account: {reason}"}))
        return
    client.subscribe(FILTER, qos=QOS)
