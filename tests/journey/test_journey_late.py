"""A late and a corrected reading change their hour and its day, with collector and settler as processes."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from journey_traffic import COUNTY, DEVICES

DEVICE = next(device for device in DEVICES if device.protocol == "json")
HOUR = "2026-11-20T08:00:00+08:00"
#: The promise: from arrival to the changed hour.
PROMISE_S = 60.0


def message(moment: str, pm25: float, **extra: Any) -> tuple[str, bytes]:
    body = {"v": 1, "ts": moment, "span": 300, "values": {"pm25": pm25}, **extra}
    return f"lt/v1/{COUNTY}/json/{DEVICE.id}/data", json.dumps(body).encode()


@pytest.fixture
def settler(journey: Any, tmp_path: Path) -> Any:
    """`lantian settle --follow` as a process, at its usual pace."""
    with (tmp_path / "settle.log").open("wb") as log:
        process = subprocess.Popen(
            [journey.lantian, "settle", "--follow"], env=journey.environment, stdout=log, stderr=log
        )
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0, (tmp_path / "settle.log").read_text()


def wait_for_hour(journey: Any, expected: float) -> float:
    """Seconds until the hour's PM2.5 is as expected; fails when the promise is broken."""
    began = time.monotonic()
    while time.monotonic() - began < PROMISE_S:
        row = journey.app.execute(
            "select pm25 from air_hour where site_id = %s and hour = %s", [f"at-{DEVICE.id}", HOUR]
        ).fetchone()
        if row is not None and row[0] == pytest.approx(expected):
            return time.monotonic() - began
        time.sleep(0.2)
    pytest.fail(f"hour is {row}, expected {expected} within {PROMISE_S:g} s")


def test_late_and_corrected_readings_change_the_hour(journey: Any, settler: Any) -> None:
    journey.register()
    journey.subscribe(COUNTY)
    journey.start()
    times = [f"2026-11-20T08:{minute:02d}:00+08:00" for minute in range(0, 60, 5)]
    journey.publish([message(moment, 40.0) for moment in times[:-2]])
    wait_for_hour(journey, 40.0)
    journey.publish([message(times[-1], 150.0)])
    wait_for_hour(journey, (10 * 40.0 + 150.0) / 11)
    journey.publish([message(times[-1], 51.0, correction=True)])
    wait_for_hour(journey, (10 * 40.0 + 51.0) / 11)
    assert settler.poll() is None
    day = journey.app.execute("select hours[1] from air_day where site_id = %s", [f"at-{DEVICE.id}"]).fetchone()
    assert day == (1,), "the day follows"
    journey.stop()
