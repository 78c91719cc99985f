"""Faults that the simulator gives to an air station are found with their kind, and a sound fleet is left alone."""

from __future__ import annotations

import datetime as dt
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from analytics.quality import GAP, HUMIDITY
from domain.county import load_county

FILE = Path(__file__).parents[2] / "benchmarks" / "faults_air.py"
SPEC = importlib.util.spec_from_file_location("faults_air", FILE)
assert SPEC is not None and SPEC.loader is not None
faults: ModuleType = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = faults
SPEC.loader.exec_module(faults)

DAYS = 8
#: Hours from the start of the fleet to the start of a fault.
ONSET_H = faults.WARM_UP_H + 24
#: A reference and a micro station.
DEVICES = (1, 8)


@pytest.fixture(scope="module")
def fleet() -> object:
    start = dt.datetime(2026, 7, 5, tzinfo=dt.UTC) - dt.timedelta(hours=faults.WARM_UP_H)
    return faults.Fleet(load_county("zhongyang"), start, faults.WARM_UP_H + 24 * DAYS)


def test_a_sound_fleet_is_left_alone(fleet: object) -> None:
    found = fleet.found()[faults.WARM_UP_H :] & ~np.int16(GAP | HUMIDITY)  # type: ignore[attr-defined]
    device_days = DAYS * found.shape[1]
    alarms = faults.alarms(found, 2**14 - 1)
    assert device_days == 136 and 100 * alarms / device_days < 1


@pytest.mark.parametrize("scenario", faults.SCENARIOS, ids=lambda one: one.title.replace(" ", "-"))
def test_a_fault_is_found_with_its_kind(fleet: object, scenario: object) -> None:
    start_s = int(fleet.hours_s[ONSET_H])  # type: ignore[attr-defined]
    clean = fleet.found()  # type: ignore[attr-defined]
    for at in DEVICES:
        new = fleet.with_fault(at, scenario, start_s) & ~clean  # type: ignore[attr-defined]
        own = int(np.bitwise_or.reduce(new[ONSET_H:, at], axis=None))
        assert bool(own & scenario.expected) == bool(scenario.expected), faults.named(own)  # type: ignore[attr-defined]
        if not scenario.expected:  # type: ignore[attr-defined]
            assert not own & ~(GAP | HUMIDITY), faults.named(own)
        others = np.delete(new, at, axis=1) & ~np.int16(GAP | HUMIDITY)
        assert not others.any()
        assert not new[: ONSET_H - 12].any()  # nothing is found before it begins, but for a constant run's first hours
