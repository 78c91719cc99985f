"""Every check of a stack monitor on one local day: pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.emission import conversion, vouched
from analytics.emission_state import dry_standard_rows
from analytics.integrity import Booleans, Check, Floats, Found, Integers, checked, undetermined
from analytics.integrity_series import clipped_values, constant_values, copied_blocks
from analytics.integrity_stack import conversion_mismatch, long_marks, shift_after_marks
from analytics.integrity_works import diluted_hours, low_under_load, usual_level
from app.job.integrity_result import Result, within_day
from domain.emission import emission_rules, outlets
from domain.family import STACK
from domain.flag import usable
from domain.integrity_table import thresholds
from domain.period import DAY_S, HOUR_S, ZONE, midnight
from domain.production import OutletRow
from store.device_reading import DeviceReadings
from store.stack_hour import GAS, POLLUTANTS, StackHours

_O2: Final = STACK.position("o2")
_CONSTANT: Final = ("pm", "so2", "nox", "o2", "flow")
_CLIPPED: Final = ("pm", "so2", "nox", "pm_converted", "so2_converted", "nox_converted")
_COPIED: Final = ("pm", "so2", "nox")
_CONVERTED: Final = ("pm", "so2", "nox")
_MARKS: Final[Mapping[str, str]] = MappingProxyType(
    {"C": "calibration_minutes", "M": "maintenance_minutes", "D": "fault_minutes"}
)
_SERVICE: Final = [ord(letter) for letter in _MARKS]


@dataclass(frozen=True, slots=True)
class StackCase:
    """What the checks of one stack monitor on local `day` look at.

    Attributes
    ----------
    device, site : str
        The monitor and where it stands.
    day : date
        Local day.
    readings : DeviceReadings
        Its readings of one span, of the day and the days before.
    hours : StackHours
        Hours of the site, of the same time.
    loads : ndarray of float64
        Power of the production line in each of these hours, kW; NaN = unknown.
    outlet : OutletRow or None
        The outlet in force.
    """

    device: str
    site: str
    day: dt.date
    readings: DeviceReadings
    hours: StackHours
    loads: Floats
    outlet: OutletRow | None

    @property
    def begin_s(self) -> int:
        """Unix time of local midnight."""
        return int(midnight(self.day).timestamp())


def densest_span(readings: DeviceReadings) -> DeviceReadings:
    """The readings of the span that the device sends most often below an hour; all when there is none."""
    short = readings.spans_s < HOUR_S
    if not short.any():
        return readings
    spans, counts = np.unique(readings.spans_s[short], return_counts=True)
    return readings.rows(readings.spans_s == spans[int(np.argmax(counts))])


def in_operation(readings: DeviceReadings) -> Floats:
    """Values of a stack in operation, NaN elsewhere: vouched for, usable, oxygen below the ceiling or unknown."""
    with np.errstate(invalid="ignore"):
        air = readings.values[:, _O2] >= emission_rules().oxygen_ceiling
    kept = vouched(readings.marks) & usable(readings.flags) & ~air[:, None]
    return np.where(kept, readings.values, np.nan)


def stack_results(case: StackCase) -> list[Result]:
    """Every check of one monitor, copies aside."""
    values = in_operation(case.readings)
    recent = case.readings.times_s >= case.begin_s - DAY_S
    times, rows = case.readings.times_s[recent], values[recent]
    results = [
        *_series(case, times, rows),
        *_marked(case, times, rows, recent),
        *_conversions(case),
        *_hourly(case),
    ]
    return [
        Result(
            one.kind,
            one.device,
            one.site,
            within_day(one.check, case.day),
            one.column,
            one.expected,
            one.times_s,
            one.values,
        )
        for one in results
    ]


def _series(case: StackCase, times: Integers, rows: Floats) -> list[Result]:
    """Constant values over two days, clipped ones of the day."""
    results = []
    expected = thresholds("constant", case.day)
    for column in _CONSTANT:
        series = rows[:, STACK.position(column)]
        if not np.isnan(series).all():
            check = constant_values(times, series, **expected)
            results.append(Result("constant", case.device, case.site, check, column, expected, times, series))
    expected = thresholds("clipped", case.day)
    today = times >= case.begin_s
    for column in _CLIPPED:
        series = rows[today, STACK.position(column)]
        if not np.isnan(series).all():
            check = clipped_values(times[today], series, **expected)
            results.append(Result("clipped", case.device, case.site, check, column, expected, times[today], series))
    return results


def _marked(case: StackCase, times: Integers, rows: Floats, recent: Booleans) -> list[Result]:
    """Marks that last too long, and levels that shift with them."""
    marks = case.readings.marks[recent][:, [STACK.position(key) for key in _CONVERTED]]
    allowed, results = thresholds("long_mark", case.day), []
    for letter, name in _MARKS.items():
        check = long_marks(times, (marks == ord(letter)).any(axis=1), allowed_minutes=allowed[name])
        spans = (Found(one.first_s, one.last_s, {**one.figures, "mark": letter}) for one in check.found)
        told = Check(check.verdict, tuple(spans), check.lacking)
        results.append(Result("long_mark", case.device, case.site, told, expected=allowed))
    serviced = np.isin(marks, _SERVICE)
    letters = "".join(sorted({chr(letter) for letter in marks[serviced].tolist()}))
    loads, expected = _minute_loads(case, times), thresholds("shift_after_mark", case.day)
    for column in _CONVERTED:
        series = rows[:, STACK.position(column)]
        if np.isnan(series).all():
            continue
        check = shift_after_marks(times, series, marked=serviced.any(axis=1), loads=loads, **expected)
        spans = (Found(one.first_s, one.last_s, {**one.figures, "mark": letters}) for one in check.found)
        told = Check(check.verdict, tuple(spans), check.lacking)
        results.append(Result("shift_after_mark", case.device, case.site, told, column, expected, times, series))
    return results


def _minute_loads(case: StackCase, times: Integers) -> Floats | None:
    """Power of the line in the hour of each reading, None where no hour knows it."""
    if np.isnan(case.loads).all():
        return None
    known = dict(zip(case.hours.hours_s.tolist(), case.loads.tolist(), strict=True))
    return np.array([known.get(second, np.nan) for second in (times - times % HOUR_S).tolist()])


def _conversions(case: StackCase) -> list[Result]:
    """Values at reference oxygen as sent against those that the monitor's own oxygen gives."""
    if case.outlet is None:
        return []
    own = case.outlet.reference_oxygen
    reference = own if own is not None else outlets()[case.outlet.kind].reference_oxygen
    if reference is None:
        return []
    # The mean of an hour in which the oxygen changed much is not the conversion of its means.
    kept = case.readings.rows((case.readings.times_s >= case.begin_s) & (case.readings.spans_s < HOUR_S))
    sent, rules = in_operation(kept), emission_rules()
    dry = dry_standard_rows(
        sent,
        basis=case.outlet.basis,
        flow_basis=case.outlet.flow_basis,
        duct_area_m2=None,
        atmospheric_kpa=case.outlet.atmospheric_kpa,
        rules=rules,
    )
    expected, results = thresholds("conversion_mismatch", case.day), []
    for column in _CONVERTED:
        told = sent[:, STACK.position(f"{column}_converted")]
        computed = conversion(dry[:, STACK.position(column)], dry[:, _O2], reference, rules=rules).values
        if not np.isnan(told).all():
            check = conversion_mismatch(kept.times_s, told, computed, **expected)
            name = f"{column}_converted"
            results.append(
                Result("conversion_mismatch", case.device, case.site, check, name, expected, kept.times_s, told)
            )
    return results


def _hourly(case: StackCase) -> list[Result]:
    """Dilution and low values under load, against the usual levels of the days before."""
    hours, usual = case.hours, thresholds("usual", case.day)
    before = (hours.hours_s < case.begin_s) & (hours.hours_s >= case.begin_s - usual["back_days"] * DAY_S)
    running = np.array([state == "running" for state in hours.states], dtype=np.bool_)
    stopped = np.array([state == "stopped" for state in hours.states], dtype=np.bool_)
    least, today = usual["least_hours"], hours.hours_s >= case.begin_s
    with np.errstate(invalid="ignore"):
        working = before & (case.loads > 0.3 * np.nanmax(case.loads, initial=0.0))
    load = usual_level(case.loads[working], least=least)
    oxygen, flow = hours.gas[:, GAS.index("o2")], hours.gas[:, GAS.index("flow")]
    measured = hours.measured[:, : POLLUTANTS.index("co")]
    levels = np.array([usual_level(column[before & running], least=least) for column in measured.T])
    expected = thresholds("dilution", case.day)
    check = diluted_hours(
        hours.hours_s[today],
        oxygen[today],
        measured[today],
        loads=case.loads[today],
        usual_oxygen=usual_level(oxygen[before & running], least=least),
        usual_pollutants=levels,
        usual_load=load,
        **expected,
    )
    results = [Result("dilution", case.device, case.site, check, "", expected, hours.hours_s, oxygen)]
    expected = thresholds("low_under_load", case.day)
    # Marked out of operation is a statement of the monitor: it says that nothing is emitted.
    shown = np.where(stopped[:, None], 0.0, np.column_stack([measured, flow]))
    check = low_under_load(
        hours.hours_s[today],
        shown[today],
        loads=case.loads[today],
        usual_shown=np.append(levels, usual_level(flow[before & running], least=least)),
        usual_load=load,
        **expected,
    )
    return [*results, Result("low_under_load", case.device, case.site, check, "", expected, hours.hours_s, case.loads)]


def copied_results(cases: Sequence[StackCase]) -> list[Result]:
    """Copies within and between the monitors of one enterprise on one day."""
    if not cases:
        return []
    day, begin = cases[0].day, cases[0].begin_s
    expected = thresholds("copied", day)
    first = begin - int(expected["back_days"]) * DAY_S
    own = [case.readings.rows(case.readings.times_s >= first) for case in cases]
    values = [in_operation(readings) for readings in own]
    series = np.concatenate([np.full(len(one.times_s), at, dtype=np.int64) for at, one in enumerate(own)])
    times = np.concatenate([one.times_s for one in own])
    results = []
    for column in _COPIED:
        data = np.concatenate([one[:, STACK.position(column)] for one in values])
        copies = copied_blocks(
            series,
            times,
            data,
            least_values=int(expected["least_values"]),
            least_distinct=int(expected["least_distinct"]),
        )
        for at, case in enumerate(cases):
            mine = series == at
            today = ~np.isnan(data[mine & (times >= begin)])
            if np.count_nonzero(today) < expected["least_values"]:
                check = undetermined("values")
            else:
                check = checked(
                    Found(
                        copy.first_s,
                        copy.last_s,
                        {
                            "minutes": (copy.last_s - copy.first_s) / 60.0 + 1.0,
                            "source": cases[copy.source].device,
                            "source_time": f"{dt.datetime.fromtimestamp(copy.source_s, ZONE):%Y-%m-%d %H:%M}",
                        },
                    )
                    for copy in copies
                    if copy.series == at
                )
            told = within_day(check, day)
            results.append(Result("copied", case.device, case.site, told, column, expected, times[mine], data[mine]))
    return results


def loads_of(hours_s: npt.NDArray[np.int64], power: Mapping[int, float]) -> Floats:
    """Power of a line in each hour, NaN where it is unknown."""
    return np.array([power.get(second, np.nan) for second in hours_s.tolist()], dtype=np.float64)
