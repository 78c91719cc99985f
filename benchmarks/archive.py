"""What the archive of raw frames costs: bytes a frame in the database and in a file, frames a second each way, memory.

Usage: python -m benchmarks.archive [--stations 300] [--minutes 1440]

The messages are those of simulated stations, three quarters JSON, the others HJ 212. Prints JSON.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

from app.frame_archive import drop_oldest_archived, write_chunk, writing
from app.frame_file import GROUP_FRAMES, read_portions, verified
from benchmarks.scratch import machine, peak_mib, scratch_services
from benchmarks.simulated import frames, stations
from store.connection import Connection, connect
from store.frame_archive import read_chunks, restore_frames

_DAY: Final = dt.timedelta(days=1)


def fill(conn: Connection, count: int, minutes: int, start: dt.datetime) -> int:
    """A day of raw frames; how many."""
    statement = "copy raw_frame (received_at, device_id, topic, outcome, batch_id, payload) from stdin (format binary)"
    number = 0
    with conn.cursor().copy(statement) as copy:
        copy.set_types(["timestamptz", "text", "text", "text", "int8", "bytea"])
        for number, frame in enumerate(frames(stations(count), start, minutes), start=1):  # noqa: B007 - the last one
            copy.write_row((dt.datetime.fromtimestamp(frame.received_us / 1e6, dt.UTC), *frame[1:]))
    return number


def seconds(action: Callable[[], Any]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def written(url: str, folder: Path, now: dt.datetime) -> tuple[float, float]:
    """Seconds of writing the file, and the largest memory in MiB of the process that did nothing else."""
    with connect(url, autocommit=True) as conn, writing(folder):
        (chunk,) = read_chunks(conn, now - 40 * _DAY)
        took = seconds(lambda: write_chunk(conn, chunk, folder, now=now))
    return took, peak_mib(os.getpid())


def measure(chosen: argparse.Namespace) -> dict[str, Any]:
    """Everything, once."""
    now = dt.datetime.now(dt.UTC)
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) - 60 * _DAY
    with scratch_services(broker=False) as services, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with connect(services.database_url("lantian_owner"), autocommit=True) as owner:
            count = fill(owner, chosen.stations, chosen.minutes - 1, start)
            owner.execute("analyze raw_frame")
            size, payload = owner.execute(  # type: ignore[misc]
                "select hypertable_size('raw_frame'), avg(octet_length(payload))::float8 from raw_frame"
            ).fetchone()
        url = services.database_url("lantian_app")
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
            took_s, peak = other.submit(written, url, folder, now).result()
        took = {"write": took_s}
        with connect(url, autocommit=True) as conn, writing(folder):
            (chunk,) = read_chunks(conn, now - 40 * _DAY)
            (path,) = folder.glob("*.parquet")
            took["verify"] = seconds(lambda: verified(path))
            # What is there already is verified and compared under the lock.
            took["drop"] = seconds(lambda: drop_oldest_archived(conn, now - 40 * _DAY, folder, now=now))
            with conn.transaction():
                took["restore"] = seconds(lambda: restore_frames(conn, chunk, read_portions(path)))
            return {
                "frames": count,
                "bytes_per_payload": round(payload, 1),
                "bytes_per_frame_database": round(size / count, 1),
                "bytes_per_frame_file": round(path.stat().st_size / count, 1),
                "frames_per_second": {way: round(count / each) for way, each in took.items()},
                "frames_per_row_group": GROUP_FRAMES,
                "peak_memory_mib": peak,
            }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=300)
    parser.add_argument("--minutes", type=int, default=1440)
    print(json.dumps({"machine": machine(), **measure(parser.parse_args())}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
