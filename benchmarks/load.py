"""Load from outside: messages encoded beforehand, written to the broker's socket by a process of their own."""

from __future__ import annotations

import datetime as dt
import random
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.service.address import BrokerAddress
from domain.period import ZONE
from firmware_sim import frame_gb17691
from ingest.wire.hj212 import encode_frame

DEVICES: Final = 200
COUNTY: Final = "bench"
START_S: Final = 1_735_660_800  # 2025-01-01 00:00 in Beijing
#: Messages written at once without a stated rate.
_BLOCK: Final = 250
_JSON: Final = (
    '{{"v":1,"seq":{seq},"ts":"{stamp}","span":60,"values":{{"pm25":{a},"pm10":{b},"so2":8.2,"no2":31.5,"co":0.61,'
    '"o3":44,"temperature":3.5,"humidity":61.2,"pressure":921.4,"wind_speed":1.2,"wind_direction":{c}}}}}'
)
_FACTORS: Final = ("a21004", "a21026", "a21005", "a05024", "a34002", "a01001", "a01002", "a01006", "a01007", "a01008")


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of message: protocol, family, values in a message, messages of one measurement."""

    protocol: str
    family: str
    values: int
    encode: Callable[[int, int, int], bytes]


def device_id(protocol: str, number: int) -> str:
    """Id of a device of the load."""
    return f"bench-{protocol}-{number:03d}"


def identity(protocol: str, number: int) -> str:
    """MN of a logger or VIN of a vehicle."""
    return f"LBENCH{number:011d}" if protocol == "gb17691" else f"BENCH{number:05d}"


def _json(_number: int, minute: int, seq: int) -> bytes:
    moment = dt.datetime.fromtimestamp(START_S + 60 * minute, ZONE)
    drawn = random.Random(seq)
    values = {"a": round(drawn.random() * 90, 1), "b": round(drawn.random() * 150, 1), "c": seq % 360}
    return _JSON.format(seq=seq, stamp=moment.isoformat(), **values).encode()


def _hj212(number: int, minute: int, seq: int) -> bytes:
    moment = dt.datetime.fromtimestamp(START_S + 60 * minute, ZONE)
    told = f"{moment:%Y%m%d%H%M%S}"
    body = ";".join(f"{code}-Avg={seq % 70}.{at},{code}-Flag=N" for at, code in enumerate(_FACTORS))
    head = f"QN={told}000;ST=22;CN=2051;PW=123456;MN={identity('hj212', number)};Flag=4"
    return encode_frame(f"{head};CP=&&DataTime={told};a34004-Avg={seq % 90}.5,a34004-Flag=N;{body}&&")


def _gb17691(number: int, minute: int, seq: int) -> bytes:
    """Ten seconds of engine data with their position."""
    values = {name: 1.0 for name, *_ in frame_gb17691.STREAM_FIELDS}
    values |= {"speed": seq % 90, "nox_upstream": 600.0, "longitude": 111.2, "latitude": 37.3, "odometer": seq / 10}
    record = frame_gb17691.Record(frame_gb17691.STREAM, seq % 65536, frame_gb17691.stream_body(values))
    unit = frame_gb17691.data_unit(START_S + 60 * minute, [record] * 10)
    return frame_gb17691.frame(frame_gb17691.REAL_TIME, identity("gb17691", number), unit)


KINDS: Final = {
    "json": Kind("json", "air", 11, _json),
    "hj212": Kind("hj212", "air", 11, _hj212),
    "gb17691": Kind("gb17691", "vehicle", 180, _gb17691),
}


def publication(topic: str, payload: bytes, mid: int) -> bytes:
    """A PUBLISH packet of MQTT 3.1.1 with QoS 1."""
    name = topic.encode()
    body = struct.pack(">H", len(name)) + name + struct.pack(">H", mid) + payload
    length, digits = len(body), b""
    while True:
        length, digit = divmod(length, 128)
        digits += bytes([digit | 128 if length else digit])
        if not length:
            return b"\x32" + digits + body


def encoded(kind: str, first: int, count: int) -> list[bytes]:
    """Packets of messages first, first + 1 ...: devices take turns, each has one message a minute."""
    encode = KINDS[kind].encode
    topics = [f"lt/v1/{COUNTY}/{kind}/{device_id(kind, number)}/data" for number in range(DEVICES)]
    return [
        publication(topics[at % DEVICES], encode(at % DEVICES, at // DEVICES, at), 1 + at % 65535)
        for at in range(first, first + count)
    ]


def connected(address: BrokerAddress) -> socket.socket:
    """A socket that the broker has let in."""
    texts = ("MQTT", "bench-load", address.username or "", address.password or "")
    protocol, client, user, password = (struct.pack(">H", len(text)) + text.encode() for text in texts)
    body = protocol + b"\x04\xc2\x00\x00" + client + user + password
    link = socket.create_connection((address.host, address.port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(bytes([0x10, len(body)]) + body)
    answer = link.recv(4)
    if answer != b"\x20\x02\x00\x00":
        raise SystemExit(f"the broker answered {answer!r}; expected that it lets the load in")
    return link


def publish(  # noqa: PLR0913 - keyword-only from the fourth on
    address: BrokerAddress,
    kind: str,
    span: tuple[int, int],
    *,
    done: Any,
    ahead: int,
    rate: float,
    ready: Any,
    sent: Any,
) -> None:
    """Publish messages span[0] <= at < span[1]; run as a process.

    Parameters
    ----------
    address : BrokerAddress
        Where.
    kind : str
        Key of `KINDS`.
    span : (int, int)
        Which.
    done : shared integer
        Messages that the other side has dealt with.
    ahead : int
        Most messages that may be published and not dealt with.
    rate : float
        Messages a second, 0 for as many as `ahead` allows.
    ready : Event
        Set when everything is encoded; publishing begins when it is cleared again.
    sent : shared array of float
        Moment of each message, in seconds since 1970; filled with a stated rate only.
    """
    first, stop = span
    packets = encoded(kind, first, stop - first)
    size = max(1, round(rate / 100)) if rate else _BLOCK
    blocks = [b"".join(packets[low : low + size]) for low in range(0, len(packets), size)]
    link = connected(address)
    ready.set()
    while ready.is_set():
        time.sleep(0.01)
    began = time.monotonic()
    for number, block in enumerate(blocks):
        if rate:
            time.sleep(max(0.0, began + number * size / rate - time.monotonic()))
            moment = time.time()
            sent[number * size : (number + 1) * size] = [moment] * len(sent[number * size : (number + 1) * size])
        while number * size - done.value > ahead:
            time.sleep(0.002)
        write(link, block)
    drain(link, len(packets))


def write(link: socket.socket, block: bytes) -> None:
    """Write, and read away the acknowledgements that wait: a full pipe of them would stop the broker."""
    link.setblocking(False)
    try:
        while link.recv(1 << 16):
            pass
    except BlockingIOError:
        pass
    link.setblocking(True)
    link.sendall(block)


def drain(link: socket.socket, _count: int) -> None:
    """Stay until the broker has taken everything, so that closing loses nothing."""
    link.sendall(b"\xc0\x00")
    rest = b""
    while not rest.endswith(b"\xd0\x00"):
        rest = link.recv(1 << 16)[-2:] or b"\xd0\x00"
    link.sendall(b"\xe0\x00")
    link.close()
