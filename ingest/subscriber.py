"""paho's client, receiving and acknowledging in bulk: docs/decisions/0006-receive-and-acknowledge-in-bulk.md.

paho asks the operating system for one byte, then one more, then the rest of every packet, and writes every
acknowledgement alone. Here a read takes what is there, and the messages in it, which are nearly all that a collector
receives, are taken apart at once; every other packet goes paho's own way.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes

#: Bytes asked for at once.
READ_BYTES: Final = 1 << 18
_PUBLISH_QOS1: Final = PacketTypes.PUBLISH << 4 | 0b0010
#: Bits of a PUBLISH that do not matter here: repeated delivery, retained.
_INDIFFERENT: Final = 0b1001
_PUBACK: Final = PacketTypes.PUBACK << 4
_MAX_LENGTH_BYTES: Final = 4
_MAX_TOPICS: Final = 65_536


class Arrival(NamedTuple):
    """One message as received and not yet acknowledged; `connection` counts connections of this process."""

    topic: str
    payload: bytes
    received_at: dt.datetime
    mid: int
    connection: int


class MalformedStreamError(Exception):
    """Bytes that are no MQTT packets."""


class PacketReader:
    """Bytes of an MQTT 5 connection taken apart; what is not complete waits for the next bytes."""

    def __init__(self) -> None:
        self._data = b""
        self._at = 0
        self._topics: dict[bytes, str] = {}

    def take(self, data: bytes, stamp: tuple[dt.datetime, int]) -> tuple[list[Arrival], tuple[int, int, bytes] | None]:
        """Packets up to and including the first that is no message of QoS 1.

        Parameters
        ----------
        data : bytes
            What was read; empty to go on with what waits.
        stamp : (datetime, int)
            Time of receipt and number of the connection.

        Returns
        -------
        arrivals : list of Arrival
            Messages of QoS 1, in order.
        other : (int, int, bytes) or None
            The packet after them: first byte, length, content; call again for what follows it. None when all that has
            come is taken.
        """
        if data:
            self._data, self._at = self._data[self._at :] + data, 0
        data, at = self._data, self._at
        found: list[Arrival] = []
        other = None
        end = len(data)
        while at + 2 <= end:
            head, length, body = data[at], data[at + 1], at + 2
            if length > 127:
                length, body = _number(data, at + 1)
            stop = body + length
            if body < 0 or stop > end:
                break
            at = stop
            if head & ~_INDIFFERENT != _PUBLISH_QOS1:
                other = head, length, data[body:stop]
                break
            found.append(self._arrival(data, body, stop, stamp))
        self._at = at
        return found, other

    def _arrival(self, data: bytes, body: int, stop: int, stamp: tuple[dt.datetime, int]) -> Arrival:
        after = body + 2 + (data[body] << 8 | data[body + 1])
        name = data[body + 2 : after]
        topic = self._topics.get(name)
        if topic is None:
            topic = name.decode("utf-8", "replace")
            if len(self._topics) < _MAX_TOPICS:
                self._topics[name] = topic
        size = data[after + 2]
        content = after + 3 + size
        if size > 127:
            size, begin = _number(data, after + 2)
            content = begin + size
        if content > stop:
            raise MalformedStreamError(f"message of {stop - body} bytes with properties beyond its end")
        return Arrival(topic, data[content:stop], stamp[0], data[after] << 8 | data[after + 1], stamp[1])


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to four bytes and the place after it; place -1 while it is not complete."""
    value = 0
    for count in range(_MAX_LENGTH_BYTES):
        if at + count >= len(data):
            return 0, -1
        byte = data[at + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 128:
            return value, at + count + 1
    raise MalformedStreamError("a length of more than four bytes")


class BulkClient(mqtt.Client):
    """paho's client for many messages of QoS 1 with manual acknowledgement.

    Parameters
    ----------
    on_arrivals : callable
        Takes the messages of one read, in the network thread.
    stamp : callable
        Time of receipt and number of the connection, asked once a read.
    arguments, options
        As for paho's client.
    """

    def __init__(
        self,
        on_arrivals: Callable[[list[Arrival]], None],
        stamp: Callable[[], tuple[dt.datetime, int]],
        *arguments: Any,
        **options: Any,
    ) -> None:
        #: Set when the network thread has ended for whatever reason.
        self.ended = threading.Event()
        self._on_arrivals = on_arrivals
        self._stamp = stamp
        self._reader = PacketReader()
        super().__init__(*arguments, **options)

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """Run until disconnected on purpose."""
        try:
            return super().loop_forever(timeout, retry_first_connection)
        finally:
            self.ended.set()

    def reconnect(self) -> MQTTErrorCode:
        """Connect again; half a packet of the earlier connection is forgotten."""
        self._reader = PacketReader()
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002 - as paho calls it
        """Take what has arrived: messages of QoS 1 to `on_arrivals`, other packets to paho."""
        try:
            data = self._sock_recv(READ_BYTES)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            data = b""
        if not data:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
        try:
            return self._deliver(data)
        except (MalformedStreamError, IndexError):
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_PROTOCOL)

    def _deliver(self, data: bytes) -> MQTTErrorCode:
        while True:
            arrivals, other = self._reader.take(data, self._stamp())
            if arrivals:
                self._on_arrivals(arrivals)
            if other is None:
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            reader = self._reader
            code = self._handled(*other)
            if code > 0:
                return self._loop_rc_handle(code)
            if self._sock is None or self._reader is not reader:
                return MQTTErrorCode.MQTT_ERR_NO_CONN
            data = b""

    def _handled(self, head: int, length: int, content: bytes) -> MQTTErrorCode:
        """Let paho handle a packet as if it had read it."""
        packet = self._in_packet
        packet["command"], packet["remaining_length"] = head, length
        packet["packet"], packet["pos"] = bytearray(content), 0
        try:
            return self._packet_handle()
        except MalformedPacket:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Acknowledge messages with one write."""
        packets = np.empty(len(mids), dtype=[("head", "u1"), ("length", "u1"), ("mid", ">u2")])
        packets["head"], packets["length"], packets["mid"] = _PUBACK, 2, mids
        if len(mids):
            self._packet_queue(_PUBACK, packets.tobytes(), int(mids[-1]), 1)
