"""What the rounds of the crash matrix share: platform, devices, receiver of webhooks, and what is done to them."""

from __future__ import annotations

import argparse
import datetime as dt
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
from crash_devices import COUNTY, START, Devices, Fleet, Strike, register
from crash_line import BadLine
from crash_platform import Platform, platform

from domain.alert import MAJOR, RED
from domain.error import ServiceError
from firmware_sim.link import Account
from store.connection import Connection, connect
from store.contact import Contact, write_contacts
from store.outbox import Notice, announce

#: What can be killed; the broker with its memory and without.
PROCESSES = ("collector", "gateway", "settler", "jobs", "dispatcher", "database", "broker", "broker-forgets")
PATIENCE_S = 240.0
#: How long the receiver thinks, so that a dispatcher dies while it waits for the answer.
_THOUGHT_S = 0.1
#: What a database that is away makes of a call.
AWAY = (psycopg.OperationalError, ServiceError)
#: Seconds between two looks at the database while something is waited for.
_LOOK_S = 0.25


@dataclass
class Hook:
    """A receiver of webhooks that remembers the key of each call."""

    keys: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        keys = self.keys

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                time.sleep(_THOUGHT_S)
                keys[self.headers["Lantian-Key"]] += 1
                with suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])


@dataclass
class Stage:
    """Everything that the rounds of one platform share."""

    made: Platform
    devices: Devices
    hook: Hook
    line: BadLine
    first: dt.datetime = START
    notices: int = 0
    kept: int = 0
    refused: int = 0
    revised: int = 0

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.made.url("lantian_app"), autocommit=True) as conn:
            return conn.execute(query.encode()).fetchall()

    def step(self) -> None:
        self.devices.step()
        self.made.keep_alive()

    def until(self, true: Callable[[], bool], pause_s: float = _LOOK_S) -> bool:
        """Keep everything going until something is true; False when nothing has come of it for `PATIENCE_S`."""
        moved, answered = time.monotonic(), self.devices.answered
        while not self.answers(true):
            if self.devices.answered != answered:
                moved, answered = time.monotonic(), self.devices.answered
            if time.monotonic() - moved > PATIENCE_S:
                return False
            self.pause(pause_s)
        return True

    @staticmethod
    def answers(true: Callable[[], bool]) -> bool:
        with suppress(*AWAY):
            return true()
        return False

    def pause(self, seconds: float) -> None:
        """Let traffic go on for a while."""
        end = time.monotonic() + seconds
        self.step()
        while time.monotonic() < end:
            self.step()

    def announce(self) -> None:
        """Write one notice, when the database can take it; one of three is red and waits for nothing."""
        severity = MAJOR if self.notices % 3 else RED
        with suppress(*AWAY), connect(self.made.url("lantian_app")) as conn:
            said = Notice("order", f"crash:{self.notices}", COUNTY, "crash-mill", severity, "停窑", "")
            announce(conn, said, now=dt.datetime.now(dt.UTC) + dt.timedelta(hours=self.made.shift_h))
            conn.commit()
            self.notices += 1


def strike(stage: Stage, name: str, chance: random.Random, outage_s: float) -> None:
    """Do to the platform once what `name` says."""
    if name in PROCESSES:
        _kill(stage, name, chance)
    elif name == "database-out":
        stage.made.held.add("database")
        _kill(stage, "database", chance)
        stage.pause(outage_s)
        stage.made.held.clear()
    elif name == "network":
        stage.line.bad = True
        stage.devices.strikes.append(Strike(name, time.monotonic(), loggers=False))
        stage.pause(outage_s / 4)
        stage.line.bad = False
    elif name == "disk-full":
        ballast = stage.made.services.folder / "ballast"
        stage.devices.strikes.append(Strike(name, time.monotonic(), loggers=False))
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        stage.pause(outage_s / 2 * chance.uniform(0.5, 1.0))
        ballast.unlink()
    elif name == "server-clock":
        stage.announce()
        stage.made.set_clock(chance.choice([hours for hours in (-2, 0, 2) if hours != stage.made.shift_h]))
        stage.announce()
        stage.devices.strikes.append(Strike(name, time.monotonic(), loggers=False))


def _kill(stage: Stage, name: str, chance: random.Random) -> None:
    """Kill what runs, the dispatcher and the job runner while they have something to do if that can be met."""
    if name == "dispatcher":
        for _ in range(3):
            stage.announce()
        stage.pause(chance.uniform(0.0, 0.3))
    elif name == "jobs":
        running = "select count(*) from job_run where ended_at is null"
        end = time.monotonic() + 10
        stage.until(lambda: time.monotonic() > end or stage.ask(running)[0][0] > 0, 0.02)
    while not stage.made.kill(name):
        stage.pause(0.1)
    stage.devices.strikes.append(Strike(name, time.monotonic(), loggers=name == "gateway"))


def furnish(conn: Connection, hook: Hook) -> None:
    """An enterprise that hears by webhook."""
    conn.execute(
        "insert into enterprise (id, area_id, name_zh, industry) values ('crash-mill', %s, '磨坊', 'cement')", (COUNTY,)
    )
    address = f"http://127.0.0.1:{hook.port}/erp"
    write_contacts(conn, [Contact("crash-erp", None, "crash-mill", "磨坊ERP", channels=(("webhook", address),))])


@contextmanager
def stage_for(names: Sequence[str], options: argparse.Namespace) -> Iterator[Stage]:
    """Platform, devices and line for the rounds of these names."""
    hook, fleet = Hook(), Fleet.of(options.devices)
    special = {"small_disk": "disk-full" in names, "own_clock": "server-clock" in names}
    with platform(hook.port, **special) as made, tempfile.TemporaryDirectory() as folder:
        register(made.url("lantian_app"), fleet)
        with connect(made.url("lantian_app")) as conn:
            furnish(conn, hook)
        address = made.services.broker_for("simulator")
        line = BadLine(address.port, options.seed)
        # Only rounds of the network go over the line: it costs as much as the devices themselves.
        port = line.port if "network" in names else address.port
        account = Account("127.0.0.1", port, address.username, address.password)
        devices = Devices(Path(folder) / "outbox.db", account, made.gateway_port, fleet, options.patience)
        try:
            stage = Stage(made, devices, hook, line)
            begin = time.monotonic()
            while time.monotonic() - begin < 5 or not devices.ready:
                stage.step()
            yield stage
        finally:
            devices.close()
            line.close()
            hook.server.shutdown()
