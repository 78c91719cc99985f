"""Absence of data is never a verdict: taking values away from sound data makes no check suspect anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.integrity import Check
from analytics.integrity_micro import selective_cleaning
from analytics.integrity_series import clipped_values, constant_values, copied_blocks
from analytics.integrity_stack import conversion_mismatch, shift_after_marks
from analytics.integrity_stream import frozen_stream, implausible_stream, lamp_on
from analytics.integrity_vehicle import filter_gone, nox_not_reduced, reagent_frozen, reagent_jumps
from analytics.integrity_works import counter_mismatch, diluted_hours, low_under_load, treatment_off
from domain.integrity_table import thresholds
from domain.period import midnight

DAY = dt.date(2026, 11, 25)
BEGIN = int(midnight(DAY).timestamp())
MINUTES = BEGIN + 60 * np.arange(600, dtype=np.int64)
HOURS = BEGIN + 3600 * np.arange(24, dtype=np.int64)
NOISE = np.random.default_rng(5)
Values = np.ndarray

SOUND = np.round(20 + 3 * NOISE.normal(size=600), 2)
PACE = 50 + 5 * NOISE.normal(size=600)
WAY = 1000 + np.cumsum(PACE) / 60
LEVEL = 60 - np.floor(np.arange(600) / 12) * 0.4
HOURLY = 20 + NOISE.normal(size=24)
AROUND = np.stack([80 + HOURLY, 60 + HOURLY, 30 + HOURLY])
MARKED = np.zeros(600, dtype=bool)
MARKED[300:310] = True

#: Kind -> columns of sound data, and the check over them.
CHECKS: dict[str, tuple[list[Values], Callable[..., Check]]] = {
    "constant": ([SOUND], lambda a: constant_values(MINUTES, a, **thresholds("constant", DAY))),
    "clipped": ([SOUND], lambda a: clipped_values(MINUTES, a, **thresholds("clipped", DAY))),
    "shift_after_mark": (
        [SOUND, np.full(600, 100.0)],
        lambda a, b: shift_after_marks(MINUTES, a, marked=MARKED, loads=b, **thresholds("shift_after_mark", DAY)),
    ),
    "conversion_mismatch": (
        [SOUND, SOUND],
        lambda a, b: conversion_mismatch(MINUTES, a, b, **thresholds("conversion_mismatch", DAY)),
    ),
    "treatment_off": (
        [50 + PACE / 50, 1000 + PACE],
        lambda a, b: treatment_off(
            MINUTES, a, production=b, usual_treatment=50.0, usual_production=1000.0, **thresholds("treatment_off", DAY)
        ),
    ),
    "dilution": (
        [HOURLY / 10 + 13, HOURLY, HOURLY * 50],
        lambda a, b, c: diluted_hours(
            HOURS, a, b[:, None], loads=c, usual_oxygen=15.0, usual_pollutants=[20.0], usual_load=1000.0,
            **thresholds("dilution", DAY),
        ),
    ),
    "low_under_load": (
        [HOURLY, HOURLY * 5, HOURLY * 50],
        lambda a, b, c: low_under_load(
            HOURS, np.column_stack([a, b]), loads=c, usual_shown=[20.0, 100.0], usual_load=1000.0,
            **thresholds("low_under_load", DAY),
        ),
    ),
    "counter_mismatch": (
        [HOURLY, HOURLY], lambda a, b: counter_mismatch(HOURS, a, b, **thresholds("counter_mismatch", DAY))
    ),
    "nox_not_reduced": (
        [500 + PACE, 20 + PACE / 10, 280 + PACE / 10],
        lambda a, b, c: nox_not_reduced(MINUTES, a, b, temperature=c, **thresholds("nox_not_reduced", DAY)),
    ),
    "reagent_frozen": (
        [LEVEL, WAY], lambda a, b: reagent_frozen(MINUTES, a, b, **thresholds("reagent_frozen", DAY))
    ),
    "reagent_jump": ([LEVEL], lambda a: reagent_jumps(MINUTES, a, **thresholds("reagent_jump", DAY))),
    "dpf_gone": (
        [2 + PACE / 100, 400 + PACE], lambda a, b: filter_gone(MINUTES, a, b, **thresholds("dpf_gone", DAY))
    ),
    "frozen_stream": (
        [PACE, 1200 + PACE],
        lambda a, b: frozen_stream(MINUTES, a, running=b > 0, **thresholds("frozen_stream", DAY)),
    ),
    "implausible_stream": (
        [PACE, 1200 + PACE, WAY],
        lambda a, b, c: implausible_stream(MINUTES, a, b, odometer=c, **thresholds("implausible_stream", DAY)),
    ),
    "mil_on": ([np.zeros(600), WAY], lambda a, b: lamp_on(MINUTES, a, b, **thresholds("mil_on", DAY))),
    "selective_cleaning": (
        [80 + HOURLY, 60 + HOURLY, 30 + HOURLY],
        lambda a, b, c: selective_cleaning(
            HOURS, np.stack([a, b, c]), np.repeat(AROUND[:, None], 4, axis=1), judged=np.arange(24) >= 12,
            usual_hours=6, **thresholds("selective_cleaning", DAY),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CHECKS)
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_holes_in_sound_data_are_no_finding(kind: str, data: st.DataObject) -> None:
    columns, check = CHECKS[kind]
    holed = []
    for column in columns:
        copy = column.copy()
        for _ in range(data.draw(st.integers(0, 4))):
            first = data.draw(st.integers(0, len(copy) - 1))
            copy[first : first + data.draw(st.integers(1, len(copy)))] = np.nan
        holed.append(copy)
    assert check(*holed).verdict != "suspected"


@pytest.mark.parametrize("kind", CHECKS)
def test_sound_data_are_compliant_and_no_data_undetermined(kind: str) -> None:
    columns, check = CHECKS[kind]
    assert check(*columns).verdict == "compliant"
    nothing = check(*(np.full(column.shape, np.nan) for column in columns))
    assert (nothing.verdict, bool(nothing.lacking)) == ("undetermined", True)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 599), max_size=300))
def test_holes_make_no_copies(rows: list[int]) -> None:
    holed = SOUND.copy()
    holed[rows] = np.nan
    assert copied_blocks(np.zeros(600, dtype=np.int64), MINUTES, holed, least_values=30, least_distinct=10) == []
