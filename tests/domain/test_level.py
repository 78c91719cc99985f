"""Levels of the index."""

import pytest

from domain.error import ConfigurationError
from domain.level import LEVELS, level_of, levels, sensitive_groups
from domain.pollutant import SIX_KEYS


@pytest.mark.parametrize(
    ("aqi", "level", "category"),
    [
        (0, 1, "优"),
        (50, 1, "优"),
        (51, 2, "良"),
        (100, 2, "良"),
        (101, 3, "轻度污染"),
        (150, 3, "轻度污染"),
        (151, 4, "中度污染"),
        (200, 4, "中度污染"),
        (201, 5, "重度污染"),
        (300, 5, "重度污染"),
        (301, 6, "严重污染"),
        (500, 6, "严重污染"),
        (501, 6, "严重污染"),
    ],
)
def test_level_of_an_index(aqi: int, level: int, category: str) -> None:
    for edition in ("hj633-2012", "hj633-2026"):
        found = level_of(aqi, edition)
        assert (found.level, found.category_zh) == (level, category)


def test_a_negative_index_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="found AQI -1"):
        level_of(-1)


def test_levels_join_without_gap() -> None:
    for edition in ("hj633-2012", "hj633-2026"):
        known = levels(edition)
        assert [level.aqi_low for level in known[1:]] == [level.aqi_high + 1 for level in known[:-1]]
        assert known[-1].aqi_high == 500
    assert levels("hj633-2026") == LEVELS


def test_the_editions_differ_in_words_and_in_the_lower_end_only() -> None:
    old, new = levels("hj633-2012"), levels("hj633-2026")
    assert (old[0].aqi_low, new[0].aqi_low) == (0, 1)
    assert [level.hex for level in old] == [level.hex for level in new]
    assert "心脏病" in old[2].advice_zh
    assert "心血管" in new[2].advice_zh


def test_sensitive_groups_name_the_six() -> None:
    assert set(sensitive_groups()) == set(SIX_KEYS)
