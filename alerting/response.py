"""What people and the platform do with a warning: each step with its orders, notices and deliveries in one transaction.

Whatever a step leads to is written with it or not at all: the event, the end of earlier orders, new orders with their
measures, the notices with one delivery per recipient. Dispatchers send only what has been committed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from alerting.plan import PlannedOrder, ordered_measures, planned_orders
from alerting.trigger import Called
from alerting.wording import level_values, measures_zh, moment_zh, notice_text, orders_zh, plan_zh
from domain.error import ConfigurationError
from domain.period import local_date
from domain.response_table import level_rules, reduction_rules
from domain.warning import BY_KEY
from domain.warning_state import ISSUED, NONE, PROPOSED, change_action
from store.connection import Connection
from store.order import NewOrder, Order, end_orders, read_orders, set_notice, write_order
from store.outbox import Notice, announce
from store.reduction import ReductionList, read_reduction_list
from store.registration import read_areas
from store.warning import AreaWarning, NewEvent, WarningEvent, read_events, read_open_warning, write_event

#: Who acts when no person does.
PLATFORM: Final = "平台"
#: Severity of notices that wait for an operator's word.
PROPOSAL_SEVERITY: Final = 3


@dataclass(frozen=True, slots=True)
class Decision:
    """Who does something and why; `now` is when it takes effect. Periods None keep what is proposed or in force."""

    by_whom: str
    why: str
    now: dt.datetime
    starts_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


def record_called(
    conn: Connection, area_id: str, called: Called, *, now: dt.datetime, automatic: bool = False
) -> list[WarningEvent]:
    """Write down what the values call for (`alerting.trigger.proposal`), in one transaction.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, in autocommit or inside the caller's transaction.
    area_id : str
        Whose warning.
    called : Called
        Proposal or lapse.
    now : datetime
        Present moment.
    automatic : bool
        Carry the proposal out at once instead of waiting for a person.

    Returns
    -------
    list of WarningEvent
        The proposal or lapse, and with `automatic` the step that follows.
    """
    why = f"{called.cause_zh}。{called.outlook_zh}"
    evidence = {**called.evidence, "cause_zh": called.cause_zh, "outlook_zh": called.outlook_zh}
    decision = Decision(PLATFORM, why, now, called.starts_at, called.ends_at, evidence)
    with conn.transaction():
        if called.action == "lapse":
            return [withdraw(conn, area_id, "lapse", decision)]
        events = [propose(conn, area_id, called.level, decision)]
        if automatic:
            events.append(confirm(conn, area_id, Decision(PLATFORM, f"自动发布：{why}", now, evidence=evidence)))
    return events


def propose(conn: Connection, area_id: str, level: str, decision: Decision) -> WarningEvent:
    """Propose a level (``none`` = to lift); the operators are told. Nothing else changes until a person confirms.

    `ConfigurationError` when the level is in force already.
    """
    with conn.transaction():
        standing = read_open_warning(conn, area_id)
        state = NONE if standing is None else standing.state
        if state not in ISSUED and level not in ISSUED:
            raise ConfigurationError(f"found no warning in force in {area_id}, expected one of {', '.join(ISSUED)}")
        if state == level:
            raise ConfigurationError(f"{level} is in force in {area_id}, expected another level")
        start, end = _period(standing, decision)
        event = NewEvent(
            area_id,
            "propose",
            state if state in ISSUED else PROPOSED,
            start,
            end,
            _rules(standing, decision),
            decision.by_whom,
            decision.why,
            decision.evidence,
            level,
        )
        written = write_event(conn, event, now=decision.now)
        words = "解除预警" if level == NONE else f"发布{BY_KEY[level].name_zh}"
        values = {**_values(conn, written, state), "proposed": words}
        _announce_area(conn, "propose", written, values, severity=PROPOSAL_SEVERITY)
    return written


def withdraw(conn: Connection, area_id: str, action: str, decision: Decision) -> WarningEvent:
    """Reject a proposal (a person does) or let it lapse (the platform does); the level in force stays."""
    with conn.transaction():
        standing = _standing(conn, area_id)
        closing = {"reject": "rejected", "lapse": "lapsed"}[action]
        after = closing if standing.state == PROPOSED else standing.state
        return write_event(conn, _event(standing, action, after, decision), now=decision.now)


def confirm(conn: Connection, area_id: str, decision: Decision) -> WarningEvent:
    """Carry out what is proposed: issue, upgrade, downgrade or lift. `ConfigurationError` when nothing is proposed."""
    standing = _standing(conn, area_id)
    if standing.proposed_level is None:
        raise ConfigurationError(f"warning {standing.id} of {area_id}: found no proposal, expected one to confirm")
    return change_level(conn, area_id, standing.proposed_level, decision)


def change_level(conn: Connection, area_id: str, level: str, decision: Decision) -> WarningEvent:
    """Bring the warning of an area to a level, ``none`` lifting it, with everything that follows, in one transaction.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    area_id : str
        Whose warning; it must be proposed or in force.
    level : str
        Level to be in force; a first one must be the one proposed.
    decision : Decision
        Who, why and when; its period, else that of the pending proposal, else the one in force.

    Returns
    -------
    WarningEvent
        The step. Earlier orders end with it; enterprises of the list get the orders of the new level, which begin
        with its period, and never before it takes effect.
    """
    with conn.transaction():
        standing = _standing(conn, area_id)
        action = change_action(standing.state, level)
        if action == "reject":
            raise ConfigurationError(f"warning {standing.id} is only proposed, expected reject instead of lifting it")
        decision = _with_proposal(conn, standing, level, decision)
        if level != NONE:
            start = max(decision.starts_at or standing.starts_at, decision.now)
            decision = replace(decision, starts_at=start)
        event = _event(standing, action, "lifted" if level == NONE else level, decision)
        written = write_event(conn, event, now=decision.now)
        ended = end_orders(conn, standing.id, event_id=written.id, now=decision.now)
        values = _values(conn, written, standing.state)
        planned = give_orders(conn, written, values) if level != NONE else []
        follow = {order.enterprise.id for order in planned}
        how = "降低预警等级" if level != NONE else f"解除重污染天气{values['before']}"
        for order in ended:
            if order.enterprise_id not in follow:
                _announce_end(conn, "order_lift", order, {**values, "ended": how})
        severity = level_rules()[level if level != NONE else standing.state].severity
        _announce_area(conn, action, written, {**values, "orders": orders_zh(planned)}, severity=severity)
    return written


def extend(conn: Connection, area_id: str, decision: Decision) -> WarningEvent:
    """Change the expected period of a warning in force; its orders go on, and their enterprises are told."""
    with conn.transaction():
        standing = _standing(conn, area_id)
        written = write_event(conn, _event(standing, "extend", standing.state, decision), now=decision.now)
        values = _values(conn, written, standing.state)
        for order in read_orders(conn, warning_id=standing.id, open_only=True):
            _announce_end(conn, "order_extend", order, values)
        severity = level_rules()[standing.state].severity
        _announce_area(conn, "extend", written, values, severity=severity)
    return written


def give_orders(conn: Connection, event: WarningEvent, values: Mapping[str, str]) -> list[PlannedOrder]:
    """Write the orders of the level that an event brought, each with its measures and its notice."""
    entries = read_reduction_list(conn, event.area_id)
    day = local_date(event.starts_at)
    planned = planned_orders(entries, event.after, day, reduction_rules(day))
    for order in planned:
        _give_order(conn, event, order, entries, values)
    return planned


def _give_order(
    conn: Connection, event: WarningEvent, order: PlannedOrder, entries: ReductionList, values: Mapping[str, str]
) -> None:
    enterprise, measures, rule = order.enterprise, ordered_measures(order, entries), level_rules()[event.after]
    head = (event.area_id, event.warning_id, event.id, enterprise.id, enterprise.name_zh, enterprise.grade)
    new = NewOrder(*head, order.own_plan, event.after, event.starts_at, event.ends_at)
    order_id = write_order(conn, new, measures, now=event.at)
    respond_by = event.at + rule.respond
    texts = {
        **values,
        "enterprise": enterprise.name_zh,
        "measures": measures_zh(measures),
        "plan": plan_zh(order),
        "respond": moment_zh(respond_by),
    }
    payload = {
        "order_id": order_id,
        "warning_id": event.warning_id,
        "level": event.after,
        "starts_at": event.starts_at.isoformat(),
        "ends_at": event.ends_at.isoformat(),
        "own_plan": order.own_plan,
        "measures": [
            {
                "id": each.measure_id,
                "line": each.line_id,
                "kind": each.kind,
                "limit_percent": each.limit_percent,
                "stage": each.stage,
                "detail": each.detail,
            }
            for each in measures
        ],
    }
    notice = Notice(
        "order", f"order:{order_id}", event.area_id, enterprise.id, rule.severity, *notice_text("order", texts),
        payload, respond_by,
    )  # fmt: skip
    set_notice(conn, order_id, announce(conn, notice, now=event.at))


def _announce_end(conn: Connection, template: str, order: Order, values: Mapping[str, str]) -> None:
    """Tell an enterprise that its order has ended or has another period."""
    subject, body = notice_text(template, {**values, "enterprise": order.enterprise_zh})
    kind = "lift" if template == "order_lift" else "order"
    severity = level_rules()[order.level].severity
    payload = {"order_id": order.id, "warning_id": order.warning_id}
    at = dt.datetime.fromisoformat(values["now"])
    notice = Notice(kind, f"order:{order.id}", order.area_id, order.enterprise_id, severity, subject, body, payload)
    announce(conn, notice, now=at)


def _announce_area(
    conn: Connection, template: str, event: WarningEvent, values: Mapping[str, str], *, severity: int
) -> None:
    """Tell the operators."""
    subject, body = notice_text(template, values)
    payload = {"warning_id": event.warning_id, "event_id": event.id, "action": event.action, "state": event.after}
    kind = "lift" if template == "lift" else "warning"
    reference = f"warning:{event.warning_id}"
    notice = Notice(kind, reference, event.area_id, None, severity, subject, body, payload)
    announce(conn, notice, now=event.at)


def _standing(conn: Connection, area_id: str) -> AreaWarning:
    standing = read_open_warning(conn, area_id)
    if standing is None:
        raise ConfigurationError(f"found no warning in {area_id}, expected one that is proposed or in force")
    return standing


def _with_proposal(conn: Connection, standing: AreaWarning, level: str, decision: Decision) -> Decision:
    """The decision with period and evidence of the pending proposal where it gives none and confirms that level."""
    if standing.proposed_level != level:
        return decision
    event = [each for each in read_events(conn, standing.id) if each.action == "propose"][-1]
    evidence = {**event.evidence, **decision.evidence, "proposal": event.id}
    start, end = decision.starts_at or event.starts_at, decision.ends_at or event.ends_at
    return replace(decision, starts_at=start, ends_at=end, evidence=evidence)


def _period(standing: AreaWarning | None, decision: Decision) -> tuple[dt.datetime, dt.datetime]:
    start = decision.starts_at or (standing.starts_at if standing else None)
    end = decision.ends_at or (standing.ends_at if standing else None)
    if start is None or end is None or end <= start:
        raise ConfigurationError(f"found the period {start} to {end}, expected a start before its end")
    return start, end


def _rules(standing: AreaWarning | None, decision: Decision) -> str:
    rules = decision.evidence.get("rules") or (standing.rules if standing else None)
    return str(rules or f"manual:{local_date(decision.now)}")


def _event(standing: AreaWarning, action: str, after: str, decision: Decision) -> NewEvent:
    start, end = _period(standing, decision)
    rules = _rules(standing, decision)
    return NewEvent(
        standing.area_id, action, after, start, end, rules, decision.by_whom, decision.why, decision.evidence
    )


def _values(conn: Connection, event: WarningEvent, before: str) -> dict[str, str]:
    """What the templates of a step may use."""
    level = event.after if event.after in ISSUED else before
    cause = str(event.evidence.get("cause_zh") or event.why)
    return {
        "area": read_areas(conn)[event.area_id],
        **(level_values(level) if level in ISSUED else {"level": "", "response": "", "public": ""}),
        "before": BY_KEY[before].name_zh if before in ISSUED else "",
        "starts": moment_zh(event.starts_at),
        "ends": moment_zh(event.ends_at),
        "at": moment_zh(event.at),
        "now": event.at.isoformat(),
        "cause": cause,
        "outlook": str(event.evidence.get("outlook_zh") or "以会商意见为准"),
        "by": event.by_whom,
    }
