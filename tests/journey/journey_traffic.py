"""What four devices and some strangers send, and what must become of it.

Seeded, and encoded from docs/wire.md: no codec of ours.
"""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field

BEIJING = dt.timezone(dt.timedelta(hours=8))
START = dt.datetime(2026, 2, 27, 18, tzinfo=BEIJING)  # the edition of the rules changes during the traffic
HOURS = 36
KEYS = ("pm25", "pm10", "so2", "no2", "co", "o3")
FACTORS = ("a34004", "a34002", "a21026", "a21004", "a21005", "a05024")
COUNTY = "journey"

Reading = tuple[float, ...]
Key = tuple[str, dt.datetime]


@dataclass(frozen=True, slots=True)
class Device:
    id: str
    protocol: str
    policy: str
    mn: str | None = None

    @property
    def topic(self) -> str:
        return f"lt/v1/{COUNTY}/{self.protocol}/{self.id}/data"


DEVICES = (
    Device("json-1", "json", "explicit"),
    Device("json-2", "json", "explicit"),
    Device("hj-1", "hj212", "accept", "141129000000000000000091"),
    Device("hj-2", "hj212", "review", "141129000000000000000092"),
)


@dataclass(slots=True)
class Traffic:
    """Messages in the order of sending, and the truth about them.

    `stored` are the readings as first sent, `effective` those that statistics must use, `outcomes` counts messages,
    `rejected` holds the payloads per reason, `revisions` counts the accepted and the proposed ones.
    """

    messages: list[tuple[str, bytes]] = field(default_factory=list)
    stored: dict[Key, Reading] = field(default_factory=dict)
    effective: dict[Key, Reading] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    rejected: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    revisions: Counter[str] = field(default_factory=Counter)


def crc(segment: bytes) -> str:
    """CRC of HJ 212-2017 annex A."""
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ byte
        for _ in range(8):
            low = register & 1
            register >>= 1
            if low:
                register ^= 0xA001
    return f"{register:04X}"


def hj212_frame(device: Device, time: dt.datetime, values: Reading, serial: int, command: int = 2051) -> bytes:
    local = time.astimezone(BEIJING)
    factors = ";".join(f"{code}-Avg={value},{code}-Flag=N" for code, value in zip(FACTORS, values, strict=True))
    qn = (START + dt.timedelta(milliseconds=serial)).strftime("%Y%m%d%H%M%S") + f"{serial % 1000:03d}"
    segment = (
        f"QN={qn};ST=22;CN={command};PW=123456;MN={device.mn};Flag=5;CP=&&DataTime={local:%Y%m%d%H%M%S};{factors}&&"
    ).encode()
    return b"##" + f"{len(segment):04d}".encode() + segment + crc(segment).encode() + b"\r\n"


def json_reading(time: dt.datetime, values: Reading, **more: object) -> dict[str, object]:
    return {"ts": time.isoformat(), "span": 60, "values": dict(zip(KEYS, values, strict=True)), **more}


def encoded(device: Device, time: dt.datetime, values: Reading, serial: int, *, correction: bool = False) -> bytes:
    if device.protocol == "hj212":
        return hj212_frame(device, time, values, serial)
    more = {"correction": True} if correction else {}
    return json.dumps({"v": 1, "seq": serial, "ack": serial % 3 == 0, **json_reading(time, values, **more)}).encode()


def values_of(chance: random.Random) -> Reading:
    """Six plausible values with one decimal."""
    return tuple(round(chance.uniform(low, low * 1.5), 1) for low in (30.0, 50.0, 8.0, 20.0, 1.0, 60.0))


def traffic(seed: int, hours: int = HOURS) -> Traffic:
    """Minute readings of four devices over `hours`, with duplicates, corrections, late batches and broken messages."""
    chance, result, serial = random.Random(seed), Traffic(), 0
    slots: list[tuple[float, str, bytes]] = []

    def send(at: float, device_topic: str, payload: bytes, outcome: str) -> None:
        slots.append((at, device_topic, payload))
        result.outcomes[outcome] += 1

    originals: list[tuple[Device, dt.datetime, bytes]] = []
    for minute in range(hours * 60):
        for device in DEVICES:
            serial += 1
            time, values = START + dt.timedelta(minutes=minute), values_of(chance)
            payload = encoded(device, time, values, serial)
            send(len(originals), device.topic, payload, "stored")
            result.stored[device.id, time] = result.effective[device.id, time] = values
            originals.append((device, time, payload))
    total = len(originals)
    chosen = chance.sample(range(total - 1), total // 10)
    repeated, changed = chosen[: total // 17], chosen[total // 17 :]
    for at in repeated:
        device, _, payload = originals[at]
        send(at + chance.uniform(0.1, 2000), device.topic, payload, "duplicate")
    for at in changed:
        serial += 1
        device, time, _ = originals[at]
        announced, values = chance.random() < 0.7, values_of(chance)
        correction = announced and device.protocol == "json"
        send(
            at + chance.uniform(0.1, 2000),
            device.topic,
            encoded(device, time, values, serial, correction=correction),
            "revised",
        )
        accepted = correction or device.policy == "accept"
        result.revisions["accepted" if accepted else "proposed"] += 1
        if accepted:
            result.effective[device.id, time] = values
    _late(chance, result, send, total)
    _broken(chance, result, send, originals)
    result.messages = [(topic, payload) for _, topic, payload in sorted(slots, key=lambda slot: slot[0])]
    return result


def _late(chance: random.Random, result: Traffic, send: object, total: int) -> None:
    """Twenty-five hours of three days before, thirty minutes to a message."""
    assert callable(send)
    device = DEVICES[0]
    for half in range(50):
        readings = []
        for minute in range(30):
            time, values = START - dt.timedelta(days=3) + dt.timedelta(minutes=30 * half + minute), values_of(chance)
            readings.append(json_reading(time, values))
            result.stored[device.id, time] = result.effective[device.id, time] = values
        payload = json.dumps({"v": 1, "seq": 10**6 + half, "ack": True, "readings": readings}).encode()
        send(chance.uniform(0, total), device.topic, payload, "stored")


def _broken(
    chance: random.Random, result: Traffic, send: object, originals: list[tuple[Device, dt.datetime, bytes]]
) -> None:
    """Messages that must be rejected, each with its reason."""
    assert callable(send)
    total = len(originals)
    json_device, hj_device = DEVICES[1], DEVICES[2]
    frames = [payload for device, _, payload in originals if device is hj_device]
    for at in range(total // 72):
        plain = {"v": 1, "seq": 2 * 10**6 + at}
        segment = chance.choice(frames)[6:-6].replace(b"PW=123456", f"PW={at:06d}".encode())
        wrong = f"{int(crc(segment), 16) ^ 0x1001:04X}"
        frame = b"##" + f"{len(segment):04d}".encode() + segment + wrong.encode() + b"\r\n"
        early = json_reading(START.replace(year=1999), values_of(chance))
        whole = json_reading(START, values_of(chance))
        cases: tuple[tuple[str, str, bytes], ...] = (
            ("crc_mismatch", hj_device.topic, frame),
            ("malformed", json_device.topic, json.dumps(plain | whole).encode()[:-2]),
            ("unknown_device", json_device.topic.replace("json-2", f"ghost-{at}"), json.dumps(plain).encode()),
            ("impossible_time", json_device.topic, json.dumps(plain | early).encode()),
            ("bad_field", json_device.topic, json.dumps(plain | whole | {"x": at}).encode()),
        )
        for reason, topic, payload in cases:
            result.rejected[reason].add(payload)
            send(chance.uniform(0, total), topic, payload, "rejected")


def slow_hours(effective: dict[Key, Reading]) -> dict[tuple[str, dt.datetime], list[float]]:
    """Hourly means by loops: device and hour -> means, only for hours with at least 45 minutes."""
    minutes: dict[tuple[str, dt.datetime], list[Reading]] = defaultdict(list)
    for (device, time), values in effective.items():
        minutes[device, time.replace(minute=0)].append(values)
    return {
        key: [sum(values[at] for values in rows) / len(rows) for at in range(len(KEYS))]
        for key, rows in minutes.items()
        if len(rows) >= 45
    }
