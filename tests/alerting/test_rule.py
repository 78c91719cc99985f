"""Deciding from numbers: thresholds, hysteresis, hold times, unknown values; against plain ifs for one source."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.rule import CALM, FALLING, RISING, Standing, decided, excess_over_neighbours
from domain.alert import FOLDER, RULE_COLUMNS, AlertRule, shipped_rules
from domain.error import ConfigurationError
from domain.table import load_rows

RULE = AlertRule("k", "k", True, "m", ">=", 10.0, 8.0, "", 60, 30, 2, ("operator",), False, None, "")


def quiet(count: int) -> Standing:
    return Standing(np.zeros(count, bool), np.zeros(count, np.int8), np.full(count, np.nan))


def slow_alert(rule: AlertRule, series: list[tuple[float, float | None]]) -> list[bool]:
    """Whether an alert is active after each (time, value) of one source, by plain ifs."""
    active, kind, since = False, None, 0.0
    states = []
    for time, value in series:
        if value is not None:
            over = value >= rule.threshold if rule.comparator == ">=" else value <= rule.threshold
            under = value <= rule.clear_threshold if rule.comparator == ">=" else value >= rule.clear_threshold
            wanted = "rise" if over and not active else "fall" if under and active and not over else None
            if wanted != kind:
                kind, since = wanted, time
            if kind == "rise" and time - since >= rule.hold_s:
                active, kind = True, None
            elif kind == "fall" and time - since >= rule.clear_hold_s:
                active, kind = False, None
        states.append(active)
    return states


@given(
    st.lists(st.tuples(st.integers(1, 40), st.none() | st.sampled_from([5.0, 8.0, 9.0, 10.0, 12.0])), max_size=40),
    st.sampled_from([0, 30, 60]),
    st.sampled_from([0, 30]),
    st.booleans(),
)
def test_it_agrees_with_plain_ifs(steps: list[tuple[int, float | None]], hold: int, calm: int, falling: bool) -> None:
    rule = replace(RULE, hold_s=hold, clear_hold_s=calm)
    if falling:
        rule = replace(rule, comparator="<=", threshold=8.0, clear_threshold=10.0)
    times = np.cumsum([step for step, _ in steps]).tolist()
    series = [(float(time), value) for time, (_, value) in zip(times, steps, strict=True)]
    standing, states = quiet(1), []
    for time, value in series:
        decision = decided(rule, [np.nan if value is None else value], standing, time)
        assert not (decision.raised & standing.active).any()
        assert not (decision.cleared & ~standing.active).any()
        active = (standing.active | decision.raised) & ~decision.cleared
        standing = Standing(active, decision.pending, decision.since_s)
        states.append(bool(active[0]))
    assert states == slow_alert(rule, series)


def test_many_sources_are_judged_at_once() -> None:
    standing = Standing(
        np.array([False, False, False, True, True, True]),
        np.array([CALM, RISING, RISING, FALLING, CALM, FALLING], np.int8),
        np.array([np.nan, 0.0, 50.0, 0.0, np.nan, 0.0]),
    )
    decision = decided(RULE, [10, 11, 12, 7, 9, np.nan], standing, 60.0)
    assert decision.raised.tolist() == [False, True, False, False, False, False]
    assert decision.cleared.tolist() == [False, False, False, True, False, False]
    assert decision.pending.tolist() == [RISING, CALM, RISING, CALM, CALM, FALLING]
    assert decision.since_s[0] == 60.0


def test_a_rule_without_threshold_judges_nothing() -> None:
    with pytest.raises(ConfigurationError, match="found no threshold"):
        decided(shipped_rules()["integrity_finding"], [1.0], quiet(1), 0.0)


def test_a_peak_is_measured_against_the_nearest_neighbours() -> None:
    east = np.array([111.0, 111.01, 111.02, 111.03, 112.0, np.nan])
    north = np.full(6, 37.0)
    found = excess_over_neighbours([300, 100, 90, 110, np.nan, 50], east, north, count=3)
    assert found[0] == 3.0
    assert found[1] == pytest.approx(100 / 110)
    assert np.isnan(found[4:]).all()
    assert np.isnan(excess_over_neighbours([300, 100, 90], east[:3], north[:3])).all()
    assert np.isnan(excess_over_neighbours([1.0], [np.nan], [np.nan])).all()


def test_a_kind_is_shipped_once() -> None:
    """A second line of one kind would replace the first without a word."""
    kinds = Counter(row.cells["kind"] for row in load_rows(FOLDER / "rules.csv", RULE_COLUMNS))
    assert {kind for kind, lines in kinds.items() if lines > 1} == set()
    assert kinds.keys() == shipped_rules().keys()
