"""What the reduction list means: who is ordered what at a level, and how much that takes away. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from domain.error import ConfigurationError
from domain.reduction_register import POLLUTANT_FIELDS
from domain.response_table import GradeRule, ReductionRules
from domain.warning_state import ISSUED
from store.order import Measure
from store.reduction import ListedEnterprise, ListedMeasure, ReductionList

_MONTHS: Final = re.compile(r"(\d\d)-(\d\d)\.\.(\d\d)-(\d\d)")
LISTED: Final = GradeRule(own_plan=False, minimum_percent=None)


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """What one enterprise has to do at a level; `own_plan` by the grade rules."""

    enterprise: ListedEnterprise
    own_plan: bool
    measures: tuple[ListedMeasure, ...]


@dataclass(frozen=True, slots=True)
class Reduction:
    """Reduction of one pollutant at a level, in t/d and percent; `base` is the area's emission it is a share of.

    `base_from` is ``inventory`` or, without one, ``list``: the emission of the listed lines. `percent` and `met` are
    None without a base.
    """

    level: str
    pollutant: str
    reduced: float
    base: float
    base_from: str
    percent: float | None
    required: float
    met: bool | None


def in_season(months: str | None, day: dt.date) -> bool:
    """Whether a measure with this period applies on local `day`; a period may run over the new year."""
    if months is None:
        return True
    match = _MONTHS.fullmatch(months)
    if match is None:
        raise ConfigurationError(f"found period {months!r} of a measure, expected MM-DD..MM-DD")
    first, last = (int(match[1]), int(match[2])), (int(match[3]), int(match[4]))
    now = (day.month, day.day)
    return first <= now <= last if first <= last else now >= first or now <= last


def applying(entries: ReductionList, enterprise: ListedEnterprise, level: str, day: dt.date) -> list[ListedMeasure]:
    """Measures of an enterprise at a level on a day: its own, and those of its industry."""
    return [
        each
        for each in entries.measures
        if each.level == level
        and (each.enterprise_id == enterprise.id or each.industry == enterprise.industry)
        and in_season(each.months, day)
    ]


def grade_rule(enterprise: ListedEnterprise, level: str, rules: ReductionRules) -> GradeRule:
    """Rule of the enterprise's grade; without a grade the list applies."""
    return rules.grades[enterprise.grade, level] if enterprise.grade is not None else LISTED


def planned_orders(entries: ReductionList, level: str, day: dt.date, rules: ReductionRules) -> list[PlannedOrder]:
    """Orders of a level: every enterprise with a measure, and every one that reduces on its own plan.

    Parameters
    ----------
    entries : ReductionList
        The list.
    level : str
        Level in force.
    day : date
        Local day on which it starts; measures of other periods of the year do not apply.
    rules : ReductionRules
        Grade rules.

    Returns
    -------
    list of PlannedOrder
        By enterprise id. An enterprise of a grade with its own plan is ordered its own measures only, not those of its
        industry.
    """
    orders = []
    for enterprise in entries.enterprises.values():
        rule = grade_rule(enterprise, level, rules)
        measures = applying(entries, enterprise, level, day)
        if rule.own_plan:
            measures = [each for each in measures if each.enterprise_id is not None]
        if measures or rule.own_plan:
            orders.append(PlannedOrder(enterprise, rule.own_plan, tuple(measures)))
    return orders


def ordered_measures(order: PlannedOrder, entries: ReductionList) -> list[Measure]:
    """The measures of an order as they are kept with it."""
    found = []
    for each in order.measures:
        line = entries.lines.get(each.line_id) if each.line_id else None
        found.append(
            Measure(
                each.id,
                each.version,
                each.line_id,
                line.name_zh if line else None,
                line.process if line else None,
                each.kind,
                each.limit_percent,
                each.stage,
                each.reduction_percent,
                each.detail,
            )
        )
    return found


def reduction_share(measure: ListedMeasure | Measure) -> float:
    """Share of its line's emission that a measure takes away, 0 to 1: as declared, else what stop or limit means."""
    if measure.reduction_percent is not None:
        return measure.reduction_percent / 100
    if measure.kind == "stop":
        return 1.0
    if measure.limit_percent is not None:
        return 1 - measure.limit_percent / 100
    return 0.0


def line_shares(measures: Iterable[ListedMeasure | Measure]) -> dict[str, float]:
    """Share taken away at each line; of several measures at a line the largest counts."""
    shares: dict[str, float] = {}
    for each in measures:
        if each.line_id is not None:
            shares[each.line_id] = max(shares.get(each.line_id, 0.0), reduction_share(each))
    return shares


def reductions(
    entries: ReductionList,
    area_emission: Mapping[str, float],
    rules: ReductionRules,
    *,
    day: dt.date,
    levels: Iterable[str] = ISSUED,
) -> list[Reduction]:
    """Total reduction of each level and pollutant against the share asked for.

    Parameters
    ----------
    entries : ReductionList
        The list.
    area_emission : mapping of str to float
        Emission of the whole area in t/d by pollutant; of a pollutant that it lacks, the listed lines are the base.
    rules : ReductionRules
        Required shares.
    day : date
        Local day, for measures of a period of the year.
    levels : iterable of str
        Which levels.

    Returns
    -------
    list of Reduction
        By level and pollutant.
    """
    result = []
    for level in levels:
        measures = [each for order in planned_orders(entries, level, day, rules) for each in order.measures]
        shares = line_shares(measures)
        for pollutant in POLLUTANT_FIELDS:
            emitted = {line.id: line.emission.get(pollutant, 0.0) for line in entries.lines.values()}
            reduced = sum(emitted.get(line, 0.0) * share for line, share in shares.items())
            origin = "inventory" if pollutant in area_emission else "list"
            base = area_emission[pollutant] if pollutant in area_emission else sum(emitted.values())
            required = rules.shares[level, pollutant]
            percent = 100 * reduced / base if base > 0 else None
            met = None if percent is None else percent >= required
            result.append(Reduction(level, pollutant, reduced, base, origin, percent, required, met))
    return result
