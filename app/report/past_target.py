"""Where targets stood when a quarter that is over ended, as far as it can be told from what is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from app.job.period import Period, period_rows
from app.job.target import TRANSMISSION, reported_actuals, year_actuals
from domain.period import PERIOD_KINDS, PeriodKind, period_end
from store.air_report import Row
from store.connection import Connection
from store.statistic import read_days
from store.target import ActualRow, TargetRow, YearValue, read_actuals, read_reports, read_targets

TODAY_ZH: Final = "台账没有当时的快照，所列为编制时的状态"
_PERIODS: Final[dict[str, PeriodKind]] = {kind: kind for kind in PERIOD_KINDS}
_DAY: Final = dt.timedelta(days=1)
_STATUS_ZH: Final = {
    "met": "已达标",
    "missed": "未达标",
    "on_track": "进度正常",
    "at_risk": "有风险",
    "no_data": "暂无数据",
    "awaiting_report": "待填报",
}


def past_target_rows(conn: Connection, area: str, rows: Iterable[Row], end: dt.date) -> list[Row]:
    """Rows of `read_target_rows` as they stood when the day before `end` was over.

    Measured figures of a year are computed again from its days up to then, as they are stored today; recurring targets
    have the newest period that was over; reported figures are those of days before `end`. What the registers alone
    tell has no past: the row stays as it is today and says so.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    area : str
        Whose.
    rows : iterable of dict
        With ``target_id``, as they stand today.
    end : date
        First day after the quarter.

    Returns
    -------
    list of dict
        In the order of `rows`.
    """
    targets = {one.id: one for one in read_targets(conn) if one.area == area}
    kept = [one for one in read_actuals(conn) if one.area == area]
    pairs = [(row, targets[row["target_id"]]) for row in rows]
    return [_past_row(row, target, _past_actual(conn, target, kept, end)) for row, target in pairs]


def _past_row(row: Row, target: TargetRow, actual: ActualRow | None) -> Row:
    if actual is None:
        return {**row, "remark_zh": TODAY_ZH}
    return {
        **row,
        "period_zh": _period_zh(target.period, actual.period_start),
        "actual": actual.value if actual.published is None else actual.published,
        "status": actual.status,
        "status_zh": _STATUS_ZH[actual.status],
        "as_of": actual.as_of if actual.value is not None else None,
        "remark_zh": None,
    }


def _past_actual(conn: Connection, target: TargetRow, kept: Sequence[ActualRow], end: dt.date) -> ActualRow | None:
    """Where one target stood; None where that is not known."""
    kind = _PERIODS.get(target.period)
    if kind in ("quarter", "month") or target.statistic == TRANSMISSION:
        over = [one for one in kept if one.target == target.id and period_end(kind or "month", one.period_start) <= end]
        return max(over, key=lambda one: one.period_start) if over else _nothing(target, end)
    if target.actual_kind == "measured":
        return _measured(conn, target, end)
    if target.actual_kind == "reported":
        last = end - _DAY
        rows = reported_actuals(target, read_reports(conn, target.area, target.id), as_of=last)
        begun = [one for one in rows if one.period_start <= last]
        newest = max(begun, key=lambda one: one.period_start) if begun else None
        answered = newest is not None and newest.value is not None
        return newest if answered or not _is_kept(kept, target) else None
    return None


def _is_kept(kept: Sequence[ActualRow], target: TargetRow) -> bool:
    """Whether a register answers for a reported target today: then its past is not known."""
    return any(one.target == target.id and one.value is not None for one in kept)


def _measured(conn: Connection, target: TargetRow, end: dt.date) -> ActualRow:
    """The year's figure from its days before `end`; a target that was due before is judged in the year it was due."""
    last = end - _DAY
    year = min(last.year, target.due_on.year if target.due_on else last.year)
    start = dt.date(year, 1, 1)
    stop = min(end, period_end("year", start))
    as_of = end if end >= period_end("year", start) else last
    days = read_days(conn, [target.area], start, stop)
    found = period_rows(Period(target.area, "year", start, stop - _DAY), days)[0]
    value = next(one for one in found if (one.pollutant, one.statistic) == (target.pollutant, target.statistic))
    known = [] if value.value is None else [YearValue(start, value.value, value.valid_days, value.valid)]
    return next(one for one in year_actuals(target, known, as_of=as_of) if one.period_start == start)


def _nothing(target: TargetRow, end: dt.date) -> ActualRow:
    status = "awaiting_report" if target.actual_kind == "reported" else "no_data"
    start = dt.date(end.year, end.month, 1)
    return ActualRow(target.area, target.id, start, end, None, None, status, None, None, None, complete=False)


def _period_zh(period: str, start: dt.date) -> str:
    if period == "quarter":
        return f"{start.year}年第{(start.month + 2) // 3}季度"
    return f"{start.year}年{start.month}月" if period == "month" else f"{start.year}年"
