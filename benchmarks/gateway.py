"""The gateway under load: broker, database, collector and gateway as `lantian up` runs them, loggers in this process.

Usage: python -m benchmarks.gateway [--loggers 2000] [--frames 10] [--cut 0.1] [--connections 5000] [--seconds 60]

First part: loggers whose connections are cut at random, in the middle of frames and before answers, until every frame
is answered; then the database is compared with what was sent. Second part: so many connections at once, each sending
one frame a minute; then one frame from each at the same moment. Prints JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from app.service.folder import cache_folder
from app.service.local import LocalServices
from app.service.progress import Lines
from app.service.schema import prepare_database
from app.settings import load_settings
from domain.period import ZONE
from ingest.gateway.tally import raise_file_limit
from ingest.wire.hj212 import encode_frame
from store.connection import connect
from store.registry import NewDevice, NewSite, set_units, upsert_device, upsert_site

_COUNTY = "zhongyang"
_START = dt.datetime(2026, 3, 1)  # noqa: DTZ001 - local time of the loggers
_ANSWER_S = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


def frame(number: int, minute: int) -> tuple[str, bytes]:
    """Minute data of eleven factors, about 500 bytes, and its QN."""
    moment = _START + dt.timedelta(minutes=minute)
    qn = f"{moment:%Y%m%d%H%M%S}000"
    others = ";".join(f"a{code}-Avg={minute % 50}.5,a{code}-Flag=N" for code in range(24001, 24011))
    head = f"QN={qn};ST=22;CN=2051;PW=123456;MN=BENCH{number};Flag=5"
    data = f"DataTime={moment:%Y%m%d%H%M%S};a34004-Avg={minute},a34004-Flag=N;{others}"
    return qn, encode_frame(f"{head};CP=&&{data}&&")


class Client(asyncio.Protocol):
    """One connection of a logger; hears answers."""

    def __init__(self, heard: Callable[[str], None]) -> None:
        self._heard = heard
        self._rest = b""
        self.transport: Any = None
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        for line in lines:
            assert b";CN=9014;" in line, line
            self._heard(line.split(b"QN=")[1].split(b";")[0].decode())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as asyncio calls it
        if not self.closed.done():
            self.closed.set_result(None)


class Cuts:
    """A logger that is cut off at random and sends again what was not answered."""

    def __init__(self, number: int, frames: int, cut: float, port: int) -> None:
        self.waiting = dict(frame(number, minute) for minute in range(frames))
        self._chance = random.Random(number)
        self._cut, self._port = cut, port
        self.connections = 0

    def _heard(self, qn: str) -> None:
        self.waiting.pop(qn, None)

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._chance.random() * 5)
        while self.waiting:
            with suppress(OSError):
                _, client = await loop.create_connection(lambda: Client(self._heard), "127.0.0.1", self._port)
                self.connections += 1
                await self._speak(client)
                client.transport.abort() if self._chance.random() < 0.5 else client.transport.close()
            await asyncio.sleep(self._chance.random())

    async def _speak(self, client: Client) -> None:
        for content in list(self.waiting.values()):
            if self._chance.random() < self._cut:
                client.transport.write(content[: self._chance.randrange(len(content))])
                return
            client.transport.write(content)
        if self._chance.random() < self._cut:
            return
        until = time.monotonic() + _ANSWER_S
        while self.waiting and not client.closed.done() and time.monotonic() < until:
            await asyncio.sleep(0.05)


class Usage:
    """CPU seconds and memory of processes since this was made."""

    def __init__(self, processes: dict[str, int]) -> None:
        self._processes = processes
        self._began, self._cpu = time.monotonic(), self._seconds()

    def _seconds(self) -> dict[str, float]:
        found = {}
        for name, pid in self._processes.items():
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
            found[name] = (int(fields[11]) + int(fields[12])) / _TICKS
        return found

    def result(self) -> dict[str, Any]:
        """Share of one core, and resident memory, by process."""
        spent, seconds = time.monotonic() - self._began, self._seconds()
        cores = {name: round((seconds[name] - self._cpu[name]) / spent, 3) for name in seconds}
        status = {
            name: Path(f"/proc/{pid}/status").read_text(encoding="ascii") for name, pid in self._processes.items()
        }
        memory = {name: int(text.split("VmRSS:")[1].split()[0]) // 1024 for name, text in status.items()}
        return {"seconds": round(spent, 1), "cores": cores, "memory_mib": memory}


async def cuts(port: int, loggers: int, frames: int, cut: float) -> dict[str, Any]:
    """The first part."""
    fleet = [Cuts(number, frames, cut, port) for number in range(loggers)]
    await asyncio.gather(*(each.run() for each in fleet))
    return {"loggers": loggers, "frames": loggers * frames, "connections": sum(each.connections for each in fleet)}


async def crowd(port: int, connections: int, seconds: int, processes: dict[str, int]) -> dict[str, Any]:
    """The second part."""
    loop = asyncio.get_running_loop()
    sent: dict[tuple[int, str], float] = {}
    delays: list[float] = []

    def hearing(number: int) -> Callable[[str], None]:
        return lambda qn: delays.append(time.monotonic() - sent.pop((number, qn)))

    began = time.monotonic()
    clients = []
    for number in range(connections):
        clients.append((await loop.create_connection(lambda at=number: Client(hearing(at)), "127.0.0.1", port))[1])
    opened_s = time.monotonic() - began

    def say(number: int, minute: int) -> None:
        qn, content = frame(number, minute)
        sent[number, qn] = time.monotonic()
        clients[number].transport.write(content)

    idle = Usage(processes)
    await asyncio.sleep(10)
    result: dict[str, Any] = {"connections": connections, "opened_s": round(opened_s, 1), "silent": idle.result()}
    steady = Usage(processes)
    began = time.monotonic()
    for at in range(connections * seconds // 60):
        await asyncio.sleep(max(0.0, began + at * 60 / connections - time.monotonic()))
        say(at % connections, 1000 + at // connections)
    result["a_frame_a_minute"] = {
        "frames_per_s": round(connections / 60, 1),
        **steady.result(),
        **await answers(sent, delays),
    }
    burst = Usage(processes)
    for number in range(connections):
        say(number, 2000)
    found = await answers(sent, delays)
    usage = burst.result()
    result["all_at_once"] = {"frames_per_s": round(connections / usage["seconds"]), **usage, **found}
    for each in clients:
        each.transport.close()
    return result


async def answers(sent: dict[tuple[int, str], float], delays: list[float]) -> dict[str, Any]:
    """Wait for the answers; seconds from sending a frame to its answer."""
    until = time.monotonic() + _ANSWER_S
    while sent and time.monotonic() < until:
        await asyncio.sleep(0.05)
    median, high = np.percentile(delays, [50, 99])
    found = {"unanswered": len(sent), "answer_s": {"median": round(median, 3), "p99": round(high, 3)}}
    delays.clear()
    return found


def register(url: str, count: int) -> None:
    """Loggers BENCH0, BENCH1 ... at one site."""
    with connect(url) as conn:
        upsert_site(conn, NewSite("bench", _COUNTY, "micro", "测试点"))
        for number in range(count):
            upsert_device(conn, NewDevice(f"bench-{number}", "bench", "hj212", "air", mn=f"BENCH{number}"))
            set_units(conn, f"bench-{number}", {"a34004": "µg/m³"})


def balance(url: str, loggers: int, frames: int) -> dict[str, Any]:
    """What the database has of the first part."""
    with connect(url) as conn:
        (rows, right) = conn.execute(
            "select count(*), count(*) filter (where pm25 = extract(epoch from time - %s) / 60) from air_reading"
            " where device_id like 'bench-%%'",
            (_START.replace(tzinfo=ZONE),),
        ).fetchall()[0]
        sums = conn.execute(
            "select sum(received)::int, sum(stored)::int, sum(duplicate)::int, sum(rejected)::int from ledger"
        ).fetchall()[0]
        (rejects,) = conn.execute("select count(*) from reject").fetchall()[0]
    expected = loggers * frames
    named = dict(zip(("received", "stored", "duplicate", "rejected"), sums, strict=True))
    return {"expected": expected, "rows": rows, "right": right, "rejects": rejects, "ledger": named}


@contextmanager
def platform(loggers: int) -> Iterator[tuple[int, str, dict[str, int]]]:
    """Services, collector and gateway in a folder of their own: port of the gateway, database, process numbers."""
    folder = Path(tempfile.mkdtemp(prefix="lantian-bench-"))
    folder.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        services = LocalServices(folder / "home", cache_folder(), reporter=Lines(), database_port=0, broker_port=0)
        with services:
            environment = {**os.environ, "LANTIAN_HOME": str(folder / "home"), "LANTIAN_GATEWAY_PORT": str(port)}
            os.environ["LANTIAN_HOME"] = environment["LANTIAN_HOME"]
            prepare_database(load_settings(), Lines())
            register(services.database_url("lantian_app"), loggers)
            for name, arguments in {"collect": ["collect"], "gateway": ["gateway"]}.items():
                with (folder / f"{name}.log").open("wb") as log:
                    children[name] = subprocess.Popen(
                        [sys.executable, "-m", "app", *arguments], env=environment, stderr=log
                    )
            _wait(folder, children)
            try:
                pids = {name: child.pid for name, child in children.items()}
                yield port, services.database_url("lantian_app"), pids
            finally:
                for child in reversed(children.values()):
                    child.send_signal(signal.SIGTERM)
                    child.wait(30)
                print((folder / "gateway.log").read_text(encoding="utf-8")[-600:], file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path, children: dict[str, subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + 30
    wanted = {"gateway": b'"connected": true', "collect": b"start"}
    while not all(text in (folder / f"{name}.log").read_bytes() for name, text in wanted.items()):
        if time.monotonic() > until or any(child.poll() is not None for child in children.values()):
            raise SystemExit((folder / "gateway.log").read_text(encoding="utf-8"))
        time.sleep(0.1)
    time.sleep(2)


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loggers", type=int, default=2000)
    parser.add_argument("--frames", type=int, default=10)
    parser.add_argument("--cut", type=float, default=0.1)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    files = raise_file_limit()
    if files < chosen.connections + 100:
        raise SystemExit(f"{files} open files allowed; expected {chosen.connections + 100}")
    with platform(max(chosen.loggers, chosen.connections)) as (port, url, processes):
        usage = Usage(processes)
        part = asyncio.run(cuts(port, chosen.loggers, chosen.frames, chosen.cut))
        used = usage.result()
        rate = {"frames_per_s": round(part["frames"] / used["seconds"])}
        print(json.dumps({"cuts": part | rate | used | balance(url, chosen.loggers, chosen.frames)}), flush=True)
        print(json.dumps({"crowd": asyncio.run(crowd(port, chosen.connections, chosen.seconds, processes))}))


if __name__ == "__main__":
    main()
