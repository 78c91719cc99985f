"""Months, quarters and years of a site (or of an area's pseudo-site) from its days: pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.compliance import all_met, item_compliance
from analytics.daily import EVALUATED_COLUMN
from analytics.evaluation import days_per_month, months_valid, period_statistic, year_valid
from analytics.index import report_index
from analytics.rounding import half_even_scalar
from app.job.index import editions_of
from domain.edition import aqi_edition, limit_edition
from domain.period import PeriodKind, period_end
from domain.pollutant import POLLUTANTS, SIX_KEYS
from domain.standard import EvaluationItem, Validity, evaluation_items, limits, percentiles, report_items, validity
from store.statistic import DAY_COLUMNS, DayRows, StatisticRow, SummaryRow

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

_GOOD_LEVEL = 2


@dataclass(frozen=True, slots=True)
class Period:
    """A period of a site; `as_of` is the local day up to which it is judged, `days` how many of its days have begun by
    then."""

    site: str
    kind: PeriodKind
    start: dt.date
    as_of: dt.date

    @property
    def judged_on(self) -> dt.date:
        """The day whose editions judge the period: its last, while it runs the day of the judgement."""
        last = period_end(self.kind, self.start) - dt.timedelta(days=1)
        return max(self.start, min(last, self.as_of))

    @property
    def days(self) -> int:
        """Days of the period up to `judged_on`."""
        return (self.judged_on - self.start).days + 1


def period_rows(period: Period, days: DayRows) -> tuple[list[StatisticRow], SummaryRow]:
    """Statistics, validity and (for years) compliance of one period.

    Parameters
    ----------
    period : Period
        Which site and period.
    days : DayRows
        The site's days within the period.

    Returns
    -------
    list of StatisticRow
        Mean and evaluated percentile of the six pollutants (O3: of the daily maximum 8 h mean). Limits and compliance
        only for years, compliance only where the year is valid.
    SummaryRow
        Days counted by level and primary pollutant, each day judged by the edition of its date.
    """
    rules, limit_name = validity(), limit_edition(period.judged_on)
    allowed = limits(limit_name)
    items = {(item.pollutant, _name(item)): item for item in evaluation_items()}
    rows: list[StatisticRow] = []
    for pollutant in SIX_KEYS:
        values = days.values[:, DAY_COLUMNS.index(EVALUATED_COLUMN[pollutant])]
        percent = percentiles()[pollutant]
        found = period_statistic(values, percent)
        sufficient = _is_valid(period.kind, period.start, _months(~np.isnan(values), days), rules)
        for name, value in (("mean", float(found.means)), (f"p{percent}", float(found.percentiles))):
            item = items.get((pollutant, name)) if period.kind == "year" else None
            limit = allowed[item.pollutant, item.averaging] if item else None
            met = item_compliance(item, value, limit).met if item and limit is not None and sufficient else None
            rows.append(
                StatisticRow(
                    period.site,
                    period.kind,
                    period.start,
                    pollutant,
                    name,
                    None if np.isnan(value) else value,
                    half_even_scalar(value, POLLUTANTS[pollutant].decimals),
                    int(found.days),
                    period.days,
                    sufficient,
                    limit,
                    limit_name,
                    met,
                )
            )
    verdicts = {pollutant: all_met(_verdicts(rows, pollutant)) for pollutant in SIX_KEYS}
    complies = all_met(verdicts.values()) if period.kind == "year" else None
    return rows, _summary(period, days, complies=complies, limit_name=limit_name)


def _name(item: EvaluationItem) -> str:
    return "mean" if item.percent is None else f"p{item.percent}"


def _verdicts(rows: list[StatisticRow], pollutant: str) -> list[bool | None]:
    return [row.complies for row in rows if row.pollutant == pollutant and row.limit_value is not None]


def _months(present: Booleans, days: DayRows) -> npt.NDArray[np.int64]:
    return days_per_month(present, np.array([day.month for day in days.days], dtype=np.int64))


def _is_valid(kind: PeriodKind, start: dt.date, counts: npt.NDArray[np.int64], rules: Validity) -> bool:
    """Whether a month or year has enough days; a quarter, for which the six have no rule, when its months have."""
    if kind == "year":
        return bool(year_valid(counts, rules))
    months = range(start.month, start.month + (1 if kind == "month" else 3))
    return bool(months_valid(counts, rules)[[month - 1 for month in months]].all())


def _summary(period: Period, days: DayRows, *, complies: bool | None, limit_name: str) -> SummaryRow:
    columns = {column: days.values[:, at] for at, column in enumerate(DAY_COLUMNS)}
    levels, primary, editions = Counter[int](), Counter[str](), np.array(editions_of(days.days), dtype=object)
    for edition in sorted(set(editions.tolist())):
        found_levels, found_primary = _counted(edition, columns, editions == edition)
        levels += found_levels
        primary += found_primary
    valid = sum(levels.values())
    good = sum(count for level, count in levels.items() if level <= _GOOD_LEVEL)
    return SummaryRow(
        period.site,
        period.kind,
        period.start,
        valid,
        period.days,
        [levels[level] for level in range(1, 7)],
        good,
        half_even_scalar(good / valid * 100.0, 1) if valid else None,
        dict(sorted(primary.items())),
        complies,
        limit_name,
        aqi_edition(period.judged_on),
    )


def _counted(edition: str, columns: Mapping[str, Floats], chosen: Booleans) -> tuple[Counter[int], Counter[str]]:
    """Days by level and by primary pollutant under one edition."""
    items = {item.column: item.pollutant for item in report_items(edition, "day")}
    result = report_index(edition, "day", {column: columns[column][chosen] for column in items})
    levels = Counter(int(level) for level in result.level.tolist() if level > 0)
    primary: Counter[str] = Counter()
    for pollutant in SIX_KEYS:
        own = [at for at, column in enumerate(result.columns) if items[column] == pollutant]
        if days := int(result.primary[:, own].any(axis=1).sum()):
            primary[pollutant] = days
    return levels, primary
