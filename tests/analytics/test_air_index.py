from __future__ import annotations

import csv
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.index import (
    NO_INDEX,
    aqi,
    daily_index,
    hourly_index,
    iaqi,
    level,
    primary_pollutants,
    published_aqi,
    report_index,
)
from domain.edition import AQI_EDITIONS, HJ633_2012, HJ633_2026
from domain.error import ConfigurationError
from domain.standard import breakpoints

GOLDEN = [  # HJ 633, exact arithmetic and rounding up: item, concentrations, 2012, 2026
    ("pm25_24h", [35, 36, 60, 61, 75, 76], [50, 52, 82, 83, 100, 102], [50, 52, 100, 101, 114, 115]),
    ("pm25_24h", [115, 150, 151, 250, 500, 600], [150, 200, 201, 300, 500, 500], None),
    ("pm10_24h", [50, 51, 120, 121, 150, 151], [50, 51, 85, 86, 100, 101], [50, 51, 100, 101, 112, 112]),
    ("pm10_24h", [250, 420, 600], [150, 300, 500], None),
    ("so2_24h", [50, 51, 150, 151, 475], [50, 51, 100, 101, 150], None),
    ("so2_1h", [150, 500, 501, 800, 801], [50, 100, 101, 200, NO_INDEX], [50, 100, 101, 200, 200]),
    ("no2_24h", [40, 80, 81], [50, 100, 101], None),
    ("no2_1h", [100, 200, 201], [50, 100, 101], None),
    ("co_24h", [2.0, 2.1, 4.0, 4.1], [50, 53, 100, 101], None),
    ("co_1h", [5.0, 10.0, 10.1], [50, 100, 101], None),
    (
        "o3_8h",
        [100, 101, 160, 161, 215, 265, 266, 800, 801],
        [50, 51, 100, 101, 150, 200, 201, 300, NO_INDEX],
        [50, 51, 100, 101, 150, 200, 201, 300, 300],
    ),
    ("o3_1h", [160, 161, 200, 201, 300], [50, 52, 100, 101, 150], None),
]
DAY = {"pm25": [40.0], "pm10": [60.0], "so2": [10.0], "no2": [30.0], "co": [0.8], "o3_8h": [90.0]}


@pytest.mark.parametrize(("item", "concentrations", "by_2012", "by_2026"), GOLDEN)
def test_golden_values(item: str, concentrations: list[float], by_2012: list[int], by_2026: list[int] | None) -> None:
    assert iaqi(HJ633_2012, item, concentrations).tolist() == by_2012
    assert iaqi(HJ633_2026, item, concentrations).tolist() == (by_2026 or by_2012)


def _slow_iaqi(edition: str, item: str, concentration: Fraction) -> int:
    """Index of one concentration by the formula of the standard."""
    row = breakpoints(edition)[item]
    scale = 10**row.decimals
    rounded = Fraction(round(concentration * scale), scale)  # Python rounds fractions half to even
    if rounded > row.concentrations[-1]:
        return NO_INDEX if row.above is None else row.above
    for at in range(len(row.concentrations) - 1):
        low, high = row.concentrations[at], row.concentrations[at + 1]
        if rounded <= high:
            break
    below, above = row.iaqi[at], row.iaqi[at + 1]
    return math.ceil(Fraction(above - below) / (high - low) * (rounded - low) + below)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([HJ633_2012, HJ633_2026]),
    st.sampled_from(sorted(breakpoints(HJ633_2026))),
    st.lists(st.integers(0, 500_000), min_size=1, max_size=20),
)
def test_agrees_with_exact_arithmetic(edition: str, item: str, hundredths: list[int]) -> None:
    expected = [_slow_iaqi(edition, item, Fraction(number, 100)) for number in hundredths]
    assert iaqi(edition, item, [number / 100 for number in hundredths]).tolist() == expected


@pytest.mark.parametrize("edition", [HJ633_2012, HJ633_2026])
@pytest.mark.parametrize("item", sorted(breakpoints(HJ633_2026)))
def test_index_never_falls_and_breakpoints_are_met(edition: str, item: str) -> None:
    row = breakpoints(edition)[item]
    step = 10.0**-row.decimals
    top = float(row.concentrations[-1])
    indices = iaqi(edition, item, np.arange(0, top + step / 2, step))
    assert indices[0] == 0
    assert (np.diff(indices) >= 0).all()
    points = [float(value) for value in row.concentrations]
    assert iaqi(edition, item, points).tolist() == list(row.iaqi)


def test_missing_and_negative_concentrations_have_no_index() -> None:
    assert iaqi(HJ633_2026, "pm25_24h", [np.nan, -0.1, -50, -np.inf, -0.0]).tolist() == [-1, -1, -1, -1, 0]


def test_keeps_the_shape_and_takes_scalars() -> None:
    assert iaqi(HJ633_2026, "pm25_24h", np.full((2, 3), 35.0)).shape == (2, 3)
    assert iaqi(HJ633_2026, "pm25_24h", 61.0) == 101


def test_unknown_item_is_named() -> None:
    with pytest.raises(ConfigurationError, match="pm1_24h"):
        iaqi(HJ633_2026, "pm1_24h", [1.0])


def test_aqi_and_primary_pollutants_with_ties() -> None:
    indices = np.array([[60, 60, 20], [50, 50, 50], [NO_INDEX, 51, 40], [NO_INDEX] * 3], dtype=np.int16)
    assert aqi(indices).tolist() == [60, 50, 51, NO_INDEX]
    expected = [[True, True, False], [False] * 3, [False, True, False], [False] * 3]
    assert primary_pollutants(HJ633_2012, indices).tolist() == expected


def test_levels_at_their_edges() -> None:
    edges = np.array([0, 1, 50, 51, 100, 101, 150, 151, 200, 201, 300, 301, 500, NO_INDEX], dtype=np.int16)
    assert level(edges).tolist() == [1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, NO_INDEX]


def test_complete_day() -> None:
    result = daily_index(HJ633_2026, DAY)
    assert result.columns == ("pm25", "pm10", "so2", "no2", "co", "o3_8h")
    assert result.iaqi.tolist() == [[60, 58, 10, 38, 20, 45]]
    assert (result.aqi.tolist(), result.level.tolist()) == ([60], [2])
    assert result.primary.tolist() == [[True, False, False, False, False, False]]


def test_missing_pollutant_hides_an_aqi_up_to_100_in_2026_only() -> None:
    values = {**DAY, "no2": [np.nan]}
    result = daily_index(HJ633_2026, values)
    assert (result.aqi[0], result.level[0], result.computed_aqi[0]) == (NO_INDEX, NO_INDEX, 60)
    assert not result.primary.any()
    assert daily_index(HJ633_2012, values).aqi[0] == 57
    polluted = daily_index(HJ633_2026, {**values, "pm25": [61.0]})
    assert (polluted.aqi[0], polluted.level[0]) == (101, 3)
    exactly_100 = daily_index(HJ633_2026, {**values, "pm25": [60.0]})
    assert exactly_100.aqi[0] == NO_INDEX


def test_pollutant_not_monitored_does_not_hide_the_aqi() -> None:
    values = {key: value for key, value in DAY.items() if key != "no2"}
    assert daily_index(HJ633_2026, values).aqi[0] == NO_INDEX
    assert daily_index(HJ633_2026, values, not_monitored=["no2"]).aqi[0] == 60
    assert daily_index(HJ633_2026, {**values, "no2": [900.0]}, not_monitored=["no2"]).aqi[0] == 60


def test_what_may_be_published_with_an_item_missing() -> None:
    """HJ 633-2026 5.3.1: above 100 all the same, up to 100 not; 2012 publishes whatever there is."""
    computed = np.array([NO_INDEX, 0, 100, 101, 100, 101], dtype=np.int16)
    complete = np.array([False, True, True, True, False, False])
    assert published_aqi(HJ633_2026, computed, complete).tolist() == [NO_INDEX, 1, 100, 101, NO_INDEX, 101]
    assert published_aqi(HJ633_2012, computed, complete).tolist() == [NO_INDEX, 0, 100, 101, 100, 101]


def test_published_aqi_is_at_least_one_in_2026() -> None:
    clean = {key: [0.0] for key in DAY}
    assert daily_index(HJ633_2026, clean).aqi.tolist() == [1]
    assert daily_index(HJ633_2012, clean).aqi.tolist() == [0]


def test_2012_leaves_the_top_to_the_other_ozone_item() -> None:
    values = {**DAY, "o3_8h": [801.0]}
    assert daily_index(HJ633_2012, values).aqi[0] == 57  # PM2.5; nothing from O3
    assert daily_index(HJ633_2012, {**values, "o3_1h": [1000.0]}).aqi[0] == 400
    assert daily_index(HJ633_2026, values).aqi[0] == 300


def test_row_without_any_value() -> None:
    for edition in (HJ633_2012, HJ633_2026):
        result = hourly_index(edition, {key: [np.nan] for key in ("pm25", "pm10", "so2", "no2", "co", "o3")})
        assert result.aqi.tolist() == [NO_INDEX]
        assert result.level.tolist() == [NO_INDEX]


def test_no_rows_and_wrong_columns() -> None:
    assert hourly_index(HJ633_2026, {}).aqi.shape == (0,)
    assert hourly_index(HJ633_2026, {"pm25": []}).iaqi.shape == (0, 6)
    with pytest.raises(ConfigurationError, match="o3_8h"):
        hourly_index(HJ633_2026, {"o3_8h": [1.0]})
    with pytest.raises(ConfigurationError, match="benzene"):
        report_index(HJ633_2026, "day", DAY, not_monitored=["benzene"])
    with pytest.raises(ValueError, match="one length"):
        hourly_index(HJ633_2026, {"pm25": [1.0], "pm10": [1.0, 2.0]})


CATEGORIES = ["优", "良", "轻度污染", "中度污染", "重度污染", "严重污染"]
HOUR_COLUMNS = {"PM2.5": "pm25", "PM10": "pm10", "SO2": "so2", "NO2": "no2", "CO": "co", "O3_1h": "o3"}
#: A part of the official name, such as 细颗粒物(PM2.5) or 臭氧1小时, by column.
PRIMARY_NAMES = {"PM2.5": "pm25", "PM10": "pm10", "二氧化硫": "so2", "二氧化氮": "no2", "一氧化碳": "co", "臭氧": "o3"}


def official_primary(text: str) -> set[str]:
    """Columns named in the official text, one name per line."""
    names = [name.strip() for name in text.split("\n") if name.strip() not in {"", "NaN", "—"}]
    found = [key for name in names for part, key in PRIMARY_NAMES.items() if part in name]
    assert len(found) == len(names), text
    return set(found)


def _float(text: str) -> float:
    return float("nan") if text in {"NaN", "—", ""} else float(text)


def test_official_hours_of_shanxi(shared_data: Path) -> None:
    compared = 0
    for path in sorted((shared_data / "data" / "aqi_hourly").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["AQI"] not in {"NaN", "—", ""}]
        columns = {key: [_float(row[name]) for row in rows] for name, key in HOUR_COLUMNS.items()}
        result = hourly_index(HJ633_2012, columns)
        assert result.aqi.tolist() == [int(row["AQI"]) for row in rows]
        assert [CATEGORIES[grade - 1] for grade in result.level] == [row["Level"] for row in rows]
        for row, primary in zip(rows, result.primary, strict=True):
            expected = {key for key, named in zip(result.columns, primary, strict=True) if named}
            assert official_primary(row["PrimaryPollution"]) == expected, (path.name, row)
        compared += len(rows)
    assert compared > 3000


def test_official_days_of_dezhou(shared_data: Path) -> None:
    with (shared_data / "data" / "aqi_daily" / "dezhou_2016.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["quality"] != "无"]
    names = {"pm2_5": "pm25", "pm10": "pm10", "so2": "so2", "no2": "no2", "co": "co", "o3_8h": "o3_8h"}
    result = daily_index(HJ633_2012, {key: [_float(row[name]) for row in rows] for name, key in names.items()})
    assert result.aqi.tolist() == [int(row["aqi"]) for row in rows]
    assert [CATEGORIES[grade - 1] for grade in result.level] == [row["quality"] for row in rows]
    assert len(rows) > 300


@pytest.mark.parametrize("edition", AQI_EDITIONS)
def test_exact_on_every_representable_input_of_every_column(edition: str) -> None:
    """Every concentration that can be published, from 0 to beyond the top, by fractions straight from the table."""
    for item, row in breakpoints(edition).items():
        scale = 10**row.decimals
        points = [Fraction(value) for value in row.concentrations]
        units = range(int(points[-1] * scale) + 200)
        expected = []
        for unit in units:
            concentration = Fraction(unit, scale)
            if concentration > points[-1]:
                expected.append(NO_INDEX if row.above is None else row.above)
                continue
            at = next(at for at in range(1, len(points)) if concentration <= points[at])
            rise = Fraction(row.iaqi[at] - row.iaqi[at - 1]) / (points[at] - points[at - 1])
            expected.append(math.ceil(rise * (concentration - points[at - 1]) + row.iaqi[at - 1]))
        found = iaqi(edition, item, np.array([float(f"{unit / scale:.{row.decimals}f}") for unit in units]))
        np.testing.assert_array_equal(found, expected, err_msg=f"{edition} {item}")
