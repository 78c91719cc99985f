"""Year-end budget of each measured target of the plan, once the days of its area are settled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Final

import numpy as np

from analytics.daily import EVALUATED_COLUMN
from app.job.target import TRANSMISSION
from app.year_budget import YearToDate, year_budget
from domain.period import local_date, period_end
from domain.standard import validity
from store.connection import Connection
from store.statistic import DAY_COLUMNS, DayRows, read_days
from store.target import TargetRow, read_targets
from store.target_budget import BudgetRow, write_budgets

#: Past years that the projection looks at.
HISTORY_YEARS: Final = 10
#: Directions of a target that a limit from above has; others have no budget.
_UPPER: Final = ("<=", "<")


def settle_budgets(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Compute the budget of the running year up to yesterday of every measured yearly target: the job `budget`."""
    year = YearToDate.of(local_date(now) - dt.timedelta(days=1), HISTORY_YEARS)
    targets = [target for target in read_targets(conn) if _has_budget(target)]
    first, start = dt.date(year.history[0], 1, 1), dt.date(year.as_of.year, 1, 1)
    with conn.transaction():
        written = 0
        for area in sorted({target.area for target in targets}):
            days = read_days(conn, [area], first, period_end("year", start))
            own = [target for target in targets if target.area == area]
            written += write_budgets(conn, target_budgets(own, days, year))
    return {"written": written}


def _has_budget(target: TargetRow) -> bool:
    measured = target.actual_kind == "measured" and target.period == "year" and target.statistic != TRANSMISSION
    return measured and target.comparator in _UPPER


def target_budgets(targets: Sequence[TargetRow], days: DayRows, year: YearToDate) -> list[BudgetRow]:
    """Budgets of the targets of one area from its days; none where the year has no valid day yet."""
    values = np.full((len(year.span), len(DAY_COLUMNS)), np.nan)
    values[np.array(days.days, dtype="datetime64[D]").astype(np.int64) - year.span[0].astype(np.int64)] = days.values
    rows = []
    for target in targets:
        if target.pollutant is None or target.statistic is None:
            continue
        column = DAY_COLUMNS.index(EVALUATED_COLUMN[target.pollutant])
        percent = None if target.statistic == "mean" else int(target.statistic.removeprefix("p"))
        found = year_budget(values[:, column], year, percent, limit=target.value, rules=validity())
        if found.valid_days:
            rows.append(BudgetRow(target.area, target.id, dt.date(year.as_of.year, 1, 1), year.as_of, *astuple(found)))
    return rows
