"""Kill every part of the platform at random while messages flow, and look whether anything is lost or counted twice.

    python scripts/crash_matrix.py [--messages 100000] [--rounds 20] [--seed 1] [--outage 20] [NAME ...]

Real processes, a database that flushes, ten devices with store and forward. In a round of NAME (default: all) what it
names is killed or broken `--kills` times at random points of the traffic, and started again as a service manager
would. A round is good when, without a person: every reading is stored once with its value, nothing else is, the ledger
balances with the tables, every hour equals the mean of what was measured, every notice has been received, jobs run, and
the devices' outbox is empty. One JSON line a round, then a table; the exit code is 1 when a round was not good.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crash_devices import COUNTY, DEVICES, START, Devices, Truth, register
from crash_line import BadLine
from crash_platform import Platform, platform

from benchmarks.scratch import machine
from domain.alert import MAJOR
from firmware_sim.link import Account
from store.connection import Connection, connect
from store.contact import Contact, write_contacts
from store.ledger import read_balance
from store.outbox import Notice, announce

PROCESSES = ("collector", "gateway", "settler", "jobs", "dispatcher", "database", "broker")
NAMES = (*PROCESSES, "broker-forgets", "database-out", "network", "disk-full", "clock")
PATIENCE_S = 240.0


@dataclass
class Hook:
    """A receiver of webhooks that remembers the key of each call."""

    keys: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        keys = self.keys

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
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
    """Everything that the rounds of one name share."""

    made: Platform
    devices: Devices
    hook: Hook
    line: BadLine
    first: dt.datetime = START
    notices: int = 0
    kept: int = 0
    refused: int = 0

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.made.url("lantian_app"), autocommit=True) as conn:
            return conn.execute(query.encode()).fetchall()

    def step(self) -> None:
        self.devices.step()
        self.made.keep_alive()

    def until(self, true: Callable[[], bool]) -> bool:
        """Keep everything going until something is true; False when it takes too long."""
        end = time.monotonic() + PATIENCE_S
        while not self.answers(true):
            if time.monotonic() > end:
                return False
            self.step()
        return True

    @staticmethod
    def answers(true: Callable[[], bool]) -> bool:
        with suppress(psycopg.OperationalError):
            return true()
        return False

    def announce(self) -> None:
        """Write one notice, when the database can take it."""
        with suppress(psycopg.OperationalError), connect(self.made.url("lantian_app")) as conn:
            said = Notice("order", f"crash:{self.notices}", COUNTY, "crash-mill", MAJOR, "停窑", "")
            announce(conn, said, now=dt.datetime.now(dt.UTC))
            conn.commit()
            self.notices += 1


def pause(stage: Stage, seconds: float) -> None:
    """Let traffic go on for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stage.step()


def strike(stage: Stage, name: str, chance: random.Random, outage_s: float) -> None:
    """Do to the platform once what `name` says."""
    if name in PROCESSES:
        stage.made.kill(name)
    elif name == "broker-forgets":
        stage.made.forget()
    elif name == "database-out":
        stage.made.held.add("database")
        stage.made.kill("database")
        pause(stage, outage_s)
        stage.made.held.clear()
    elif name == "network":
        stage.line.bad = True
        pause(stage, outage_s / 4)
        stage.line.bad = False
    elif name == "disk-full":
        ballast = stage.made.services.folder / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
        pause(stage, outage_s / 2 * chance.uniform(0.5, 1.0))
        ballast.unlink()


def play(stage: Stage, name: str, seed: int, options: argparse.Namespace) -> dict[str, object]:
    """One round; what came of it."""
    chance, devices, began = random.Random(seed), stage.devices, time.monotonic()  # noqa: S311  repeatable
    messages = options.messages // len(DEVICES) * len(DEVICES)
    first, published, outcomes = stage.first, devices.published, devices.outcomes.copy()
    stage.first += dt.timedelta(hours=messages // len(DEVICES) // 60 + 2)
    start = chance.randrange(messages // 2)
    jumped = range(start, start + messages // 20) if name == "clock" else range(0)
    wrong_clock = devices.measure(messages, first, jumped=jumped)
    struck = disturb(stage, name, chance, options)
    answered = stage.until(lambda: devices.waiting == 0)
    recovered = time.monotonic() - struck
    result: dict[str, object] = {"round": name, "seed": seed, "messages": messages, "kills": options.kills}
    result |= {"answered": answered, "published": devices.published - published}
    result |= verdict(stage, name, first)
    result |= {"outcomes": dict(devices.outcomes - outcomes), "seconds": round(time.monotonic() - began, 1)}
    return result | {"recovery_s": round(recovered, 1), "good": is_good(result, wrong_clock)}


def disturb(stage: Stage, name: str, chance: random.Random, options: argparse.Namespace) -> float:
    """Let messages flow and strike at random points of them; the moment of the last strike."""
    devices, total = stage.devices, stage.devices.waiting
    kills = sorted(chance.sample(range(total // 20, total * 9 // 10), options.kills))
    told = [total * at // options.notices for at in range(options.notices)]
    struck = moved = time.monotonic()
    before = -1
    while (kills or told) and time.monotonic() - moved < PATIENCE_S:
        done = total - devices.waiting
        if done != before:
            before, moved = done, time.monotonic()
        if told and done >= told[0]:
            told.pop(0)
            stage.announce()
        if kills and done >= kills[0]:
            kills.pop(0)
            pause(stage, chance.uniform(0.0, 0.1))
            strike(stage, name, chance, options.outage)
            struck = time.monotonic()
        stage.step()
    return struck


def verdict(stage: Stage, name: str, first: dt.datetime) -> dict[str, object]:
    """What the database holds against what was measured; waits for what is settled and sent afterwards."""
    queues = "select (select count(*) from dirty_hour) + (select count(*) from dirty_day)"
    settled = stage.until(lambda: stage.ask(queues) == [(0,)])
    unsent = "select count(*) from delivery where state <> 'sent'"
    sent = stage.until(lambda: stage.ask(unsent) == [(0,)])
    worked = True
    if name == "jobs":
        since = stage.ask("select clock_timestamp()")[0][0]
        query = f"select count(*) from job_run where outcome = 'done' and began_at > '{since}'"
        worked = stage.until(lambda: stage.ask(query)[0][0] > 0)
    truth, span = stage.devices.truth, f">= '{first}'"
    rows = {
        (row[0], row[1]): row[2]
        for row in stage.ask(f"select device_id, time, pm25 from air_reading where time {span}")
    }
    kept, told = stage.ask("select (select count(*) from air_reading), (select sum(rows_stored) from ledger)")[0]
    strange = len(rows.keys() - truth.keys()) + kept - len(rows) - stage.kept
    refused = stage.ask("select count(distinct payload) from reject")[0][0]
    with connect(stage.made.url("lantian_app")) as conn:
        balance = read_balance(conn)
    keys = {str(key) for (key,) in stage.ask("select distinct message_key from delivery")}
    found = {
        "readings": len(truth),
        "lost": len(truth.keys() - rows.keys()),
        "wrong": sum(rows.get(key, value) != value for key, value in truth.items()),
        "strange": strange,
        "doubled": int(told) - kept,
        "revised": balance.revised,
        "duplicates": balance.duplicate,
        "refused": refused - stage.refused,
        "balanced": balance.balanced,
        "settled": settled,
        "wrong_hours": wrong_hours(stage, truth, span),
        "jobs_run": worked,
        "notices_sent": sent and not keys - stage.hook.keys.keys(),
        "notices_repeated": sum(stage.hook.keys.values()) - len(stage.hook.keys),
    }
    stage.kept, stage.refused = kept, refused
    truth.clear()
    return found


def wrong_hours(stage: Stage, truth: Truth, span: str) -> int:
    """Hours that differ from the mean of at least 45 minutes as measured, or that nobody measured."""
    minutes: dict[tuple[str, dt.datetime], list[float]] = defaultdict(list)
    for (device, moment), value in truth.items():
        minutes[f"at-{device}", moment.replace(minute=0)].append(value)
    expected = {key: sum(values) / len(values) for key, values in minutes.items() if len(values) >= 45}
    query = "select site_id, hour, pm25 from air_hour where pm25 is not null and site_id like 'at-crash%' and hour "
    found = {(site, hour): mean for site, hour, mean in stage.ask(query + span)}
    near = sum(key in found and abs(found[key] - mean) < 1e-9 for key, mean in expected.items())
    return len(found.keys() | expected.keys()) - near


def is_good(result: dict[str, object], rejected: int) -> bool:
    """Whether a round lost, doubled and forgot nothing; `rejected` readings had to be refused."""
    zero = ("lost", "wrong", "strange", "doubled", "revised", "wrong_hours")
    true = ("answered", "balanced", "settled", "jobs_run", "notices_sent")
    return all(result[key] == 0 for key in zero) and all(result[key] for key in true) and result["refused"] == rejected


def furnish(conn: Connection, hook: Hook) -> None:
    """An enterprise that hears by webhook."""
    conn.execute(
        "insert into enterprise (id, area_id, name_zh, industry) values ('crash-mill', %s, '磨坊', 'cement')", (COUNTY,)
    )
    address = f"http://127.0.0.1:{hook.port}/erp"
    write_contacts(conn, [Contact("crash-erp", None, "crash-mill", "磨坊ERP", channels=(("webhook", address),))])


@contextmanager
def stage_for(names: Sequence[str], seed: int) -> Iterator[Stage]:
    """Platform, devices and line for the rounds of these names."""
    hook = Hook()
    with platform(hook.port, small_disk="disk-full" in names) as made, tempfile.TemporaryDirectory() as folder:
        register(made.url("lantian_app"))
        with connect(made.url("lantian_app")) as conn:
            furnish(conn, hook)
        address = made.services.broker_for("simulator")
        line = BadLine(address.port, seed)
        account = Account("127.0.0.1", line.port, address.username, address.password)
        devices = Devices(Path(folder) / "outbox.db", account, made.gateway_port)
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


def can_mount() -> bool:
    """Whether this process may make a file system of its own."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
        done = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
        if done:
            subprocess.run(["umount", folder], check=True)
    return done


def main() -> None:
    """Play the rounds and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=3, help="in one round")
    parser.add_argument("--notices", type=int, default=20, help="in one round; many are sent together, once a minute")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outage", type=float, default=20.0, help="seconds that the database is away")
    parser.add_argument("--one-platform", action="store_true", help="the same for all names, instead of a new one each")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown {', '.join(sorted(unknown))}; expected some of {', '.join(NAMES)}")
    print(json.dumps({"machine": machine(), "options": vars(options)}), flush=True)
    names = options.names or list(NAMES)
    if "disk-full" in names and not can_mount():
        names.remove("disk-full")
        print(json.dumps({"round": "disk-full", "skipped": "needs the right to mount a tmpfs"}), flush=True)
    results: dict[str, list[dict[str, object]]] = {name: [] for name in names}
    for group in [names] if options.one_platform else [[name] for name in names]:
        with stage_for(group, options.seed) as stage:
            for name, at in itertools.product(group, range(options.rounds)):
                results[name].append(play(stage, name, options.seed + at, options))
                print(json.dumps(results[name][-1]), flush=True)
    print(f"{'':16}{'rounds':>8}{'good':>6}{'readings':>10}{'lost':>6}{'doubled':>9}{'slowest recovery':>18}")
    for name, rounds in results.items():
        readings, lost, doubled = (sum(int(str(one[key])) for one in rounds) for key in ("readings", "lost", "doubled"))
        good, slowest = sum(one["good"] is True for one in rounds), max(float(str(one["recovery_s"])) for one in rounds)
        print(f"{name:16}{len(rounds):8}{good:6}{readings:10}{lost:6}{doubled:9}{slowest:16.1f} s")
    raise SystemExit(any(one["good"] is not True for rounds in results.values() for one in rounds))


if __name__ == "__main__":
    main()
