"""`lantian warn`: red alerts of Beijing found in the measurements; rolling beside calendar days; faults."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.episode import Episode, RollingDays
from analytics.episode_calendar import calendar_episodes
from app.command.warn import command
from domain.period import ZONE
from domain.warning import BY_KEY, WarningRules, warning_rules

HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"
YELLOW, ORANGE, RED = (BY_KEY[key].rank for key in ("yellow", "orange", "red"))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, ["--format", "prsa", *map(str, arguments)])


def report(*arguments: str | Path) -> dict[str, Any]:
    result = run("--json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def write_station(path: Path, daily_pm25: list[float], *, name: str = "甲", ozone: float = 20) -> Path:
    """A PRSA file from 2016-11-01 on in which PM2.5 has one value per day."""
    lines = [HEADER]
    for number in range(len(daily_pm25) * 24):
        hour = dt.datetime(2016, 11, 1) + dt.timedelta(hours=number)  # noqa: DTZ001 - local hours of the file
        lines.append(
            f"{number},{hour.year},{hour.month},{hour.day},{hour.hour},{daily_pm25[number // 24]},50,10,20,600,"
            f'{ozone},1.5,880,NA,0,"WNW",2,"{name}"'
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_two_heavy_days_by_hand(tmp_path: Path) -> None:
    # PM2.5 200 -> AQI 250; a rolling day of h heavy and 24 - h clean hours has the mean (200 h + 20 (24 - h)) / 24.
    path = write_station(tmp_path / "a.csv", [20, 20, 200, 200, 20, 20, 20, 20])
    rolling = report("--rules", "2024", path)
    assert (rolling["place"], rolling["rules"], rolling["aqi_edition"]) == ("area", "warning-2024", "hj633-2012")
    (one,) = rolling["episodes"]
    # Above AQI 150 = above 115 µg/m³: from the 13th heavy hour (117.5) on, while 13 heavy hours are left.
    assert (one["start"], one["end"]) == ("2016-11-02T13:00+08:00", "2016-11-05T11:00+08:00")
    assert (one["hours"], one["peak_aqi"], one["peak_time"]) == (70, 250, "2016-11-04T00:00+08:00")
    # Above 200 = above 150.5: from the 18th heavy hour (155) = 11-03 18:00; orange: above 200 for 48 h.
    assert one["levels"] == [
        {"level": "yellow", "level_zh": "黄色预警", "reached": "2016-11-03T18:00+08:00"},
        {"level": "orange", "level_zh": "橙色预警", "reached": "2016-11-04T18:00+08:00"},
    ]
    assert one["lifted"] == "2016-11-06T23:00+08:00"
    assert [day["aqi"] for day in one["calendar_days"]] == [50, 250, 250, 50]
    (natural,) = report("--rules", "2024", "--days", "calendar", path)["episodes"]
    assert (natural["start"], natural["end"]) == ("2016-11-03T00:00+08:00", "2016-11-05T00:00+08:00")
    assert [level["reached"] for level in natural["levels"]] == ["2016-11-04T00:00+08:00", "2016-11-05T00:00+08:00"]
    assert natural["lifted"] == "2016-11-06T12:00+08:00"
    assert [one["level"] for one in report("--rules", "2019", path)["episodes"]] == ["yellow"]


def test_lift_needs_the_calm_to_be_measured(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", [20, 200, 200, 20])
    for basis in ("rolling", "calendar"):
        assert [one["lifted"] for one in report("--days", basis, path)["episodes"]] == [None]


def without_days(path: Path, *days: int) -> Path:
    """The file without the hours of these days of November 2016."""
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.split(",")[1:4] not in [["2016", "11", str(day)] for day in days]]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return path


def test_unmeasured_hours_do_not_lift(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", [20, 200, 200, 20, 20, 20, 20])
    assert [one["hours_without_aqi"] for one in report(path)["episodes"]] == [0]
    # Nothing at all on 11-04 and 11-05: of the rolling days, those with more than 4 hours within them have no AQI.
    (one,) = report(without_days(path, 4, 5))["episodes"]
    # The last day with 20 hours ends 04:00. From then on nothing is known for 63 hours (the day of 11-06 20:00 is the
    # first with 20 again), more than the 36 after which an episode is closed.
    assert (one["end"], one["lifted"], one["closing"]) == ("2016-11-04T04:00+08:00", None, "no_data")
    assert "not lifted: no data" in run(path).stdout


def test_a_short_gap_delays_the_lift_by_its_hours(tmp_path: Path) -> None:
    whole = report(write_station(tmp_path / "a.csv", [20, 200, 200, *[20] * 6]))["episodes"]
    path = write_station(tmp_path / "b.csv", [20, 200, 200, *[20] * 6])
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:85] + lines[95:]) + "\n", encoding="utf-8")
    (one,) = report(path)["episodes"]
    hours = one["hours_without_aqi"]
    # Ten hours are missing: from the fifth of them on until the sixth has left the 24 hours.
    assert hours == 25 and one["closing"] == "calm"
    late = dt.datetime.fromisoformat(one["lifted"]) - dt.datetime.fromisoformat(whole[0]["lifted"])
    assert late == dt.timedelta(hours=hours) + (
        dt.datetime.fromisoformat(one["end"]) - dt.datetime.fromisoformat(whole[0]["end"])
    )


def test_ozone_alone_warns_of_nothing(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", [20] * 5, ozone=300)
    assert report(path)["episodes"] == report("--days", "calendar", path)["episodes"] == []


def test_area_is_the_mean_and_a_station_can_be_chosen(tmp_path: Path) -> None:
    heavy = write_station(tmp_path / "a.csv", [20, 200, 200, 20, 20, 20])
    clean = write_station(tmp_path / "b.csv", [20] * 6, name="乙")
    assert report(heavy, clean)["episodes"] == []
    assert len(report(heavy, clean, "--station", "甲")["episodes"]) == 1
    text = run(heavy, clean, "--station", "甲").stdout
    assert "橙色预警  2016-11-03 18:00" in text


def test_output_file_and_faults(tmp_path: Path) -> None:
    path = write_station(tmp_path / "a.csv", [200, 200])
    target = tmp_path / "out.txt"
    assert run(path, "-o", target).stdout == ""
    assert "1 episodes" in target.read_text(encoding="utf-8")
    for arguments, part in (
        ((path, path), "several files of 甲"),
        ((path, "--station", "丙"), "no station '丙', expected one of 甲"),
        ((tmp_path / "none.csv",), "no such file"),
        ((path, "-o", tmp_path / "no" / "out.txt"), "cannot write"),
    ):
        result = run(*arguments)
        assert (result.exit_code, part in result.stderr) == (1, True), result.stderr


@pytest.mark.parametrize(
    ("rules", "basis", "year", "alerts"),
    [
        # Beijing's red alerts: 2015-12-08 to 12-10, 2015-12-19 to 12-22, 2016-12-16 to 12-21.
        ("2024", "rolling", 2015, [(dt.date(2015, 12, 8), RED), (dt.date(2015, 12, 20), RED)]),
        ("2024", "calendar", 2016, [(dt.date(2016, 12, 18), RED)]),
        ("2019", "rolling", 2016, [(dt.date(2016, 12, 18), RED)]),
        ("2017", "rolling", 2015, [(dt.date(2015, 12, 8), ORANGE), (dt.date(2015, 12, 23), RED)]),
    ],
)
def test_red_alerts_of_beijing(shared_data: Path, rules: str, basis: str, year: int, alerts: list[Any]) -> None:
    files = sorted((shared_data / "data/prsa").glob("*.csv.gz"))[::2]
    found = report("--rules", rules, "--days", basis, "--year", str(year), *files)
    assert found["stations"] == len(files)
    for one in found["episodes"]:
        assert one["start"] < one["end"] and str(year) in one["start"] + one["end"]
    for day, least in alerts:
        noon = dt.datetime(day.year, day.month, day.day, 12, tzinfo=ZONE).isoformat(timespec="minutes")
        holding = [one for one in found["episodes"] if one["start"] <= noon < one["end"]]
        assert [BY_KEY[one["level"]].rank >= least for one in holding] == [True], day


def slow_levels(aqi: list[int], rules: WarningRules) -> dict[int, int]:
    """Day with which each level is first met, day by day, for a series that is one episode."""
    met: dict[int, int] = {}
    for rank in range(1, 5):
        found = []
        for alternative in rules.alternatives(rank):
            days = []
            for condition in alternative:
                long = [
                    day
                    for day in range(len(aqi))
                    if day + 1 >= condition.hours // 24
                    and all(value > condition.above for value in aqi[day + 1 - condition.hours // 24 : day + 1])
                ]
                days.append(min(long, default=None))
            if None not in days:
                found.append(max(day for day in days if day is not None))
        if found:
            met[rank] = min(found)
    return met


@settings(deadline=None)
@given(st.lists(st.sampled_from([160, 199, 200, 201, 250, 300, 301, 420, 500]), min_size=1, max_size=7))
@pytest.mark.parametrize("rules", ["2024", "2019", "2017"])
def test_calendar_levels_agree_with_days_counted_one_by_one(rules: str, aqi: list[int]) -> None:
    days = RollingDays(np.array([50, *aqi, 50, 50]), np.full(len(aqi) + 3, True))
    chosen = warning_rules(rules)
    found = calendar_episodes(days, chosen)
    if chosen.base == 150 or all(value > 200 for value in aqi):
        (one,) = found
        assert (one.start, one.end) == (24, 24 + 24 * len(aqi))
        assert {rank: hour // 24 - 1 for rank, hour in one.reached} == slow_levels(aqi, chosen)
        assert all(hour % 24 == 23 for _, hour in one.reached)
        assert one.lifted == one.end + chosen.lift_calm_hours


def test_no_day_no_episode() -> None:
    empty = RollingDays(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool))
    assert calendar_episodes(empty, warning_rules("2024")) == ()
    heavy = RollingDays(np.array([250, 250]), np.full(2, True))
    (one,) = calendar_episodes(heavy, warning_rules("2024"))
    assert one == Episode(0, 48, ((YELLOW, 23), (ORANGE, 47)), 250, 23, None)
    assert calendar_episodes(heavy, warning_rules("2024"), excluded=np.full(2, True)) == ()
