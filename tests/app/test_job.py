"""Scheduled jobs against the real database: due, recorded, held, failed, interrupted."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from click.testing import CliRunner

from app.command import job as job_command
from app.job import runner
from app.job.runner import follow_lane, is_due, run_job
from app.job.schedule import JOBS, LANES, SLOW, Job, job_named
from app.job.tidy import CHECKS_KEPT, RUNS_KEPT
from dashboards.system import JOB_NAMES
from domain.error import ConfigurationError, ServiceError
from store.connection import Connection, connect
from store.job_run import JobRun, begin_run, end_run, held_job, read_last_runs

NOW = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
did: list[dt.datetime] = []


def work(_: Connection, now: dt.datetime) -> Mapping[str, int]:
    did.append(now)
    return {"rows": 3}


def fail(_: Connection, __: dt.datetime) -> Mapping[str, int]:
    raise ConfigurationError("found nothing, expected something")


def burst(conn: Connection, _: dt.datetime) -> Mapping[str, int]:
    conn.execute("select 1 / 0")
    return {}


def a_job(function: str, name: str = "work") -> Job:
    return Job(name, f"{__name__}:{function}", HOUR, SLOW, "For a test.")


@pytest.fixture
def conn(database: Any) -> Any:
    did.clear()
    with connect(database.url("lantian_app"), autocommit=True) as opened:
        yield opened


def test_due_when_never_run_after_the_interval_and_when_the_clock_was_set_back() -> None:
    job = a_job("work")

    def last(began: dt.datetime) -> JobRun:
        return JobRun("work", began, began, "done", {}, None)

    assert is_due(job, None, NOW)
    assert not is_due(job, last(NOW - HOUR + dt.timedelta(seconds=1)), NOW)
    assert is_due(job, last(NOW - HOUR), NOW)
    assert is_due(job, last(NOW + dt.timedelta(seconds=1)), NOW)


def test_a_run_is_recorded_with_what_it_did(conn: Connection) -> None:
    assert run_job(conn, a_job("work"), lambda: NOW) == {"rows": 3}
    run = read_last_runs(conn)["work"]
    assert (run.began_at, run.ended_at, run.outcome, run.counts) == (NOW, NOW, "done", {"rows": 3})
    assert did == [NOW]


@pytest.mark.parametrize(
    ("function", "raised", "said"),
    [("fail", ConfigurationError, "expected something"), ("burst", Exception, "division by zero")],
)
def test_a_failure_is_recorded_and_raised(conn: Connection, function: str, raised: type, said: str) -> None:
    with pytest.raises(raised, match=said):
        run_job(conn, a_job(function), lambda: NOW)
    run = read_last_runs(conn)["work"]
    assert run.outcome == "failed"
    assert said in (run.error or "")


def test_no_job_runs_twice_at_a_time(conn: Connection, database: Any) -> None:
    with connect(database.url("lantian_app"), autocommit=True) as other, held_job(other, "work") as held:
        assert held
        assert run_job(conn, a_job("work"), lambda: NOW) is None
    assert did == []
    assert run_job(conn, a_job("work"), lambda: NOW) == {"rows": 3}


def test_a_run_whose_process_died_counts_as_interrupted(conn: Connection) -> None:
    begin_run(conn, "work", now=NOW)
    run_job(conn, a_job("work"), lambda: NOW + HOUR)
    rows = conn.execute("select began_at, outcome from job_run order by id").fetchall()
    assert rows == [(NOW, "interrupted"), (NOW + HOUR, "done")]


def test_a_lane_goes_on_after_a_failure_and_stops_when_told(conn: Connection, database: Any) -> None:
    class Ending(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            del timeout
            self.set()
            return True

    stop = Ending()
    jobs = [a_job("fail", "first"), a_job("work", "second")]
    follow_lane(jobs, lambda: connect(database.url("lantian_app"), autocommit=True), clock=lambda: NOW, stop=stop)
    last = read_last_runs(conn)
    assert (last["first"].outcome, last["second"].outcome) == ("failed", "done")


def test_a_database_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, tries = threading.Event(), []
    monkeypatch.setattr(runner, "TICK_S", 0.0)

    def absent() -> Connection:
        tries.append(1)
        if len(tries) == 3:
            stop.set()
        raise ServiceError("no answer")

    follow_lane([a_job("work")], absent, clock=lambda: NOW, stop=stop)
    assert len(tries) == 3


def test_old_records_go_but_the_newest_of_each_job_stays(conn: Connection) -> None:
    long_ago = NOW - RUNS_KEPT - HOUR
    for job, began in (("a", long_ago - HOUR), ("a", long_ago), ("b", long_ago), ("b", NOW)):
        end_run(conn, begin_run(conn, job, now=began), {}, now=began)
    assert job_named("tidy").load()(conn, NOW) == {"job_runs": 2, "integrity_checks": 0}
    assert conn.execute("select job, began_at from job_run order by job").fetchall() == [("a", long_ago), ("b", NOW)]


def test_old_integrity_checks_go_but_suspicions_stay(conn: Connection) -> None:
    old, edge = (NOW - CHECKS_KEPT).date() - dt.timedelta(days=1), (NOW - CHECKS_KEPT).date()
    conn.cursor().executemany(
        "insert into integrity_check (device_id, kind, day, site_id, verdict, lacking)"
        " values ('d', %s, %s, 's', %s, %s)",
        [
            ("a", old, "compliant", ""),
            ("b", old, "undetermined", "x"),
            ("c", old, "suspected", ""),
            ("d", edge, "compliant", ""),
        ],
    )
    assert job_named("tidy").load()(conn, NOW)["integrity_checks"] == 2
    assert conn.execute("select kind from integrity_check order by kind").fetchall() == [("c",), ("d",)]


def test_every_job_of_the_table_can_be_loaded_and_has_a_name_and_a_lane_of_its_own() -> None:
    assert len({job.name for job in JOBS}) == len(JOBS)
    assert set(JOB_NAMES) == {job.name for job in JOBS}, "dashboards/system.py names every job in Chinese"
    assert {job.lane for job in JOBS} <= set(LANES)
    assert all(callable(job.load()) and job.every > dt.timedelta(0) for job in JOBS)


def test_command_lists_and_runs(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_command, "app_database_url", lambda: database.url("lantian_app"))
    runner_ = CliRunner()
    assert "never" in runner_.invoke(job_command.command, ["list"]).output
    done = runner_.invoke(job_command.command, ["run", "tidy"])
    assert done.output == "tidy: 0 job_runs, 0 integrity_checks\n"
    assert "done" in runner_.invoke(job_command.command, ["list"]).output
    unknown = runner_.invoke(job_command.command, ["run", "tydy"])
    assert unknown.exit_code == 2
    assert "tidy" in unknown.output
