"""Rows per second through `write_batch` as a share of a raw binary COPY into the same tables, in one run.

Usage: python -m benchmarks.store OWNER_URL WRITER_URL [--messages N ...] [--batches N], on a migrated database that is
for nothing else. One message carries one reading of 12 values, received within minutes after it was measured, and a
payload of about 300 bytes. The time of `write_batch` includes raw frames, note, ledger, commit and, once in 32 batches,
folding the notes into queue, states and counters; that of COPY only the rows, encoded beforehand, and commit; that of
COPY with frames also the raw frames, encoded beforehand: the same bytes of measurements as `write_batch` writes. Prints
JSON.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import json
import statistics
import time
from collections.abc import Callable

import numpy as np

from domain.family import AIR
from store.arrival import arrivals_of
from store.batch import Batch, Message, ReadingBlock, write_batch
from store.block import wide_rows
from store.connection import Connection, connect
from store.receipt import Receipt, frame_pieces, write_frames
from store.registry import NewDevice, NewSite, RegisteredDevice, read_devices, upsert_device, upsert_site

_DEVICES = 200
_START = 1_767_225_600_000_000
_MINUTE = 60_000_000


def _registry(owner_url: str) -> dict[str, RegisteredDevice]:
    with connect(owner_url) as conn:
        conn.execute("insert into area (id, name_zh) values ('bench', '测试') on conflict do nothing")
        for at in range(_DEVICES):
            upsert_site(conn, NewSite(f"site-{at}", "bench", "micro", f"微站{at}"))
            upsert_device(conn, NewDevice(f"micro-station-{at}", f"site-{at}", "json", "air"))
        return read_devices(conn)


def _batch(number: int, size: int) -> Batch:
    """Devices take turns; every batch has keys of its own."""
    generator = np.random.default_rng(number)
    names = [f"micro-station-{at % _DEVICES}" for at in range(size)]
    minute = (size * 1000 + number) * -(-size // _DEVICES) + np.arange(size) // _DEVICES
    values = np.round(generator.random((size, AIR.width)) * 100, 1)
    values[generator.random(values.shape) < 0.03] = np.nan
    received = dt.datetime.fromtimestamp(_START / 1e6 + 60 * (float(minute.max()) + 1), dt.UTC)
    payload = b'{"v":1,"seq":17,"ack":true}' + b" " * 270
    messages = [
        Message(f"lt/v1/bench/json/{name}/data", payload + b"%d" % at, received, name) for at, name in enumerate(names)
    ]
    block = ReadingBlock(
        np.arange(size),
        names,
        _START + minute * _MINUTE,
        np.full(size, 60, dtype=np.int32),
        values,
        np.where(np.isnan(values), 9, 1).astype(np.uint8),
        ["N" * AIR.width] * size,
        np.zeros(size, dtype=np.bool_),
    )
    return Batch(messages, {"air": block}, None, "benchmark", received)


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _copied(conn: Connection, batch: Batch, *, with_frames: bool = False) -> float:
    """Seconds of a raw binary COPY of the batch's rows, and of its raw frames, encoded beforehand, and commit."""
    size = len(batch.messages)
    rows = wide_rows("air", batch.readings["air"], np.full(size, _START))
    pieces = list(rows.copied(np.arange(size)))
    receipt = Receipt(batch, arrivals_of(batch.messages), ["stored"] * size, {}, [size, 0, 0])
    frames = list(frame_pieces(receipt, 0)) if with_frames else []

    def copy_rows() -> None:
        with conn.cursor().copy(
            f"copy air_reading ({', '.join(rows.shape.columns)}) from stdin (format binary)"
        ) as copy:
            for piece in pieces:
                copy.write(piece)
        write_frames(conn, frames, lambda: None)
        conn.commit()

    return _seconds(copy_rows)


def measure(owner_url: str, writer_url: str, *, size: int, batches: int) -> dict[str, object]:
    """Means over `batches` batches of `size` messages; the ways take turns to see the same machine.

    Means, since every thirty-second batch also does what the ones before it only noted.
    """
    devices = _registry(owner_url)
    ways = ("copy", "copy_with_frames", "write_batch", "write_batch_duplicates")
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    with connect(writer_url) as conn, connect(writer_url) as second:
        write_batch(conn, _batch(0, size), devices)
        write_batch(second, _batch(0, size), devices)
        for number in range(1, 3 * batches, 3):
            seconds["copy"].append(_copied(conn, _batch(number, size)))
            seconds["copy_with_frames"].append(_copied(conn, _batch(number + 1, size), with_frames=True))
            made = _batch(number + 2, size)
            for way, connection in (("write_batch", conn), ("write_batch_duplicates", second)):
                seconds[way].append(_seconds(functools.partial(write_batch, connection, made, devices)))
    rates = {way: size / statistics.mean(found) for way, found in seconds.items()}
    return {
        "messages_per_batch": size,
        "batches": batches,
        "rows_per_second": {way: round(rate) for way, rate in rates.items()},
        "ratio_to_copy": {way: round(rate / rates["copy"], 2) for way, rate in rates.items() if way != "copy"},
        "ratio_to_copy_with_frames": round(rates["write_batch"] / rates["copy_with_frames"], 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="write_batch against raw binary COPY")
    parser.add_argument("owner_url")
    parser.add_argument("writer_url")
    parser.add_argument("--messages", type=int, nargs="+", default=[500, 2000, 10000], help="messages per batch")
    parser.add_argument("--batches", type=int, default=32)
    given = parser.parse_args()
    print(
        json.dumps(
            [measure(given.owner_url, given.writer_url, size=size, batches=given.batches) for size in given.messages]
        )
    )


if __name__ == "__main__":
    main()
