"""Every fault that the simulator plays is found with its kind, and a fleet without faults is left alone."""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from app.job.integrity_result import findings
from app.job.integrity_stack import StackCase, copied_results
from domain.family import STACK
from store.device_reading import DeviceReadings

SCRIPT = Path(__file__).parents[2] / "scripts" / "integrity_faults.py"
SPEC = importlib.util.spec_from_file_location("integrity_faults", SCRIPT)
assert SPEC is not None and SPEC.loader is not None
script: ModuleType = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = script
SPEC.loader.exec_module(script)


@pytest.mark.parametrize("play", script.PLAYS, ids=lambda play: play.name.replace(" ", "-"))
def test_a_fault_is_found_with_its_kind(play: object) -> None:
    found = script.kinds_found(script.play_results(play, seed=23))
    assert set(play.expected) <= set(found), found  # type: ignore[attr-defined]


def test_a_fleet_without_faults_is_left_alone() -> None:
    told = script.clean_fleet(1, 2)
    assert all(device_days >= 8 for device_days, _, _ in told.values())
    assert [text for _, _, texts in told.values() for text in texts] == []


def test_values_copied_from_the_neighbouring_monitor_name_it() -> None:
    rng, begin = np.random.default_rng(9), script.second_of(8)
    times = begin + 60 * np.arange(1440, dtype=np.int64)
    cases = []
    for name in ("north", "south"):
        values = np.full((1440, STACK.width), np.nan)
        values[:, :3] = np.round(20 + 3 * rng.normal(size=(1440, 3)), 2)
        if cases:
            values[600:720, STACK.position("nox")] = cases[0].readings.values[600:720, STACK.position("nox")]
        flags = np.where(np.isnan(values), 9, 1).astype(np.uint8)
        marks = np.full(values.shape, ord("N"), dtype=np.uint8)
        zeros, spans = np.zeros(1440, dtype=np.int64), np.full(1440, 60, dtype=np.int64)
        readings = DeviceReadings((name,), zeros, times, spans, values, flags, marks, times.astype(np.float64))
        hours = script.stack_hours(script.claim_of(name, begin, begin), readings, [(name, name, 60)], {})
        cases.append(StackCase(name, name, script.day_of(8), readings, hours, np.zeros(0), None))
    results = {(one.device, one.column): one.check for one in copied_results(cases)}
    assert {key for key, check in results.items() if check.verdict == "suspected"} == {("south", "nox")}
    (found,) = findings(copied_results(cases))
    assert (found.device, found.column) == ("south", "nox")
    assert found.ended_at - found.began_at == dt.timedelta(minutes=119)
    assert f"与north的{script.day_of(8)} 10:00起的数据完全相同" in found.text_zh
