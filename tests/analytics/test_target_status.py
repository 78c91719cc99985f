from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.target import COMPARATORS, TargetStatus, holds, remaining_allowance, target_status
from domain.error import ConfigurationError

DUE = dt.date(2025, 12, 31)
BEFORE, AFTER = dt.date(2025, 6, 30), dt.date(2026, 1, 1)


@pytest.mark.parametrize(
    ("actual", "comparator", "as_of", "expected"),
    [
        (29.0, "<=", AFTER, TargetStatus.MET),
        (30.0, "<=", AFTER, TargetStatus.MET),
        (31.0, "<=", AFTER, TargetStatus.NOT_MET),
        (30.0, "<", AFTER, TargetStatus.NOT_MET),
        (29.0, "<=", BEFORE, TargetStatus.ON_TRACK),
        (31.0, "<=", BEFORE, TargetStatus.AT_RISK),
        (29.0, "<=", DUE, TargetStatus.ON_TRACK),
        (30.0, ">=", AFTER, TargetStatus.MET),
        (29.0, ">=", AFTER, TargetStatus.NOT_MET),
        (None, ">=", AFTER, TargetStatus.NO_DATA),
        (float("nan"), "<=", BEFORE, TargetStatus.NO_DATA),
    ],
)
def test_status(actual: float | None, comparator: str, as_of: dt.date, expected: TargetStatus) -> None:
    assert target_status(actual, comparator, 30.0, due=DUE, as_of=as_of) is expected


def test_what_cannot_change_is_met_early_and_what_cannot_be_repaired_is_lost_early() -> None:
    assert target_status(4, ">=", 4, due=DUE, as_of=BEFORE, final=True) is TargetStatus.MET
    assert target_status(50.0, "<=", 30, due=DUE, as_of=BEFORE, reachable=False) is TargetStatus.OUT_OF_REACH


def test_rounding_as_published() -> None:
    assert target_status(30.4, "<=", 30, due=DUE, as_of=AFTER) is TargetStatus.NOT_MET
    assert target_status(30.4, "<=", 30, due=DUE, as_of=AFTER, decimals=0) is TargetStatus.MET


def test_unknown_comparators_are_named() -> None:
    with pytest.raises(ConfigurationError, match="'~'"):
        holds(1, "~", 1)
    assert holds(1, "=", 1)
    assert len(COMPARATORS) == 5


def test_allowance_by_hand() -> None:
    # 100 days at 40 and 265 to come: (30 * 365 - 4000) / 265
    assert remaining_allowance(40.0, 100, 265, limit=30) == pytest.approx((30 * 365 - 4000) / 265)
    assert remaining_allowance(None, 0, 365, limit=30) == 30
    assert remaining_allowance(40.0, 365, 0, limit=30) is None
    out_of_reach = remaining_allowance(100.0, 300, 65, limit=30)
    assert out_of_reach is not None
    assert out_of_reach < 0
    with pytest.raises(ValueError, match="-1"):
        remaining_allowance(1.0, -1, 3, limit=30)


@settings(deadline=None)
@given(st.integers(0, 5000), st.integers(1, 366), st.integers(1, 366))
def test_spending_the_allowance_meets_the_limit_exactly(tenths: int, valid: int, left: int) -> None:
    mean = Fraction(tenths, 10)
    allowance = remaining_allowance(float(mean), valid, left, limit=30.0)
    assert allowance is not None
    assert float((mean * valid + Fraction(allowance) * left) / (valid + left)) == pytest.approx(30.0)
