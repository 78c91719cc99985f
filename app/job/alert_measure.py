"""What alert rules compare and one query cannot tell: jobs, disk, neighbours."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from alerting.rule import excess_over_neighbours
from app.job.schedule import JOBS, SLOW, Job
from app.settings import load_settings
from domain.period import ZONE
from store.alert_measure import MEASURES, Measured, read_measure, read_micro_hour
from store.connection import Connection
from store.job_run import read_last_runs

Read = Callable[[Connection, dt.datetime], Measured]
#: PM2.5 below which a micro station is no peak, whatever its neighbours measure (GB 3095-2026 table 1, 24 h), µg/m³.
LEAST_PEAK: Final = 75.0
#: A job of the slow lane is late by nothing less: it waits for those before it.
_SLOW_INTERVAL: Final = dt.timedelta(minutes=10)


def interval_of(job: Job) -> dt.timedelta:
    """What lateness of a job is counted in."""
    return max(job.every, _SLOW_INTERVAL) if job.lane == SLOW else job.every


def job_delays(conn: Connection, now: dt.datetime) -> Measured:
    """How many of its intervals ago each scheduled job began its last run; one that failed is endlessly late."""
    last = read_last_runs(conn, until=now)
    names, values, texts = [], [], []
    for job in JOBS:
        run = last.get(job.name)
        late = np.nan if run is None else (now - run.began_at) / interval_of(job)
        failed = run is not None and run.outcome == "failed"
        names.append(job.name)
        values.append(np.inf if failed else late)
        when = "从未执行" if run is None else f"{run.began_at.astimezone(ZONE):%m-%d %H:%M} {run.outcome or '运行中'}"
        texts.append(f"任务 {job.name} 最近一次：{when}" + (f"：{run.error}" if run and run.error else ""))
    return Measured("job", names, names, np.array(values), texts, [{"job": name} for name in names])


def disk_use(_conn: Connection, _now: dt.datetime) -> Measured:
    """Percent of the disk below the home folder that is used."""
    home = load_settings().home
    use = shutil.disk_usage(next(folder for folder in (home, *home.parents) if folder.exists()))
    percent = 100 * (1 - use.free / use.total)
    text = f"数据盘已用 {percent:.0f}%，剩余 {use.free / 2**30:.1f} GiB"
    evidence = {"percent": round(percent, 1), "free_bytes": use.free}
    return Measured("platform", ["disk"], ["数据盘"], np.array([percent]), [text], [evidence])


def micro_excess(conn: Connection, now: dt.datetime) -> Measured:
    """How many times the median of its neighbours each micro station measured in the newest finished hour."""
    sites: list[str] = []
    names: list[str] = []
    values: list[float] = []
    texts: list[str] = []
    evidence: list[dict[str, object]] = []
    for area in read_micro_hour(conn, now=now):
        excess = excess_over_neighbours(area.values, area.longitudes, area.latitudes)
        peak = np.where(area.values >= LEAST_PEAK, excess, np.where(np.isnan(area.values), np.nan, 0.0))
        for at in np.flatnonzero(area.micro):
            sites.append(area.sites[at])
            names.append(area.names[at])
            values.append(float(peak[at]))
            texts.append(f"PM2.5 小时值 {area.values[at]:.0f} µg/m³，为周边站点中位数的 {excess[at]:.1f} 倍")
            hour = None if area.hour is None else area.hour.isoformat()
            evidence.append({"hour": hour, "pm25": _plain(area.values[at]), "times": _plain(excess[at])})
    return Measured("site", sites, names, np.array(values, dtype=np.float64), texts, evidence)


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 3)


def _stored(measure: str) -> Read:
    return lambda conn, now: read_measure(conn, measure, now=now)


#: Measure -> reads it.
READS: Final[Mapping[str, Read]] = MappingProxyType(
    {
        **{measure: _stored(measure) for measure in MEASURES},
        **{"job_delay": job_delays, "disk_used": disk_use, "micro_excess": micro_excess},
    }
)
