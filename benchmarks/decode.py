"""Messages per second of both codecs on one core, beside the standard library on the same bytes in the same run.

Usage: python -m benchmarks.decode [seconds]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from domain.factor import unit_preset
from domain.family import AIR
from ingest.plain import PlainRows, channel_of
from ingest.wire.hj212 import decode_frame
from ingest.wire.hj212_crc import hj212_crc
from ingest.wire.hj212_reading import decode_hj212
from ingest.wire.json_frame import decode_json
from ingest.wire.reading import Source

MESSAGE = (
    b'{"v":1,"seq":17,"ack":true,"ts":"2026-11-23T08:00:00+08:00","span":60,"values":{"pm25":35.1,"pm10":71,"so2":8.2,'
    b'"no2":31,"co":0.6,"o3":44,"temperature":3.5,"humidity":61,"pressure":921.4,"wind_speed":1.2,"wind_direction":270}}'
)
FRAME = (
    b"##0411QN=20220513162608370;ST=22;CN=2051;PW=123456;MN=JLYP01_AIR01_0001;Flag=4;CP=&&DataTime=20220513162600;"
    b"a21004-Avg=4,a21004-Flag=N;a05024-Avg=63,a05024-Flag=N;a21026-Avg=6,a21026-Flag=N;a21005-Avg=0.427,a21005-Flag=N;"
    b"a34004-Avg=14,a34004-Flag=N;a34002-Avg=31,a34002-Flag=N;a01007-Avg=1,a01007-Flag=N;a01008-Avg=11,a01008-Flag=N;"
    b"a01001-Avg=17,a01001-Flag=N;a01002-Avg=85,a01002-Flag=N;a01006-Avg=95,a01006-Flag=N&&D641"
)


def rate(action: Callable[[], object], seconds: float) -> float:
    """Best rate per second of three runs of `action`, each lasting a third of `seconds`."""
    rates = []
    for _ in range(3):
        done, began = 0, time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds / 3:
            for _ in range(200):
                action()
            done += 200
        rates.append(done / passed)
    return max(rates)


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    device = Source("d1", AIR)
    channel, limits = channel_of(device), (0.0, 1e11)
    assert channel is not None
    take = channel.take
    source = Source("d1", AIR, mn="JLYP01_AIR01_0001", units=unit_preset("ambient-field"))
    cases: list[tuple[str, Callable[[], object], Callable[[], object], str]] = [
        (
            "  straight into columns",
            lambda: take(MESSAGE, PlainRows(), 0, limits),
            lambda: json.loads(MESSAGE),
            "json.loads",
        ),
        ("JSON message, 11 values", lambda: decode_json(MESSAGE, source), lambda: json.loads(MESSAGE), "json.loads"),
        ("HJ 212 frame, 11 values", lambda: decode_hj212(FRAME, source), lambda: FRAME.split(b";"), "bytes.split"),
        ("  taking it apart only", lambda: decode_frame(FRAME), lambda: FRAME.split(b";"), "bytes.split"),
        ("  its checksum only", lambda: hj212_crc(FRAME[6:-4]), lambda: FRAME.split(b";"), "bytes.split"),
    ]
    for name, action, yardstick, what in cases:
        ours, theirs = rate(action, seconds), rate(yardstick, seconds)
        print(f"{name:26} {ours:12,.0f}/s {1e6 / ours:8.1f} µs   time = {theirs / ours:5.1f} x {what}")


if __name__ == "__main__":
    main()
