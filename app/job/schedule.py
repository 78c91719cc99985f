"""The table of scheduled jobs."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from domain.error import ConfigurationError
from store.connection import Connection

#: What a job is: one pass over what is due at `now`, in transactions of its own; returns what it did by name.
Run: TypeAlias = Callable[[Connection, dt.datetime], Mapping[str, int]]

#: Jobs of one lane run one after the other; a lane for those that take long, so that the others keep their pace.
QUICK: Final = "quick"
SLOW: Final = "slow"
LANES: Final = (QUICK, SLOW)


@dataclass(frozen=True, slots=True)
class Job:
    """A scheduled job.

    Attributes
    ----------
    name : str
        As on the command line and in table job_run.
    target : str
        ``module:function``, a `Run`; imported when the job runs.
    every : timedelta
        From one beginning to the next.
    lane : {"quick", "slow"}
        What it shares a thread with.
    title : str
        What it does, for people.
    """

    name: str
    target: str
    every: dt.timedelta
    lane: str
    title: str

    def load(self) -> Run:
        """The function of the job."""
        module, function = self.target.split(":")
        run: Run = getattr(importlib.import_module(module), function)
        return run


def _minutes(count: float) -> dt.timedelta:
    return dt.timedelta(minutes=count)


JOBS: Final[tuple[Job, ...]] = (
    Job(
        *("evaluate_warnings", "app.job.warning:evaluate_warnings", _minutes(10), QUICK),
        "Propose warnings that values, forecast and orders from above call for.",
    ),
    Job("calibrate", "app.job.calibration:calibrate", _minutes(5), SLOW, "Fit micro stations, correct their hours."),
    Job("quality", "app.job.quality:screen", _minutes(1), SLOW, "Test readings and hours that have been settled."),
    Job(
        "integrity",
        "app.job.integrity:check_sources",
        _minutes(60),
        SLOW,
        "Check stacks, meters and micro stations for what cannot be true.",
    ),
    Job(
        "integrity-vehicle",
        "app.job.integrity:check_vehicles",
        _minutes(6 * 60),
        SLOW,
        "Check heavy vehicles for exhaust treatment that does not work.",
    ),
    Job(
        *("verify_orders", "app.job.verification:verify_orders", _minutes(15), SLOW),
        "Judge ordered measures hour by hour from electricity, treatment, stack and traffic.",
    ),
    Job("alerts", "app.job.alert:evaluate_alerts", _minutes(1), QUICK, "Judge alert rules; findings become alerts."),
    Job("escalate", "app.job.alert:escalate", _minutes(1), QUICK, "Tell further what nobody answered in time."),
    Job("ledger", "app.job.ledger:add_up_ledger", _minutes(5), QUICK, "Add the ledger's batches up by hour."),
    Job(
        *("time-window", "app.job.time_window:settle_windows", _minutes(10), QUICK),
        "Decide the plan's time windows by the weather as measured.",
    ),
    Job("rolling", "app.job.rolling:settle_rolling", _minutes(60), SLOW, "Twelve rolling months, three years."),
    Job("budget", "app.job.budget:settle_budgets", _minutes(60), SLOW, "What the rest of the year may bring."),
    Job("source-hint", "app.job.source_hint:settle_hints", _minutes(60), SLOW, "Roses and hints of the wind."),
    Job("forecast-train", "app.job.forecast:train", _minutes(10), SLOW, "Refit forecast models a week old."),
    Job("forecast", "app.job.forecast:issue", _minutes(15), SLOW, "Issue a forecast of each new hour."),
    Job(
        *("forecast-intake", "app.job.forecast_intake:take_official", _minutes(5), SLOW),
        "Take official forecasts that wait at the broker.",
    ),
    Job("forecast-skill", "app.job.forecast:judge_issued", _minutes(24 * 60), SLOW, "Judge forecasts by what came."),
    Job(
        *("demonstration", "app.job.demonstration:demonstrate", _minutes(1), SLOW),
        "Tell the story of the demonstration county once; nothing elsewhere.",
    ),
    Job("report", "app.job.report:write_due", _minutes(60), SLOW, "Write the reports that are due (docs/report.md)."),
    Job(
        *("tidy", "app.job.tidy:tidy", _minutes(24 * 60), SLOW),
        "Delete old records of job runs and of integrity checks that found nothing.",
    ),
    Job(
        *("retention", "app.job.retention:drop_expired", _minutes(24 * 60), SLOW),
        "Drop raw frames and quality results older than the settings keep.",
    ),
)


def job_named(name: str) -> Job:
    """The job of that name; `ConfigurationError` names the known ones when there is none."""
    for job in JOBS:
        if job.name == name:
            return job
    raise ConfigurationError(f"job {name!r}: expected one of {', '.join(job.name for job in JOBS)}")
