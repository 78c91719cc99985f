"""The whole way: load from outside, Mosquitto, collector, TimescaleDB, beside what bounds it in the same run.

Usage: python -m benchmarks.ingest [--messages 100000] [--rounds 3] [--kinds json hj212 gb17691] [--collectors 1 2]
[--latency-s 30] [-o FILE]

For every kind of message, in turns: paho alone receiving and acknowledging, and the collector with everything on
(decoding, screening, raw frames, duplicates, dirty hours, ledger, counters). Then raw binary COPY into the same table
beside `write_batch`. Then 2,000 JSON messages a second, each timed from its publication until the line that the
collector writes after the commit. Prints JSON; medians of the rounds.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.service.address import BrokerAddress
from app.service.local import LocalServices
from benchmarks.load import COUNTY, DEVICES, KINDS, device_id, identity, publish
from benchmarks.scratch import machine, peak_mib, processor_s, scratch_services
from benchmarks.store import measure as store_rates
from ingest.link import Broker, secret_client_id
from ingest.topic import subscriptions
from store.connection import Connection, connect
from store.registry import NewDevice, NewSite, set_units, upsert_device, upsert_site

_AHEAD: Final = 20_000
_WINDOW: Final = 8000
#: Share of the messages left out at the start, while processes warm up.
_WARM: Final = 0.2
_UNITS: Final = ("a34004", "a34002", "a21026", "a21004", "a05024", "a01007", "a01008", "a01001", "a01002", "a01006")
SPAWN: Final = multiprocessing.get_context("spawn")


def register(url: str) -> None:
    """The devices of the load."""
    with connect(url) as conn:
        conn.execute("insert into area (id, name_zh) values (%s, '基准') on conflict do nothing", (COUNTY,))
        for kind, what in KINDS.items():
            for number in range(DEVICES):
                name = device_id(kind, number)
                upsert_site(conn, NewSite(name, COUNTY, "micro", "测试点"))
                mn = None if kind == "json" else identity(kind, number)
                upsert_device(conn, NewDevice(name, name, kind, what.family, mn=mn))
                if kind == "hj212":
                    units = dict.fromkeys(_UNITS, "µg/m³") | {"a21005": "mg/m³", "a01001": "℃", "a01002": "%"}
                    set_units(conn, name, units | {"a01006": "hPa", "a01007": "m/s", "a01008": "°"})


def receive(address: BrokerAddress, done: Any, listening: Any) -> None:
    """paho alone: receive and acknowledge, count; run as a process."""
    count = 0

    def took(_client: mqtt.Client, _data: Any, _message: mqtt.MQTTMessage) -> None:
        nonlocal count
        count += 1
        if count % 100 == 0:
            done.value = count

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-paho", protocol=mqtt.MQTTv5)
    client.username_pw_set(address.username, address.password)
    client.on_message = took
    client.on_connect = lambda it, *_: it.subscribe([(topic, 1) for topic in subscriptions()])
    client.on_subscribe = lambda *_: listening.set()
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.ReceiveMaximum = _WINDOW
    client.connect(address.host, address.port, clean_start=True, properties=properties)
    client.loop_forever()


class Place:
    """Services, database and the next messages of a benchmark."""

    def __init__(self, services: LocalServices, folder: Path) -> None:
        self.services = services
        self.folder = folder
        self.next = 0
        self.load = services.broker_for("simulator")
        self.platform = services.broker_for("collector")
        self.watch: Connection = connect(services.database_url("lantian_owner"), autocommit=True)

    def span(self, count: int) -> tuple[int, int]:
        """Messages that were never sent."""
        self.next += count
        return self.next - count, self.next

    def ledger(self) -> tuple[int, int]:
        """Newest batch and messages of all batches."""
        row = self.watch.execute("select coalesce(max(id), 0), coalesce(sum(received), 0) from ledger").fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    def forget(self, names: Sequence[str]) -> None:
        """End the sessions that the broker keeps for absent collectors, so that it queues nothing for them."""
        broker = Broker(self.platform.host, self.platform.port, self.platform.username, self.platform.password)
        for name in names:
            client = mqtt.Client(
                CallbackAPIVersion.VERSION2, client_id=secret_client_id(name, broker), protocol=mqtt.MQTTv5
            )
            client.username_pw_set(broker.username, broker.password)
            client.connect(broker.host, broker.port, clean_start=True)
            client.loop_start()
            until = time.monotonic() + 5
            while not client.is_connected() and time.monotonic() < until:
                time.sleep(0.01)
            client.disconnect()
            client.loop_stop()

    def servers(self) -> dict[str, list[int]]:
        """Processes of broker and database."""
        found: dict[str, list[int]] = {"broker": [], "database": []}
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.folder) in line and "mosquitto" in line:
                found["broker"].append(int(entry.parent.name))
        pid_file = self.folder / "home" / "postgres" / "data" / "postmaster.pid"
        found["database"] = [int(pid_file.read_text(encoding="utf-8").split()[0])]
        return found


@contextmanager
def collectors(place: Place, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Collector processes as `lantian up` runs them."""
    names = [f"lantian-collector-{number}" for number in range(1, count + 1)]
    children = []
    share = ["--share", "bench"] if count > 1 else []
    environment = {**os.environ, "LANTIAN_HOME": str(place.folder / "home")}
    try:
        for number, name in enumerate(names, 1):
            with (place.folder / f"{name}.log").open("wb") as log:
                arguments = [sys.executable, "-m", "app", "collect", "--number", str(number), *share]
                children.append(subprocess.Popen(arguments, env=environment, stderr=log))
        until = time.monotonic() + 30
        while not all(b'"start"' in (place.folder / f"{name}.log").read_bytes() for name in names):
            if time.monotonic() > until:
                raise SystemExit((place.folder / f"{names[0]}.log").read_text(encoding="utf-8"))
            time.sleep(0.05)
        time.sleep(1)
        yield children
    finally:
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            child.wait(30)
        place.forget(names)


def usage(groups: dict[str, list[int]]) -> dict[str, float]:
    """Processor seconds by group of processes."""
    return {name: sum(processor_s(pid) for pid in pids) for name, pids in groups.items()}


def timed(  # noqa: PLR0913 - keyword-only from the fourth on
    place: Place, kind: str, count: int, *, progress: Callable[[], int], done: Any, processes: dict[str, list[int]]
) -> dict[str, Any]:
    """Publish `count` messages as fast as they are dealt with; rate and processor time after the first fifth."""
    ready = SPAWN.Event()
    load = SPAWN.Process(
        target=publish,
        args=(place.load, kind, place.span(count)),
        kwargs={"done": done, "ahead": _AHEAD, "rate": 0.0, "ready": ready, "sent": None},
        daemon=True,
    )
    load.start()
    ready.wait(120)
    ready.clear()
    groups = {**processes, "load": [load.pid or 0]}
    mark: tuple[float, int, dict[str, float]] | None = None
    until = time.monotonic() + 300
    while (now := progress()) < count and time.monotonic() < until:
        done.value = now
        if mark is None and now >= _WARM * count:
            mark = time.monotonic(), now, usage(groups)
        time.sleep(0.02)
    seconds, counted, used = mark or (until, 0, usage(groups))
    passed = time.monotonic() - seconds
    groups.pop("load")
    load.join(30)
    return {
        "messages_per_s": (now - counted) / passed,
        "cores": {name: round((value - used[name]) / passed, 2) for name, value in usage(groups).items()},
        "peak_mib": {name: max(map(peak_mib, pids)) for name, pids in processes.items() if name != "database"},
    }


def paho_run(place: Place, kind: str, count: int) -> dict[str, Any]:
    """One round of paho alone."""
    done, listening = SPAWN.Value("q", 0, lock=False), SPAWN.Event()
    other = SPAWN.Process(target=receive, args=(place.platform, done, listening), daemon=True)
    other.start()
    listening.wait(30)
    processes = {"paho": [other.pid or 0], "broker": place.servers()["broker"]}
    count -= count % 100
    try:
        return timed(place, kind, count, progress=lambda: done.value, done=done, processes=processes)
    finally:
        other.kill()
        other.join()


def collector_run(place: Place, kind: str, count: int, number: int) -> dict[str, Any]:
    """One round of one or several collectors."""
    with collectors(place, number) as children:
        first, before = place.ledger()
        done = SPAWN.Value("q", 0, lock=False)
        processes = {"collector": [child.pid for child in children], **place.servers()}
        found = timed(place, kind, count, progress=lambda: place.ledger()[1] - before, done=done, processes=processes)
        last, after = place.ledger()
        return found | {"messages_per_batch": round((after - before) / max(1, last - first))}


def latency(place: Place, seconds: float, rate: float = 2000.0) -> dict[str, Any]:
    """Seconds from the publication of a message until the collector says that its batch is committed."""
    count = int(seconds * rate)
    ready, done = SPAWN.Event(), SPAWN.Value("q", 0, lock=False)
    first, stop = place.span(count)
    sent = SPAWN.Array("d", count, lock=False)
    load = SPAWN.Process(
        target=publish,
        args=(place.load, "json", (first, stop)),
        kwargs={"done": done, "ahead": count, "rate": rate, "ready": ready, "sent": sent},
        daemon=True,
    )
    load.start()
    ready.wait(120)
    with collectors(place, 1) as children:
        before, total = place.ledger()
        processes = {"collector": [child.pid for child in children], **place.servers()}
        ready.clear()
        began, used = time.monotonic(), usage(processes)
        visible = _committed(place.folder / "lantian-collector-1.log", lambda: place.ledger()[1] - total >= count)
        passed = time.monotonic() - began
        cores = {name: round((value - used[name]) / passed, 2) for name, value in usage(processes).items()}
    load.join(30)
    delays = []
    for batch, payload in place.watch.execute("select batch_id, payload from raw_frame where batch_id > %s", (before,)):
        found = re.search(rb'"seq":(\d+)', payload)
        if found and batch in visible:
            delays.append(visible[batch] - sent[int(found[1]) - first])
    median, high = np.percentile(delays, [50, 99])
    return {
        "messages_per_s": rate,
        "messages": len(delays),
        "median_s": round(float(median), 3),
        "p99_s": round(float(high), 3),
        "largest_s": round(max(delays), 3),
        "cores": cores,
    }


def _committed(log: Path, finished: Callable[[], bool]) -> dict[int, float]:
    """Moments at which batches were seen in the log."""
    visible: dict[int, float] = {}
    until, asked = time.monotonic() + 300, 0.0
    with log.open(encoding="utf-8") as lines:
        rest = ""
        while time.monotonic() < until:
            rest += lines.read()
            moment = time.time()
            *whole, rest = rest.split("\n")
            for line in whole:
                if line.startswith('{"event":"batch"'):
                    visible[json.loads(line)["batch"]] = moment
            if moment - asked > 1:
                asked = moment
                if finished():
                    break
            time.sleep(0.002)
    return visible


def medians(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The round of the median rate, its rate rounded; all rates beside it."""
    ordered = sorted(rounds, key=lambda each: each["messages_per_s"])
    middle = dict(ordered[len(ordered) // 2])
    middle["messages_per_s"] = round(middle["messages_per_s"])
    return middle | {"rounds": [round(each["messages_per_s"]) for each in rounds]}


def kind_figures(place: Place, kind: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """Rounds of paho alone and of collectors in turns, and the ratios of their medians."""
    count = chosen.messages if kind == "json" else chosen.messages // (3 if kind == "hj212" else 10)
    runs: dict[str, list[dict[str, Any]]] = {}
    for _ in range(chosen.rounds):
        runs.setdefault("paho", []).append(paho_run(place, kind, count))
        for number in chosen.collectors:
            runs.setdefault(f"collectors_{number}", []).append(collector_run(place, kind, count, number))
    figures: dict[str, Any] = {name: medians(rounds) for name, rounds in runs.items()}
    paho = figures["paho"]["messages_per_s"]
    for name, found in figures.items():
        own = found["cores"].get("paho", found["cores"].get("collector", 0.0))
        found["processor_us_per_message"] = round(own / found["messages_per_s"] * 1e6, 1)
        found["values_per_s"] = found["messages_per_s"] * KINDS[kind].values
        found["of_paho"] = round(found["messages_per_s"] / paho, 2)
        if name != "paho":
            pairs = zip(runs[name], runs["paho"], strict=True)
            found["of_paho_by_round"] = [round(a["messages_per_s"] / b["messages_per_s"], 2) for a, b in pairs]
            found["of_paho"] = statistics.median(found["of_paho_by_round"])
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--collectors", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--latency-s", type=float, default=30.0)
    parser.add_argument("--store", type=int, default=32, help="batches of each size for the store's share of COPY")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        services = stack.enter_context(scratch_services())
        place = Place(services, services.folder.parent)
        stack.callback(place.watch.close)
        register(services.database_url("lantian_owner"))
        figures: dict[str, Any] = {"machine": machine()}
        for kind in chosen.kinds:
            figures[kind] = kind_figures(place, kind, chosen)
            print(json.dumps({kind: figures[kind]}), file=sys.stderr, flush=True)
        if chosen.latency_s:
            figures["latency"] = latency(place, chosen.latency_s)
        if chosen.store:
            urls = services.database_url("lantian_owner"), services.database_url("lantian_writer")
            figures["store"] = [store_rates(*urls, size=size, batches=chosen.store) for size in (500, 2000, 8000)]
    text = json.dumps(figures, ensure_ascii=False, indent=1)
    print(text)
    if chosen.output:
        chosen.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
