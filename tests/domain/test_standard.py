"""Loaders of the standards' tables and the dates at which editions change."""

import datetime as dt
import itertools
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from domain.document import STANDARDS, editions, load_standard, standards
from domain.edition import (
    AQI_EDITIONS,
    LIMIT_EDITIONS,
    aqi_edition,
    evaluation_edition,
    limit_edition,
)
from domain.error import ConfigurationError
from domain.pollutant import POLLUTANTS
from domain.standard import (
    breakpoints,
    evaluation_items,
    limit_rows,
    limits,
    load_breakpoints,
    load_limits,
    percentiles,
    publication,
    reference_limits,
    report_items,
    validity,
)
from domain.table import CONFIDENCES


@pytest.mark.parametrize(
    ("day", "aqi", "limit", "evaluation"),
    [
        ("2013-03-01", "hj633-2012", "2012", "hj663-2013"),
        ("2026-02-28", "hj633-2012", "2012", "hj663-2013"),
        ("2026-03-01", "hj633-2026", "2026-transitional", "hj663-2026"),
        ("2030-12-31", "hj633-2026", "2026-transitional", "hj663-2026"),
        ("2031-01-01", "hj633-2026", "2026-final", "hj663-2026"),
    ],
)
def test_the_edition_follows_the_data_date(day: str, aqi: str, limit: str, evaluation: str) -> None:
    date = dt.date.fromisoformat(day)
    assert (aqi_edition(date), limit_edition(date), evaluation_edition(date)) == (aqi, limit, evaluation)


def test_editions_follow_each_other_without_gap_or_overlap() -> None:
    for kind in ("aqi", "limits", "evaluation"):
        known = editions(kind)
        for earlier, later in itertools.pairwise(known):
            assert earlier.valid_to == later.valid_from - dt.timedelta(days=1)
        assert known[-1].valid_to is None
    assert tuple(edition.id for edition in editions("aqi")) == AQI_EDITIONS
    assert tuple(edition.id for edition in editions("limits")) == LIMIT_EDITIONS


def test_every_folder_is_a_document_with_its_own_name() -> None:
    for name, standard in standards().items():
        assert standard.id == name
        assert standard.title_zh


def test_the_limits_that_the_2026_edition_moved() -> None:
    assert limits("2012")["pm25", "year"] == 35.0
    assert limits("2026-transitional")["pm25", "year"] == 30.0
    assert limits("2026-final", 1)["pm25", "year"] == 10.0
    assert limits("2026-transitional")["o3", "8h"] == 160.0


def test_limits_are_in_the_pollutants_canonical_unit() -> None:
    for edition in LIMIT_EDITIONS:
        for row in limit_rows(edition):
            assert row.unit == (POLLUTANTS[row.pollutant].unit if row.pollutant in POLLUTANTS else "µg/m³")
            assert row.confidence in CONFIDENCES


def test_class_one_is_never_laxer_than_class_two_nor_final_than_transitional() -> None:
    for edition in LIMIT_EDITIONS:
        strict, lax = limits(edition, 1), limits(edition, 2)
        assert strict.keys() == lax.keys()
        assert all(strict[key] <= lax[key] for key in lax)
    assert all(value <= limits("2026-transitional")[key] for key, value in limits("2026-final").items())


def test_informative_limits_are_kept_apart() -> None:
    informative = {(row.pollutant, row.averaging): row.value for row in reference_limits("gb3095-2026")}
    assert informative["cd", "year"] == 0.005
    assert not informative.keys() & limits("2026-final").keys()


def test_breakpoints_start_at_zero_and_ascend() -> None:
    for edition in AQI_EDITIONS:
        for column in breakpoints(edition).values():
            assert column.concentrations[0] == 0
            assert column.iaqi[0] == 0
            assert list(column.concentrations) == sorted(set(column.concentrations))
            assert len(column.concentrations) == len(column.iaqi)
            assert column.decimals == POLLUTANTS[column.pollutant].decimals


def test_only_two_breakpoints_differ_between_editions() -> None:
    old, new = breakpoints("hj633-2012"), breakpoints("hj633-2026")
    moved = {
        (item, low, high)
        for item in old
        for low, high in zip(old[item].concentrations, new[item].concentrations, strict=True)
        if low != high
    }
    assert moved == {("pm10_24h", Fraction(150), Fraction(120)), ("pm25_24h", Fraction(75), Fraction(60))}


def test_what_lies_above_the_last_breakpoint() -> None:
    old, new = breakpoints("hj633-2012"), breakpoints("hj633-2026")
    assert (old["so2_1h"].above, old["o3_8h"].above) == (None, None)
    assert (new["so2_1h"].above, new["o3_8h"].above) == (200, 300)
    assert {new[item].above for item in new if item not in ("so2_1h", "o3_8h")} == {500}


def test_report_columns_in_order() -> None:
    day = [item.column for item in report_items("hj633-2012", "day")]
    assert day == ["pm25", "pm10", "so2", "no2", "co", "o3_8h", "o3_1h"]
    assert [item.column for item in report_items("hj633-2012", "day") if item.optional] == ["o3_1h"]
    assert [item.column for item in report_items("hj633-2026", "day")] == day[:-1]
    for edition in AQI_EDITIONS:
        hour = {item.column: item.item for item in report_items(edition, "hour")}
        assert hour["pm25"] == "pm25_24h"
        assert hour["o3"] == "o3_1h"
        assert len(hour) == 6


def test_percentiles_come_from_the_evaluation_items() -> None:
    assert dict(percentiles()) == {"so2": 98, "no2": 98, "pm10": 95, "pm25": 95, "co": 95, "o3": 90}
    means = [item.pollutant for item in evaluation_items() if item.statistic == "mean"]
    assert means == ["so2", "no2", "pm10", "pm25"]
    for edition in LIMIT_EDITIONS:
        assert all((item.pollutant, item.averaging) in limits(edition) for item in evaluation_items())


def test_validity_of_february() -> None:
    assert [validity().days_in(month) for month in (1, 2, 12)] == [27, 25, 27]
    assert validity().windows_per_day == 14


def test_publication_rules() -> None:
    old, new = publication("hj633-2012"), publication("hj633-2026")
    assert (old.aqi_minimum, new.aqi_minimum) == (0, 1)
    assert (old.missing_publish_above, new.missing_publish_above) == (None, 100)
    assert (old.exceedance_above, new.exceedance_above) == (100, None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: breakpoints("hj633-2025"), "aqi edition 'hj633-2025' is unknown; expected one of hj633-2012"),
        (lambda: limits("2025"), "limits edition '2025' is unknown"),
        (lambda: limits("2012", 3), "area class 3 is unknown; expected 1 or 2"),
        (lambda: report_items("hj633-2012", "week"), "report 'week' is unknown"),
        (lambda: percentiles("hj999"), "standard 'hj999' is unknown"),
        (lambda: editions("noise"), "no standard of kind 'noise'"),
    ],
)
def test_unknown_names_say_what_is_known(call: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        call()


def test_a_breakpoint_that_falls_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "hj633-9999"
    shutil.copytree(STANDARDS / "hj633-2026", folder)
    table = folder / "breakpoints.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("150,475,650", "150,150,650"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="line 5, column so2_24h: found '150', expected more than 150"):
        load_breakpoints(folder)


def test_a_limit_without_clause_or_with_unknown_confidence_is_refused(tmp_path: Path) -> None:
    head = "edition,pollutant,averaging,unit,class1,class2,clause,confidence\n"
    (tmp_path / "limits.csv").write_text(
        head + "x,so2,year,µg/m³,1,2,,P\nx,so2,24h,µg/m³,1,2,4.2,sure\nx,so2,week,µg/m³,1,2,4.2,P\n", encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_limits(tmp_path)
    lines = str(caught.value).splitlines()
    assert [line.split(": found")[0].split("line ")[1] for line in lines] == [
        "2, column clause",
        "3, column confidence",
        "4, column averaging",
    ]


def test_a_document_without_dates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "standard.toml").write_text(
        'id = "x"\nnumber = "x"\ntitle_zh = "x"\ntitle_en = "x"\nkind = "aqi"\nvalid_from = "soon"\n', encoding="utf-8"
    )
    with pytest.raises(ConfigurationError, match="found valid_from 'soon', valid_to None, expected dates"):
        load_standard(tmp_path)
