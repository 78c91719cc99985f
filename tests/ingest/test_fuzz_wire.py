"""A few thousand mutated frames; the whole million is `scripts/fuzz_wire.py`."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz_wire.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_wire", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_wire"] = module
    spec.loader.exec_module(module)
    return module


_FRAMES = {"malformed", "length_mismatch", "crc_mismatch", "bad_time", "identity_mismatch"}


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        *[("hj212", _FRAMES), ("gb17691", _FRAMES), ("hj212 encrypted", {"malformed", "wrong_key"})],
        ("straw_fire", {"malformed", "bad_field", "bad_value", "bad_time"}),
    ],
)
def test_mutated_frames_raise_nothing_but_rejections(script: ModuleType, name: str, reasons: set[str]) -> None:
    codec = next(each for each in script.codecs() if each.name == name)
    for frame in codec.frames:
        codec.decode(frame)
    figures = script.fuzz(codec, 4000, seed=7)
    assert figures.frames == sum(figures.reasons.values()) == 4000
    assert {"accepted", *reasons} <= set(figures.reasons)
    assert figures.slowest_s < 1.0


def test_a_fault_is_shown_with_its_frame(script: ModuleType) -> None:
    def broken(_payload: bytes) -> None:
        raise KeyError("x")

    codec = script.Codec("broken", [b"##0001"], broken, bytes)
    with pytest.raises(KeyError) as caught:
        script.fuzz(codec, 10, seed=1)
    assert "frame 0 of seed 1" in caught.value.__notes__[0]


def test_the_same_seed_makes_the_same_frames(script: ModuleType) -> None:
    first, second = (
        [script.mutated(b"##0004CP=&&&&0000", b"##", random.Random(seed)) for seed in range(20)] for _ in range(2)
    )
    assert first == second
