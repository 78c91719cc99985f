"""Measurements of a small file through the real broker, the real collector and the real database."""

import csv
import datetime as dt
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import app.command.replay as replay_command
from app.command.replay import Pace, load_tracks, register, replay
from app.prsa import load_prsa
from app.replay_area import replay_area, replay_track, station_id
from app.service.address import BrokerAddress
from domain.error import ConfigurationError, ServiceError
from domain.family import AIR
from domain.period import ZONE
from firmware_sim.link import Account
from ingest.collector import Cadence, Collector
from ingest.link import Broker, Link, Session
from store.connection import connect

AREA = "replaytest"
HEADER = [
    *("No", "year", "month", "day", "hour", "PM2.5", "PM10", "SO2", "NO2", "CO", "O3"),
    *("TEMP", "PRES", "DEWP", "RAIN", "wd", "WSPM", "station"),
]
DAYS = 12
AT_ONCE = Pace()


def write_file(folder: Path, name: str, seed: int) -> Path:
    """A file of the data set's form: days around new year 2016, with single gaps and hours without any value."""
    rng = np.random.default_rng(seed)
    path = folder / f"PRSA_Data_{name}.csv"
    first = dt.datetime(2015, 12, 28, tzinfo=ZONE)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for at in range(DAYS * 24):
            hour = first + dt.timedelta(hours=at)
            row: list[object] = [f"{value:.1f}" for value in rng.uniform(5, 300, 6)]
            row[4] = str(int(rng.uniform(300, 4000)))
            row = ["NA" if rng.random() < 0.1 else value for value in row]
            weather: list[object] = ["3.1", "1020.5", "-9.5", "0", "NNW", "1.4"]
            if at % 50 == 7:
                row, weather = ["NA"] * 6, ["NA"] * 6
            writer.writerow([at + 1, hour.year, hour.month, hour.day, hour.hour, *row, *weather, name])
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [write_file(tmp_path, name, seed) for seed, name in enumerate(("Dongsi", "Wanliu"))]


@pytest.fixture
def collector(database: Any, broker: Callable[[str], BrokerAddress]) -> Iterator[None]:
    """The real collector, listening to this test's area only."""
    where = broker("collector")
    link = Link(
        Broker(where.host, where.port, where.username, where.password),
        Session(f"collector-{database.name}-{AREA}", [f"lt/v1/{AREA}/+/+/data"], expiry_s=0),
        lambda: dt.datetime.now(dt.UTC),
    )
    running = Collector(
        link,
        lambda: connect(database.url("lantian_writer")),
        name="test",
        cadence=Cadence(),
        now=lambda: dt.datetime.now(dt.UTC),
    )
    stopping = threading.Event()
    thread = threading.Thread(target=running.run, args=(stopping,))
    thread.start()
    yield
    stopping.set()
    thread.join(20.0)
    assert not thread.is_alive()


@pytest.fixture
def account(broker: Callable[[str], BrokerAddress]) -> Account:
    where = broker("replay")
    return Account(where.host, where.port, where.username, where.password)


def enter(database: Any, files: list[Path]) -> None:
    """Register the stations of `files` as the command does."""
    register(replay_area(AREA, [load_prsa(file).name for file in files]), database.url("lantian_app"))


def run(
    files: list[Path], account: Account, folder: Path, *, restart: bool = False, pace: Pace = AT_ONCE
) -> tuple[bool, str]:
    printed = io.StringIO()
    _, tracks = load_tracks(files, AREA, 2016, folder=folder, restart=restart)
    good = replay(tracks, account, AREA, pace=pace, console=Console(file=printed))
    return good, printed.getvalue()


def stored(database: Any) -> list[tuple[Any, ...]]:
    with connect(database.url("lantian_app")) as conn:
        columns = ", ".join(AIR.keys)
        return conn.execute(
            f"select device_id, extract(epoch from time)::bigint, span_s, {columns} from air_reading order by 1, 2"
        ).fetchall()


def expected(files: list[Path]) -> list[tuple[Any, ...]]:
    """Rows of 2016 straight from the text of the files."""
    rows = []
    for file in files:
        for line in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))):
            if line["year"] != "2016":
                continue
            number = {key: None if line[key] == "NA" else float(line[key]) for key in HEADER[5:11]}
            if line["TEMP"] == "NA" and not any(value is not None for value in number.values()):
                continue
            hour = dt.datetime(int(line["year"]), int(line["month"]), int(line["day"]), int(line["hour"]), tzinfo=ZONE)
            stamp = int(hour.timestamp())
            carbon = None if number["CO"] is None else number["CO"] / 1000
            weather = (None,) * 5 if line["TEMP"] == "NA" else (3.1, None, 1020.5, 1.4, 337.5)
            six = (number["PM2.5"], number["PM10"], number["SO2"], number["NO2"], carbon, number["O3"])
            rows.append((station_id(AREA, line["station"]), stamp, 3600, *six, None, *weather))
    return sorted(rows)


@pytest.mark.usefixtures("collector")
def test_every_measured_hour_arrives_once_and_a_second_run_has_nothing_to_do(
    files: list[Path], database: Any, account: Account, tmp_path: Path
) -> None:
    enter(database, files)
    enter(database, files)
    good, printed = run(files, account, tmp_path / "state")
    rows = expected(files)
    assert good, printed
    assert stored(database) == rows
    assert len(rows) < 2 * 8 * 24
    assert f"{len(rows)} stored, 0 duplicate, 0 revised, 0 rejected; 0 rows were answered before" in printed

    good, printed = run(files, account, tmp_path / "state")
    assert (
        good and f"published 0 rows in 0.0 s: 0 stored, 0 duplicate, 0 revised, 0 rejected; {len(rows)} rows" in printed
    )

    good, printed = run(files, account, tmp_path / "state", restart=True, pace=Pace(batch=24))
    assert good and f"0 stored, {len(rows)} duplicate, 0 revised, 0 rejected" in printed
    assert stored(database) == rows


@pytest.mark.usefixtures("collector")
def test_interrupted_replay_goes_on_where_the_answers_ended(
    files: list[Path], database: Any, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(database, files)

    def interrupt(console: Console, total: int) -> tuple[Any, Callable[[int], None]]:
        shown, add = usual(console, total)
        answered = 0

        def counted(rows: int) -> None:
            nonlocal answered
            answered += rows
            add(rows)
            if answered >= 100:
                raise KeyboardInterrupt

        return shown, counted

    usual = replay_command.progress
    monkeypatch.setattr(replay_command, "progress", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(files, account, tmp_path / "state", pace=Pace(window=50))
    monkeypatch.setattr(replay_command, "progress", usual)
    good, printed = run(files, account, tmp_path / "state")
    assert good, printed
    assert stored(database) == expected(files)
    before = int(printed.split("rejected; ")[1].split()[0])
    assert 50 <= before <= 200
    assert f"published {len(expected(files)) - before} rows" in printed


@pytest.mark.usefixtures("collector")
def test_rejected_rows_are_reported_and_tried_again(
    files: list[Path], database: Any, account: Account, tmp_path: Path
) -> None:
    enter(database, files[:1])
    good, printed = run(files, account, tmp_path / "state")
    assert not good
    assert "rejected unknown_device:" in printed and station_id(AREA, "Wanliu") in printed
    enter(database, files)
    good, printed = run(files, account, tmp_path / "state")
    assert good, printed
    assert stored(database) == expected(files)


def test_silent_platform_ends_the_replay_with_advice(
    files: list[Path], account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_command, "SILENCE_S", 0.5)
    with pytest.raises(ServiceError, match="is the collector running"):
        run(files, account, tmp_path / "state")


def test_absent_broker_is_named_with_the_command_that_starts_it(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_command, "CONNECT_S", 0.3)
    with pytest.raises(ServiceError, match="lantian up"):
        run(files, Account("127.0.0.1", 9, "replay", "x"), tmp_path / "state")


def test_year_without_rows_and_one_station_twice_are_errors(files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"2015 to 2016.*2013"):
        replay_track(AREA, load_prsa(files[0]), 2013)
    with pytest.raises(ConfigurationError, match="Dongsi"):
        load_tracks([files[0], files[0]], AREA, None, folder=tmp_path / "state", restart=False)
