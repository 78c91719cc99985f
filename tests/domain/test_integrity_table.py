"""Kinds and thresholds of integrity checks: complete, dated, and every text can be filled."""

from __future__ import annotations

import datetime as dt
import inspect
import string
from pathlib import Path

import pytest

from analytics import integrity_micro, integrity_series, integrity_stack, integrity_stream, integrity_vehicle
from analytics import integrity_works as works
from domain.error import ConfigurationError
from domain.integrity_table import FOLDER, kinds, thresholds

DAY = dt.date(2026, 11, 25)
#: Functions that take their thresholds by name.
FUNCTIONS = {
    "constant": integrity_series.constant_values,
    "clipped": integrity_series.clipped_values,
    "shift_after_mark": integrity_stack.shift_after_marks,
    "dilution": works.diluted_hours,
    "low_under_load": works.low_under_load,
    "conversion_mismatch": integrity_stack.conversion_mismatch,
    "treatment_off": works.treatment_off,
    "counter_mismatch": works.counter_mismatch,
    "nox_not_reduced": integrity_vehicle.nox_not_reduced,
    "reagent_frozen": integrity_vehicle.reagent_frozen,
    "reagent_jump": integrity_vehicle.reagent_jumps,
    "dpf_gone": integrity_vehicle.filter_gone,
    "frozen_stream": integrity_stream.frozen_stream,
    "implausible_stream": integrity_stream.implausible_stream,
    "mil_on": integrity_stream.lamp_on,
    "silent_moving": integrity_stream.silent_moving,
    "selective_cleaning": integrity_micro.selective_cleaning,
}
#: Words that the texts get besides the figures that the functions' docstrings promise.
WORDS = {"column_zh", "mark_zh", "what_zh", "source", "source_time", "minutes"}


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_thresholds_are_arguments_of_their_function(kind: str) -> None:
    assert set(thresholds(kind, DAY)) <= set(inspect.signature(FUNCTIONS[kind]).parameters)


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_texts_ask_only_for_figures_that_are_promised(kind: str) -> None:
    asked = {name for _, name, _, _ in string.Formatter().parse(kinds()[kind].text_zh) if name}
    promised = (FUNCTIONS[kind].__doc__ or "").split("Figures:")[1]
    assert {name for name in asked - WORDS if f"``{name}``" not in promised} == set()


def test_every_kind_has_thresholds_from_the_first_day_of_data() -> None:
    for kind in set(kinds()) - {"meter_constant"}:
        assert thresholds(kind, dt.date(2016, 1, 1)) == thresholds(kind, DAY)


def test_a_later_row_counts_from_its_first_day(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.csv"
    text = (FOLDER / "thresholds.csv").read_text(encoding="utf-8")
    path.write_text(
        text + "mil_on,least_minutes,30,min,2026-11-25,,time of running with the lamp on,ours,mem\n", "utf-8"
    )
    assert thresholds("mil_on", DAY - dt.timedelta(days=1), path) == {"least_minutes": 60}
    assert thresholds("mil_on", DAY, path) == {"least_minutes": 30}
    with pytest.raises(ConfigurationError, match="thresholds of 'mil_on' on 2015-01-01: found none"):
        thresholds("mil_on", dt.date(2015, 1, 1))
