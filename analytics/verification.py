"""Whether an ordered measure was carried out, hour by hour: power, treatment, flue gas and load against their usual.

Every verdict stands on the side of the enterprise: what cannot be told from a measurement is `UNDETERMINED`, never a
violation, and a suspicion is a question for an inspection, not a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.period import HOUR_S, day_number

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

FULFILLED: Final = 0
SUSPECTED: Final = 1
UNDETERMINED: Final = 2
VERDICTS: Final[tuple[str, ...]] = ("fulfilled", "suspected", "undetermined")
#: Why a verdict is what it is; the position is the code. Chinese for people.
REASONS_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "below_allowed": "用电不高于允许值",
        "above_allowed": "用电高于允许值及误差",
        "treatment_off": "生产运行而治理设施未运行",
        "flow_contradicts": "用电下降而烟气流量未下降",
        "load_contradicts": "用电下降而工况负荷未下降",
        "traffic": "有车辆进出",
        "no_traffic": "无车辆进出",
        "no_meter": "生产线没有用电计量",
        "silent": "计量数据缺失",
        "dead_meter": "计量接近于零，低于停产残余负荷，可能断电或失效",
        "frozen": "计量值长时间不变",
        "clock_skew": "计量设备时钟偏差",
        "no_baseline": "缺少可比的历史用电",
        "ramp_down": "处于停限产过渡时段",
        "within_tolerance": "用电在允许值与误差之间",
        "not_measurable": "措施无法以监控数据核验",
    }
)
REASONS: Final[tuple[str, ...]] = tuple(REASONS_ZH)
REASON: Final[Mapping[str, int]] = MappingProxyType({name: code for code, name in enumerate(REASONS)})

#: The same hour of the same weekday in so many weeks before; with fewer samples the same hour of so many days before.
WEEKS: Final = 8
DAYS: Final = 28
LEAST_WEEKS: Final = 3
LEAST_DAYS: Final = 7
#: Median absolute deviation times this estimates a standard deviation.
_MAD_TO_SD: Final = 1.4826
#: Beyond the allowed power a suspicion begins at the larger of this share of the usual and two standard deviations.
TOLERANCE: Final = 0.05
#: Below this share of its usual power a meter shows less than a standing line draws: it is dead or without supply.
DEAD_SHARE: Final = 0.01
#: Above this share of its usual power a line produces, and its treatment has to work.
PRODUCING_SHARE: Final = 0.35
#: Below this share of its usual power treatment does not work.
TREATMENT_SHARE: Final = 0.3
#: Flue gas of a fan that runs on: flow at load x is this plus the rest times x of the usual flow; then a margin.
FLOW_BASE: Final = 0.4
FLOW_MARGIN: Final = 0.1
#: Load told by operating conditions may be this much above what is ordered, as a share of the usual load.
LOAD_MARGIN: Final = 0.1
#: So many equal hourly means in a row are frozen.
FROZEN_HOURS: Final = 3


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual for each wanted hour; arrays of shape (m,).

    Attributes
    ----------
    median, spread : ndarray of float64
        Median and 1.4826 times the median absolute deviation; NaN without enough samples.
    samples : ndarray of int64
        Hours it rests on.
    """

    median: Floats
    spread: Floats
    samples: Integers


@dataclass(frozen=True, slots=True)
class LineHours:
    """One line on consecutive hours, history and order together; n hours.

    Attributes
    ----------
    first_s : int
        Unix time of the start of hour 0.
    power, treatment, flow, load, vehicles : ndarray of float64
        Shape (n,); kW of the line and of its treatment, m³/s of its stack, load in percent, vehicles at the gate; NaN
        = no valid value. All NaN where there is no such instrument.
    excluded : ndarray of bool
        Shape (n,); hours that are not usual: holidays, earlier orders, warnings in force. Hours of this order are
        left out anyway.
    skewed : ndarray of bool
        Shape (n,); hours in which the meter's clock was wrong.
    """

    first_s: int
    power: Floats
    treatment: Floats
    flow: Floats
    load: Floats
    vehicles: Floats
    excluded: Booleans
    skewed: Booleans


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the line.

    Attributes
    ----------
    share : float or None
        Largest share of usual production, 0 = stop; None when no share is asked for.
    no_vehicles : bool or None
        True: none may pass the gate; False: some kinds may not, which a count cannot tell; None: not asked.
    residual : float
        Largest share of its usual power that a standing line may draw.
    start_s, end_s : int
        Unix times of the order: whole hours from the first that begins after its start.
    ramp_hours : int
        Hours from the start in which the line may still be coming down.
    """

    share: float | None
    no_vehicles: bool | None
    residual: float
    start_s: int
    end_s: int
    ramp_hours: int


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdicts on the ordered hours; arrays of shape (m,).

    Attributes
    ----------
    hours_s : ndarray of int64
        Start of each hour.
    verdict, reason : ndarray of int8
        Codes: positions in `VERDICTS` and `REASONS`.
    power, usual, allowed, suspected_above, treatment, flow, usual_flow, vehicles : ndarray of float64
        What it rests on; NaN where it does not exist.
    """

    hours_s: Integers
    verdict: Codes
    reason: Codes
    power: Floats
    usual: Floats
    allowed: Floats
    suspected_above: Floats
    treatment: Floats
    flow: Floats
    usual_flow: Floats
    vehicles: Floats


def usual(values: Floats, excluded: Booleans, wanted: Integers) -> Baseline:
    """Median and spread of the same hour of the same weekday in the weeks before.

    Parameters
    ----------
    values : ndarray of float64
        Shape (n,); consecutive hours, NaN = missing.
    excluded : ndarray of bool
        Shape (n,); hours that do not count.
    wanted : ndarray of int64
        Shape (m,); positions of the hours asked for.

    Returns
    -------
    Baseline
        With fewer than `LEAST_WEEKS` samples within `WEEKS` weeks, the same hour of the `DAYS` days before counts; with
        fewer than `LEAST_DAYS` of those there is none.
    """
    counted = np.where(excluded, np.nan, values)
    weekly, daily = _earlier(counted, wanted, 7 * 24, WEEKS), _earlier(counted, wanted, 24, DAYS)
    enough = (~np.isnan(weekly)).sum(axis=1) >= LEAST_WEEKS
    fallback = ~enough & ((~np.isnan(daily)).sum(axis=1) >= LEAST_DAYS)
    columns = max(weekly.shape[1], daily.shape[1])
    chosen = np.full((len(wanted), columns), np.nan)
    chosen[enough, : weekly.shape[1]] = weekly[enough]
    chosen[fallback, : daily.shape[1]] = daily[fallback]
    median = _row_median(chosen)
    spread = _MAD_TO_SD * _row_median(np.abs(chosen - median[:, None]))
    return Baseline(median, spread, (~np.isnan(chosen)).sum(axis=1))


def _earlier(values: Floats, wanted: Integers, step: int, count: int) -> Floats:
    """Values `step`, 2 `step` ... hours before each wanted hour; shape (m, count), NaN before the first."""
    at = wanted[:, None] - step * np.arange(1, count + 1)
    return np.where(at >= 0, values[np.maximum(at, 0)], np.nan)


def _row_median(rows: Floats) -> Floats:
    """Median of the values of each row that are not NaN; NaN for a row without any."""
    ordered = np.sort(rows, axis=1)
    counts = (~np.isnan(rows)).sum(axis=1)
    at = np.arange(len(rows))
    low, high = ordered[at, np.maximum(counts - 1, 0) // 2], ordered[at, np.minimum(counts // 2, rows.shape[1] - 1)]
    return np.where(counts > 0, (low + high) / 2, np.nan)


def frozen(values: Floats) -> Booleans:
    """Hours that belong to a run of at least `FROZEN_HOURS` equal values; shape (n,)."""
    result = np.zeros(len(values), dtype=bool)
    if len(values) < FROZEN_HOURS:
        return result
    windows = np.lib.stride_tricks.sliding_window_view(values, FROZEN_HOURS)
    begins = np.flatnonzero((windows == windows[:, :1]).all(axis=1))
    for ahead in range(FROZEN_HOURS):
        result[begins + ahead] = True
    return result


def verdicts(line: LineHours, asked: Asked) -> Verdicts:
    """Judge every hour of an order.

    Parameters
    ----------
    line : LineHours
        Measurements, with eight weeks of history before the order for a baseline.
    asked : Asked
        What is asked of the line.

    Returns
    -------
    Verdicts
        For the whole hours of the order within the series. Strongest first: no measurable demand, no usable meter, no
        baseline; a treatment that stands while the line produces; power above allowed and tolerance (within the ramp
        undetermined); flue gas or load that contradict a low power; power within the tolerance.
    """
    first = -((line.first_s - asked.start_s) // HOUR_S)
    last = min((asked.end_s - line.first_s) // HOUR_S, len(line.power))
    at = np.arange(max(first, 0), max(last, first, 0), dtype=np.int64)
    if asked.no_vehicles is not None:
        return _traffic(line, asked, at)
    begun = np.arange(len(line.power)) >= first
    line = replace(line, excluded=line.excluded | begun)
    power, base = line.power[at], usual(line.power, line.excluded, at)
    flow_base = usual(line.flow, line.excluded, at)
    share = 0.0 if asked.share is None else asked.share
    floor = asked.residual * _typical(line, at)
    allowed = np.fmax(base.median * (asked.residual + (1 - asked.residual) * share), floor)
    above = allowed + np.maximum(TOLERANCE * base.median, 2 * base.spread)
    ramp = line.first_s + at * HOUR_S < asked.start_s + asked.ramp_hours * HOUR_S
    cases: list[tuple[Booleans, int, str]] = [
        (np.full(len(at), asked.share is None), UNDETERMINED, "not_measurable"),
        (line.skewed[at], UNDETERMINED, "clock_skew"),
        (np.full(len(at), np.isnan(line.power).all()), UNDETERMINED, "no_meter"),
        (np.isnan(power), UNDETERMINED, "silent"),
        (np.isnan(base.median), UNDETERMINED, "no_baseline"),
        (power < DEAD_SHARE * _typical(line, at), UNDETERMINED, "dead_meter"),
        (frozen(line.power)[at], UNDETERMINED, "frozen"),
        (_treatment_off(line, at, power, base.median), SUSPECTED, "treatment_off"),
        (ramp & (power > allowed), UNDETERMINED, "ramp_down"),
        (power > above, SUSPECTED, "above_allowed"),
        (~ramp & _flow_high(line.flow[at], flow_base, share), SUSPECTED, "flow_contradicts"),
        (~ramp & _load_high(line, at, share), SUSPECTED, "load_contradicts"),
        (power > allowed, UNDETERMINED, "within_tolerance"),
    ]
    conditions = [condition for condition, _, _ in cases]
    verdict = np.select(conditions, [code for _, code, _ in cases], FULFILLED).astype(np.int8)
    reason = np.select(conditions, [REASON[name] for *_, name in cases], REASON["below_allowed"]).astype(np.int8)
    none = np.full(len(at), np.nan)
    hours = line.first_s + at * HOUR_S
    parts = (power, base.median, allowed, above, line.treatment[at], line.flow[at], flow_base.median, none)
    return Verdicts(hours, verdict, reason, *parts)


def _typical(line: LineHours, at: Integers) -> Floats:
    """Power of the line when it produces: the median of its usual hours above a third of their highest; per hour of
    the order the same."""
    before = line.power[: at[0]] if len(at) else line.power[:0]
    known = before[~line.excluded[: len(before)] & ~np.isnan(before)]
    if not len(known):
        return np.full(len(at), np.nan)
    return np.full(len(at), np.median(known[known >= known.max() / 3]))


def _treatment_off(line: LineHours, at: Integers, power: Floats, usual_power: Floats) -> Booleans:
    """Whether the line produces while its treatment draws hardly anything of what it usually does."""
    base = usual(line.treatment, line.excluded, at).median
    return (power > PRODUCING_SHARE * usual_power) & (line.treatment[at] < TREATMENT_SHARE * base)


def _flow_high(flow: Floats, base: Baseline, share: float) -> Booleans:
    """Whether flue gas flows as if more were produced than is allowed."""
    bound = base.median * (FLOW_BASE + (1 - FLOW_BASE) * share + FLOW_MARGIN)
    return flow > bound + 2 * base.spread


def _load_high(line: LineHours, at: Integers, share: float) -> Booleans:
    """Whether operating conditions tell more load than is allowed."""
    base = usual(line.load, line.excluded, at)
    return line.load[at] > base.median * (share + LOAD_MARGIN) + 2 * base.spread


def _traffic(line: LineHours, asked: Asked, at: Integers) -> Verdicts:
    """A ban on vehicles: a count of none fulfils it; a count of some contradicts only a ban on all."""
    vehicles = line.vehicles[at]
    conditions = [np.isnan(vehicles), vehicles == 0, np.full(len(at), asked.no_vehicles is True)]
    codes, names = [UNDETERMINED, FULFILLED, SUSPECTED], ["not_measurable", "no_traffic", "traffic"]
    verdict = np.select(conditions, codes, UNDETERMINED).astype(np.int8)
    reason = np.select(conditions, [REASON[name] for name in names], REASON["not_measurable"]).astype(np.int8)
    none = np.full(len(at), np.nan)
    hours = line.first_s + at * HOUR_S
    return Verdicts(hours, verdict, reason, none, none, none, none, none, none, none, vehicles)


def holiday_hours(first_s: int, count: int, holidays: Integers) -> Booleans:
    """Which of `count` hours from `first_s` on lie in holidays, given as local day numbers (`domain.period`)."""
    hours = first_s + np.arange(count, dtype=np.int64) * HOUR_S
    return np.isin(day_number(hours), holidays)
