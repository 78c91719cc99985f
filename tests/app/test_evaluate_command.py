from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from app.command.evaluate import command
from app.prsa import load_prsa
from domain.error import ConfigurationError
from domain.family import AIR

SIX = {"pm25": "PM2.5", "pm10": "PM10", "so2": "SO2", "no2": "NO2", "co": "CO", "o3": "O3"}
PERCENTS = {"so2": 98, "no2": 98, "pm10": 95, "pm25": 95, "co": 95, "o3": 90}
CATEGORIES = ["优", "良", "轻度污染", "中度污染", "重度污染", "严重污染"]
#: Class II limits of 2012 and the columns of HJ 633-2012, typed in again: an independent copy.
LIMITS = {
    "so2": (60, 150), "no2": (40, 80), "pm10": (70, 150), "pm25": (35, 75), "co": (None, 4), "o3": (None, 160),
}  # fmt: skip
IAQI = [0, 50, 100, 150, 200, 300, 400, 500]
POINTS = {
    "so2": [0, 50, 150, 475, 800, 1600, 2100, 2620],
    "no2": [0, 40, 80, 180, 280, 565, 750, 940],
    "co": [0, 2, 4, 14, 24, 36, 48, 60],
    "pm10": [0, 50, 150, 250, 350, 420, 500, 600],
    "pm25": [0, 35, 75, 115, 150, 250, 350, 500],
    "o3_8h": [0, 100, 160, 215, 265, 800],
    "o3_1h": [0, 160, 200, 300, 400, 800, 1000, 1200],
}
HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, ["--format", "prsa", *map(str, arguments)])


def report(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


Days = dict[str, dict[dt.date, Fraction]]


def slow_hours(path: Path, year: int) -> dict[str, dict[dt.date, dict[int, Fraction]]]:
    """Hours of a file by pollutant, day and hour, with exact values; CO in mg/m³."""
    hours: dict[str, dict[dt.date, dict[int, Fraction]]] = {key: {} for key in SIX}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if int(row["year"]) == year:
                day = dt.date(year, int(row["month"]), int(row["day"]))
                for key, name in SIX.items():
                    if row[name] != "NA":
                        value = Fraction(row[name]) / (1000 if key == "co" else 1)
                        hours[key].setdefault(day, {})[int(row["hour"])] = value
    return hours


def slow_days(hours: dict[str, dict[dt.date, dict[int, Fraction]]]) -> Days:
    """Valid daily values."""
    days: Days = {key: {} for key in (*SIX, "o3_8h", "o3_1h") if key != "o3"}
    for key in SIX:
        for day, values in hours[key].items():
            if key != "o3":
                if len(values) >= 20:
                    days[key][day] = sum(values.values()) / len(values)
                continue
            if len(values) >= 20:
                days["o3_1h"][day] = max(values.values())
            means = []
            for end in range(8, 25):
                window = [values[hour] for hour in range(end - 8, end) if hour in values]
                if len(window) >= 6:
                    means.append(sum(window) / len(window))
            if means and (len(means) >= 14 or round(max(means)) > 160):
                days["o3_8h"][day] = max(means)
    return days


def slow_iaqi(column: str, value: Fraction) -> int | None:
    scale = 10 if column == "co" else 1
    rounded = Fraction(round(value * scale), scale)
    points = POINTS[column]
    if rounded > points[-1]:
        return None if column == "o3_8h" else 500
    for at in range(1, len(points)):
        if rounded <= points[at]:
            slope = Fraction(IAQI[at] - IAQI[at - 1], points[at] - points[at - 1])
            return math.ceil(slope * (rounded - points[at - 1]) + IAQI[at - 1])
    raise AssertionError


def slow_percentile(values: list[Fraction], percent: int) -> Fraction:
    ordered = sorted(values)
    rank = 1 + (len(ordered) - 1) * Fraction(percent, 100)
    low = math.floor(rank)
    above = ordered[min(low, len(ordered) - 1)]
    return ordered[low - 1] + (above - ordered[low - 1]) * (rank - low)


def check_place(place: dict[str, Any], days: Days, year: int) -> None:
    """Compare everything a report says about one place with slow exact calculation."""
    complies: dict[str, bool] = {}
    for key, percent in PERCENTS.items():
        table = days["o3_8h" if key == "o3" else key]
        found = place["pollutants"][key]
        mean = sum(table.values()) / len(table)
        rank = slow_percentile(list(table.values()), percent)
        assert found["annual_mean"] == pytest.approx(float(mean), rel=1e-12)
        assert found[f"p{percent}"] == pytest.approx(float(rank), rel=1e-12)
        assert found["valid_days"] == len(table)
        months = [sum(day.month == month for day in table) for month in range(1, 13)]
        least = [25 if month == 2 else 27 for month in range(1, 13)]
        assert found["days_per_month"] == months
        assert found["months_valid"] == [count >= need for count, need in zip(months, least, strict=True)]
        assert found["year_valid"] == (len(table) >= 324 and all(found["months_valid"]))
        scale = 10 if key == "co" else 1
        rounded_mean, rounded_rank = (Fraction(round(value * scale), scale) for value in (mean, rank))
        assert found["annual_mean_rounded"] == float(rounded_mean)
        assert found[f"p{percent}_rounded"] == float(rounded_rank)
        year_limit, day_limit = LIMITS[key]
        complies[key] = rounded_rank <= day_limit and (year_limit is None or rounded_mean <= year_limit)
        within = sum(Fraction(round(value * scale), scale) <= day_limit for value in table.values())
        assert found["compliance_rate"] == float(round(Fraction(1000 * within, len(table)))) / 10
        assert found["items"][-1]["exceedance_multiple"] == float(
            Fraction(round((rounded_rank - day_limit) / day_limit * 100), 100)
        )
    assert place["compliance"] == {"overall": all(complies.values()), **complies}
    check_indices(place, days, year)


def check_indices(place: dict[str, Any], days: Days, year: int) -> None:
    categories = dict.fromkeys(CATEGORIES, 0)
    primary = dict.fromkeys(POINTS, 0)
    start = dt.date(year, 1, 1)
    for day in (start + dt.timedelta(at) for at in range((dt.date(year + 1, 1, 1) - start).days)):
        indices = {column: slow_iaqi(column, table[day]) for column, table in days.items() if day in table}
        known = {column: index for column, index in indices.items() if index is not None}
        if not known:
            continue
        aqi = max(known.values())
        categories[CATEGORIES[sum(aqi > edge for edge in (50, 100, 150, 200, 300))]] += 1
        for column, index in known.items():
            primary[column] += index == aqi > 50
    assert place["days_by_category"] == categories
    assert place["primary_days"] == primary
    assert place["valid_days"] == sum(categories.values())
    good = Fraction(categories["优"] + categories["良"], place["valid_days"])
    assert place["good_day_ratio"] == float(round(good * 1000)) / 10


def test_prsa_2016_agrees_with_exact_loops(shared_data: Path) -> None:
    files = sorted((shared_data / "data" / "prsa").glob("*.csv.gz"))
    found = report("--year", "2016", *files)
    assert (found["limits"], found["aqi_edition"], len(found["stations"])) == ("2012", "hj633-2012", len(files))
    all_days: list[Days] = []
    for path in files:
        hours = slow_hours(path, 2016)
        days = slow_days(hours)
        name = path.name.split("_")[2]
        check_place(found["stations"][name], days, 2016)
        counts = {key: sum(map(len, table.values())) for key, table in hours.items()}
        assert {key: found["stations"][name]["pollutants"][key]["hours"] for key in SIX} == counts
        all_days.append(days)
    area: Days = {}
    for column in all_days[0]:
        per_day: dict[dt.date, list[Fraction]] = {}
        for days in all_days:
            for day, value in days[column].items():
                per_day.setdefault(day, []).append(value)
        area[column] = {day: sum(values, Fraction(0)) / len(values) for day, values in per_day.items()}
    check_place(found["area"], area, 2016)


def write_station(path: Path, value: Callable[[dt.datetime], str], *, days: int = 366, name: str = "甲") -> Path:
    """A PRSA file of 2016 in which every pollutant has the value of the hour, CO a hundred times it."""
    lines = [HEADER]
    for number in range(days * 24):
        hour = dt.datetime(2016, 1, 1) + dt.timedelta(hours=number)  # noqa: DTZ001 - local hours of the file
        cell = value(hour)
        co = cell if cell == "NA" else str(float(cell) * 100)
        lines.append(
            f"{number},{hour.year},{hour.month},{hour.day},{hour.hour},{cell},{cell},{cell},{cell},{co},{cell},"
            f'1.5,880,NA,0,"WNW",2,"{name}"'
        )
    text = "\n".join(lines) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def test_a_year_at_the_limits_by_hand(tmp_path: Path) -> None:
    first = write_station(tmp_path / "a.csv", lambda _: "36")
    second = write_station(tmp_path / "b.csv.gz", lambda hour: "34" if hour.month > 1 else "NA", name="乙")
    found = report("--year", "2016", first, second)
    place = found["stations"]["甲"]["pollutants"]["pm25"]
    assert (place["annual_mean"], place["p95"], place["valid_days"], place["hours"]) == (36.0, 36.0, 366, 8784)
    assert (place["days"], place["completeness"]) == (366, 100.0)
    assert (place["complies"], place["year_valid"]) == (False, True)
    assert place["items"][0] == {
        "statistic": "annual_mean", "limit_averaging": "year", "value": 36.0, "rounded": 36.0, "limit": 35.0,
        "met": False, "exceedance_multiple": 0.03,
    }  # fmt: skip
    assert found["stations"]["乙"]["pollutants"]["pm25"]["year_valid"] is False
    area = found["area"]["pollutants"]["pm25"]
    assert area["annual_mean"] == pytest.approx((31 * 36 + 335 * 35) / 366)
    assert found["area"]["stations"] == 2
    assert found["area"]["pollutants"]["co"]["p95"] == pytest.approx(3.6)
    assert found["area"]["days_by_category"]["良"] == 366


def test_limits_and_editions(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", lambda _: "28")
    older = report("--year", "2016", path)
    assert (older["limits"], older["aqi_edition"], older["evaluation_standard"]) == ("2012", "hj633-2012", "hj663-2013")
    newer = report("--year", "2016", "--limits", "2026-final", path)
    assert (newer["limits"], newer["aqi_edition"]) == ("2026-final", "hj633-2026")
    assert newer["area"]["compliance"]["pm25"] is False  # 28 > 25
    assert older["area"]["compliance"]["pm25"] is True
    mixed = report("--year", "2016", "--limits", "2026-transitional", "--edition", "hj633-2012", path)
    assert (mixed["aqi_edition"], mixed["area"]["compliance"]["pm25"]) == ("hj633-2012", True)


def test_pollutant_without_data_is_null(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", lambda hour: "20" if hour.hour < 19 else "NA")
    place = report("--year", "2016", path)["area"]
    assert place["pollutants"]["pm25"]["annual_mean"] is None
    assert place["pollutants"]["pm25"]["items"][0]["met"] is None
    assert place["pollutants"]["o3"]["valid_days"] == 366  # 14 windows: those ending 08:00 to 21:00
    assert (place["compliance"]["pm25"], place["compliance"]["overall"]) == (None, None)


def test_output_file_and_faults(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", lambda _: "20", days=2)
    target = tmp_path / "out.json"
    assert run("--year", "2016", path, "-o", target).stdout == ""
    assert json.loads(target.read_text(encoding="utf-8"))["year"] == 2016
    for arguments, part in (
        (("--year", "2015", path), "no measurement of 2015"),
        (("--year", "2016", path, path), "found station 甲 again"),
        (("--year", "2016", tmp_path / "none.csv"), "no such file"),
    ):
        result = run(*arguments)
        assert (result.exit_code, part in result.stderr) == (1, True), result.stderr
    assert "good_day_ratio" in run("--help").stdout


def test_prsa_file_in_canonical_units(tmp_path: Path) -> None:
    station = load_prsa(write_station(tmp_path / "a.csv.gz", lambda hour: "NA" if hour.hour == 3 else "5", days=1))
    assert (station.name, len(station.times_s)) == ("甲", 24)
    assert station.times_s[0] == dt.datetime(2015, 12, 31, 16, tzinfo=dt.UTC).timestamp()
    row = dict(zip(AIR.keys, station.values[0].tolist(), strict=True))
    assert (row["pm25"], row["co"], row["temperature"], row["wind_direction"]) == (5.0, 0.5, 1.5, 292.5)
    assert np.isnan([row["humidity"], row["tsp"], station.values[3, 0]]).all()


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("1,2016,1,1,1,5,", "1,2016,1,1,1,five,", "line 3, column PM2.5: found 'five'"),
        ("1,2016,1,1,1,5,", "1,2016,1,1,1,inf,", "line 3, column PM2.5: found 'inf'"),
        ("1,2016,1,1,1,5,", "1,2016,2,30,1,5,", "line 3: found time 2016 2 30 1"),
        ("1,2016,1,1,1,5,", "1,2016,1,1,NA,5,", "line 3: found time 2016 1 1 NA"),
        ("1,2016,1,1,1,5,", "1,2016,1,1,0,5,", "line 3: found the hour of line 2 again"),
        ("1,2016,1,1,1,5,", "1,2016,1,1,1,", "line 3: found 17 cells, expected 18"),
        (",O3,", ",ozone,", "expected also O3"),
        (",RAIN,", ",pm2.5,", "line 1: found PM2.5 twice"),
        ("1,2016,1,1,1,5,", "1,2016,1,1,1,-999,", "line 3, column PM2.5: found '-999', expected a value from -10 to"),
        (
            "1,2016,1,1,1,5,5,5,5,500.0",
            "1,2016,1,1,1,5,5,5,5,-999",
            "line 3, column CO: found '-999', expected a value",
        ),
        ("1,2016,1,1,1,5,", "1,2016,1,1,1,1e300,", "line 3, column PM2.5: found '1e300'"),
        ("\n1,2016,1,1,1,5,", "\n\n\n1,2016,1,1,1,x,", "line 5, column PM2.5: found 'x'"),
        ('0,2016,1,1,0,5,5,5,5,500.0,5,1.5,880,NA,0,"WNW",2,"甲"', '0,2016,1,1,0,5,5,5,5,5,5,1,1,1,0,"N",2,"乙"', "乙"),
    ],
)
def test_faults_of_a_prsa_file(tmp_path: Path, old: str, new: str, part: str) -> None:
    path = write_station(tmp_path / "a.csv", lambda _: "5", days=1)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=part):
        load_prsa(path)


def test_a_file_reads_the_same_however_it_is_written(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", lambda hour: "NA" if hour.hour == 3 else str(hour.hour), days=2)
    lines = path.read_text(encoding="utf-8").splitlines()
    text, expected = "\n".join(lines), load_prsa(path)
    table = [line.split(",") for line in lines]
    turned = "\n".join(",".join(reversed(row)) for row in table)
    narrow = "\n".join(",".join(row[1:]) for row in table)  # without the running number
    for content in (
        text.replace("\n", "\r\n").encode(),
        text.encode("utf-8-sig"),
        text.encode("gb18030"),
        "\n".join([lines[0], *reversed(lines[1:])]).encode(),
        "\n\n".join(lines).encode(),
        turned.encode(),
        narrow.encode(),
        "\n".join([lines[0].lower(), *lines[1:]]).encode(),
        text.replace(",NA,", ",—,").encode(),
        text.replace(",23,", ", 23 ,").encode(),
    ):
        path.write_bytes(content)
        found = load_prsa(path)
        assert found.name == expected.name and np.array_equal(found.times_s, expected.times_s)
        assert np.array_equal(found.values, expected.values, equal_nan=True)
    path.write_bytes(text.encode("utf-16"))
    with pytest.raises(ConfigurationError, match="neither UTF-8 nor GB18030"):
        load_prsa(path)


def test_values_that_cannot_be_are_read_where_they_are_to_be_tested(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", lambda hour: "-999" if hour.hour == 3 else "5", days=1)
    station = load_prsa(path, possible_only=False)
    assert station.values[3, AIR.position("pm25")] == -999


def test_damaged_archive_is_named(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv.gz", lambda _: "5", days=1)
    whole = path.read_bytes()
    for damaged in (whole[:200], whole[:60] + bytes(40) + whole[100:], b"no archive"):
        path.write_bytes(damaged)
        with pytest.raises(ConfigurationError, match=r"a\.csv\.gz: found"):
            load_prsa(path)
