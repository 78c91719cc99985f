"""Electricity of hours from counters: a hand-worked hour, an exact oracle, counters that go back."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.energy import counted_energy

HOUR = 1_795_000_000 // 3600 * 3600


def test_an_hour_by_hand() -> None:
    # 50 minutes apart 500 kWh were counted: 600 kWh in a full hour.
    groups, hours, energy, minutes = counted_energy(
        [7, 7, 7], [HOUR + 3300, HOUR + 300, HOUR + 900], [1500.0, 1000.0, 1100.0], minimum_minutes=45
    )
    assert (groups.tolist(), hours.tolist(), energy.tolist(), minutes.tolist()) == ([7], [HOUR], [600.0], [50.0])


def test_counters_that_go_back_and_short_spans_give_nothing() -> None:
    times = HOUR + np.array([0, 1800, 3540, 3600, 6000])
    _, hours, energy, _ = counted_energy([1] * 5, times, [100.0, 20.0, 130.0, 140.0, 150.0], minimum_minutes=45)
    assert hours.tolist() == [HOUR, HOUR + 3600]
    assert np.isnan(energy).all()
    assert [len(part) for part in counted_energy([], [], [], minimum_minutes=45)] == [0, 0, 0, 0]


def oracle(rows: list[tuple[int, int, int]]) -> dict[tuple[int, int], tuple[Fraction | None, Fraction]]:
    """Hour by hour with exact numbers."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for owner, second, counter in sorted(rows, key=lambda row: (row[0], row[1])):
        found.setdefault((owner, second - second % 3600), []).append((second, counter))
    result: dict[tuple[int, int], tuple[Fraction | None, Fraction]] = {}
    for key, read in found.items():
        length = read[-1][0] - read[0][0]
        back = any(after[1] < before[1] for before, after in pairwise(read))
        fits = length >= 45 * 60 and not back
        amount = Fraction((read[-1][1] - read[0][1]) * 3600, length) if fits else None
        result[key] = (amount, Fraction(length, 60))
    return result


@given(
    st.dictionaries(
        st.tuples(st.integers(0, 2), st.integers(0, 3 * 60 - 1)), st.integers(0, 60), min_size=1, max_size=60
    ),
    st.booleans(),
)
def test_agrees_with_an_exact_oracle(cells: dict[tuple[int, int], int], rising: bool) -> None:
    rows = [
        (owner, HOUR + minute * 60, minute * 7 + size if rising else size) for (owner, minute), size in cells.items()
    ]
    owners, hours, energy, minutes = counted_energy(*map(list, zip(*rows, strict=True)), minimum_minutes=45)
    expected = oracle(rows)
    assert list(zip(owners.tolist(), hours.tolist(), strict=True)) == list(expected)
    for (amount, length), found, told in zip(expected.values(), energy.tolist(), minutes.tolist(), strict=True):
        assert told == float(length)
        assert np.isnan(found) if amount is None else abs(found - float(amount)) < 1e-9 * max(1.0, float(amount))
