"""An hour at a stated rate: does memory stay flat, does everything keep up, is every message accounted for?

Usage: python -m benchmarks.soak [--minutes 60] [--rate 2000] [--every-s 30] [--slope 24] [-o FILE]

Durable database and broker of its own, collector, settler and job runner as `lantian up` runs them, and a process that
publishes JSON messages of 11 values, encoded a second ahead, from 200 devices whose clocks run fast enough for the rate
and end at the present. Every half minute: private memory of each process, messages published and not yet stored, hours
waiting for settlement, seconds from publication to the line after the commit for the messages of the newest batches.
After the load everything must be stored, and within a quarter of an hour be settled and tested to the end: all queues
empty, and then a run of the job `quality` that queues nothing. Prints JSON, then the lines of a Markdown table, and
ends with 1 when messages are missing or doubled, the ledger does not balance, anything waits or is queued again at the
end, or the memory of a process grows faster than --slope MiB an hour over the last two thirds of the time (Theil-Sen
slope, which single peaks of a job do not move; runs of less than half an hour are not judged by it, because the hours
that the job `quality` looks at grow so long).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import theilslopes

from app.service.address import BrokerAddress
from benchmarks.ingest import SPAWN, Place, collectors, register
from benchmarks.load import DEVICES, KINDS, START_S, connected, drain, encoded, write
from benchmarks.scratch import machine, processor_s, scratch_services
from store.ledger import read_balance

#: Blocks written to the socket in a second.
_BLOCKS: Final = 50
#: Most messages published and not stored; far more than a healthy platform leaves waiting.
_AHEAD: Final = 100_000
#: Newest batches whose messages are timed at each sample.
_TIMED: Final = 20
_CHILDREN: Final = {"settle": ["settle", "--follow"], "job": ["job", "follow"]}
#: How long stopping may take.
_PATIENCE_S: Final = 300.0
#: How long storing, settling and testing what is left may take.
_SETTLED_S: Final = 900.0
#: Minutes after which memory is judged: until then the hours before an hour that its tests look at are still coming in.
_JUDGED_MIN: Final = 30.0
#: Rows of each queue; an hour that may still get readings waits for nothing. As in view screen.queue_now.
_QUEUES: Final = {
    "batch_notes": "select count(*) from batch_note",
    "dirty_hours": "select count(distinct (family, site_id, hour)) from dirty_hour",
    "dirty_days": "select count(*) from dirty_day",
    "dirty_periods": "select count(*) from dirty_period",
    "untested_hours": "select count(*) from dirty_quality where hour <= now() - interval '70 minutes'",
}
_WAITING: Final = f"select {', '.join(f'({query})' for query in _QUEUES.values())}"
#: Whether the newest run of the job that began after a moment is over and queued nothing.
_QUIET: Final = """
select outcome = 'done' and (counts ->> 'resettled')::int = 0
from job_run where job = 'quality' and began_at > to_timestamp(%s) and ended_at is not null
order by began_at desc limit 1
"""


def publish_long(address: BrokerAddress, first: int, seconds: int, rate: int, shared: Mapping[str, Any]) -> None:
    """Publish `rate` messages a second from message `first` on; run as a process.

    `shared` has the integers `stored` (read) and `published` (written) and the array of moments `sent` (written).
    """
    link = connected(address)
    size = rate // _BLOCKS
    packets = encoded("json", first, rate)
    began = time.monotonic()
    for second in range(seconds):
        for block in range(_BLOCKS):
            time.sleep(max(0.0, began + second + block / _BLOCKS - time.monotonic()))
            while shared["published"].value - shared["stored"].value > _AHEAD:
                time.sleep(0.01)
            at = second * rate + block * size
            moment = time.time()
            shared["sent"][at : at + size] = [moment] * size
            write(link, b"".join(packets[block * size : (block + 1) * size]))
            shared["published"].value = at + size
        if second + 1 < seconds:
            packets = encoded("json", first + (second + 1) * rate, rate)
    drain(link, seconds * rate)


def private_mib(pid: int) -> float:
    """Memory that a process and its children have for themselves, in MiB; the database's shared buffers are not in
    it."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    found = re.search(r"^Pss_Anon:\s+(\d+)", text, flags=re.MULTILINE)
    return (int(found[1]) if found else 0) / 1024 + sum(private_mib(int(child)) for child in children)


@contextmanager
def followers(place: Place) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Settler and job runner as `lantian up` runs them."""
    environment = {**os.environ, "LANTIAN_HOME": str(place.folder / "home")}
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, arguments in _CHILDREN.items():
            with (place.folder / f"{name}.log").open("wb") as log:
                command = [sys.executable, "-m", "app", *arguments]
                children[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        yield children
    finally:
        for child in children.values():
            child.send_signal(signal.SIGTERM)
        for name, child in children.items():
            try:
                child.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                print(f"{name} did not end within {_PATIENCE_S:g} s and was killed", file=sys.stderr)
                child.kill()
                child.wait()


@dataclass
class Watch:
    """What is seen of the running processes."""

    place: Place
    processes: Mapping[str, Sequence[int]]
    first: int
    shared: Mapping[str, Any]
    began: float = field(default_factory=time.monotonic)
    rows: list[dict[str, float]] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    _rest: str = ""
    _committed: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._log = (self.place.folder / "lantian-collector-1.log").open(encoding="utf-8")

    def listen(self) -> None:
        """Note when batches were committed."""
        self._rest += self._log.read()
        moment = time.time()
        *whole, self._rest = self._rest.split("\n")
        for line in whole:
            if line.startswith('{"event":"batch"'):
                self._committed[json.loads(line)["batch"]] = moment

    def sample(self) -> None:
        """A row of figures, and the delays of the newest batches."""
        stored, waiting = self.place.ledger()[1], self.waiting()
        self.shared["stored"].value = stored
        row = {
            "minute": round((time.monotonic() - self.began) / 60, 2),
            "behind": self.shared["published"].value - stored,
            **waiting,
            **{f"{name}_mib": round(sum(map(private_mib, pids)), 1) for name, pids in self.processes.items()},
        }
        self.rows.append(row)
        newest = sorted(self._committed)[-_TIMED:]
        for batch, payload in self.place.watch.execute(
            "select batch_id, payload from raw_frame where batch_id = any(%s)", (newest,)
        ):
            found = re.search(rb'"seq":(\d+)', payload)
            if found:
                self.delays.append(self._committed[batch] - self.shared["sent"][int(found[1]) - self.first])
        self._committed.clear()
        print(json.dumps(row), file=sys.stderr, flush=True)

    def waiting(self) -> dict[str, int]:
        """Rows that wait: notes to fold, hours, days and periods to settle, hours to test."""
        found = self.place.watch.execute(_WAITING).fetchone()
        assert found is not None
        return dict(zip(_QUEUES, found, strict=True))

    def await_end(self, count: int, every_s: float) -> dict[str, Any]:
        """Wait until `count` messages are stored, settled and tested, and a test of them queues nothing again.

        Returns seconds until they were stored and until the end, what waits still, and whether the end was reached.
        """
        began, empty_since, stored_s = time.monotonic(), time.time(), None
        next_line = 0.0
        while True:
            passed, waiting = time.monotonic() - began, self.waiting()
            stored = self.place.ledger()[1]
            if stored_s is None and stored >= count:
                stored_s = round(passed, 1)
            if stored_s is None or any(waiting.values()):
                empty_since = time.time()
            row = self.place.watch.execute(_QUIET, (empty_since,)).fetchone()
            ended = row is not None and bool(row[0])
            if passed >= next_line or ended:
                next_line = passed + every_s
                line = {"after_s": round(passed, 1), "unstored": count - stored, **waiting, "ended": ended}
                print(json.dumps(line), file=sys.stderr, flush=True)
            if ended or passed > _SETTLED_S:
                return {"stored_s": stored_s, "settled_s": round(passed, 1), "ended": ended, "left": waiting}
            time.sleep(0.5)


def slopes(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """MiB an hour by which the memory of each process grows over the last two thirds of the rows."""
    later = rows[len(rows) // 3 :]
    hours = np.array([row["minute"] for row in later]) / 60
    names = [name for name in rows[0] if name.endswith("_mib")]
    return {name: round(float(theilslopes([row[name] for row in later], hours).slope), 2) for name in names}


def soak(place: Place, chosen: argparse.Namespace) -> dict[str, Any]:
    """Run for the whole time; figures."""
    seconds, rate = round(chosen.minutes * 60), chosen.rate - chosen.rate % _BLOCKS
    count = seconds * rate
    first = (int(time.time() - START_S) // 60) * DEVICES - count
    shared = {
        "published": SPAWN.Value("q", 0, lock=False),
        "stored": SPAWN.Value("q", 0, lock=False),
        "sent": SPAWN.Array("d", count, lock=False),
    }
    with ExitStack() as stack:
        collecting = stack.enter_context(collectors(place, 1))
        following = stack.enter_context(followers(place))
        own = {"collector": [collecting[0].pid], **{name: [child.pid] for name, child in following.items()}}
        processes = {**own, **place.servers()}
        load = SPAWN.Process(target=publish_long, args=(place.load, first, seconds, rate, shared), daemon=True)
        load.start()
        watch = Watch(place, processes, first, shared)
        used = {name: sum(map(processor_s, pids)) for name, pids in processes.items()}
        next_sample = time.monotonic() + chosen.every_s
        while load.is_alive():
            watch.listen()
            if time.monotonic() >= next_sample:
                next_sample += chosen.every_s
                watch.sample()
            time.sleep(0.005)
        passed = time.monotonic() - watch.began
        cores = {name: (sum(map(processor_s, pids)) - used[name]) / passed for name, pids in processes.items()}
        rest = watch.await_end(count, chosen.every_s)
        return {
            "minutes": chosen.minutes,
            "messages": count,
            "messages_per_s": round(count / passed, 1),
            "values": count * KINDS["json"].values,
            **rest,
            "cores": {name: round(value, 3) for name, value in cores.items()},
            "slope_mib_per_hour": slopes(watch.rows),
            "memory_mib": {
                name: [watch.rows[at][name] for at in (0, len(watch.rows) // 2, -1)]
                for name in watch.rows[0]
                if name.endswith("_mib")
            },
            "most_behind": max(row["behind"] for row in watch.rows),
            **{f"most_{name}": max(row[name] for row in watch.rows) for name in rest["left"]},
            "timed_messages": len(watch.delays),
            **dict(zip(("p50_s", "p99_s", "largest_s"), _percentiles(watch.delays), strict=True)),
            **_kept(place),
            "rows": watch.rows,
        }


def _percentiles(delays: Sequence[float]) -> list[float]:
    return [round(float(value), 3) for value in np.percentile(delays, [50, 99, 100])]


def _kept(place: Place) -> dict[str, Any]:
    """What the database holds and whether the ledger balances."""
    balance = read_balance(place.watch)
    row = place.watch.execute(
        "select (select count(*) from air_reading), (select count(*) from air_hour),"
        " (select count(*) from quality_result), pg_database_size(current_database())"
    ).fetchone()
    assert row is not None
    return {
        "readings": row[0],
        "hours": row[1],
        "quality_results": row[2],
        "database_mib": round(row[3] / 2**20),
        "ledger": {name: getattr(balance, name) for name in ("received", "stored", "duplicate", "revised", "rejected")},
        "balanced": balance.balanced,
    }


def faults(found: Mapping[str, Any], largest_slope: float) -> list[str]:
    """What was not as it must be."""
    checks = {
        f"{found['readings']} readings of {found['messages']} messages": found["readings"] == found["messages"],
        f"ledger {found['ledger']} of {found['messages']} messages": found["balanced"]
        and found["ledger"]["stored"] == found["messages"],
        f"{_SETTLED_S:g} s after the load not settled and tested to the end, waiting: {found['left']}": found["ended"],
        **{
            f"{name} grows by {slope} MiB an hour": slope <= largest_slope or found["minutes"] < _JUDGED_MIN
            for name, slope in found["slope_mib_per_hour"].items()
        },
    }
    return [text for text, good in checks.items() if not good]


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=2000, help="messages a second, a multiple of 50")
    parser.add_argument("--every-s", type=float, default=30.0)
    parser.add_argument("--slope", type=float, default=24.0, help="MiB an hour that a process may grow")
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        services = stack.enter_context(scratch_services())
        place = Place(services, services.folder.parent)
        stack.callback(place.watch.close)
        register(services.database_url("lantian_owner"))
        found = {"machine": machine(), **soak(place, chosen)}
    found["load_average_after"] = round(os.getloadavg()[0], 2)
    found["faults"] = faults(found, chosen.slope)
    text = json.dumps(found, ensure_ascii=False, indent=1)
    print(text)
    if chosen.output:
        chosen.output.write_text(text + "\n", encoding="utf-8")
    for name, values in found["memory_mib"].items():
        print(f"| {name.removesuffix('_mib')} | {' | '.join(map(str, values))} | {found['slope_mib_per_hour'][name]} |")
    if found["minutes"] < _JUDGED_MIN:
        print(f"memory is not judged in fewer than {_JUDGED_MIN:g} minutes")
    print("\n".join(found["faults"]) or "good")
    return int(bool(found["faults"]))


if __name__ == "__main__":
    sys.exit(main())
