"""Integrity checks on stored readings: whatever was suspected becomes a finding, every verdict a row."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import numpy as np

from app.job.integrity_plant import (
    MeterCase,
    TreatmentCase,
    line_hours,
    line_minutes,
    meter_results,
    treatment_results,
)
from app.job.integrity_result import Result, findings, verdicts
from app.job.integrity_stack import StackCase, copied_results, densest_span, loads_of, stack_results
from app.job.integrity_vehicle import MicroCase, air_positions, micro_results, vehicle_results
from domain.family import AIR, FAMILIES, PLANT, STACK, VEHICLE
from domain.integrity_table import COMPLIANT, thresholds
from domain.period import local_date, midnight
from store.connection import Connection
from store.device_reading import Subject, read_device_readings, read_last_time, read_subjects
from store.integrity import close_findings, record_finding, write_checks
from store.line import Line, read_lines
from store.outlet import read_outlets
from store.plant_hour import read_plant_hours
from store.stack_hour import read_stack_hours
from store.statistic import read_hours

_DAY: Final = dt.timedelta(days=1)
#: Of a vehicle's stream of a reading a second, every tenth is enough for ten minutes.
_EVERY_S: Final = 10
#: A micro station is compared with at most so many stations within this distance.
_NEIGHBOURS: Final = 8
_NEAR_KM: Final = 8.0
_KM_PER_DEGREE: Final = 111.2


def check_sources(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Check stacks, meters and micro stations for yesterday and today as far as it has come."""
    today = local_date(now)
    return check_days(conn, [today - _DAY, today], (STACK.key, PLANT.key, AIR.key), today=today)


def check_vehicles(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Check vehicles for yesterday and today as far as it has come."""
    today = local_date(now)
    return check_days(conn, [today - _DAY, today], (VEHICLE.key,), today=today)


def check_days(
    conn: Connection,
    days: Sequence[dt.date],
    families: Sequence[str] = tuple(FAMILIES),
    *,
    today: dt.date,
    device: str | None = None,
) -> Mapping[str, int]:
    """Check devices on local days.

    Parameters
    ----------
    conn : Connection
        Role `lantian_app`, in autocommit mode; every device and day commits by itself.
    days : sequence of date
        Local days, ascending.
    families : sequence of str
        Whose devices.
    today : date
        Running local day: not over, so that it closes nothing.
    device : str, optional
        Only this one; copies are then looked for in its own readings.

    Returns
    -------
    mapping of str to int
        Devices and days checked, findings opened, continued and closed.
    """
    counts = Counter({"checked": 0, "opened": 0, "continued": 0, "closed": 0})
    for day in days:
        for family in families:
            seen = set[str]()
            for results in _CASES[family](conn, day, device):
                seen.update(result.device for result in results)
                counts.update(_record(conn, day, results, over=day < today))
            counts["checked"] += len(seen)
    return dict(counts)


def _record(conn: Connection, day: dt.date, results: Sequence[Result], *, over: bool) -> Mapping[str, int]:
    """Write verdicts and findings in one transaction; a whole day without anything closes what ended before it."""
    counts: Counter[str] = Counter()
    rows = verdicts(results, day)
    with conn.transaction():
        write_checks(conn, rows)
        for new in findings(results):
            event = record_finding(conn, new)
            counts[event] += event != "known"
        for row in rows:
            if over and row.verdict == COMPLIANT:
                counts["closed"] += close_findings(conn, row.device, row.kind, midnight(day))
    del counts["known"]
    return counts


def _subjects(conn: Connection, family: str, device: str | None) -> list[Subject]:
    return [one for one in read_subjects(conn, family) if device in (None, one.device)]


def _window(day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """The days before that the usual level is taken from, and the day."""
    return midnight(day - int(thresholds("usual", day)["back_days"]) * _DAY), midnight(day + _DAY)


def _stacks(conn: Connection, day: dt.date, device: str | None) -> Iterator[list[Result]]:
    subjects = _subjects(conn, STACK.key, device)
    low, high = _window(day)
    outlets, lines = read_outlets(conn), read_lines(conn)
    for _, group in groupby(subjects, key=lambda one: one.enterprise or one.device):
        cases = []
        for one in group:
            readings = read_device_readings(conn, STACK, [one.device], low=low, high=high)
            if not (readings.times_s >= midnight(day).timestamp()).any():
                continue
            hours = read_stack_hours(conn, [one.site], low, high)
            power = _site_power(conn, one.site, lines, (low, high))
            outlet = next((row for row in outlets if row.site == one.site and row.holds_on(day)), None)
            loads = loads_of(hours.hours_s, power)
            cases.append(StackCase(one.device, one.site, day, densest_span(readings), hours, loads, outlet))
        results = [result for case in cases for result in stack_results(case)] + copied_results(cases)
        if results:
            yield results


def _site_power(
    conn: Connection, site: str, lines: Mapping[str, Line], window: tuple[dt.datetime, dt.datetime]
) -> dict[int, float]:
    """Power of the production behind a stack per hour: lines that end there, or whose treatment does."""
    ends = [line for line in lines.values() if line.outlet_site == site]
    names = {line.id if line.kind == "production" else line.treats or "" for line in ends}
    producing = [lines[name] for name in sorted(names) if name in lines]
    devices = sorted({name for line in producing for name in line.meters})
    return line_hours(producing, read_plant_hours(conn, devices, *window)) if devices else {}


def _plants(conn: Connection, day: dt.date, device: str | None) -> Iterator[list[Result]]:
    low, high = _window(day)
    for one in _subjects(conn, PLANT.key, device):
        readings = read_device_readings(conn, PLANT, [one.device], low=midnight(day - _DAY), high=high)
        if (readings.times_s >= midnight(day).timestamp()).any():
            hours = read_plant_hours(conn, [one.device], midnight(day), high)
            if results := meter_results(MeterCase(one.device, one.site, day, densest_span(readings), hours)):
                yield results
    sites = {one.device: one.site for one in read_subjects(conn, PLANT.key)}
    lines = read_lines(conn)
    for line in lines.values():
        treated = lines.get(line.treats or "")
        first = min(line.meters, default="")
        if treated is None or not treated.meters or first not in sites or device not in (None, first):
            continue
        case = _treatment(conn, day, (line, treated), sites[first], (low, high))
        if case is not None:
            yield treatment_results(case)


def _treatment(
    conn: Connection, day: dt.date, pair: tuple[Line, Line], site: str, window: tuple[dt.datetime, dt.datetime]
) -> TreatmentCase | None:
    """A facility and its line on a day; None without a reading of its meters."""
    line, treated = pair
    devices = sorted({*line.meters, *treated.meters})
    begin, high = midnight(day), window[1]
    readings = read_device_readings(conn, PLANT, devices, low=begin, high=high)
    if not len(readings.times_s):
        return None
    minutes = int(begin.timestamp()) + 60 * np.arange(1440, dtype=np.int64)
    hours = read_plant_hours(conn, devices, window[0], begin)
    kept = minutes <= readings.times_s.max()
    return TreatmentCase(
        device=min(line.meters),
        site=site,
        day=day,
        times_s=minutes[kept],
        treatment=line_minutes(line, readings, minutes)[kept],
        production=line_minutes(treated, readings, minutes)[kept],
        treatment_hours=line_hours([line], hours),
        production_hours=line_hours([treated], hours),
        rated_treatment=line.rated_power_kw,
        rated_production=treated.rated_power_kw,
    )


def _vehicles(conn: Connection, day: dt.date, device: str | None) -> Iterator[list[Result]]:
    for one in _subjects(conn, VEHICLE.key, device):
        begin = midnight(day)
        low = read_last_time(conn, VEHICLE, one.device, begin) or begin
        last = read_device_readings(conn, VEHICLE, [one.device], low=low, high=low + dt.timedelta(seconds=1))
        own = read_device_readings(conn, VEHICLE, [one.device], low=begin, high=begin + _DAY, every_s=_EVERY_S)
        if len(own.times_s):
            yield vehicle_results(one.device, one.site, day, last.followed_by(own) if low < begin else own)


def _micros(conn: Connection, day: dt.date, device: str | None) -> Iterator[list[Result]]:
    everyone = [one for one in read_subjects(conn, AIR.key) if one.longitude is not None and one.latitude is not None]
    low, high = _window(day)
    stations = sorted({one.site for one in everyone})
    rows = read_hours(conn, stations, low, high)
    hours_s = np.arange(int(low.timestamp()), int(high.timestamp()), 3600, dtype=np.int64)
    grid = np.full((len(stations), len(air_positions()), len(hours_s)), np.nan)
    site = np.array([stations.index(name) for name in rows.sites], dtype=np.int64)
    grid[site, :, (rows.hours_s - hours_s[0]) // 3600] = rows.values[:, air_positions()]
    for one in everyone:
        if one.site_kind != "micro" or device not in (None, one.device):
            continue
        own = grid[stations.index(one.site)]
        if np.isnan(own[0, hours_s >= midnight(day).timestamp()]).all():
            continue
        around = [stations.index(name) for name in _near(one, everyone)]
        case = MicroCase(one.device, one.site, day, hours_s, own, grid[around].transpose(1, 0, 2))
        yield micro_results(case)


def _near(one: Subject, everyone: Sequence[Subject]) -> list[str]:
    """Sites of the nearest other stations, nearest first."""

    def distance(other: Subject) -> float:
        assert one.longitude is not None and one.latitude is not None
        assert other.longitude is not None and other.latitude is not None
        east = (other.longitude - one.longitude) * np.cos(np.radians(one.latitude))
        return float(np.hypot(east, other.latitude - one.latitude)) * _KM_PER_DEGREE

    others = {other.site: distance(other) for other in everyone if other.site != one.site}
    return sorted((site for site, km in others.items() if km <= _NEAR_KM), key=lambda site: others[site])[:_NEIGHBOURS]


_CASES: Final = {STACK.key: _stacks, PLANT.key: _plants, VEHICLE.key: _vehicles, AIR.key: _micros}
