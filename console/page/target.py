"""Targets with their actuals, and figures that people report for them: they are added, never replaced."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.desk import Desk
from console.guard import Visit, allowed, desk_of, form_of
from console.rendering import page, seen_other
from console.role import Permission
from domain.period import local_date
from store.audit import Deed, add_deed
from store.connection import Connection
from store.report import read_reported
from store.status import read_target_status
from store.target import NewReport, TargetRow, add_report, read_targets

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
_AT_RISK: Final = ("missed", "at_risk")


@router.get("/target")
def show_targets(
    request: Request,
    visit: Annotated[Visit, Depends(allowed(Permission.SEE))],  # noqa: ARG001
    status: str = "",
) -> Response:
    """Every target of the plan, or those at risk."""
    with desk_of(request).connection("read the targets") as conn:
        rows = read_target_status(conn)
        reported = {(one.area, one.id) for one in read_targets(conn) if one.actual_kind == "reported"}
    if status == "risk":
        rows = [row for row in rows if row.status in _AT_RISK]
    elif status == "awaiting":
        rows = [row for row in rows if row.status == "awaiting_report"]
    return page(request, "target.html", rows=rows, reported=reported, status=status)


def reportable_target(conn: Connection, area: str, name: str) -> TargetRow:
    """The target, when people report its actual; 404 otherwise."""
    for one in read_targets(conn):
        if (one.area, one.id) == (area, name) and one.actual_kind == "reported":
            return one
    raise HTTPException(404, "没有这项由人填报的目标")


def _target_page(
    request: Request, area: str, name: str, *, given: Mapping[str, str], faults: tuple[str, ...] = ()
) -> Response:
    desk = desk_of(request)
    with desk.connection("read the target") as conn:
        target = reportable_target(conn, area, name)
        status = next(row for row in read_target_status(conn) if (row.area_id, row.target_id) == (area, name))
        kept = read_reported(conn, area, name)
    words = {"target": target, "row": status, "kept": kept, "given": given, "today": local_date(desk.now())}
    return page(request, "target_report.html", code=422 if faults else 200, faults=faults, **words)


@router.get("/target/{area}/{name}")
def show_target(
    request: Request,
    area: str,
    name: str,
    visit: Annotated[Visit, Depends(allowed(Permission.SEE))],  # noqa: ARG001
) -> Response:
    """What has been reported for a target, and the form for another figure."""
    return _target_page(request, area, name, given={})


@router.post("/target/{area}/{name}")
def report(
    request: Request,
    area: str,
    name: str,
    form: Form,
    visit: Annotated[Visit, Depends(allowed(Permission.REPORT_FIGURE))],
) -> Response:
    """Add a figure; of one day the last one counts."""
    desk = desk_of(request)
    with desk.connection("read the target") as conn:
        target = reportable_target(conn, area, name)
    figure, faults = read_figure(form, target.unit, local_date(desk.now()))
    if figure is None:
        return _target_page(request, area, name, given=form, faults=faults)
    day, value = figure
    who = f"{visit.person.name_zh}（{visit.person.account_id}）"
    new = NewReport(area, name, day, value, who, form.get("note", ""))
    write_figure(desk, new, visit.deed("target.report", f"target/{area}/{name}", as_of=str(day), value=value))
    return seen_other(f"/target/{area}/{name}", "figure_reported")


def write_figure(desk: Desk, new: NewReport, deed: Deed) -> None:
    """Keep a reported figure and bring the targets up to date."""
    with desk.connection("report the figure") as conn:
        add_report(conn, new)
        add_deed(conn, deed)
    with desk.connection("evaluate the targets") as conn:
        desk.acts.evaluate_targets(conn, desk.now())


def read_figure(
    form: Mapping[str, str], unit: str, today: dt.date
) -> tuple[tuple[dt.date, float] | None, tuple[str, ...]]:
    """Day and value of a form, or what is wrong with them.

    Parameters
    ----------
    form : mapping of str to str
        ``as_of`` and ``value``.
    unit : str
        Unit of the target; a share ends at 100 %.
    today : date
        The last day that can be reported.

    Returns
    -------
    tuple
        Day and value (None when something is wrong), and the faults in Chinese.
    """
    faults, day, value = [], None, math.nan
    try:
        day = dt.date.fromisoformat(form.get("as_of", ""))
    except ValueError:
        faults.append("请填写数据所属日期")
    try:
        value = float(form.get("value", ""))
    except ValueError:
        faults.append("数值应为数字")
    else:
        if not math.isfinite(value) or value < 0:
            faults.append(f"数值为 {value:g}，应不小于 0")
        elif unit == "%" and value > 100:
            faults.append(f"数值为 {value:g}，比例应在 0 至 100 之间")
    if day is not None and day > today:
        faults.append(f"日期为 {day}，不能晚于今天（{today}）")
    return (None if faults or day is None else (day, value)), tuple(faults)
