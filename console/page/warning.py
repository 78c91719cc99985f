"""Heavy-pollution warnings: what is proposed and why, what a step would send, and the step itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from alerting.response import Decision, change_level, confirm, extend, propose, withdraw
from console.desk import Desk
from console.guard import Visit, allowed, desk_of, form_of
from console.moment import field_text, local_moment
from console.rendering import page, seen_other
from console.role import Permission
from domain.error import ConfigurationError
from domain.warning_state import ACTIONS_ZH, ISSUED, NONE, PROPOSED, STATES_ZH
from store.acknowledgement import read_notices
from store.audit import add_deed
from store.connection import Connection
from store.warning import (
    AreaWarning,
    WarningEvent,
    read_events,
    read_external_orders,
    read_open_warning,
    read_warnings,
)

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
Decider = Annotated[Visit, Depends(allowed(Permission.DECIDE_WARNING))]
#: What a person may do -> its words and whether it is shown before it is done.
STEPS: Final[Mapping[str, tuple[str, bool]]] = {
    "propose": ("提出建议", False),
    "confirm": ("确认", True),
    "reject": ("不采纳", False),
    "change": ("改变等级", True),
    "extend": ("调整时段", True),
    "lift": ("解除", True),
}


def standing_word(standing: AreaWarning | None) -> str:
    """How a form names the state it was made for; a step for another state is refused."""
    return "none" if standing is None else f"{standing.id}@{standing.changed_at.isoformat()}"


def last_proposal(conn: Connection, standing: AreaWarning | None) -> WarningEvent | None:
    """The proposal that waits for a person's word."""
    if standing is None or standing.proposed_level is None:
        return None
    return [each for each in read_events(conn, standing.id) if each.action == "propose"][-1]


def _page(request: Request, *, faults: tuple[str, ...] = (), given: Mapping[str, str] | None = None) -> Response:
    desk = desk_of(request)
    now = desk.now()
    with desk.connection("read the warnings") as conn:
        standing = read_open_warning(conn, desk.county)
        words: dict[str, Any] = {
            "standing": standing,
            "word": standing_word(standing),
            "proposal": last_proposal(conn, standing),
            "external": read_external_orders(conn, desk.county, at=now),
            "history": read_warnings(conn, desk.county),
        }
    state = standing.state if standing else NONE
    start = now.replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    words |= {
        "state": state,
        "in_force": state in ISSUED,
        "levels": [(level, STATES_ZH[level]) for level in ISSUED],
        "other_levels": [(level, STATES_ZH[level]) for level in ISSUED if level != state],
        "states_zh": STATES_ZH,
        "starts": field_text(standing.starts_at if standing else start),
        "ends": field_text(standing.ends_at if standing else start + dt.timedelta(days=2)),
        "given": given or {},
    }
    return page(request, "warning.html", code=422 if faults else 200, faults=faults, **words)


@router.get("/warning")
def show_warning(request: Request, visit: Annotated[Visit, Depends(allowed(Permission.SEE))]) -> Response:  # noqa: ARG001
    """The state, what is proposed with its evidence, and what may be done."""
    return _page(request)


@router.post("/warning/preview")
def preview(request: Request, form: Form, visit: Decider) -> Response:
    """What a step would change and whom it would tell: carried out and rolled back."""
    desk, action = desk_of(request), form.get("action", "")
    faults = step_faults(form)
    if faults:
        return _page(request, faults=faults, given=form)
    try:
        with desk.connection("try the step") as conn:
            _check_standing(conn, desk, form)
            with conn.transaction(force_rollback=True):
                event = _take(conn, desk, form, visit)
                notices = told_by(conn, event)
    except ConfigurationError as error:
        return _page(request, faults=(_refusal(error),), given=form)
    words: dict[str, Any] = {
        "event": event,
        "notices": notices,
        "fields": {key: value for key, value in form.items() if key != "csrf"},
        "action_zh": ACTIONS_ZH.get(event.action, STEPS[action][0]),
        "states_zh": STATES_ZH,
    }
    return page(request, "warning_preview.html", **words)


def told_by(conn: Connection, event: WarningEvent) -> list[dict[str, Any]]:
    """Notices that were born with a step: to the operators and to enterprises."""
    found = read_notices(conn, reference=f"warning:{event.warning_id}", limit=500)
    found += read_notices(conn, kinds=("order", "lift"), limit=2000)
    return sorted(
        {
            one["notice_id"]: one
            for one in found
            if one["created_at"] == event.at and one["payload"].get("warning_id") == event.warning_id
        }.values(),
        key=lambda one: (one["enterprise_id"] is not None, one["enterprise_zh"] or ""),
    )


@router.post("/warning/step")
def take_step(request: Request, form: Form, visit: Decider) -> Response:
    """Do it: event, orders and notices in one transaction."""
    desk, action = desk_of(request), form.get("action", "")
    faults = step_faults(form)
    if faults:
        return _page(request, faults=faults, given=form)
    try:
        with desk.connection("take the step") as conn:
            _check_standing(conn, desk, form)
            event = _take(conn, desk, form, visit)
            detail = {"why": form["why"], "after": event.after, "level": form.get("level", "")}
            add_deed(conn, visit.deed(f"warning.{action}", f"warning/{event.warning_id}", **detail))
    except ConfigurationError as error:
        return _page(request, faults=(_refusal(error),), given=form)
    way = "/warning" if event.after in (PROPOSED, "rejected") else f"/warning/{event.warning_id}"
    return seen_other(way, "warning_stepped")


class _ElsewhereError(ConfigurationError):
    """Somebody else has taken a step since the form was made."""


def _check_standing(conn: Connection, desk: Desk, form: Mapping[str, str]) -> None:
    if form.get("standing") != standing_word(read_open_warning(conn, desk.county)):
        raise _ElsewhereError("found another step since, expected the warning as it was shown")


def _refusal(error: ConfigurationError) -> str:
    if isinstance(error, _ElsewhereError):
        return "预警状态已被他人或平台改变，请看下面的最新情况后重新操作"
    return "当前状态不允许这一步，或起止时间不合理；请核对后重试"


def step_faults(form: Mapping[str, str]) -> tuple[str, ...]:
    """What is wrong with the form of a step, in Chinese."""
    action, faults = form.get("action", ""), []
    if action not in STEPS:
        faults.append("请选择要做什么")
    if action in ("propose", "change") and form.get("level") not in (
        *ISSUED,
        *((NONE,) if action == "propose" else ()),
    ):
        faults.append("请选择预警等级")
    if not form.get("why"):
        faults.append("请填写理由，如会商意见")
    starts, ends = (local_moment(form.get(key, "")) for key in ("starts", "ends"))
    if (starts is None or ends is None) and (action in ("propose", "extend") and form.get("level") != NONE):
        faults.append("请填写起止时间")
    if starts is not None and ends is not None and ends <= starts:
        faults.append("结束时间应晚于开始时间")
    return tuple(faults)


Step = Callable[[Connection, str, Mapping[str, str], Decision], WarningEvent]
_CARRY_OUT: Final[Mapping[str, Step]] = {
    "propose": lambda conn, area, form, decision: propose(conn, area, form["level"], decision),
    "confirm": lambda conn, area, _form, decision: confirm(conn, area, decision),
    "reject": lambda conn, area, _form, decision: withdraw(conn, area, "reject", decision),
    "change": lambda conn, area, form, decision: change_level(conn, area, form["level"], decision),
    "extend": lambda conn, area, _form, decision: extend(conn, area, decision),
    "lift": lambda conn, area, _form, decision: change_level(conn, area, NONE, decision),
}


def _take(conn: Connection, desk: Desk, form: Mapping[str, str], visit: Visit) -> WarningEvent:
    starts, ends = (local_moment(form.get(key, "")) for key in ("starts", "ends"))
    decision = Decision(visit.person.name_zh, form["why"], desk.now(), starts, ends)
    if form["action"] in ("reject", "lift"):
        decision = Decision(visit.person.name_zh, form["why"], desk.now())
    return _CARRY_OUT[form["action"]](conn, desk.county, form, decision)
