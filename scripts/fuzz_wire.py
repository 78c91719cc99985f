"""Mutated frames through the decoders (HJ 212, encrypted too, GB 17691, straw fires): RejectError alone, no hang.

    python scripts/fuzz_wire.py [COUNT] [--seed N]

COUNT frames for each codec (default 1,000,000), the same for the same seed. Three of five get their length
and checksum put right, so that the mutation reaches the content. Exits with status 1 on the first fault and
prints the frame that shows it.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from domain.error import RejectError
from domain.factor import unit_preset
from domain.family import FAMILIES
from ingest.wire.gb17691 import bcc
from ingest.wire.gb17691_reading import decode_gb17691
from ingest.wire.hj212 import MAX_SEGMENT, encode_frame, frame_checks, request_number
from ingest.wire.hj212_crc import hj212_crc
from ingest.wire.hj212_reading import decode_hj212
from ingest.wire.reading import Source
from ingest.wire.straw_fire import decode_straw_fire

MN: Final = "141100000000000000000001"
VIN: Final = "LTESTLL2600000001"
_HEAD: Final = f"QN=20260301120000123;ST=22;CN=2011;PW=123456;MN={MN};Flag=5;"
_HJ212: Final = tuple(
    encode_frame(head + "CP=&&DataTime=20260301120000;" + content + "&&").rstrip()
    for head in (
        _HEAD,
        _HEAD.replace("2011", "2061"),
        _HEAD.replace("2011", "2051"),
        _HEAD + "PNUM=3;PNO=2;",
        _HEAD.replace("2011", "2021"),
    )
    for content in (
        "a34004-Rtd=48,a34004-Flag=N;a34002-Rtd=96,a34002-Flag=D;a21005-Rtd=0.6;LA-Rtd=51.2",
        "a34004-Min=1,a34004-Avg=2,a34004-Max=3,a34004-Flag=N;a24088-Cou=0.018;PM25-Avg=7",
        "PolId=w01019,i12001-Info=0,i12002-Info=//清洗//;SB1-RS=1;RestartTime=20260301110000",
    )
)
_KEY: Final = b"0" * 16
_FIRES: Final = tuple(
    json.dumps({"v": 1, "seq": 3, "ack": True, "points": points}, ensure_ascii=False).encode()
    for point in [{"seen_at": "2026-10-05T13:20:00+08:00", "longitude": 111.1, "latitude": 37.3, "source": "卫星"}]
    for points in ([point], [point, {**point, "result": "属实", "checked_by": "甲", "township": "金罗镇"}])
)
_TOKENS: Final = (
    *(b"&&", b"##", b";", b",", b"=", b"CP=&&", b"-Rtd=", b"-Flag=", b"DataTime=", b"PNUM=2;PNO=1;", b"MN=", b"QN="),
    *(
        b"nan",
        b"inf",
        b"1e400",
        b"-",
        b"1_0",
        b"\x00",
        b"\xff\xfe",
        b"\xe6\xb8",
        b"99999999999999999",
        b"\r\n",
        b"2323",
    ),
)


def _stream(status: int) -> bytes:
    body = bytes.fromhex("3C00CAAA83258000FA4268125C6425804920476000207AA0")
    return body + bytes([status]) + bytes.fromhex("069FC767023C7DAD0012D687")


def _obd(faults: int) -> bytes:
    fixed = b"\x01\x01\xab\xde\xa9\xd6" + VIN.encode() + b"CAL".ljust(18) + bytes(54)
    return fixed + bytes([faults]) + bytes(range(4)) * faults


def _vehicle(command: int, data: bytes) -> bytes:
    body = bytes([command]) + VIN.encode() + b"\x01\x01" + len(data).to_bytes(2, "big") + data
    return b"##" + body + bytes([bcc(body)])


_TIME: Final = bytes([26, 3, 1, 10, 5, 0])
_GB17691: Final = (
    _vehicle(1, _TIME + b"\x00\x05" + b"89860616020046379629"),
    _vehicle(4, _TIME + b"\x00\x06"),
    _vehicle(5, b""),
    _vehicle(2, _TIME + b"".join(b"\x02\x00" + bytes([at]) + _stream(at % 8) for at in range(10))),
    _vehicle(3, _TIME + b"\x01\x00\x01" + _obd(7) + b"\x02\x00\x02" + _stream(0) + b"\x80\x00\x03" + bytes(17)),
    _vehicle(2, _TIME + b"\x00\x01" + b"\x01" + _obd(2) + b"\x02" + _stream(0) + b" " + bytes(32) + b" " + bytes(32)),
)


@dataclass
class Codec:
    """What is fuzzed: a decoder, frames to start from, and how length and checksum of a frame are put right."""

    name: str
    frames: Sequence[bytes]
    decode: Callable[[bytes], Any]
    repair: Callable[[bytearray], bytes]


@dataclass
class Figures:
    """What a run has seen."""

    frames: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    slowest_s: float = 0.0
    seconds: float = 0.0
    growth_kib: int = 0


def _repair_hj212(frame: bytearray) -> bytes:
    body = bytes(frame[6:-4])
    return b"##%04d%s%04X" % (len(body), body, hj212_crc(body)) if len(body) <= MAX_SEGMENT else bytes(frame)


def _repair_gb17691(frame: bytearray) -> bytes:
    if len(frame) > 25:
        frame[22:24] = (len(frame) - 25 & 0xFFFF).to_bytes(2, "big")
        frame[-1] = bcc(bytes(frame[2:-1]))
    return bytes(frame)


def mutated(frame: bytes, other: bytes, draw: random.Random) -> bytearray:
    """`frame` after one to four changes: bytes, cuts, insertions, repetitions, the end of `other`."""
    found = bytearray(frame)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(found) + 1)
        match draw.randrange(7):
            case 0 | 1 if at < len(found):
                found[at] = draw.randrange(256)
            case 2:
                del found[at : at + draw.randint(1, 12)]
            case 3:
                found[at:at] = draw.choice(_TOKENS)
            case 4:
                found[at:at] = found[at : at + draw.randint(1, 40)] * draw.randint(1, 3)
            case 5:
                found[at:] = other[draw.randrange(len(other)) :]
            case _ if at < len(found):
                found[at] ^= 1 << draw.randrange(8)
    return found


def _encrypted() -> tuple[bytes, ...]:
    """The frames of `_HJ212` as a device with key `_KEY` sends them."""
    cipher = Cipher(algorithms.SM4(_KEY), modes.ECB())  # noqa: S305 - the standard's choice
    found = []
    for frame in _HJ212:
        start, end = frame.index(b"CP=&&") + 5, frame.rindex(b"&&")
        whole = start + (end - start) // 16 * 16
        printed = ",".join(f"0x{byte:02X}" for byte in cipher.encryptor().update(frame[start:whole]))
        found.append(frame[:start] + b"{%s}" % printed.encode() + frame[whole:])
    return tuple(found)


def codecs() -> tuple[Codec, ...]:
    """The codecs with a device each."""
    air = Source("d1", FAMILIES["air"], mn=MN, units=unit_preset("ambient-field", "air"))
    closed = Source("d1", FAMILIES["air"], mn=MN, units=unit_preset("ambient-field", "air"), keys=(bytes(16), _KEY))
    vehicle = Source("v1", FAMILIES["vehicle"], mn=VIN)

    def hj212(frame: bytes) -> Any:
        frame_checks(frame)
        request_number(frame)
        return decode_hj212(frame, air)

    return (
        Codec("hj212", _HJ212, hj212, _repair_hj212),
        Codec("hj212 encrypted", _encrypted(), lambda frame: decode_hj212(frame, closed), bytes),
        Codec("straw_fire", _FIRES, lambda payload: decode_straw_fire(payload, air), bytes),
        Codec("gb17691", _GB17691, lambda frame: decode_gb17691(frame, vehicle), _repair_gb17691),
    )


def fuzz(codec: Codec, count: int, seed: int) -> Figures:
    """Decode `count` mutated frames; any exception but `RejectError` is raised with the frame in a note."""
    draw = random.Random(f"{codec.name} {seed}")  # noqa: S311  repeatable, nothing is secret
    figures = Figures()
    began = time.perf_counter()
    at_first = 0
    for number in range(count):
        if number == count // 20:
            at_first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if number % 1000 == 0:
            signal.alarm(60)
        frame = mutated(draw.choice(codec.frames), draw.choice(codec.frames), draw)
        payload = codec.repair(frame) if draw.random() < 0.6 else bytes(frame)
        start = time.perf_counter()
        try:
            decoded = codec.decode(payload)
            figures.rows += len(decoded.readings) + len(decoded.factors) + len(decoded.fires)
            figures.reasons["accepted"] += 1
        except RejectError as error:
            figures.reasons[error.reason] += 1
        except BaseException as error:
            error.add_note(f"{codec.name}, frame {number} of seed {seed}: {payload.hex()}")
            raise
        figures.slowest_s = max(figures.slowest_s, time.perf_counter() - start)
        figures.frames += 1
    signal.alarm(0)
    figures.seconds = time.perf_counter() - began
    figures.growth_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - at_first
    return figures


def main() -> None:
    """Fuzz the codecs and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=1_000_000, help="mutated frames for each codec")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for codec in codecs():
        found = fuzz(codec, arguments.count, arguments.seed)
        print(f"{codec.name}: {found.frames:,} frames of seed {arguments.seed} in {found.seconds:.1f} s")
        print(f"  accepted or rejected: {dict(found.reasons.most_common())}")
        print(
            f"  rows {found.rows:,}; slowest frame {found.slowest_s * 1000:.1f} ms; memory grew {found.growth_kib} KiB"
        )


if __name__ == "__main__":
    main()
