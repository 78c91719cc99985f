"""`lantian evaluate --period --dust`: the plain year unchanged; months, ranks, changes and dust by hand."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.command.evaluate import command

HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"


def report(*arguments: str | Path) -> dict[str, Any]:
    result = CliRunner().invoke(command, ["--format", "prsa", "--year", "2016", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def write_station(path: Path, name: str, *, this_year: float, last_year: float, dust: float | None = None) -> Path:
    """March of 2015 and 2016 with one PM2.5 value each, PM10 twice it; 2016-03-05 has the `dust` value at all hours."""
    lines = [HEADER]
    for year, value in ((2015, last_year), (2016, this_year)):
        for number in range(31 * 24):
            hour = dt.datetime(year, 3, 1) + dt.timedelta(hours=number)  # noqa: DTZ001 - local hours of the file
            pm = dust if dust is not None and (hour.year, hour.day) == (2016, 5) else value
            lines.append(
                f"{number},{hour.year},3,{hour.day},{hour.hour},{pm},{2 * pm},15,40,1000,80,1.5,880,NA,0,"
                f'"WNW",2,"{name}"'
            )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_month_by_hand(tmp_path: Path) -> None:
    first = write_station(tmp_path / "a.csv", "甲", this_year=35, last_year=70)
    second = write_station(tmp_path / "b.csv", "乙", this_year=70, last_year=35)
    plain = report(first, second)
    found = report("--period", "month", first, second)
    assert {key: found[key] for key in plain} == plain, "the keys of the plain year stay as they are"
    assert (found["period"], found["weights"], len(found["periods"])) == ("month", "hj663-2013", 12)
    march = found["periods"][2]
    assert (march["label"], march["start"], march["last_day"]) == ("2016-03", "2016-03-01", "2016-03-31")
    assert march["compared_with"] == "2015-03"
    place = march["stations"]["甲"]
    # 35/35 + 70/70 + 15/60 + 40/40 + 1/4 + 80/160 = 4; the year before 2 + 2 + 2 = 6; the other station 6 after 4.
    assert place["composite"] == {
        "weighted": 4.0, "unweighted": 4.0, "weighted_rounded": 4.0, "unweighted_rounded": 4.0,
        "single": {"pm25": 1.0, "pm10": 1.0, "so2": 0.25, "no2": 1.0, "co": 0.25, "o3": 0.5},
        "main": ["pm25", "pm10", "no2"], "rank": 1, "change_percent": -33.3, "change_rank": 1,
    }  # fmt: skip
    other = march["stations"]["乙"]["composite"]
    assert (other["weighted"], other["rank"], other["change_percent"], other["change_rank"]) == (6.0, 2, 50.0, 2)
    pm25 = place["pollutants"]["pm25"]
    assert (pm25["mean"], pm25["p95_rounded"], pm25["valid_days"], pm25["days"]) == (35.0, 35.0, 31, 31)
    assert (pm25["completeness"], pm25["valid"], pm25["compliance_rate"]) == (100.0, True, 100.0)
    assert pm25["last_year"]["mean"] == 70.0
    assert pm25["last_year"]["mean_change_percent"] == -50.0
    area = march["area"]
    assert (area["composite"]["rank"], area["pollutants"]["pm25"]["mean"]) == (None, 52.5)
    assert (area["good_day_ratio"], area["good_day_ratio_change"], area["days_by_category"]["良"]) == (100.0, 0.0, 31)
    april = found["periods"][3]["area"]
    assert (april["valid_days"], april["good_day_ratio"], april["pollutants"]["pm25"]["mean"]) == (0, None, None)
    assert (april["composite"]["weighted"], april["composite"]["main"]) == (None, [])


def test_dust_stands_beside(tmp_path: Path) -> None:
    first = write_station(tmp_path / "a.csv", "甲", this_year=40, last_year=40, dust=350)
    second = write_station(tmp_path / "b.csv", "乙", this_year=40, last_year=40, dust=350)
    table = tmp_path / "dust.csv"
    table.write_text("site,start,end,source,note\n甲,2016-03-05T00:00,2016-03-06T00:00,bulletin 7,\n", encoding="utf-8")
    found = report("--period", "month", "--dust", table, first, second)
    assert found["dust"]["hours"] == {"甲": 24, "乙": 0}
    assert found["dust"]["intervals"][0]["source"] == "bulletin 7"
    place = found["periods"][2]["stations"]["甲"]
    assert place["pollutants"]["pm25"]["mean"] == pytest.approx((30 * 40 + 350) / 31)
    clean = place["without_dust"]
    assert set(clean["pollutants"]) == {"pm25", "pm10"}
    assert (clean["pollutants"]["pm25"]["mean"], clean["pollutants"]["pm25"]["valid_days"]) == (40.0, 30)
    assert clean["composite"]["single"]["pm25"] == pytest.approx(40 / 35)
    assert place["valid_days"] == 31, "the count of days keeps the dust"
    other = found["periods"][2]["stations"]["乙"]
    assert other["without_dust"]["pollutants"]["pm25"]["mean"] == other["pollutants"]["pm25"]["mean"]
    # The year: station 甲 without the day, 乙 with it; the area's 5th of March is what 乙 measured.
    assert found["without_dust"]["stations"]["甲"]["pollutants"]["pm10"]["annual_mean"] == 80.0
    assert found["stations"]["甲"]["pollutants"]["pm10"]["annual_mean"] == pytest.approx((30 * 80 + 700) / 31)
    assert set(found["without_dust"]["area"]) == {"compliance", "pollutants"}


def test_other_periods(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", "甲", this_year=30, last_year=50)
    (three,) = report("--period", "three-years", path)["periods"]
    pm25 = three["area"]["pollutants"]["pm25"]
    assert (pm25["mean"], pm25["days"], pm25["valid"]) == (40.0, 365 + 365 + 366, False)
    assert pm25["means_by_year"] == {"2014": None, "2015": 50.0, "2016": 30.0}
    rolling = report("--period", "rolling12", path)["periods"]
    assert [one["area"]["pollutants"]["pm25"]["mean"] for one in rolling[1:4]] == [50.0, 30.0, 30.0]
    assert rolling[2]["area"]["compliance"]["pm25"] is True
    quarters = report("--period", "quarter", "--limits", "2026-final", path)
    assert quarters["weights"] == "hj663-2026"
    index = quarters["periods"][0]["area"]["composite"]
    # 30/25 (3) + 60/50 + 15/20 + 40/30 (2) + 1/4 + 80/160 (2)
    assert index["weighted"] == pytest.approx(3.6 + 1.2 + 0.75 + 8 / 3 + 0.25 + 1)
    assert index["unweighted"] == pytest.approx(1.2 + 1.2 + 0.75 + 4 / 3 + 0.25 + 0.5)
    assert quarters["periods"][0]["area"]["compliance"] is None


def test_a_year_as_period_agrees_with_the_plain_year(shared_data: Path) -> None:
    files = sorted((shared_data / "data/prsa").glob("*.csv.gz"))[:2]
    found = report("--period", "year", *files)
    (year,) = found["periods"]
    for name, place in {**found["stations"], "area": found["area"]}.items():
        twin = year["area"] if name == "area" else year["stations"][name]
        for key in ("valid_days", "days_by_category", "good_day_ratio", "primary_days", "compliance"):
            assert twin[key] == place[key]
        for key, figures in place["pollutants"].items():
            own = twin["pollutants"][key]
            assert (own["mean"], own["valid_days"]) == (figures["annual_mean"], figures["valid_days"])
            assert own["valid"] == figures["year_valid"]
            assert own["compliance_rate"] == figures["compliance_rate"]
    assert year["area"]["pollutants"]["pm25"]["last_year"]["mean"] > 70


def test_trends_over_the_years_of_the_files(shared_data: Path) -> None:
    file = shared_data / "data/prsa/PRSA_Data_Dongsi_20130301-20170228.csv.gz"
    result = CliRunner().invoke(command, ["--format", "prsa", "--year", "2017", "--trend", str(file)])
    assert result.exit_code == 0, result.output
    trends = json.loads(result.stdout)["trends"]
    assert trends["years"] == [2013, 2017]
    found = trends["places"]["Dongsi"]["so2"]
    # Five years, the first and the last of them partial: their valid days stand beside the means.
    assert found["annual"]["valid_days"]["2017"] <= 59 and found["annual"]["valid_days"]["2014"] > 324
    assert found["annual"]["critical"] == 0.9 and found["annual"]["direction"] in ("rising", "falling", "none")
    assert found["monthly"]["months"] > 36
    assert found["monthly"]["slope_per_year"] < 0 and found["monthly"]["p_value"] < 0.05, "SO2 fell in these years"
    assert found["monthly"]["slope_low"] <= found["monthly"]["slope_per_year"] <= found["monthly"]["slope_high"]
    short = CliRunner().invoke(command, ["--format", "prsa", "--year", "2016", "--trend", str(file)])
    assert json.loads(short.stdout)["trends"]["places"]["area"]["pm25"]["annual"]["spearman"] is None
