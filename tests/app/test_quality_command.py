"""`lantian quality` as an operator and an analyst run it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from test_quality_job import START, Watched, wave

from app.main import main
from store.connection import connect

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["quality", *arguments])

    return invoke


def test_list(database: Any, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    with (
        connect(database.url("lantian_owner"), autocommit=True) as owner,
        connect(database.url("lantian_app"), autocommit=True) as app,
    ):
        network = Watched(owner, app)
        values = wave(60)
        values[30] = 400.0
        network.minutes("east-1", values, START)
        network.run()
    assert run("list").stdout.startswith("Nothing found from")
    span = ("--from", "2026-03-01 08:00", "--to", "2026-03-01 09:00")
    [row] = [line for line in run("list", *span).stdout.splitlines() if "east-1" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    reason = "it stands out from the values before and after"
    assert cells == ["2026-03-01 08:00", "east-1", "站", "pm25", "1", "可疑", reason]
    assert "Nothing found" in run("list", *span, "--device", "west-1").stdout


def _hours(folder: Path, name: str, pm25: list[str]) -> Path:
    head = ("No", "year", "month", "day", "hour", "PM2.5", "PM10", "SO2", "NO2", "CO", "O3", "TEMP", "PRES", "DEWP")
    path = folder / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow((*head, "RAIN", "wd", "WSPM", "station"))
        for at, value in enumerate(pm25):
            row = [at + 1, 2016, 5, 1 + at // 24, at % 24, value, 90, 5 + at % 2, 20 + at % 3, 500 + at % 7 * 100]
            writer.writerow([*row, 60 + at % 4, 15.0 + at % 2, 1000 + at % 3, 3, 0, "N", 2 + at % 2, name])
    return path


def test_check(run: Run, tmp_path: Path) -> None:
    values = [str(30 + at % 3) for at in range(48)]
    values[20], values[30] = "400", "NA"
    path = _hours(tmp_path, "Dongsi", values)
    done = run("check", "--format", "prsa", str(path), "-o", str(tmp_path / "out.csv"))
    assert done.exit_code == 0, done.output
    with (tmp_path / "out.csv").open(encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    spiky = [row for row in rows if row["column"] == "pm25"]
    assert [(row["hour"], row["value"], row["flag"], row["tests"]) for row in spiky] == [
        ("2016-05-01 20:00", "400", "可疑", "尖峰、粒径倒挂")
    ]
    still = [row for row in rows if row["column"] == "pm10"]  # 90 all the time
    assert len(still) == 48 and all("恒值" in row["tests"] for row in still)
    assert "数值长时间没有变化" in still[0]["reason"]
    assert "Dongsi" in done.stdout and "persistence" in done.stdout and "clock" not in done.stdout


def test_a_file_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    path = _hours(tmp_path, "Dongsi", ["30"] * 3)
    done = run("check", "--format", "prsa", str(path), "-o", str(tmp_path / "none" / "out.csv"))
    assert done.exit_code == 1 and "cannot write" in done.output
