"""What the rest of the year may bring for each measured target, and where it is heading."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from store.connection import Connection
from store.upsert import upsert


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """Budget of a target's year as of a local day; None = not known or not applicable.

    From `valid_days` on the fields of `app.year_budget.Budget`.
    """

    area: str
    target: str
    year: dt.date
    as_of: dt.date
    valid_days: int
    days: int
    remaining_days: int
    value: float | None
    remaining_mean: float | None
    further_days_above: int | None
    projected: float | None
    low: float | None
    high: float | None
    past_years: int
    invalid_days_allowed: int
    can_be_valid: bool


@dataclass(frozen=True, slots=True)
class ShownBudget:
    """The same as screens show it: with the target's words and value, and what to expect in Chinese."""

    indicator_zh: str
    comparator: str
    target_value: float
    unit: str
    as_of: dt.date
    value: float | None
    completeness_percent: float | None
    remaining_days: int
    remaining_mean: float | None
    further_days_above: int | None
    projected: float | None
    low: float | None
    high: float | None
    past_years: int
    invalid_days_allowed: int
    outlook_zh: str


def write_budgets(conn: Connection, rows: Sequence[BudgetRow]) -> int:
    """Insert or replace the budgets of running years; returns how many rows."""
    names = tuple(BudgetRow.__dataclass_fields__)
    records = (tuple(getattr(row, name) for name in names) for row in rows)
    return upsert(conn, "target_budget", ("area_id", "target_id", *names[2:]), keys=3, records=records)


def read_budgets(conn: Connection, year: dt.date) -> list[ShownBudget]:
    """Budgets of the year that begins on `year`, in the plan's order."""
    rows = conn.execute(
        "select indicator_zh, comparator, target_value, unit, as_of, value, completeness_percent, remaining_days,"
        " remaining_mean, further_days_above, projected, low, high, past_years, invalid_days_allowed, outlook_zh"
        " from screen.target_budget where year = %s order by area_id, position, target_id",
        (year,),
    ).fetchall()
    return [ShownBudget(*row) for row in rows]
