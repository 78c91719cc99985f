"""Days and months of stacks against exact counting, and what judging hours must keep true."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.job.stack import judged_hours, stack_days, stack_months
from domain.emission import emission_limits
from domain.family import STACK
from domain.period import midnight
from domain.production import OutletRow
from store.stack_hour import POLLUTANTS, StackHours
from store.statistic import HourRows

MONTH = dt.date(2026, 11, 1)
OUTLET = OutletRow("a", dt.date(2020, 1, 1), None, "sinter_head", permitted_so2_t=3.0)
KNOWN = {"a": [OUTLET]}
SO2 = POLLUTANTS.index("so2")
#: (hour of the month, SO2 in mg/m³ or None, oxygen in tenths of a percent, out of operation)
HOURS = st.dictionaries(
    st.integers(0, 95),
    st.tuples(st.one_of(st.none(), st.integers(0, 60)), st.integers(0, 209), st.booleans()),
    min_size=1,
    max_size=90,
)


def judged(hours: dict[int, tuple[int | None, int, bool]]) -> StackHours:
    start = int(midnight(MONTH).timestamp())
    values = np.full((len(hours), STACK.width), np.nan)
    for row, (so2, oxygen, _) in enumerate(hours.values()):
        values[row, STACK.position("so2")] = np.nan if so2 is None else so2
        values[row, STACK.position("o2")] = oxygen / 10
        values[row, STACK.position("flow")] = 100.0
    minutes = np.full(values.shape, 60, dtype=np.int64)
    times = np.array([start + 3600 * hour for hour in hours], dtype=np.int64)
    rows = HourRows(["a"] * len(hours), times, values, minutes, ["1" * STACK.width] * len(hours))
    return judged_hours(rows, KNOWN, np.array([1.0 if still else 0.0 for _, _, still in hours.values()]))


def exact(so2: int | None, oxygen: int) -> Fraction | None:
    """Converted SO2; None where nothing is converted."""
    if so2 is None or oxygen >= 200:
        return None
    return so2 * Fraction(21 - 16) / (21 - Fraction(oxygen, 10))


@settings(deadline=None)
@given(HOURS)
def test_months_agree_with_exact_counting(hours: dict[int, tuple[int | None, int, bool]]) -> None:
    found = {row.pollutant: row for row in stack_months(stack_days(judged(hours)), KNOWN)}
    limit = Fraction(emission_limits("sinter_head", MONTH)["so2"].limit)
    values = [exact(so2, oxygen) for so2, oxygen, _ in hours.values()]
    # A value the device vouches for is no standstill of the works, whatever the mark's share.
    stopped = sum(still and so2 is None for so2, _, still in hours.values())
    seen = [value for value in values if value is not None]
    row = found["so2"]
    over = sum(value > limit for value in seen)
    assert (row.hours, row.operating_hours) == (len(hours), len(hours) - stopped)
    assert (row.judged_hours, row.over_hours) == (len(seen), over)
    assert row.met == (None if not seen else (len(seen) - over) * 100 >= 95 * len(seen))
    mass = sum(Fraction(so2 * 100 * 3600, 10**6) for so2, _, _ in hours.values() if so2 is not None)
    assert abs(row.kg - float(mass)) < 1e-9 * max(1.0, float(mass))
    assert row.missing_hours == sum(so2 is None and not still for so2, _, still in hours.values())
    # Only SO2 is measured, so all together is SO2.
    assert (found["any"].judged_hours, found["any"].over_hours) == (len(seen), over)


@settings(deadline=None)
@given(HOURS)
def test_days_agree_with_exact_means(hours: dict[int, tuple[int | None, int, bool]]) -> None:
    rows = {row.day: row for row in stack_days(judged(hours)) if row.pollutant == "so2"}
    for number in range(4):
        day = MONTH + dt.timedelta(days=number)
        own = [hours[hour] for hour in range(24 * number, 24 * number + 24) if hour in hours]
        measured = [so2 for so2, _, _ in own if so2 is not None]
        converted = [value for so2, oxygen, _ in own if (value := exact(so2, oxygen)) is not None]
        if not own:
            assert day not in rows
            continue
        row = rows[day]
        assert row.hours == len(own)
        assert (row.valid_hours, row.judged_hours) == (len(measured), len(converted))
        assert (row.measured is None) == (len(measured) < 20)
        assert (row.converted is None) == (len(converted) < 20)
        if row.converted is not None:
            mean = sum(converted, Fraction(0)) / len(converted)
            assert abs(row.converted - float(mean)) < 1e-9 * max(1.0, float(mean))


@settings(deadline=None)
@given(HOURS)
def test_nothing_is_judged_that_has_no_value_or_does_not_run(hours: dict[int, tuple[int | None, int, bool]]) -> None:
    found = judged(hours)
    seen = ~np.isnan(found.over)
    assert not (seen & np.isnan(found.converted)).any()
    assert not (seen & np.isnan(found.limits)).any()
    assert {state for state, row in zip(found.states, seen, strict=True) if row.any()} <= {"running"}
    assert np.isnan(found.over[:, [at for at in range(len(POLLUTANTS)) if at != SO2]]).all()
