"""JSON: devices, strangers, targets with reported figures, reviews, revisions, registers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Request
from pydantic import AwareDatetime, BaseModel, Field

from console.api.word import REFUSALS, Approver, Reader, Reporter, Reviewer, Row, conflicts
from console.guard import desk_of
from console.page.device import waiting_strangers
from console.page.register import known_register
from console.page.target import read_figure, reportable_target, write_figure
from domain.period import local_date
from store.audit import add_deed
from store.health import read_health
from store.register import read_register
from store.report import read_reported
from store.review import (
    Proposal,
    ReviewError,
    confirm_review,
    propose_review,
    read_review,
    read_reviews,
    withdraw_review,
)
from store.revision import RevisionError, decide_revision, read_revisions
from store.status import read_target_status
from store.target import NewReport

router: Final = APIRouter(responses=REFUSALS)
Words = Annotated[str, Field(min_length=1, max_length=2000)]
DEVICE: Final = ["设备"]
TARGET: Final = ["目标"]
DATA: Final = ["数据审核"]


class Approval(BaseModel):
    """How a stranger is registered: cells by column, as in docs/registry.md; at least ``site_id``."""

    protocol: str
    cells: Mapping[str, str]


class Figure(BaseModel):
    """A reported figure; `as_of` is the local day it describes."""

    as_of: dt.date
    value: float
    note: str = ""


class Decision(BaseModel):
    """Accept or refuse, and why."""

    accept: bool
    why: Words


class ReviewIn(BaseModel):
    """How values shall count: readings of the device with low <= time < high."""

    device_id: str
    columns: list[str]
    low: AwareDatetime
    high: AwareDatetime
    verdict: str
    why: Words


class Reason(BaseModel):
    """Why."""

    why: Words


@router.get("/devices", tags=[*DEVICE], summary="设备健康")
def list_devices(request: Request, visit: Reader, site: str | None = None) -> list[Row]:  # noqa: ARG001
    """Health of every device in service."""
    with desk_of(request).connection("read the health of devices") as conn:
        return [asdict(one) for one in read_health(conn, site=site)]


@router.get("/devices/pending", tags=[*DEVICE], summary="待登记设备")
def list_pending(request: Request, visit: Reader) -> list[Row]:  # noqa: ARG001
    """Devices that speak without being registered."""
    desk = desk_of(request)
    with desk.connection("read the strangers") as conn:
        strangers, _ = waiting_strangers(desk, conn)
    return [
        {
            "device_id": one.pending.device_id,
            "county": one.pending.county,
            "protocol": one.pending.protocol,
            "mn": one.mn,
            "system_type_zh": one.system_type_zh,
            "messages": one.pending.messages,
            "first_at": one.pending.first_at,
            "last_at": one.pending.last_at,
        }
        for one in strangers
    ]


@router.post("/devices/pending/{name}/approve", tags=[*DEVICE], summary="登记设备", status_code=201)
def approve(request: Request, name: str, approval: Approval, visit: Approver) -> Row:
    """Register a stranger; returns the entry."""
    desk = desk_of(request)
    with desk.connection("register the device") as conn, conflicts():
        entry = desk.acts.approve_device(conn, name, approval.cells, approval.protocol)
        add_deed(conn, visit.deed("device.approve", f"device/{name}", **dict(approval.cells)))
        return entry


@router.get("/targets", tags=[*TARGET], summary="目标与实绩")
def list_targets(request: Request, visit: Reader) -> list[Row]:  # noqa: ARG001
    """Every target of the plan with its actual."""
    with desk_of(request).connection("read the targets") as conn:
        return [asdict(one) for one in read_target_status(conn)]


@router.get("/targets/{area}/{name}/reports", tags=[*TARGET], summary="一项目标的填报记录")
def list_reports(request: Request, area: str, name: str, visit: Reader) -> list[Row]:  # noqa: ARG001
    """Figures reported for a target, the newest first."""
    with desk_of(request).connection("read the reports") as conn:
        reportable_target(conn, area, name)
        return [asdict(one) for one in read_reported(conn, area, name)]


@router.post("/targets/{area}/{name}/reports", tags=[*TARGET], summary="填报", status_code=201)
def report(request: Request, area: str, name: str, figure: Figure, visit: Reporter) -> list[Row]:
    """Report a figure; earlier ones stay. Returns all of them."""
    desk = desk_of(request)
    with desk.connection("read the target") as conn:
        target = reportable_target(conn, area, name)
    given = {"as_of": figure.as_of.isoformat(), "value": str(figure.value)}
    checked, faults = read_figure(given, target.unit, local_date(desk.now()))
    if checked is None:
        raise HTTPException(422, "；".join(faults))
    new = NewReport(area, name, *checked, f"{visit.person.name_zh}（{visit.person.account_id}）", figure.note)
    write_figure(desk, new, visit.deed("target.report", f"target/{area}/{name}", as_of=given["as_of"]))
    with desk.connection("read the reports") as conn:
        return [asdict(one) for one in read_reported(conn, area, name)]


@router.get("/revisions", tags=[*DATA], summary="数据修订")
def list_revisions(request: Request, visit: Reader, status: str = "proposed", after: int = 0) -> list[Row]:  # noqa: ARG001
    """Revisions of a status, oldest first, 500 at a time."""
    with desk_of(request).connection("read the revisions") as conn:
        return [asdict(one) for one in read_revisions(conn, status=status, after_id=after)]


@router.post("/revisions/{number}/decision", tags=[*DATA], summary="采纳或驳回修订")
def decide(request: Request, number: int, decision: Decision, visit: Reviewer) -> Row:
    """Decide a revision, once."""
    try:
        with desk_of(request).connection("decide the revision") as conn:
            decide_revision(conn, number, decision.accept, who=visit.person.account_id, why=decision.why)
            action = "revision.accept" if decision.accept else "revision.refuse"
            add_deed(conn, visit.deed(action, f"revision/{number}", why=decision.why))
    except RevisionError as error:
        raise HTTPException(409, str(error)) from error
    return {"id": number, "accepted": decision.accept}


@router.get("/reviews", tags=[*DATA], summary="数据审核")
def list_reviews(request: Request, visit: Reader, status: str = "proposed") -> list[Row]:  # noqa: ARG001
    """Reviews of a status, oldest first."""
    with desk_of(request).connection("read the reviews") as conn:
        return [asdict(one) for one in read_reviews(conn, status=status)]


@router.post("/reviews", tags=[*DATA], summary="提出数据审核", status_code=201)
def propose(request: Request, given: ReviewIn, visit: Reviewer) -> Row:
    """Propose a review; it counts once another person has confirmed it."""
    proposal = Proposal(
        *(given.device_id, tuple(given.columns), given.low, given.high, given.verdict, visit.person.account_id),
        given.why,
    )
    try:
        with desk_of(request).connection("propose the review") as conn:
            number = propose_review(conn, proposal)
            add_deed(conn, visit.deed("review.propose", f"review/{number}", why=given.why))
            return asdict(read_review(conn, number))
    except ReviewError as error:
        raise HTTPException(409, str(error)) from error


@router.post("/reviews/{number}/{action}", tags=[*DATA], summary="确认（confirm）或撤销（withdraw）数据审核")
def step_review(request: Request, number: int, action: str, reason: Reason, visit: Reviewer) -> Row:
    """Confirm another's review, or withdraw one."""
    step = {"confirm": confirm_review, "withdraw": withdraw_review}.get(action)
    if step is None:
        raise HTTPException(404)
    try:
        with desk_of(request).connection("decide the review") as conn:
            step(conn, number, who=visit.person.account_id, why=reason.why)
            add_deed(conn, visit.deed(f"review.{action}", f"review/{number}", why=reason.why))
            return asdict(read_review(conn, number))
    except ReviewError as error:
        raise HTTPException(409, str(error)) from error


@router.get("/registers/{name}", tags=["台账"], summary="台账记录")
def list_register(request: Request, name: str, visit: Reader) -> list[Row]:  # noqa: ARG001
    """Entries of a register in service."""
    register = known_register(name)
    with desk_of(request).connection("read the register") as conn:
        return [one for one in read_register(conn, register).values() if one["retired_at"] is None]
