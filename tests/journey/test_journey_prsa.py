"""Six real stations' year 2016 through the broker and the database, against a calculation by loops."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path
from typing import Any

import journey_slow as slow
import pytest

from app.job.settle import settle

YEAR, AREA = 2016, "prsa"
NOW = dt.datetime(2026, 11, 23, 4, tzinfo=dt.UTC)


@pytest.fixture
def files(shared_data: Path) -> list[Path]:
    found = sorted((shared_data / "data" / "prsa").glob("PRSA_Data_*.csv.gz"))
    assert len(found) == 6
    return found


def station(path: Path) -> str:
    return f"{AREA}-{path.name.split('_')[2].lower()}"


def assert_statistics_agree(journey: Any, site: str, days: dict[str, slow.Days]) -> None:
    """Every annual statistic of a site in the database equals the slow one."""
    rows = journey.app.execute(
        "select pollutant, statistic, value, published, valid_days, valid, limit_edition from period_statistic"
        " where site_id = %s and kind = 'year' and start = %s",
        (site, dt.date(YEAR, 1, 1)),
    ).fetchall()
    found = {(row[0], row[1]): row[2:] for row in rows}
    assert len(found) == 12
    for key, values in days.items():
        percent = slow.PERCENTS[key]
        for statistic, exact in (("mean", slow.mean(values)), (f"p{percent}", slow.percentile(values, percent))):
            value, published, valid_days, valid, edition = found[key, statistic]
            assert value == pytest.approx(float(exact), rel=1e-12), (site, key, statistic)
            assert published == float(slow.rounded(exact, 1 if key == "co" else 0)), (site, key, statistic)
            assert (valid_days, valid, edition) == (len(values), slow.valid_year(values), "2012"), (
                site,
                key,
                statistic,
            )


def replay(journey: Any, files: list[Path]) -> str:
    """`lantian replay` as an operator runs it; returns what it printed."""
    arguments = [
        journey.lantian,
        "replay",
        "--format",
        "prsa",
        "--year",
        str(YEAR),
        "--area",
        AREA,
        "--restart",
        *files,
    ]
    done = subprocess.run(arguments, env=journey.environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.timeout(600)
def test_replayed_year_gives_the_hours_and_statistics_of_the_files(journey: Any, files: list[Path]) -> None:
    journey.subscribe(AREA)
    journey.start()
    printed = replay(journey, files)
    journey.stop()
    assert ", 0 rejected" in printed
    assert journey.count("select count(*) from reject") == 0
    assert journey.count("select sum(stored) from ledger") == journey.count("select count(*) from air_reading") > 52_000
    settle(journey.app, clock=lambda: NOW)
    hours = {station(path): slow.load_hours(path, YEAR) for path in files}
    for site, pollutants in hours.items():
        for key, values in pollutants.items():
            stored = journey.app.execute(
                f"select hour, {key} from air_hour where site_id = %s and {key} is not null", (site,)
            ).fetchall()
            beijing = [(moment.astimezone(slow.BEIJING), value) for moment, value in stored]
            found = {(moment.date(), moment.hour): value for moment, value in beijing}
            assert found == {moment: pytest.approx(float(exact)) for moment, exact in values.items()}, (site, key)
    days = {site: {key: slow.daily(key, values) for key, values in own.items()} for site, own in hours.items()}
    for site, own in days.items():
        assert_statistics_agree(journey, site, own)
    area = {key: slow.area([own[key] for own in days.values()]) for key in slow.NAMES}
    assert_statistics_agree(journey, AREA, area)
