"""Kill every part of the platform at random while messages flow, and look whether anything is lost or counted twice.

    python scripts/crash_matrix.py [--messages 100000] [--rounds 20] [--seed 1] [--outage 20] [NAME ...]

Real processes, a database that flushes, devices with store and forward. In a round of NAME what it names is killed or
broken `--kills` times at random points of the traffic, and started again as a service manager would; in a round of
`all`, each process is killed `--kills` times, the broker with its memory and without, in random order, half of them
while what was struck before is still coming back. A round is good when, without a person: every reading is stored once
with its value, nothing else is, the ledger balances with the tables, every hour equals the mean of what was measured,
every notice has been received, jobs run, and the devices' outbox is empty. One JSON line a round, then tables; the exit
code is 1 when a round was not good.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from crash_devices import WrongClock
from crash_stage import PROCESSES, Stage, stage_for, strike
from crash_verdict import is_good, verdict

from benchmarks.scratch import machine

NAMES = ("all", *PROCESSES, "database-out", "network", "disk-full", "clock", "server-clock")
#: A strike that is to hit what is still coming back follows the one before within so many seconds.
_SOON_S = 3.0

Result = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """What is struck, after how many answered messages, and how long after that."""

    answered: int
    name: str
    delay_s: float


def plan(name: str, total: int, kills: int, chance: random.Random) -> list[Planned]:
    """Strikes of a round in their order: at random points of the middle of the traffic."""
    if name == "clock":
        return []
    names = [name] * kills if name != "all" else list(PROCESSES) * kills
    chance.shuffle(names)
    points = sorted(chance.sample(range(total // 20, total * 9 // 10), len(names)))
    planned = [Planned(at, one, chance.uniform(0.0, 0.1)) for at, one in zip(points, names, strict=True)]
    if name == "all":
        for at in range(1, len(planned), 2):
            planned[at] = Planned(planned[at - 1].answered, planned[at].name, chance.uniform(0.0, _SOON_S))
    return planned


def play(stage: Stage, name: str, seed: int, options: argparse.Namespace) -> Result:
    """One round; what came of it."""
    chance, devices, began = random.Random(seed), stage.devices, time.monotonic()  # noqa: S311  repeatable
    each = len(devices.fleet.devices)
    messages = options.messages // each * each
    first, published, outcomes = stage.first, devices.published, devices.outcomes.copy()
    answered, passed = devices.answered, devices.through_gateway
    stage.first += dt.timedelta(hours=messages // each // 60 + 2)
    devices.strikes.clear()
    refused = devices.measure(messages, first, wrong_clock(name, messages, each, chance))
    revised = len(devices.again)
    disturb(stage, plan(name, messages, options.kills, chance), chance, options)
    done = stage.until(lambda: devices.waiting == 0)
    result: Result = {"round": name, "seed": seed, "messages": messages, "kills": len(devices.strikes)}
    result |= {"answered": done and devices.answered - answered == messages}
    result |= {"published": devices.published - published, "answered_s": round(time.monotonic() - began, 1)}
    result |= {"of_loggers": messages // each * len(devices.fleet.loggers)}
    result |= {"through_gateway": devices.through_gateway - passed}
    result |= verdict(stage, first, jobs=name in {"all", "jobs", "server-clock"})
    result |= {"outcomes": dict(devices.outcomes - outcomes), "seconds": round(time.monotonic() - began, 1)}
    result |= {"strikes": [(one.name, one.recovery_s and round(one.recovery_s, 1)) for one in devices.strikes]}
    return result | {"good": is_good(result, refused, revised)}


def wrong_clock(name: str, messages: int, each: int, chance: random.Random) -> WrongClock:
    """In a round of `clock`, a twentieth of the readings far ahead and, later, up to three hours of them behind."""
    if name != "clock":
        return WrongClock()
    length = messages // 20
    ahead, behind = chance.randrange(messages // 2 - length), chance.randrange(messages // 2, messages * 3 // 4)
    return WrongClock(range(ahead, ahead + length), range(behind, min(behind + 180 * each, messages)))


def disturb(stage: Stage, planned: list[Planned], chance: random.Random, options: argparse.Namespace) -> None:
    """Let messages flow, strike at the points of the plan, write notices all the way."""
    devices, total = stage.devices, stage.devices.waiting
    told = [total * at // options.notices for at in range(options.notices)]

    def done() -> bool:
        answered = total - devices.waiting
        if told and answered >= told[0]:
            told.pop(0)
            stage.announce()
        if planned and answered >= planned[0].answered:
            one = planned.pop(0)
            stage.pause(one.delay_s)
            strike(stage, one.name, chance, options.outage)
        return not planned and not told

    stage.until(done, 0.0)


def can_mount() -> bool:
    """Whether this process may make a file system of its own."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
        done = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
        if done:
            subprocess.run(["umount", folder], check=True)
    return done


def print_tables(results: dict[str, list[Result]]) -> None:
    """Rounds by name, then strikes by what was struck with the time until a message sent afterwards was answered."""
    print(f"{'':16}{'rounds':>8}{'good':>6}{'kills':>7}{'readings':>10}{'lost':>6}{'doubled':>9}{'longest round':>15}")
    for name, rounds in results.items():
        kills, readings, lost, doubled, good = (
            sum(one[key] for one in rounds) for key in ("kills", "readings", "lost", "doubled", "good")
        )
        slowest = max(one["seconds"] for one in rounds)
        print(f"{name:16}{len(rounds):8}{good:6}{kills:7}{readings:10}{lost:6}{doubled:9}{slowest:13.1f} s")
    strikes = [one for rounds in results.values() for result in rounds for one in result["strikes"]]
    for name in sorted({name for name, _ in strikes}):
        times = sorted(seconds or 0.0 for struck, seconds in strikes if struck == name)
        print(
            f"{name:16}{len(times):8} kills, answered after {times[len(times) // 2]:.1f} s, at most {times[-1]:.1f} s"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Play the rounds and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; default: one after the other")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--devices", type=int, default=40, help="of them a fifth are loggers behind the gateway")
    parser.add_argument("--kills", type=int, default=1, help="in one round")
    parser.add_argument("--notices", type=int, default=20, help="in one round; many are sent together, once a minute")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outage", type=float, default=20.0, help="seconds that the database is away")
    parser.add_argument("--patience", type=float, default=3.0, help="seconds until a device sends again; more if busy")
    parser.add_argument("--one-platform", action="store_true", help="the same for all names, instead of a new one each")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"unknown {', '.join(sorted(unknown))}; expected some of {', '.join(NAMES)}")
    print(json.dumps({"machine": machine(), "options": vars(options)}), flush=True)
    names = options.names or list(NAMES)
    lacking = {
        "disk-full": (can_mount, "the right to mount a tmpfs"),
        "server-clock": (lambda: shutil.which("cc"), "a C compiler"),
    }
    for name, (there, what) in lacking.items():
        if name in names and not there():
            names.remove(name)
            print(json.dumps({"round": name, "skipped": f"needs {what}"}), flush=True)
    results: dict[str, list[Result]] = {name: [] for name in names}
    for group in [names] if options.one_platform else [[name] for name in names]:
        with stage_for(group, options) as stage:
            for name, at in itertools.product(group, range(options.rounds)):
                results[name].append(play(stage, name, options.seed + at, options))
                print(json.dumps(results[name][-1]), flush=True)
    print_tables(results)
    raise SystemExit(any(not one["good"] for rounds in results.values() for one in rounds))


if __name__ == "__main__":
    main()
