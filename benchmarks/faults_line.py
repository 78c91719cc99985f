"""Faults of the line and of loggers, played through broker, gateway, collector and database: each told for what it is.

Messages that come several times, history that comes again, frames that break on the way, connections that stall, power
cuts. What was injected is counted from the frames as received and from the simulator's own chances, what was found from
their outcomes. Run as ``python -m benchmarks.faults_line [SECONDS]``: an hour of the devices' time at sixtyfold speed
takes 60 (the default is 75).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from app.command.simulate import Choices, simulate
from app.service.local import LocalServices
from app.settings import Settings
from benchmarks.scratch import scratch_services
from firmware_sim.noise import uniform
from store.connection import Connection, connect

SEED: Final = 5
SHARE: Final = 0.3
#: Four devices over twenty minutes.
CORRECTED: Final = 80
ROLES: Final = ("owner", "writer", "app", "reader")
#: Kind of fault -> devices (kind, protocol, how many, transport) and the fault's own options.
PLAY: Final = f"""
seed = {SEED}
start = "-60min"
speed = 60
connections = 2
[[device]]
id = "storm"
kind = "micro"
count = 4
[[device]]
id = "again"
kind = "dust"
count = 4
[[device]]
id = "broken-air"
kind = "air"
count = 4
[[device]]
id = "broken-truck"
kind = "vehicle"
count = 4
[[device]]
id = "cut"
kind = "micro"
count = 4
[[device]]
id = "corrected"
kind = "micro"
count = 4
[[device]]
id = "sound"
kind = "micro"
count = 4
[[device]]
id = "line-drops"
kind = "dust"
count = 2
transport = "tcp"
[[device]]
id = "line-stalls"
kind = "dust"
count = 2
transport = "tcp"
[[device]]
id = "line-dies"
kind = "dust"
count = 2
transport = "tcp"
[[fault]]
kind = "duplicate_storm"
devices = "storm*"
copies = 5
start = "10min"
duration = "20min"
[[fault]]
kind = "backfill"
devices = "again*"
back = "30min"
start = "40min"
duration = "1min"
[[fault]]
kind = "corrected"
devices = "corrected*"
factor = 1.2
start = "10min"
duration = "20min"
[[fault]]
kind = "broken_frames"
devices = "broken*"
share = {SHARE}
start = "10min"
duration = "40min"
[[fault]]
kind = "power_cut"
devices = "cut*"
start = "20min"
duration = "20min"
[[fault]]
kind = "slow_tcp"
devices = "line-drops*"
how = "dribble"
bytes_per_s = 3000
[[fault]]
kind = "slow_tcp"
devices = "line-stalls*"
how = "stall"
pause = "1s"
[[fault]]
kind = "slow_tcp"
devices = "line-dies*"
how = "half_open"
duration = "20min"
"""


def play(services: LocalServices, seconds: float) -> float:
    """Play the scenario with a collector, and wait until what was sent has been written; the moment it begins at."""
    scenario = services.folder / "line.toml"
    scenario.write_text(PLAY, encoding="utf-8")
    urls = {f"database_{role}_url": services.database_url(f"lantian_{role}") for role in ROLES}
    settings = Settings(home=services.folder, **urls)
    environment = {**os.environ, **{f"LANTIAN_{key.upper()}": url for key, url in urls.items()}}
    environment["LANTIAN_HOME"] = str(services.folder)
    arguments = [Path(sys.executable).with_name("lantian"), "collect", "--number", "1", "--county", "zhongyang"]
    with (services.folder / "collect.log").open("wb") as log:
        collector = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log)
    try:
        state = str(services.folder / "line.sqlite")
        choices = Choices(None, (), None, None, "none", None, 1.0, False, state, str(scenario))
        end, began_s = time.monotonic() + seconds, time.time() - 3600
        simulate(choices, settings, lambda: time.monotonic() > end)
        time.sleep(5)
    finally:
        collector.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            collector.wait(30)
    return began_s


def count(conn: Connection, statement: str, *parameters: object) -> int:
    """The one number that a statement gives."""
    row = conn.execute(statement, parameters).fetchone()
    return int(row[0] or 0) if row else 0


def copies(conn: Connection, devices: str) -> tuple[int, int]:
    """Frames that had come before, byte for byte, and how many of all frames ended as duplicates."""
    frames = "select count(*) as n from raw_frame where device_id like %s and topic like '%%/data'"
    again = count(conn, f"select sum(n - 1) from ({frames} group by device_id, payload) f", devices)
    return again, count(conn, f"{frames} and outcome = 'duplicate'", devices)


def corrections(conn: Connection) -> str:
    """Readings that came again with other values, what became of them, and whether the originals stay."""
    revised = count(conn, "select count(*) from raw_frame where device_id like 'corrected%%' and outcome = 'revised'")
    waiting = count(conn, "select count(*) from revision where device_id like 'corrected%%' and status = 'proposed'")
    kept = count(
        conn,
        "select count(*) from revision v join air_reading r using (device_id, time, span_s)"
        " where v.device_id like 'corrected%%' and r.pm10 * 1.1 < (v.new_values ->> 'pm10')::float8",
    )
    return f"{revised} told as revised, {waiting} wait for a decision, {kept} originals kept beside"


def broken_copies(conn: Connection, table: str, devices: str, began_s: float) -> int:
    """Broken copies that the simulator sent of the messages that were stored: its own chances, drawn again."""
    rows = conn.execute(
        f"select distinct device_id, extract(epoch from date_trunc('minute', time))::bigint, span_s from {table}"
        " where device_id like %s and date_trunc('minute', time) >= to_timestamp(%s)"
        " and date_trunc('minute', time) < to_timestamp(%s)",
        (devices, began_s + 600, began_s + 3000),
    ).fetchall()
    found = 0
    for device, start_s, _ in rows:
        chance = uniform(SEED, f"breaks@{device}", np.array([start_s], dtype=np.int64))[0]
        found += int(chance < SHARE)
    return found


def rejects(conn: Connection, devices: str) -> dict[str, int]:
    """Rejected messages of devices by reason; what cannot be read is told by its topic."""
    rows = conn.execute(
        "select reason, count(*) from reject where topic like %s group by 1 order by 1", (f"%/{devices}/%",)
    ).fetchall()
    return dict(rows)


def gaps(conn: Connection, devices: str) -> tuple[int, int]:
    """Minutes between the first and the last reading of each device that are missing, and those there twice."""
    row = conn.execute(
        "select sum(extract(epoch from high - low) / 60 + 1 - n), sum(n - m) from (select min(time) as low,"
        " max(time) as high, count(*) as n, count(distinct time) as m from air_reading"
        " where device_id like %s and span_s <= 60 group by device_id) d",
        (devices,),
    ).fetchone()
    assert row is not None
    return int(row[0] or 0), int(row[1] or 0)


def main() -> None:
    """Play, then print what was injected and what was found."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 75.0
    with scratch_services() as services:
        began_s = play(services, seconds)
        with connect(services.database_url("lantian_owner"), autocommit=True) as conn:
            again, found = copies(conn, "storm%")
            print(f"messages sent five times: {again} copies came, {found} told as duplicates")
            frames = "select count(*) from raw_frame where device_id like 'again%%' and topic like '%%/data'"
            _, found = copies(conn, "again%")
            rows = count(conn, "select count(*) from air_reading where device_id like 'again%%'")
            came = count(conn, frames)
            print(f"history of 30 minutes sent again: {came} messages for {rows} readings, {found} duplicates")
            print(f"corrections of {CORRECTED} readings: {corrections(conn)}")
            for name, table in (("broken-air", "air_reading"), ("broken-truck", "vehicle_reading")):
                injected = broken_copies(conn, table, f"{name}%", began_s)
                print(f"{name}: {injected} frames broken, rejected {rejects(conn, name + '%')}")
            for name in ("cut", "sound", "storm", "again", "line-drops", "line-stalls", "line-dies"):
                missing, twice = gaps(conn, f"{name}%")
                print(f"{name}: {missing} minutes missing, {twice} twice, rejected {rejects(conn, name + '%')}")
            print(
                "messages that do not add up:",
                count(conn, "select sum(received - stored - duplicate - revised - rejected) from ledger"),
            )


if __name__ == "__main__":
    main()
