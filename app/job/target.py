"""Where the targets of the plan stand: measured statistics, counts of the registry, figures reported by people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from analytics.rounding import half_even_scalar
from analytics.target import TargetStatus, remaining_allowance, target_status
from app.job.register import register_figures
from domain.period import PERIOD_KINDS, PeriodKind, local_date, midnight, period_end, period_start
from domain.pollutant import POLLUTANTS
from domain.standard import validity
from store import target as store
from store.connection import Connection
from store.target import ActualRow, Report, TargetRow, YearValue

#: The statistic of a measured target that is not one of `period_statistic`.
TRANSMISSION: Final = "transmission"
AWAITING_REPORT: Final = "awaiting_report"
#: Words of the screens' data for what `TargetStatus` distinguishes further: out of reach is missed before the period
#: ends.
_STATUS: Final = {
    "met": "met",
    "not_met": "missed",
    "missed": "missed",
    "out_of_reach": "missed",
    "on_track": "on_track",
    "at_risk": "at_risk",
    "no_data": "no_data",
}
_PERIODS: Final[dict[str, PeriodKind]] = {kind: kind for kind in PERIOD_KINDS}
_DAY: Final = dt.timedelta(days=1)
#: Decimals of a figure that is not a concentration.
_DECIMALS: Final = 1


def evaluate_targets(conn: Connection, *, now: dt.datetime) -> list[ActualRow]:
    """Judge every target as of the local day of `now` and store where it stands, in one transaction."""
    as_of = local_date(now)
    with conn.transaction():
        rows: list[ActualRow] = []
        for target in store.read_targets(conn):
            known = len(rows)
            if target.actual_kind == "measured" and target.statistic != TRANSMISSION:
                years = store.read_year_values(conn, target)
                rows += year_actuals(target, years, as_of=as_of)
            elif target.actual_kind == "measured":
                rows += _transmission_actuals(conn, target, now)
            elif target.actual_kind == "registry":
                count = store.read_registry_count(conn, target.area, target.registry_count or "")
                rows.append(registry_actual(target, count, as_of=as_of))
            else:
                rows += reported_actuals(target, store.read_reports(conn, target.area, target.id), as_of=as_of)
            rows[known:] = with_registers(conn, target, rows[known:], as_of=as_of)
        store.write_actuals(conn, rows)
    return rows


def with_registers(conn: Connection, target: TargetRow, rows: list[ActualRow], *, as_of: dt.date) -> list[ActualRow]:
    """The rows of a target, those of periods that a register of the plan answers replaced by its figures."""
    answered = {
        start: _figure(target, value, start, last=last, as_of=as_of)
        for start, last, value in register_figures(conn, target, rows, as_of=as_of)
    }
    return [row for row in rows if row.period_start not in answered] + list(answered.values())


def year_actuals(target: TargetRow, years: Sequence[YearValue], *, as_of: dt.date) -> list[ActualRow]:
    """A measured annual figure: one row for every year that has one, for the year the target is due and for the running
    year.

    Parameters
    ----------
    target : TargetRow
        With `pollutant` and `statistic`.
    years : sequence of YearValue
        The area's statistics.
    as_of : date
        Local day of the judgement.

    Returns
    -------
    list of ActualRow
        The status of a past year without enough days (GB 3095-2026 table 4) is `no_data`, though its value is shown.
        For means `allowed_mean` is what the remaining days may average; the target is missed when that is below zero.
    """
    known = {year.start: year for year in years}
    starts = {*known, dt.date(as_of.year, 1, 1)} | ({dt.date(target.due_on.year, 1, 1)} if target.due_on else set())
    return [_year_actual(target, start, known.get(start), as_of) for start in sorted(starts)]


def _year_actual(target: TargetRow, start: dt.date, year: YearValue | None, as_of: dt.date) -> ActualRow:
    last = period_end("year", start) - _DAY
    judged, complete = min(as_of, last), as_of > last
    remaining, valid_days = (last - judged).days, year.valid_days if year else 0
    value = year.value if year else None
    status, allowed = _year_status(target, value, (valid_days, remaining), last=last, as_of=as_of)
    if complete and year is not None and not year.valid:
        status = TargetStatus.NO_DATA
    row = ActualRow(
        *(target.area, target.id, start, judged, value),
        half_even_scalar(value, _decimals(target)),
        *(_STATUS[status], valid_days, remaining, allowed, complete),
    )
    if year is None or year.clean is None or year.clean.value is None:
        return row
    clean = year.clean
    status, _ = _year_status(target, clean.value, (clean.valid_days, remaining), last=last, as_of=as_of)
    if complete and not clean.valid:
        status = TargetStatus.NO_DATA
    published = half_even_scalar(clean.value, _decimals(target))
    return replace(row, clean_value=clean.value, clean_published=published, clean_status=_STATUS[status])


def _decimals(target: TargetRow) -> int:
    return POLLUTANTS[target.pollutant].decimals if target.pollutant else _DECIMALS


def _year_status(
    target: TargetRow, value: float | None, days: tuple[int, int], *, last: dt.date, as_of: dt.date
) -> tuple[TargetStatus, float | None]:
    """Status of a year's figure, and what the rest may average; `days`: valid ones, and those that remain."""
    allowed = remaining_allowance(value, *days, limit=target.value) if target.statistic == "mean" else None
    status = target_status(
        value,
        target.comparator,
        target.value,
        due=last,
        as_of=as_of,
        decimals=_decimals(target),
        reachable=allowed is None or allowed >= 0,
    )
    return status, allowed


def _transmission_actuals(conn: Connection, target: TargetRow, now: dt.datetime) -> list[ActualRow]:
    """The running month and the one before."""
    this = period_start("month", local_date(now))
    rows = []
    for start in (period_start("month", this - _DAY), this):
        low, high = midnight(start), min(midnight(period_end("month", start)), now)
        received, due = store.read_transmission(
            conn, target.area, low, high, minimum_minutes=validity().minutes_per_hour
        )
        rate = 100.0 * received / due if due > 0 else None
        if rate is not None or start == this:
            rows.append(_figure(target, rate, start, last=period_end("month", start) - _DAY, as_of=local_date(now)))
    return rows


def registry_actual(target: TargetRow, count: float | None, *, as_of: dt.date) -> ActualRow:
    """A count of the registry against its target; None = the registry cannot tell."""
    return _figure(target, count, _due_year(target, as_of), last=target.due_on or as_of, as_of=as_of)


def reported_actuals(target: TargetRow, reports: Sequence[Report], *, as_of: dt.date) -> list[ActualRow]:
    """A figure reported by people: the newest report of each period.

    Parameters
    ----------
    target : TargetRow
        Its `period` says which period a report belongs to; a target at a date or per batch has one period.
    reports : sequence of Report
        Ordered by the day they describe; those about later days than `as_of` do not count yet.
    as_of : date
        Local day of the judgement.

    Returns
    -------
    list of ActualRow
        For every period with a report, the due one and (quarters, months) the running one; `awaiting_report` without a
        report.
    """
    kind = _PERIODS.get(target.period)
    known = [report for report in reports if report.as_of <= as_of]
    if kind is None:
        start = _due_year(target, as_of)
        return [_reported(target, known[-1] if known else None, start, last=target.due_on or as_of, as_of=as_of)]
    newest = {period_start(kind, report.as_of): report for report in known}
    starts = {*newest, period_start(kind, target.due_on or as_of)}
    return [
        _reported(target, newest.get(start), start, last=period_end(kind, start) - _DAY, as_of=as_of)
        for start in sorted(starts)
    ]


def _due_year(target: TargetRow, as_of: dt.date) -> dt.date:
    return dt.date((target.due_on or as_of).year, 1, 1)


def _reported(target: TargetRow, report: Report | None, start: dt.date, *, last: dt.date, as_of: dt.date) -> ActualRow:
    if report is None:
        return ActualRow(
            target.area, target.id, start, as_of, None, None, AWAITING_REPORT, None, None, None, as_of > last
        )
    return replace(_figure(target, report.value, start, last=last, as_of=as_of), as_of=report.as_of)


def _figure(target: TargetRow, value: float | None, start: dt.date, *, last: dt.date, as_of: dt.date) -> ActualRow:
    """A figure that is compared as it is."""
    status = target_status(value, target.comparator, target.value, due=last, as_of=as_of)
    return ActualRow(
        target.area,
        target.id,
        start,
        as_of,
        value,
        half_even_scalar(value, _DECIMALS),
        _STATUS[status],
        None,
        max((last - as_of).days, 0),
        None,
        as_of > last,
    )
