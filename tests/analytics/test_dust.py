"""Hours inside dust intervals, and the table they come from."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.dust import dust_hours, without_dust
from domain.dust import load_dust
from domain.error import ConfigurationError

HEADER = "site,start,end,source,note\n"


@given(st.lists(st.tuples(st.integers(0, 80_000), st.integers(1, 30_000)), max_size=6))
def test_hours_touched_by_any_interval(spans: list[tuple[int, int]]) -> None:
    intervals = [(start, start + length) for start, length in spans]
    hours = np.arange(-2, 32) * 3600
    found = dust_hours(hours, [start for start, _ in intervals], [end for _, end in intervals])
    expected = [any(start < hour + 3600 and end > hour for start, end in intervals) for hour in hours]
    assert found.tolist() == expected


def test_only_particles_lose_the_hours() -> None:
    hours = {"pm25": np.array([[1.0, 2.0]]), "pm10": np.array([[3.0, 4.0]]), "o3": np.array([[5.0, 6.0]])}
    found = without_dust(hours, np.array([[True, False]]))
    assert np.isnan(found["pm25"]).tolist() == np.isnan(found["pm10"]).tolist() == [[True, False]]
    assert found["o3"].tolist() == [[5.0, 6.0]]
    assert hours["pm25"].tolist() == [[1.0, 2.0]], "the measurements stay as they are"


def test_table_of_intervals(tmp_path: Path) -> None:
    path = tmp_path / "dust.csv"
    path.write_text(HEADER + "*,2021-03-15T02:00,2021-03-16T08:30,national bulletin,\nab,2021-03-28T00:00+00:00,")
    with pytest.raises(ConfigurationError, match="line 3: found 3 cells"):
        load_dust(path)
    path.write_text(HEADER + "*,2021-03-15T02:00,2021-03-16T08:30,national bulletin,\n")
    (one,) = load_dust(path)
    assert (one.concerns("any"), one.source, one.note) == (True, "national bulletin", None)
    assert one.start == dt.datetime(2021, 3, 14, 18, tzinfo=dt.UTC)
    for bad, part in (
        ("a,2021-03-15T02:00,2021-03-15T02:00,x,", "column end: .* expected a time after"),
        ("a,yesterday,2021-03-15T02:00,x,", "column start: found 'yesterday'"),
        ("a,2021-03-15T02:00,2021-03-16T02:00,,", "column source: found '', expected a text"),
    ):
        path.write_text(HEADER + bad + "\n")
        with pytest.raises(ConfigurationError, match=part):
            load_dust(path)
    with pytest.raises(ConfigurationError, match="no such file"):
        load_dust(tmp_path / "none.csv")
