"""Every fault that the simulator plays is found with its kind, and a fleet without faults is left alone."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

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
