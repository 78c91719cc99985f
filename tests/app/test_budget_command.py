"""`lantian budget`: a year counted by hand, and a real one."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from app.command.budget import command
from app.prsa import load_prsa
from domain.standard import validity

HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, ["--format", "prsa", *map(str, arguments)])


def report(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def write_station(path: Path, halves: dict[int, tuple[float, float]], *, invalid: tuple[int, ...] = ()) -> Path:
    """PM2.5 of each year: one value to the end of June, another after; the last year's `invalid` days have none."""
    lines = [HEADER]
    for year, (first, second) in halves.items():
        start = dt.date(year, 1, 1)
        for number in range((dt.date(year + 1, 1, 1) - start).days):
            day = start + dt.timedelta(days=number)
            absent = year == max(halves) and number in invalid
            pm = "NA" if absent else first if day.month <= 6 else second
            lines.extend(
                f'0,{day.year},{day.month},{day.day},{hour},{pm},50,10,20,600,40,1.5,880,NA,0,"WNW",2,"甲"'
                for hour in range(24)
            )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_year_by_hand(tmp_path: Path) -> None:
    # 181 days so far at 40, four of January without; the second half of both past years was 60.
    path = write_station(tmp_path / "a.csv", {2013: (40, 60), 2014: (40, 60), 2015: (40, 99)}, invalid=(1, 2, 3, 4))
    found = report("--as-of", "2015-06-30", "--good-days", "80", path)
    assert (found["as_of"], found["limits"], list(found["stations"])) == ("2015-06-30", "2012", ["甲"])
    place = found["stations"]["甲"]
    assert found["area"] == place
    # 40 µg/m³ is AQI 57; all 181 days are good: 80 % of 365 = 292, so 111 of the 184 days must be good too.
    assert (place["days_left"], place["good_days"]["good"], place["good_days"]["valid"]) == (184, 181, 181)
    assert place["good_days"]["further_polluted_days"] == 73
    pm25 = place["pollutants"]["pm25"]
    assert (pm25["mean_so_far"], pm25["valid_days"], pm25["past_years"]) == (40.0, 177, 2)
    assert pm25["remaining_mean"] == pytest.approx((35 * (177 + 184) - 40 * 177) / 184)
    expected = (40 * 177 + 60 * 184) / (177 + 184)
    assert [pm25[key] for key in ("projected", "low", "high")] == pytest.approx([expected] * 3)
    assert pm25["invalid_days"]["months_left"] == [0, 3, 4, 3, 4, 3, 4, 4, 3, 4, 3, 4]
    assert (pm25["invalid_days"]["allowed"], pm25["invalid_days"]["year_can_be_valid"]) == (22, True)
    assert (pm25["days"], pm25["completeness"]) == (181, 97.8)
    # 361 days: the 95th percentile is the 343rd; the 18 above it may exceed 75.
    assert pm25["percentile"] == {
        "percent": 95, "value_so_far": 40.0, "limit": 75.0, "further_days_above": 18,
        "projected": pytest.approx(60), "low": pytest.approx(60), "high": pytest.approx(60), "past_years": 2,
    }  # fmt: skip
    assert set(place["pollutants"]) == {"pm25", "pm10", "so2", "no2", "co", "o3"}
    assert "limit" not in place["pollutants"]["co"] and place["pollutants"]["co"]["percentile"]["limit"] == 4
    assert place["pollutants"]["o3"]["percentile"]["percent"] == 90
    assert report("--as-of", "2015-06-30", path)["area"]["good_days"]["further_polluted_days"] is None


def test_leap_years_keep_their_day(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", {2014: (40, 60), 2015: (40, 60), 2016: (30, 90)})
    last = report("--as-of", "2016-12-31", path)["area"]["pollutants"]["pm25"]
    assert last["projected"] == last["low"] == pytest.approx((182 * 30 + 184 * 90) / 366)
    assert last["remaining_mean"] is None
    early = report("--as-of", "2016-06-30", path)["area"]["pollutants"]["pm25"]
    rest = 60 * (30 / 40) ** 0.25
    assert early["projected"] == pytest.approx((182 * 30 + 184 * rest) / 366)


def test_without_history_there_is_no_projection(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", {2016: (30, 90)})
    pm25 = report("--as-of", "2016-03-31", path)["area"]["pollutants"]["pm25"]
    assert (pm25["projected"], pm25["low"], pm25["past_years"]) == (None, None, 0)
    target = tmp_path / "out.json"
    assert run("--as-of", "2016-03-31", path, "-o", target).exit_code == 0
    assert json.loads(target.read_text(encoding="utf-8"))["as_of"] == "2016-03-31"
    for arguments, part in (
        (("--as-of", "2015-03-31", path), "甲: found no measurement of 2015 up to 2015-03-31"),
        (("--as-of", "2016-03-31", path, path), "found station 甲 again"),
        (("--as-of", "2016-03-31", path, "-o", tmp_path / "no" / "x"), "cannot write"),
    ):
        result = run(*arguments)
        assert (result.exit_code, part in result.stderr) == (1, True), result.stderr


def test_beijing_2016(shared_data: Path) -> None:
    path = sorted((shared_data / "data/prsa").glob("*.csv.gz"))[0]
    pm25 = report("--as-of", "2016-08-31", path)["area"]["pollutants"]["pm25"]
    grid = load_prsa(path).year_grid(2016)["pm25"]
    enough = np.count_nonzero(~np.isnan(grid), axis=1) >= validity().hours_per_day
    year = np.nanmean(np.nanmean(grid[enough], axis=1))
    assert pm25["low"] < year < pm25["high"]
    assert abs(pm25["projected"] - year) < 0.5 * abs(pm25["mean_so_far"] - year)
