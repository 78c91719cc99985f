from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.command.aqi import command
from app.pollutant_table import PollutantTable, column_positions, decoded

CATEGORIES = ["优", "良", "轻度污染", "中度污染", "重度污染", "严重污染"]
PRIMARY_PARTS = {"PM2.5": "pm25", "PM10": "pm10", "二氧化硫": "so2", "二氧化氮": "no2", "一氧化碳": "co", "臭氧": "o3"}
HEADER = "time,pm25,pm10,so2,no2,co,o3"


def run(source: str | bytes, *options: str, edition: str = "hj633-2026", report: str = "hour") -> Result:
    data = source.encode() if isinstance(source, str) else source
    return CliRunner().invoke(command, ["--edition", edition, "--report", report, *options, "-"], input=data)


def rows(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout_bytes.decode(), newline="")))


def test_worked_example_of_the_help() -> None:
    result = run(f"{HEADER}\n2026-03-01 08:00,61,80,12,40,0.8,55\n")
    assert result.stdout.splitlines() == [
        f"{HEADER},iaqi_pm25,iaqi_pm10,iaqi_so2,iaqi_no2,iaqi_co,iaqi_o3,aqi,level,category,primary",
        "2026-03-01 08:00,61,80,12,40,0.8,55,101,72,4,20,8,18,101,3,轻度污染,pm25",
    ]
    assert result.stderr == ""
    assert "Example:" in CliRunner().invoke(command, ["--help"]).output


def test_clean_row_has_no_primary_pollutant_and_ties_are_joined() -> None:
    clean, tied = rows(run(f"{HEADER}\na,10,20,3,4,0.5,60\nb,60,120,3,4,0.5,60\n"))
    assert (clean["aqi"], clean["level"], clean["category"], clean["primary"]) == ("20", "1", "优", "")
    assert (tied["aqi"], tied["level"], tied["category"], tied["primary"]) == ("100", "2", "良", "pm25;pm10")


def test_missing_pollutant_by_edition() -> None:
    text = f"{HEADER}\na,50,20,,4,0.5,60\nb,61,20,,4,0.5,60\n"
    low, high = rows(run(text))
    assert [low[name] for name in ("aqi", "level", "category", "primary")] == ["NA"] * 4
    assert (low["iaqi_pm25"], low["iaqi_so2"]) == ("80", "NA")
    assert (high["aqi"], high["primary"]) == ("101", "pm25")
    assert rows(run(text, edition="hj633-2012"))[0]["aqi"] == "69"


@pytest.mark.parametrize("word", ["", "NaN", "nan", "NA", "—", "-", " "])
def test_every_way_to_write_missing(word: str) -> None:
    (row,) = rows(run(f"{HEADER}\na,61,20,{word},4,0.5,60\n"))
    assert (row["iaqi_so2"], row["aqi"], row["so2"]) == ("NA", "101", word)


@pytest.mark.parametrize("edition", ["hj633-2012", "hj633-2026"])
def test_row_without_any_value_has_no_aqi(edition: str) -> None:
    (row,) = rows(run(f"{HEADER}\na,NaN,,NA,—,,\n", edition=edition))
    assert [row[name] for name in ("iaqi_pm25", "aqi", "level", "category", "primary")] == ["NA"] * 5


def test_not_monitored_pollutant_is_shown_as_the_standard_shows_it() -> None:
    text = "time,pm25,pm10,so2,co,o3\na,50,20,3,0.5,60\n"
    result = run(text, "--not-monitored", "NO2")
    (row,) = rows(result)
    assert (row["aqi"], row["iaqi_no2"], result.stderr) == ("80", "/", "")
    silent = run(text)
    assert rows(silent)[0]["aqi"] == "NA"
    assert "no column for no2" in silent.stderr
    wrong = run(text, "--not-monitored", "benzene")
    assert wrong.exit_code == 1
    assert "benzene" in wrong.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_names_of_columns_and_encodings(encoding: str) -> None:
    text = "站点,SO2 ,O3_8h,Pm2_5,PM10,no2,CO,O3_1H\n宁兴,3,300,61,20,4,0.5,60\n"
    (row,) = rows(run(text.encode(encoding)))
    assert list(row)[:8] == ["站点", "SO2 ", "O3_8h", "Pm2_5", "PM10", "no2", "CO", "O3_1H"]
    assert (row["站点"], row["O3_8h"], row["iaqi_o3"], row["aqi"]) == ("宁兴", "300", "19", "101")


def test_encoding_may_be_named_and_must_be_known() -> None:
    text = f"{HEADER},名\na,61,20,3,4,0.5,60,阳\n".encode("gb18030")
    assert rows(run(text, "--encoding", "gb18030"))[0]["名"] == "阳"
    wrong = run(text, "--encoding", "klingon")
    assert (wrong.exit_code, "klingon" in wrong.stderr) == (1, True)
    late = run(text, "--encoding", "utf-8")
    assert late.exit_code == 1
    assert "not utf-8" in late.stderr


def test_encoding_is_recognised_across_a_cut_character() -> None:
    # The sniffed first mebibyte ends in the middle of a character.
    for shift in range(4):
        text = "x" * shift + "蓝" * 400_000
        assert decoded(io.BytesIO(text.encode()), "auto").read() == text
    text = "x" * 1_048_000 + "天" * 1000
    assert decoded(io.BytesIO(text.encode("gb18030")), "auto").read() == text


def test_multi_line_fields_and_other_columns_pass_intact() -> None:
    text = 'note,pm25,pm10,so2,no2,co,o3,"a ""b"""\r\n"two\r\nlines, and a comma",61,20,3,4,0.5,60, x \r\n'
    (row,) = rows(run(text))
    assert (row["note"], row['a "b"'], row["aqi"]) == ("two\r\nlines, and a comma", " x ", "101")


def test_input_column_with_the_name_of_an_added_one_is_kept() -> None:
    result = run("aqi,AQI,pm25,pm10,so2,no2,co,o3,input_aqi\n7,8,61,20,3,4,0.5,60,9\n")
    (row,) = rows(result)
    assert (row["input_input_aqi"], row["AQI"], row["aqi"], row["input_aqi"]) == ("7", "8", "101", "9")
    assert "input column aqi is kept as input_input_aqi" in result.stderr


def test_day_report() -> None:
    text = "date,pm25,pm10,so2,no2,co,o3_8h,o3_1h\nd,10,20,3,4,0.5,90,250\ne,10,20,3,4,0.5,900,1000\n"
    older = rows(run(text, edition="hj633-2012", report="day"))
    assert [(row["iaqi_o3_8h"], row["iaqi_o3_1h"], row["aqi"], row["primary"]) for row in older] == [
        ("45", "125", "125", "o3_1h"),
        ("NA", "400", "400", "o3_1h"),
    ]
    newer = rows(run(text, report="day"))
    assert [(row["aqi"], row["primary"], row["o3_1h"]) for row in newer] == [
        ("45", "", "250"),
        ("300", "o3_8h", "1000"),
    ]
    without = rows(run(text.replace("o3_1h", "other"), edition="hj633-2012", report="day"))
    assert without[0]["aqi"] == "45"
    assert "iaqi_o3_1h" not in without[0]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (f'{HEADER}\na,1,1,1,1,1,1\n"b\nc",1,x7,1,1,1,1\n', ["line 3", "pm10", "'x7'", "expected a number"]),
        (f"{HEADER}\na,1_0,1,1,1,1,1\n", ["line 2", "pm25", "'1_0'"]),
        (f"{HEADER}\na,inf,1,1,1,1,1\n", ["line 2", "'inf'"]),
        (f"{HEADER}\na,1,1,1,1,1\n", ["line 2", "found 6 cells", "expected 7"]),
        ("time,temperature\na,1\n", ["found columns time, temperature", "pm25"]),
        ("pm25,PM2.5\n1,2\n", ["'pm25' and 'PM2.5'", "one column for pm25"]),
        ("", ["found no line", "header"]),
    ],
)
def test_faults_name_place_found_and_expected(text: str, parts: list[str], tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    result = run(text, "-o", str(target))
    assert result.exit_code == 1
    for part in parts:
        assert part in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_carbon_monoxide_in_micrograms_is_remarked() -> None:
    result = run("pm25,co,o3_8h\n10,0.8,90\n20,800,90\n30,1200,2000\n", report="day")
    assert "3 values are higher than was ever measured (CO is in mg/m³" in result.stderr
    assert "the first is in line 3, column co" in result.stderr
    assert rows(result)[1]["iaqi_co"] == "500"
    assert "higher" not in run("pm25,co,o3_8h\n999,10,500\n", report="day").stderr


def test_negative_values_count_as_missing_and_are_reported() -> None:
    result = run(f"{HEADER}\na,61,20,3,4,0.5,60\nb,61,-3,-1,4,0.5,60\n")
    assert rows(result)[1]["iaqi_pm10"] == "NA"
    assert "2 negative values count as missing; the first is in line 3, column pm10" in result.stderr


def test_files_large_enough_for_several_chunks(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    lines = "".join(f"{at},{at % 500},20,3,4,0.5,60\n" for at in range(45_000))
    source.write_text(f"{HEADER}\n{lines}", encoding="utf-8")
    options = ["--edition", "hj633-2012", "--report", "hour", str(source), "-o", str(target)]
    result = CliRunner().invoke(command, options)
    assert (result.exit_code, result.stdout) == (0, "")
    with target.open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    assert [row["time"] for row in written] == [str(at) for at in range(45_000)]
    assert written[40_075]["aqi"] == "100"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_unreadable_and_unwritable_paths_are_named(tmp_path: Path) -> None:
    options = ["--edition", "hj633-2012", "--report", "hour"]
    absent = CliRunner().invoke(command, [*options, str(tmp_path / "none.csv")])
    assert (absent.exit_code, "none.csv" in absent.stderr) == (1, True)
    blocked = run(HEADER, "-o", str(tmp_path / "no" / "out.csv"))
    assert (blocked.exit_code, "cannot write" in blocked.stderr) == (1, True)


def test_own_name_goes_before_another_name() -> None:
    assert column_positions(["O3_1h", "o3"], ["o3"], "hour") == {"o3": 1}
    assert column_positions(["O3_1h"], ["o3"], "hour") == {"o3": 0}
    assert PollutantTable(io.StringIO("PM₂.₅\n"), "x").header == ["PM₂.₅"]
    assert column_positions(["PM₂.₅"], ["pm25"], "day") == {"pm25": 0}


def test_official_hours(shared_data: Path) -> None:
    compared = 0
    for path in sorted((shared_data / "data" / "aqi_hourly").glob("*.csv")):
        options = ["--edition", "hj633-2012", "--report", "hour", str(path)]
        found = rows(CliRunner().invoke(command, options))
        with path.open(encoding="utf-8", newline="") as stream:
            originals = list(csv.DictReader(stream))
        assert len(found) == len(originals)
        for row, original in zip(found, originals, strict=True):
            assert {name: row[name] for name in original} == original
            if original["AQI"] in {"NaN", "—", ""}:
                continue
            names = [name.strip() for name in original["PrimaryPollution"].split("\n")]
            expected = {key for part, key in PRIMARY_PARTS.items() if any(part in name for name in names)}
            assert row["aqi"] == original["AQI"]
            assert row["category"] == original["Level"]
            assert row["level"] == str(CATEGORIES.index(original["Level"]) + 1)
            assert set(filter(None, row["primary"].split(";"))) == expected
            compared += 1
    assert compared > 3000


def test_official_days(shared_data: Path) -> None:
    path = shared_data / "data" / "aqi_daily" / "dezhou_2016.csv"
    found = rows(CliRunner().invoke(command, ["--edition", "hj633-2012", "--report", "day", str(path)]))
    judged = [row for row in found if row["quality"] != "无"]
    assert len(judged) > 300
    assert [(row["aqi"], row["category"]) for row in judged] == [(row["input_aqi"], row["quality"]) for row in judged]
