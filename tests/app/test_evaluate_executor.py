"""An evaluation gives the same bytes wherever it is computed: here, in processes, on a Dask cluster."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from distributed import LocalCluster

from app import executor
from app.command.evaluate import command
from domain.error import ConfigurationError, LantianError, ServiceError

HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"


def write_station(path: Path, name: str, years: tuple[int, ...], seed: int) -> Path:
    """Every third day of each year, so that little is much; values differ by station, day and hour."""
    lines = [HEADER]
    for year in years:
        for number in range(0, 365, 3):
            day = dt.date(year, 1, 1) + dt.timedelta(days=number)
            for hour in range(24):
                value = (seed * 7 + number * 5 + hour * 3) % 180 + 0.1 * (hour % 10)
                cells = f"{value:.1f},{value + 9:.1f},{value / 8:.1f},{value / 3:.1f},{value * 12:.0f},{value / 2:.1f}"
                lines.append(f"1,{day.year},{day.month},{day.day},{hour},{cells},1.5,880,NA,0,NW,2,{name}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("stations")
    years = [(2014, 2015), (2014, 2015), (2015,)]
    return [write_station(folder / f"{at}.csv", f"站{at}", each, at + 1) for at, each in enumerate(years)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A scheduler with a worker in this process."""
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address=None,
    ) as found:
        yield found.scheduler_address.replace("tcp://", "dask://")


def evaluate(files: list[Path], *options: str) -> str:
    result = CliRunner().invoke(command, ["--format", "prsa", *options, *map(str, files)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_same_bytes_everywhere(files: list[Path], cluster: str) -> None:
    options = ["--year", "2014", "--to-year", "2015", "--period", "quarter", "--trend"]
    here = evaluate(files, *options)
    years: dict[str, Any] = json.loads(here)["years"]
    assert {year: sorted(report["stations"]) for year, report in years.items()} == {
        "2014": ["站0", "站1"],
        "2015": ["站0", "站1", "站2"],
    }
    assert evaluate(files, *options, "--executor", "processes://2") == here
    assert evaluate(files, *options, "--executor", cluster) == here


def test_cluster_of_this_machine(files: list[Path]) -> None:
    here = evaluate(files, "--year", "2015")
    assert evaluate(files, "--year", "2015", "--executor", "dask://local/1") == here


def test_several_years_are_the_single_ones(files: list[Path]) -> None:
    both = json.loads(evaluate(files, "--year", "2014", "--to-year", "2015"))["years"]
    for year, stations in ((2014, files[:2]), (2015, files)):
        alone = json.loads(evaluate(stations, "--year", str(year)))
        alone.pop("format")
        assert both[str(year)] == alone


@pytest.mark.parametrize("where", ["serial", "processes://1", "cluster"])
def test_damaged_file_is_named(where: str, files: list[Path], cluster: str, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.csv"
    damaged.write_text(HEADER + "\n1,2015,1,1,0,many,1,1,1,1,1,1,880,NA,0,NW,2,坏站\n", encoding="utf-8")
    url = cluster if where == "cluster" else where
    result = CliRunner().invoke(
        command, ["--format", "prsa", "--year", "2015", "--executor", url, str(files[0]), str(damaged)]
    )
    assert result.exit_code == 1
    assert "damaged.csv line 2" in result.output
    assert "many" in result.output


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("dask://local/0", "found 0 workers, expected 1 to 1024"),
        ("processes://9999", "found 9999 workers"),
        ("spark://host:1", "expected one of serial; processes://2"),
        ("dask://host", "expected one of serial"),
    ],
)
def test_url_that_is_none(url: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        executor.opened(url)


def test_no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "_ANSWER_S", 0.2)
    with (
        pytest.raises(ServiceError, match=r"127\.0\.0\.1:1: found no Dask scheduler"),
        executor.opened("dask://127.0.0.1:1"),
    ):
        pass


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'lantian\[dask\]'"), executor.opened("dask://local/1"):
        pass


def test_worker_of_another_version(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "_version", lambda: "0.0.1")
    with pytest.raises(ConfigurationError, match=r"found Lantian .*: 0\.0\.1; expected"), executor.opened(cluster):
        pass


def test_process_that_is_killed() -> None:
    with executor.opened("processes://1") as place, pytest.raises(LantianError, match="was killed"):
        list(place.map(_killed, [1]))


def _killed(_part: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0
