"""Every check of a heavy vehicle, and of a micro station among its neighbours, on one local day: pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.integrity import Check, Floats, Integers
from analytics.integrity_micro import selective_cleaning
from analytics.integrity_stream import frozen_stream, implausible_stream, lamp_on, silent_moving
from analytics.integrity_vehicle import filter_gone, nox_not_reduced, reagent_frozen, reagent_jumps
from app.job.integrity_result import Result, within_day
from domain.family import AIR, VEHICLE
from domain.flag import usable
from domain.integrity_table import thresholds
from domain.period import midnight
from store.device_reading import DeviceReadings

_FROZEN: Final = ("speed", "engine_speed", "fuel_rate", "nox_upstream", "nox_downstream", "intake_air")
#: Air quantities in the order that `selective_cleaning` wants.
AIR_COLUMNS: Final = ("pm10", "humidity", "no2", "co", "o3")


def vehicle_results(device: str, site: str, day: dt.date, readings: DeviceReadings) -> list[Result]:
    """Every check of one vehicle.

    Parameters
    ----------
    device, site : str
        The vehicle and its pseudo-site.
    day : date
        Local day.
    readings : DeviceReadings
        Its readings of the day and the last one before.

    Returns
    -------
    list of Result
        One per kind, frozen streams per quantity.
    """
    values = np.where(usable(readings.flags), readings.values, np.nan)
    times = readings.times_s
    column = {key: values[:, VEHICLE.position(key)] for key in VEHICLE.keys}
    today = times >= int(midnight(day).timestamp())
    day_times, now = times[today], {key: series[today] for key, series in column.items()}

    def result(kind: str, check: Check, name: str = "") -> Result:
        series = column[name] if name else None
        told = within_day(check, day)
        return Result(kind, device, site, told, name, thresholds(kind, day), times if name else None, series)

    hot, way = now["scr_inlet_temperature"], column["odometer"]
    limits = {kind: thresholds(kind, day) for kind in ("nox_not_reduced", "implausible_stream", "silent_moving")}
    nox = nox_not_reduced(
        day_times, now["nox_upstream"], now["nox_downstream"], temperature=hot, **limits["nox_not_reduced"]
    )
    stream = implausible_stream(
        day_times, now["speed"], now["engine_speed"], odometer=now["odometer"], **limits["implausible_stream"]
    )
    silence = silent_moving(
        times, way, longitude=column["longitude"], latitude=column["latitude"], **limits["silent_moving"]
    )
    results = [
        result("nox_not_reduced", nox, "nox_downstream"),
        result(
            "reagent_frozen",
            reagent_frozen(times, column["reagent_level"], way, **thresholds("reagent_frozen", day)),
            "reagent_level",
        ),
        result(
            "reagent_jump",
            reagent_jumps(day_times, now["reagent_level"], **thresholds("reagent_jump", day)),
            "reagent_level",
        ),
        result(
            "dpf_gone",
            filter_gone(day_times, now["dpf_pressure"], now["intake_air"], **thresholds("dpf_gone", day)),
            "dpf_pressure",
        ),
        result("implausible_stream", stream),
        result("mil_on", lamp_on(times, column["mil"], way, **thresholds("mil_on", day)), "mil"),
        result("silent_moving", silence),
    ]
    with np.errstate(invalid="ignore"):
        running = now["engine_speed"] > 0
    for name in _FROZEN:
        if not np.isnan(now[name]).all():
            check = frozen_stream(day_times, now[name], running=running, **thresholds("frozen_stream", day))
            results.append(result("frozen_stream", check, name))
    return results


@dataclass(frozen=True, slots=True)
class MicroCase:
    """A micro station and its neighbours on local `day`.

    Attributes
    ----------
    device, site : str
        The station.
    day : date
        Local day.
    hours_s : ndarray of int64
        Shape (n,); hours of the days before and of the day.
    values : ndarray of float64
        Shape (5, n) in the order of `AIR_COLUMNS`.
    neighbours : ndarray of float64
        Shape (5, m, n).
    """

    device: str
    site: str
    day: dt.date
    hours_s: Integers
    values: Floats
    neighbours: Floats


def micro_results(case: MicroCase) -> list[Result]:
    """Whether the surroundings of the station alone were washed."""
    expected = thresholds("selective_cleaning", case.day)
    check = selective_cleaning(
        case.hours_s,
        case.values,
        case.neighbours,
        judged=case.hours_s >= int(midnight(case.day).timestamp()),
        usual_hours=thresholds("usual", case.day)["least_hours"],
        **expected,
    )
    return [Result("selective_cleaning", case.device, case.site, check, "pm10", expected, case.hours_s, case.values[0])]


def air_positions() -> list[int]:
    """Positions of `AIR_COLUMNS` in family air."""
    return [AIR.position(key) for key in AIR_COLUMNS]
