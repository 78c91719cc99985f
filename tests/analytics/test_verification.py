"""Verdicts on ordered measures: worked cases, a slow oracle of the baseline, what may never happen."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.verification import (
    DAYS,
    LEAST_DAYS,
    LEAST_WEEKS,
    REASONS,
    REASONS_ZH,
    VERDICTS,
    WEEKS,
    Asked,
    LineHours,
    Verdicts,
    frozen,
    holiday_hours,
    usual,
    verdicts,
)

WEEK = 7 * 24
HISTORY = 8 * WEEK
ORDER = 48
N = HISTORY + ORDER
FIRST = 1_759_680_000  # an hour, somewhere in October 2025


def series(level: float, *, seed: int = 1, noise: float = 0.01) -> np.ndarray:
    """A line that draws `level` with a daily swing and some noise."""
    hours, random = np.arange(N), np.random.default_rng(seed)
    return level * (1 + 0.05 * np.sin(hours * 2 * np.pi / 24)) * (1 + noise * random.standard_normal(N))


def made(**columns: np.ndarray) -> LineHours:
    absent = np.full(N, np.nan)
    filled = {name: columns.get(name, absent) for name in ("power", "treatment", "flow", "load", "vehicles")}
    return LineHours(FIRST, **filled, excluded=np.zeros(N, dtype=bool), skewed=np.zeros(N, dtype=bool))


def during(values: np.ndarray, factor: float | np.ndarray) -> np.ndarray:
    """The series with the order's hours multiplied."""
    changed = values.copy()
    changed[HISTORY:] *= factor
    return changed


def asked(share: float | None = 0.0, *, ramp: int = 0, no_vehicles: bool | None = None) -> Asked:
    return Asked(share, no_vehicles, 0.25, FIRST + HISTORY * 3600, FIRST + N * 3600, ramp)


def said(found: Verdicts) -> set[tuple[str, str]]:
    return {(VERDICTS[v], REASONS[r]) for v, r in zip(found.verdict.tolist(), found.reason.tolist(), strict=True)}


def test_a_full_stop_still_draws_a_little() -> None:
    for residual in (0.10, 0.14, 0.22):
        line = made(power=during(series(1000), residual))
        assert said(verdicts(line, asked())) == {("fulfilled", "below_allowed")}
    found = verdicts(made(power=during(series(1000), 0.12)), asked())
    assert len(found.hours_s) == ORDER
    assert found.hours_s[0] == FIRST + HISTORY * 3600
    assert np.allclose(found.allowed / found.usual, 0.25, atol=0.02)


def test_production_that_goes_on_is_suspected() -> None:
    line = made(power=series(1000))
    assert said(verdicts(line, asked())) == {("suspected", "above_allowed")}
    assert said(verdicts(line, asked(0.5))) == {("suspected", "above_allowed")}
    half = made(power=during(series(1000), 0.06 + 0.94 * 0.5))
    assert said(verdicts(half, asked(0.5))) == {("fulfilled", "below_allowed")}
    assert said(verdicts(half, asked(0.0))) == {("suspected", "above_allowed")}


def test_between_allowed_and_tolerance_nothing_is_said() -> None:
    line = made(power=during(series(1000, noise=0.0), 0.27))
    assert said(verdicts(line, asked())) == {("undetermined", "within_tolerance")}


def test_coming_down_takes_time() -> None:
    factor = np.where(np.arange(ORDER) < 5, 1.0, 0.12)
    line = made(power=during(series(1000), factor))
    found = verdicts(line, asked(ramp=6))
    assert said(found) == {("undetermined", "ramp_down"), ("fulfilled", "below_allowed")}
    assert (found.verdict[:5] == 2).all()
    assert found.verdict[5] == 0  # already down within the ramp
    late = verdicts(line, asked(ramp=2))
    assert [VERDICTS[code] for code in late.verdict[:6]] == ["undetermined"] * 2 + ["suspected"] * 3 + ["fulfilled"]


def test_a_dead_silent_frozen_or_skewed_meter_is_undetermined() -> None:
    whole = series(1000)
    for factor, reason in ((0.0, "dead_meter"), (0.005, "dead_meter"), (np.nan, "silent")):
        found = verdicts(made(power=during(whole, factor)), asked())
        assert said(found) == {("undetermined", reason)}
    stuck = whole.copy()
    stuck[HISTORY:] = 700.0
    assert said(verdicts(made(power=stuck), asked())) == {("undetermined", "frozen")}
    skewed = replace(made(power=whole), skewed=np.ones(N, dtype=bool))
    assert said(verdicts(skewed, asked())) == {("undetermined", "clock_skew")}
    fresh = whole.copy()
    fresh[: HISTORY - 5 * 24] = np.nan
    assert said(verdicts(made(power=fresh), asked())) == {("undetermined", "no_baseline")}
    assert said(verdicts(made(), asked())) == {("undetermined", "no_meter")}
    assert said(verdicts(made(power=whole), asked(None))) == {("undetermined", "not_measurable")}


def test_treatment_has_to_run_while_the_line_does() -> None:
    power = during(series(1000), 0.5)
    off = made(power=power, treatment=during(series(200, seed=2), 0.02))
    assert said(verdicts(off, asked(0.5))) == {("suspected", "treatment_off")}
    on = made(power=power, treatment=during(series(200, seed=2), 0.6))
    assert said(verdicts(on, asked(0.5))) == {("fulfilled", "below_allowed")}
    standing = made(power=during(series(1000), 0.12), treatment=during(series(200, seed=2), 0.02))
    assert said(verdicts(standing, asked(0.0))) == {("fulfilled", "below_allowed")}
    unknown = made(power=power, treatment=during(series(200, seed=2), np.nan))
    assert said(verdicts(unknown, asked(0.5))) == {("fulfilled", "below_allowed")}


def test_flue_gas_and_load_contradict_a_meter_that_is_bridged() -> None:
    power = during(series(1000), 0.12)
    assert said(verdicts(made(power=power, flow=series(80, seed=3)), asked())) == {("suspected", "flow_contradicts")}
    fan = made(power=power, flow=during(series(80, seed=3), 0.35))
    assert said(verdicts(fan, asked())) == {("fulfilled", "below_allowed")}
    assert said(verdicts(made(power=power, load=series(88, seed=4)), asked())) == {("suspected", "load_contradicts")}
    low = made(power=power, load=during(series(88, seed=4), 0.0))
    assert said(verdicts(low, asked())) == {("fulfilled", "below_allowed")}
    dead = made(power=during(series(1000), 0.0), flow=series(80, seed=3))
    assert said(verdicts(dead, asked())) == {("undetermined", "dead_meter")}


def test_a_ban_on_vehicles_by_their_count() -> None:
    none, some = np.zeros(N), np.full(N, 3.0)
    assert said(verdicts(made(vehicles=none), asked(no_vehicles=False))) == {("fulfilled", "no_traffic")}
    assert said(verdicts(made(vehicles=some), asked(no_vehicles=False))) == {("undetermined", "not_measurable")}
    assert said(verdicts(made(vehicles=some), asked(no_vehicles=True))) == {("suspected", "traffic")}
    assert said(verdicts(made(), asked(no_vehicles=True))) == {("undetermined", "not_measurable")}


def test_earlier_orders_and_holidays_do_not_make_the_usual() -> None:
    power = during(series(1000), 0.4)
    power[: 6 * WEEK] *= 0.3  # six weeks of earlier orders
    excluded = np.zeros(N, dtype=bool)
    excluded[: 6 * WEEK] = True
    line = replace(made(power=power), excluded=excluded)
    found = verdicts(line, asked(0.0))
    assert np.allclose(found.usual, 1000, rtol=0.08)
    assert said(found) == {("suspected", "above_allowed")}
    days = np.array([(dt.date(2025, 10, 6) - dt.date(1970, 1, 1)).days])
    mask = holiday_hours(FIRST, 48, days)
    assert [
        dt.datetime.fromtimestamp(FIRST + 3600 * int(at), dt.timezone(dt.timedelta(hours=8))).date()
        for at in np.flatnonzero(mask)
    ] == [dt.date(2025, 10, 6)] * int(mask.sum())


def test_a_line_that_usually_stands_at_night_may_stand_at_night() -> None:
    hours = np.arange(N) % 24
    power = series(1000) * np.where(hours < 8, 0.1, 1.0)
    power[HISTORY:] = series(1000)[HISTORY:] * 0.12
    assert said(verdicts(made(power=power), asked())) == {("fulfilled", "below_allowed")}


def test_an_order_of_weeks_is_no_baseline_for_itself() -> None:
    power = series(1000)
    power[HISTORY - 2 * WEEK :] *= 0.5
    long = replace(asked(0.0), start_s=FIRST + (HISTORY - 2 * WEEK) * 3600)
    found = verdicts(made(power=power), long)
    assert np.allclose(found.usual, 1000, rtol=0.08)
    assert said(found) == {("suspected", "above_allowed")}


def test_only_whole_hours_of_the_order_are_judged() -> None:
    line = made(power=series(1000))
    late = Asked(0.0, None, 0.25, FIRST + HISTORY * 3600 + 600, FIRST + HISTORY * 3600 + 3 * 3600 + 1800, 0)
    assert verdicts(line, late).hours_s.tolist() == [FIRST + (HISTORY + at) * 3600 for at in (1, 2)]
    assert len(verdicts(line, replace(late, end_s=late.start_s)).hours_s) == 0


values = st.one_of(st.just(math.nan), st.floats(0, 2000, allow_nan=False, width=32))


@settings(max_examples=25, deadline=None)
@given(
    data=st.lists(values, min_size=24 * 30, max_size=24 * 30),
    wanted=st.lists(st.integers(0, 24 * 30 - 1), min_size=1, max_size=5, unique=True),
    excluded=st.lists(st.booleans(), min_size=24 * 30, max_size=24 * 30),
)
def test_the_usual_against_a_slow_oracle(data: list[float], wanted: list[int], excluded: list[bool]) -> None:
    found = usual(np.array(data), np.array(excluded), np.array(wanted))
    for row, hour in enumerate(wanted):

        def known(step: int, count: int, hour: int = hour) -> list[float]:
            at = [hour - step * each for each in range(1, count + 1) if hour - step * each >= 0]
            return [data[each] for each in at if not excluded[each] and not math.isnan(data[each])]

        samples = known(WEEK, WEEKS)
        if len(samples) < LEAST_WEEKS:
            samples = known(24, DAYS)
            samples = samples if len(samples) >= LEAST_DAYS else []
        assert found.samples[row] == len(samples)
        if not samples:
            assert math.isnan(found.median[row])
            continue
        middle = statistics.median(samples)
        spread = statistics.median(abs(each - middle) for each in samples)
        assert found.median[row] == pytest.approx(middle)
        assert found.spread[row] == pytest.approx(1.4826 * spread)


@settings(max_examples=80, deadline=None)
@given(
    level=st.floats(50, 20_000),
    share=st.floats(0, 0.9),
    idle=st.floats(0.06, 0.15),
    effort=st.floats(0.3, 0.97),
    noise=st.floats(0.001, 0.03),
    gaps=st.floats(0, 0.3),
    seed=st.integers(0, 1000),
)
def test_an_enterprise_that_obeys_is_never_suspected(
    *, level: float, share: float, idle: float, effort: float, noise: float, gaps: float, seed: int
) -> None:
    """Whatever it draws when idle, however noisy, with whatever gaps in its data."""
    power = during(series(level, seed=seed, noise=noise), idle + (1 - idle) * share * effort)
    random = np.random.default_rng(seed)
    power[random.random(N) < gaps] = np.nan
    found = verdicts(made(power=power), asked(share))
    assert not (found.verdict == 1).any()
    assert (found.verdict[np.isnan(power[HISTORY:])] == 2).all()


def test_words() -> None:
    assert len(REASONS) == len(REASONS_ZH) == len(set(REASONS_ZH.values()))
    stuck = np.array([1, 2, 2, 2, 3, 3, np.nan, np.nan, np.nan])
    assert frozen(stuck).tolist() == [False, True, True, True, *[False] * 5]
    assert not frozen(np.array([1.0, 1.0])).any()
