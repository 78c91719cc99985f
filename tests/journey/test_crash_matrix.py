"""A few rounds of the crash matrix with fixed seeds: real processes killed, nothing lost, nothing counted twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "crash_matrix.py"
#: The collector's kill is in test_journey.py, the dispatcher's in tests/app/test_dispatch_crash.py.
NAMES = ("settler", "gateway", "broker-forgets", "network", "clock")


def test_nothing_is_lost_or_counted_twice_whatever_is_killed() -> None:
    numbers = [
        "--messages",
        "1000",
        "--devices",
        "10",
        "--rounds",
        "1",
        "--kills",
        "1",
        "--notices",
        "1",
        "--seed",
        "20261125",
        "--outage",
        "4",
    ]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *numbers, "--one-platform", *NAMES],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rounds = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"round"')]
    assert [one["round"] for one in rounds] == list(NAMES)
    assert [one["kills"] for one in rounds] == [1] * 4 + [0]
    # In the last round clocks are wrong: what is ahead is refused, what was measured twice waits for a person.
    assert [one["readings"] for one in rounds[:-1]] == [1000] * 4
    last = rounds[-1]
    assert last["readings"] + last["refused"] + last["revised"] == 1000 and last["refused"] and last["revised"]
    assert all(one["through_gateway"] == 200 for one in rounds)
