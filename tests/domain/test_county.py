"""County data sets: the shipped one against the plan, a small one built here, and what a bad one is told."""

import csv
import datetime as dt
from pathlib import Path

import pytest

from domain.county import COUNTIES, County, county_names, load_county
from domain.error import ConfigurationError

TOML = """\
id = "tiny"
name_zh = "小县"
city_zh = "小市"
province_zh = "小省"
adcode = "999999"
longitude = 111
latitude = 37.5
area_class = 1
plan_zh = "小计划"
"""
TABLES = {
    "targets.csv": "id,clause,indicator_zh,indicator_en,comparator,value,unit,averaging,due,actual_from,responsible_zh,"
    "source,statistic,pollutant,percent,period,registry,due_date,recurs\n"
    "pm25,1,细颗粒物,PM2.5,<=,30,µg/m³,calendar year,2025-12-31,measured,局,measured,mean,pm25,,year,,2025-12-31,\n"
    "online,2,传输率,online,>=,95,%,calendar month,monthly,measured,局,measured,transmission,,,month,,,month\n",
    "time_windows.csv": "id,clause,what_zh,what_en,months,hours_local,weather_condition,kind,no_rain,"
    "humidity_max,clear_sky\n"
    "wet,3,洒水,wetting,05-01..09-30,10:00-19:00,dry,do,true,50,false\n",
    "enterprises.csv": "id,name_zh,industry,clause,note,key_industry,named_2024,ultra_low,grade,"
    "permit,on_reduction_list\n"
    "steel,钢厂,钢铁,4,,true,true,false,B,true,\n",
    "sites.csv": "id,name_zh,kind,township,longitude,latitude,evaluated,area,enterprise,note\n"
    "town,镇站,ambient,镇,111.1,37.4,true,tiny,,\n"
    "chimney,烟囱,stack,镇,111.2,37.5,false,tiny,steel,\n",
    "devices.csv": "id,site,family,protocol,mn,span_s,interval_s,label,unit_preset,revision_policy\n"
    "town-air,town,air,hj212,ABC123,3600,3600,end,hj212-2017,review\n"
    "cems,chimney,stack,json,,60,60,start,canonical,accept\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "tiny"
    place.mkdir()
    (place / "county.toml").write_text(TOML, encoding="utf-8")
    for name, text in TABLES.items():
        (place / name).write_text(text, encoding="utf-8")
    return place


def replaced(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def faults(folder: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_county(folder)
    return str(caught.value).splitlines()


@pytest.fixture(scope="module")
def county() -> County:
    return load_county("zhongyang")


def test_another_county_is_another_folder(folder: Path) -> None:
    county = load_county(folder)
    assert (county.id, county.name_zh, county.area_class) == ("tiny", "小县", 1)
    assert [target.id for target in county.targets] == ["pm25", "online"]
    assert county.targets[0].due_date == dt.date(2025, 12, 31)
    assert county.targets[1].recurs == "month"
    assert county.time_windows[0].first_day == (5, 1)
    assert county.time_windows[0].to_hour == dt.time(19)
    assert (county.enterprises[0].grade, county.enterprises[0].on_reduction_list) == ("B", None)
    assert county.sites[1].enterprise == "steel"
    assert (county.devices[0].mn, county.devices[1].mn) == ("ABC123", None)
    assert load_county(str(folder)) == county


def test_the_plans_words_are_kept(county: County, shared_data: Path) -> None:
    for file, ours in (
        ("targets.csv", {target.id: target for target in county.targets}),
        ("time_windows.csv", {window.id: window for window in county.time_windows}),
    ):
        with (shared_data / "plan" / file).open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        assert [row["id"] for row in rows] == list(ours)
        for row in rows:
            entry = ours[row["id"]]
            for column, text in row.items():
                if column == "value":
                    assert entry.value == float(text)
                else:
                    assert getattr(entry, column) == text
    with (shared_data / "plan" / "enterprises.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    ours = [(e.name_zh, e.industry, e.clause, e.note or "") for e in county.enterprises]
    assert ours == [tuple(row.values()) for row in rows]


def test_counts_of_the_plan(county: County) -> None:
    assert len(county.targets) == 25
    assert sum(enterprise.named_2024 for enterprise in county.enterprises) == 3
    assert sum(enterprise.ultra_low for enterprise in county.enterprises) == 4
    assert {target.source for target in county.targets} == {"measured", "registry", "reported"}


def test_measured_targets_say_which_statistic(county: County) -> None:
    measured = {
        t.id: (t.statistic_key, t.pollutant, t.percent, t.period) for t in county.targets if t.source == "measured"
    }
    assert measured["pm25_annual"] == ("mean", "pm25", None, "year")
    assert measured["co_p95"] == ("p95", "co", 95, "year")
    assert measured["o3_8h_p90"] == ("p90", "o3", 90, "year")
    assert measured["monitor_online"] == ("transmission", None, None, "month")
    assert len(measured) == 8


def test_the_demonstration_network(county: County) -> None:
    kinds = [site.kind for site in county.sites]
    assert (kinds.count("ambient"), kinds.count("micro"), kinds.count("park")) == (4, 12, 1)
    assert all(site.evaluated == (site.kind == "ambient") for site in county.sites)
    assert all("示意位置" in (site.note or "") for site in county.sites)
    assert {device.site for device in county.devices} == {site.id for site in county.sites}
    for file in ("sites.csv", "devices.csv"):
        assert "DEMONSTRATION" in (COUNTIES / "zhongyang" / file).read_text(encoding="utf-8").splitlines()[0]


def test_shipped_counties_load_under_their_folder_name() -> None:
    for name in county_names():
        assert load_county(name).id == name


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("targets.csv", "<=,30", "<=,thirty", "targets.csv line 2, column value: found 'thirty', expected a decimal"),
        (
            "targets.csv",
            "<=,30",
            "=<,30",
            "targets.csv line 2, column comparator: found '=<', expected one of <=, <, >=",
        ),
        ("targets.csv", "mean,pm25", "mean,", "column pollutant: found '', expected a value because statistic is mean"),
        ("targets.csv", "mean,pm25", "percentile,pm25", "column percent: found '', expected a value"),
        ("targets.csv", ",2025-12-31,\n", ",2025-12-31,month\n", "column recurs: found 'month', expected nothing"),
        (
            "targets.csv",
            "online,2",
            "pm25,2",
            "line 3, column id: found 'pm25', expected an id that no earlier row has",
        ),
        ("time_windows.csv", "09-30", "09-31", "column months: found '05-01..09-31', expected two days of the year"),
        ("time_windows.csv", "10:00-19:00", "19:00-10:00", "expected a first time before the last"),
        ("time_windows.csv", "true,50", "maybe,50", "column no_rain: found 'maybe', expected one of true, false"),
        ("enterprises.csv", ",B,", ",E,", "column grade: found 'E', expected one of A, B, C, D, leading"),
        ("enterprises.csv", "steel,钢厂", "Steel Works,钢厂", "column id: found 'Steel Works', expected lower-case"),
        ("sites.csv", "111.1,", "37.4,", "column longitude: found '37.4', expected a number from 73 to 136"),
        ("sites.csv", "tiny,steel", "tiny,coke", "column enterprise: found 'coke', expected one of steel"),
        (
            "sites.csv",
            "37.5,false",
            "37.5,true",
            "column evaluated: found 'true', expected false because kind is stack",
        ),
        ("devices.csv", "town-air,town", "town-air,city", "column site: found 'city', expected one of chimney, town"),
        ("devices.csv", "ABC123", "", "column mn: found '', expected a value because protocol is hj212"),
        ("devices.csv", "json,,", "json,X1,", "column mn: found 'X1', expected nothing because protocol is json"),
        ("devices.csv", "3600,3600", "1800,3600", "column span_s: found '1800', expected one of 0, 60, 300"),
        (
            "devices.csv",
            "hj212-2017,review",
            "hj212,review",
            "column unit_preset: found 'hj212', expected one of canonical",
        ),
        ("county.toml", "area_class = 1", "area_class = 3", "county.toml: key area_class: found 3, expected 1 or 2"),
        ("county.toml", 'adcode = "999999"', "adcode = 999999", "key adcode: found 999999, expected str"),
        ("county.toml", 'plan_zh = "小计划"\n', "", "county.toml: found keys"),
    ],
)
def test_a_bad_cell_is_named(folder: Path, file: str, old: str, new: str, message: str) -> None:
    replaced(folder, file, old, new)
    found = faults(folder)
    assert any(message in line for line in found), found


def test_bad_rows_of_several_files_are_reported_together(folder: Path) -> None:
    replaced(folder, "targets.csv", "<=,30", "<=,thirty")
    replaced(folder, "targets.csv", ">=,95", "about,95")
    replaced(folder, "sites.csv", "37.4", "north")
    replaced(folder, "devices.csv", "accept", "ignore")
    found = faults(folder)
    assert len(found) == 4
    assert [line.split(" line")[0] for line in found] == [
        "tiny/targets.csv",
        "tiny/targets.csv",
        "tiny/sites.csv",
        "tiny/devices.csv",
    ]


def test_two_devices_may_not_share_an_mn(folder: Path) -> None:
    replaced(folder, "devices.csv", "cems,chimney,stack,json,,", "cems,chimney,stack,hj212,ABC123,")
    assert "column mn: found 'ABC123', expected an MN that no earlier device has" in faults(folder)[0]


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "time_windows.csv").unlink()
    assert faults(folder) == ["tiny/time_windows.csv: found no such file, expected a CSV table"]


def test_an_unknown_county_names_the_shipped_ones() -> None:
    with pytest.raises(
        ConfigurationError, match=r"county 'liulin' is neither a shipped one \(zhongyang\) nor a folder"
    ):
        load_county("liulin")
