"""Micro stations calibrated in the real database, and what must not move because of it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from test_settle_database import AREA, Network

from app.job.calibration import calibrate, correct_span, fit_device, nearest_reference
from app.job.quality import screen
from app.main import main
from store.calibration import read_calibrations
from store.connection import connect
from store.device_hour import read_air_devices
from store.reference import load_reference

START = dt.datetime(2026, 3, 1, 0, tzinfo=dt.UTC)
DAYS = 12
END = START + dt.timedelta(days=DAYS)
HOUR = dt.timedelta(hours=1)
#: Everything that says something about compliance.
DECIDING = ("air_hour", "air_day", "period_statistic", "period_summary")


class Pair(Network):
    """Reference stations east and west, and a micro station beside the first that reads 1.3 times as much plus 5."""

    def __init__(self, owner: Any, app: Any) -> None:
        super().__init__(owner, app)
        load_reference(app)
        self.site("micro", kind="micro", evaluated=True)  # by mistake: it must decide nothing all the same
        self.device("micro-1", "micro")
        for site, longitude in (("east", 111.10), ("west", 111.30), ("micro", 111.11)):
            owner.execute("update site set longitude = %s, latitude = 37.3 where id = %s", (longitude, site))

    def frames(self, device: str, values: dict[str, np.ndarray], start: dt.datetime = START) -> None:
        """Hour frames as the collector stores them."""
        names, count = list(values), len(next(iter(values.values())))
        keys = ["pm25", "pm10", "so2", "no2", "co", "o3", "tsp", "temperature", "humidity"]
        flag = "".join("1" if key in values else "9" for key in keys) + "999"
        self.owner.cursor().executemany(
            f"insert into air_reading (device_id, time, span_s, {', '.join(names)}, flag, mark, received_at) values"
            f" (%s, %s, 3600, {', '.join(['%s'] * len(names))}, %s, '------------', %s)",
            [
                (device, start + at * HOUR, *(float(values[name][at]) for name in names), flag, start + (at + 1) * HOUR)
                for at in range(count)
            ],
        )
        self.owner.execute(
            "insert into dirty_hour (family, site_id, hour) select 'air', d.site_id, r.time from air_reading r"
            " join device d on d.id = r.device_id where d.id = %s and r.time >= %s",
            (device, start),
        )

    def month(self, days: int = DAYS, start: dt.datetime = START, seed: int = 1) -> np.ndarray:
        """Days of hours of all three devices; returns the truth."""
        chance, count = np.random.default_rng(seed), 24 * days
        truth = 60 + 25 * np.sin(np.arange(count) / 7) + chance.normal(0, 3, count)
        weather = {"temperature": chance.uniform(0, 20, count), "humidity": chance.uniform(30, 80, count)}
        self.frames("east-1", {"pm25": truth, "no2": truth / 2}, start)
        self.frames("west-1", {"pm25": truth + 4, "no2": truth / 2}, start)
        self.frames("micro-1", {"pm25": 1.3 * truth + 5 + chance.normal(0, 2, count), **weather}, start)
        return truth

    def settled(self) -> None:
        now = END + 30 * HOUR
        self.settle(now)
        screen(self.app, now)
        self.settle(now)

    def decisions(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row that decides, but for when it was computed."""
        rows = {}
        for table in DECIDING:
            columns = self.app.execute(
                "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute"
                " where attrelid = %s::regclass and attnum > 0 and attname <> 'settled_at'",
                (table,),
            ).fetchone()
            assert columns is not None
            rows[table] = self.app.execute(f"select {columns[0]} from {table} order by 1, 2, 3, 4").fetchall()
        return rows


@pytest.fixture
def pair(database: Any) -> Iterator[Pair]:
    with (
        connect(database.url("lantian_owner"), autocommit=True) as owner,
        connect(database.url("lantian_app"), autocommit=True) as app,
    ):
        yield Pair(owner, app)


def test_corrected_hours_stand_beside_the_originals_and_decide_nothing(pair: Pair) -> None:
    pair.month()
    pair.settled()
    before = pair.decisions()
    done = dict(calibrate(pair.app, END))
    assert done == {"fitted": 1, "used": 1, "hours": 0}  # the training is past, what comes is corrected
    later = pair.month(1, END, seed=2)
    pair.settled()
    expected = pair.decisions()
    assert calibrate(pair.app, END + 24 * HOUR)["hours"] == 24
    assert calibrate(pair.app, END + 24 * HOUR)["hours"] == 0
    pair.settled()
    assert pair.decisions() == expected and all(before.values())

    rows = pair.app.execute(
        "select raw, calibrated, state_zh, symbol from screen.micro_hour where hour >= %s order by hour", (END,)
    ).fetchall()
    assert len(rows) == 24 and {row[2:] for row in rows} == {("已校准", "PM2.5")}
    corrected = np.array([row[1] for row in rows])
    assert np.abs(corrected - later).max() < 6 and abs(np.mean(corrected - later)) < 1
    assert np.mean([row[0] for row in rows] - later) > 15  # the original is still what was measured
    # the area is the mean of the two reference stations, though the registry calls the micro station evaluated
    day = (END + 8 * HOUR).date()
    east, west, area = (pair.day(site, day, "pm25")[0] for site in ("east", "west", AREA))
    assert area == pytest.approx((east + west) / 2)


def test_versions_keep_how_they_came_about(pair: Pair) -> None:
    pair.month()
    pair.settled()
    calibrate(pair.app, END)
    [version] = read_calibrations(pair.app)
    assert (version.device_id, version.pollutant, version.version, version.reference_site_id) == (
        "micro-1", "pm25", 1, "east"
    )  # fmt: skip
    assert version.distance_m == pytest.approx(885, abs=5)
    assert (version.train_to, version.n, version.reason, version.fitted_by) == (END, 288, "", "job calibrate")
    assert version.r > 0.98 and version.rmse < 3 and abs(version.bias) < 0.3
    assert version.rmse_raw > 20 and version.bias_raw > 20
    assert version.terms == ("constant", "measured", "dry", "temperature")
    assert dict(calibrate(pair.app, END + 6 * 24 * HOUR)) == {"fitted": 0, "used": 0, "hours": 0}  # not due yet
    calibrate(pair.app, END + 7 * 24 * HOUR)
    assert [one.version for one in read_calibrations(pair.app)] == [1, 2]
    assert pair.app.execute("select version, used_zh, current from screen.calibration order by 1").fetchall() == [
        (1, "采用", False),
        (2, "采用", True),
    ]


def test_each_hour_is_corrected_by_the_version_of_its_time(pair: Pair) -> None:
    pair.month()
    pair.settled()
    [device] = [each for each in read_air_devices(pair.app) if each.id == "micro-1"]
    middle = START + 8 * 24 * HOUR
    for end in (middle, START + 10 * 24 * HOUR):
        [made] = fit_device(pair.app, device, (START, end), now=END, who="张三")
        assert made.reason == ""
    assert correct_span(pair.app, START, END) == 96
    used = pair.app.execute(
        "select calibration[1], count(*), min(hour) from calibrated_hour group by 1 order by 3"
    ).fetchall()
    assert used == [(None, 192, START), (1, 48, middle), (2, 48, START + 10 * 24 * HOUR)]


def test_doubted_hours_of_the_reference_teach_nothing(pair: Pair) -> None:
    pair.month()
    pair.owner.execute("update air_reading set flag = '3' || substr(flag, 2) where device_id = 'east-1' and time < %s",
                       (START + 5 * 24 * HOUR,))  # fmt: skip
    pair.settled()
    calibrate(pair.app, END)
    [version] = read_calibrations(pair.app)
    assert version.n == 168


def test_what_does_not_fit_is_kept_with_its_reason_and_not_used(pair: Pair) -> None:
    pair.month()
    pair.owner.execute("update air_reading set pm25 = 20 + extract(epoch from time)::int / 3600 * 7 %% 50"
                       " where device_id = 'micro-1' and time >= %s", (START,))  # fmt: skip
    pair.settled()
    assert dict(calibrate(pair.app, END)) == {"fitted": 1, "used": 0, "hours": 0}
    [version] = read_calibrations(pair.app)
    assert version.reason.startswith("correlation")
    assert pair.app.execute("select count(*) from calibrated_hour").fetchone() == (0,)
    # tried again after a day, not only after a week
    assert calibrate(pair.app, END + 23 * HOUR)["fitted"] == 0
    assert calibrate(pair.app, END + 24 * HOUR)["fitted"] == 1


def test_the_nearest_reference_within_reach(pair: Pair) -> None:
    devices = {each.id: each for each in read_air_devices(pair.app)}
    found = nearest_reference(devices["micro-1"], list(devices.values()))
    assert found is not None and found[0] == "east"
    far = [each for each in devices.values() if each.id != "east-1"]
    assert nearest_reference(devices["micro-1"], far) is None  # 17 km
    pair.owner.execute("update site set longitude = null where id = 'micro'")
    [micro] = [each for each in read_air_devices(pair.app) if each.id == "micro-1"]
    assert nearest_reference(micro, list(devices.values())) is None
    assert fit_device(pair.app, micro, (START, END), now=END, who="张三") == []


@pytest.fixture
def run(database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "250")
    return lambda *arguments: CliRunner().invoke(main, ["calibrate", *arguments])


def test_commands(pair: Pair, run: Callable[..., Result]) -> None:
    assert run("list").stdout == "Nothing to show.\n"
    pair.month()
    pair.settled()
    span = ("--from", "2026-03-01 08:00", "--to", "2026-03-10 08:00")
    fitted = run("fit", *span, "--who", "张三")
    assert fitted.exit_code == 0 and "micro-1" in fitted.stdout and "885 m" in fitted.stdout
    assert "micro-1" in run("list").stdout
    shown = run("show", "1").stdout
    assert "fitted by 张三" in shown and "corrected = " in shown and "trained with humidity 3" in shown
    assert run("correct", *("--from", "2026-03-10", "--to", "2026-03-12")).stdout == "40 hours corrected\n"
    assert "expected micro stations, some of micro-1" in run("fit", "--device", "east-1", "--who", "x").stderr
    assert "no such version" in run("show", "9").stderr


def test_a_file_by_itself(run: Callable[..., Result], tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    truth = chance.uniform(10, 90, 300)
    source, output = tmp_path / "pair.csv", tmp_path / "out.csv"
    with source.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["hour", "measured", "reference"])
        for at, value in enumerate(truth):
            writer.writerow([at, f"{1.5 * value + 3 + chance.normal(0, 1):.3f}", "NA" if at == 7 else f"{value:.3f}"])
    done = run("file", str(source), "--column", "no2", "-o", str(output))
    assert done.exit_code == 0, done.output
    assert "n 299, R 1.000" in done.stdout and "may be used" in done.stdout and "·measured" in done.stdout
    with output.open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    found = np.array([float(row["corrected"]) for row in rows])
    assert np.abs(found - truth).max() < 3 and rows[7]["reference"] == "NA" and rows[0]["hour"] == "0"
    source.write_text("measured,other\n1,2\n", encoding="utf-8")
    assert "expected reference too" in run("file", str(source), "--column", "no2").stderr
    source.write_text("measured,reference\n1,x\n", encoding="utf-8")
    assert "column reference: found 'x'" in run("file", str(source), "--column", "no2").stderr
    source.write_text("measured,reference\n1,2\n", encoding="utf-8")
    assert (
        run("file", str(source), "--column", "no2").stdout
        == "not calibrated: 1 hours in common, expected 120 or more\n"
    )
