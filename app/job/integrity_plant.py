"""Every check of electricity meters and of the treatment they show on one local day: pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.energy import counted_energy
from analytics.integrity import Floats, Integers, usual_step_s
from analytics.integrity_series import constant_values
from analytics.integrity_works import counter_mismatch, treatment_off, usual_level
from app.job.integrity_result import Result, within_day
from app.job.plant import MINUTES
from domain.family import PLANT
from domain.flag import usable
from domain.integrity_table import thresholds
from domain.period import DAY_S, midnight
from store.device_reading import DeviceReadings
from store.line import Line
from store.plant_hour import PlantHours

#: Longest time that an instant stands for.
_INSTANT_S: Final = 900.0
_POWER, _ENERGY = PLANT.position("power"), PLANT.position("energy")


@dataclass(frozen=True, slots=True)
class MeterCase:
    """A meter on local `day`: its readings of one span of the day and the day before, and its hours."""

    device: str
    site: str
    day: dt.date
    readings: DeviceReadings
    hours: PlantHours


@dataclass(frozen=True, slots=True)
class TreatmentCase:
    """A treatment facility and the line it treats on local `day`.

    Attributes
    ----------
    device, site : str
        Its first meter and where that stands.
    day : date
        Local day.
    times_s : ndarray of int64
        Shape (n,); minutes.
    treatment, production : ndarray of float64
        Shape (n,); kW of both in each minute, NaN = unknown.
    treatment_hours, production_hours : mapping of int to float
        Mean power of the hours of the days before.
    rated_treatment, rated_production : float or None
        kW at full load.
    """

    device: str
    site: str
    day: dt.date
    times_s: Integers
    treatment: Floats
    production: Floats
    treatment_hours: Mapping[int, float]
    production_hours: Mapping[int, float]
    rated_treatment: float | None = None
    rated_production: float | None = None


def meter_results(case: MeterCase) -> list[Result]:
    """Constant power, and a counter that does not fit it."""
    begin = int(midnight(case.day).timestamp())
    kept = usable(case.readings.flags)
    values = np.where(kept, case.readings.values, np.nan)
    times, power, counter = case.readings.times_s, values[:, _POWER], values[:, _ENERGY]
    results = []
    if not np.isnan(power).all():
        # Little power is standstill, and standstill may be constant.
        with np.errstate(invalid="ignore"):
            working = np.where(power > 0.1 * np.nanmax(power), power, np.nan)
        expected = thresholds("constant", case.day)
        check = within_day(constant_values(times, working, **expected), case.day)
        results.append(Result("meter_constant", case.device, case.site, check, "power", expected, times, power))
    if not np.isnan(counter).all() and not np.isnan(power).all():
        expected = thresholds("counter_mismatch", case.day)
        zeros = np.zeros(len(times), dtype=np.int64)
        _, hours, energy, _ = counted_energy(zeros, times, counter, minimum_minutes=MINUTES)
        own = dict(zip(case.hours.hours_s.tolist(), case.hours.column("power").tolist(), strict=True))
        means = np.array([own.get(hour, np.nan) for hour in hours.tolist()])
        today = (hours >= begin) & (hours < begin + DAY_S)
        check = counter_mismatch(hours[today], energy[today], means[today], **expected)
        results.append(Result("counter_mismatch", case.device, case.site, check, "energy", expected, hours, energy))
    return results


def treatment_results(case: TreatmentCase) -> list[Result]:
    """Treatment that stands while its line produces."""
    usual, expected = thresholds("usual", case.day), thresholds("treatment_off", case.day)
    production = np.array(list(case.production_hours.values()), dtype=np.float64)
    known = production[~np.isnan(production)]
    working = known[known > 0.3 * known.max()] if len(known) else known
    level = usual_level(working, least=usual["least_hours"])
    level = level if not np.isnan(level) else (case.rated_production or np.nan)
    with_work = [
        case.treatment_hours.get(hour, np.nan)
        for hour, power in case.production_hours.items()
        if power >= expected["least_load"] * level
    ]
    clean = usual_level(with_work, least=usual["least_hours"])
    # What stands for a week must not become the usual: half the rated power at least.
    clean = float(np.fmax(clean, 0.5 * case.rated_treatment)) if case.rated_treatment else clean
    check = treatment_off(
        case.times_s,
        case.treatment,
        production=case.production,
        usual_treatment=clean,
        usual_production=level,
        **expected,
    )
    told = within_day(check, case.day)
    return [Result("treatment_off", case.device, case.site, told, "power", expected, case.times_s, case.treatment)]


def line_minutes(line: Line, readings: DeviceReadings, minutes_s: Integers) -> Floats:
    """Power of a line in each minute: the sum over its meters of power times share, NaN when one is unknown.

    A reading stands for its span, an instant for the usual time to the next one, at most a quarter of an hour. Meters
    that tell no power, such as operating-condition devices, do not count.
    """
    parts = []
    for device, share in line.meters.items():
        mine = readings.rows(readings.device == readings.devices.index(device))
        known = ~np.isnan(mine.values[:, _POWER])
        if known.any():
            parts.append(share * _minute_means(mine.rows(known & usable(mine.flags[:, _POWER])), minutes_s))
    return np.sum(parts, axis=0) if parts else np.full(len(minutes_s), np.nan)


def _minute_means(readings: DeviceReadings, minutes_s: Integers) -> Floats:
    """Mean power of one meter in each minute, NaN where nothing tells it."""
    step = usual_step_s(readings.times_s)
    instant = min(step, _INSTANT_S) if step > 0 else 60.0
    covers = np.where(readings.spans_s > 0, readings.spans_s, instant)
    counts = np.maximum(covers // 60, 1).astype(np.int64)
    first = np.repeat((readings.times_s - minutes_s[0]) // 60, counts)
    place = first + np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    inside = (place >= 0) & (place < len(minutes_s))
    power = np.repeat(readings.values[:, _POWER], counts)[inside]
    told = np.bincount(place[inside], minlength=len(minutes_s))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(place[inside], power, minlength=len(minutes_s)) / told)


def line_hours(lines: Sequence[Line], hours: PlantHours) -> dict[int, float]:
    """Mean power of several lines together per hour; hours in which a meter with power is unknown are left out.

    Meters that never tell a power, such as operating-condition devices, do not count.
    """
    power = hours.column("power")
    by_device: dict[str, dict[int, float]] = {}
    for device, second, value in zip(hours.devices, hours.hours_s.tolist(), power.tolist(), strict=True):
        if not np.isnan(value):
            by_device.setdefault(device, {})[second] = value
    shares = [(device, share) for line in lines for device, share in line.meters.items() if device in by_device]
    if not shares:
        return {}
    common = set.intersection(*(set(by_device[device]) for device, _ in shares))
    return {second: sum(share * by_device[device][second] for device, share in shares) for second in sorted(common)}
