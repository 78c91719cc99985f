"""Notices that nobody answers in time: told to the next contact of the chain, and to the operators."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from domain.alert import MAJOR, severities
from domain.period import ZONE
from store.alert import clear_alert, raise_alert
from store.alert_record import SYSTEM, AlertKey, Place, add_event
from store.connection import Connection
from store.outbox import NOBODY, Notice, deliver_next, untold_key

#: Unanswered, not about an alert that has ended, and not told to everybody yet.
_OVERDUE: Final = """
select n.id, n.kind, n.reference, n.area_id, n.enterprise_id, n.severity, n.subject_zh, n.body_zh, n.payload,
    n.respond_by, e.name_zh, coalesce(x.number, 0), x.at, coalesce(d.step, 0), a.id
from notice n
left join enterprise e on e.id = n.enterprise_id
left join alert a on n.reference = 'alert:' || a.id
left join lateral (
    select max(y.number) as number, max(y.at) as at, bool_or(y.told = 'nobody') as ended
    from escalation y where y.notice_id = n.id
) x on true
left join lateral (select max(y.step) as step from delivery y where y.notice_id = n.id) d on true
where n.respond_by <= %s and not exists (select from acknowledgement k where k.notice_id = n.id)
    and (a.id is null or a.state in ('open', 'acknowledged')) and x.ended is not true
order by n.id
"""


@dataclass(frozen=True, slots=True)
class _Overdue:
    notice_id: int
    notice: Notice
    respond_by: dt.datetime
    enterprise_zh: str | None
    number: int
    escalated_at: dt.datetime | None
    step: int
    alert_id: int | None


def escalate_overdue(conn: Connection, *, now: dt.datetime) -> dict[str, int]:
    """Tell the next contacts of every notice whose time has come; end the alerts of those that are answered by now.

    The first time, the operators get an alert as well; after that one step of the chain at every interval of the
    severity, until the chain has nobody further.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    now : datetime
        The moment.

    Returns
    -------
    dict of str to int
        ``escalated`` notices and ``answered`` alerts.
    """
    escalated, answered = 0, _end_answered(conn, now)
    for row in conn.execute(_OVERDUE.encode(), (now,)).fetchall():
        one = _overdue(row)
        every = severities()[one.notice.severity].escalate or dt.timedelta(hours=1)
        if one.escalated_at is None or now >= one.escalated_at + every:
            _escalate(conn, one, now)
            escalated += 1
    return {"escalated": escalated, "answered": answered}


#: Notices of the last week that had nobody to go to; those about an alert only while it is active.
_UNTOLD: Final = """
select n.id, n.kind, n.reference, n.area_id, n.enterprise_id, n.severity, n.subject_zh, n.body_zh, n.payload,
    n.respond_by
from notice n
left join alert a on n.reference = 'alert:' || a.id
where n.created_at > %s - interval '7 days' and not exists (select from delivery d where d.notice_id = n.id)
    and (a.id is null or a.state in ('open', 'acknowledged'))
order by n.id
"""


def deliver_untold(conn: Connection, *, now: dt.datetime) -> int:
    """Send notices that had nobody to go to and have by now; alerts that said so end when none is left.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    now : datetime
        The moment.

    Returns
    -------
    int
        How many were sent.
    """
    sent, left = 0, set()
    for row in conn.execute(_UNTOLD.encode(), (now,)).fetchall():
        notice = Notice(*row[1:10])
        if deliver_next(conn, row[0], notice, after=0, now=now):
            sent += 1
        else:
            left.add(untold_key(notice))
    active = conn.execute(
        "select source_kind, source_id from alert where kind = %s and state in ('open', 'acknowledged')",
        (NOBODY,),
    ).fetchall()
    for source in active if sent else ():
        key = AlertKey(NOBODY, *source)
        if key not in left:
            clear_alert(conn, key, now=now)
    return sent


def _overdue(row: tuple[Any, ...]) -> _Overdue:
    return _Overdue(row[0], Notice(*row[1:10]), row[9], *row[10:])


def _escalate(conn: Connection, one: _Overdue, now: dt.datetime) -> None:
    """One step: deliveries to the next contacts, the record of it, and the first time an alert for the operators."""
    steps = deliver_next(conn, one.notice_id, one.notice, after=one.step, now=now)
    first = one.number == 0 and one.notice.enterprise_id is not None
    due_zh = f"{one.respond_by.astimezone(ZONE):%m-%d %H:%M}"
    told = "contact" if steps else "operator" if first else "nobody"
    conn.execute(
        "insert into escalation (notice_id, number, at, step, told, deliveries) values (%s, %s, %s, %s, %s, %s)",
        (one.notice_id, one.number + 1, now, steps[0] if steps else None, told, len(steps)),
    )
    if one.alert_id is not None:
        detail = {"notice_id": one.notice_id, "told": told, "step": steps[0] if steps else None}
        add_event(conn, one.alert_id, "escalate", by=SYSTEM, at=now, detail=detail)
    if first:
        raise_alert(
            conn,
            AlertKey("notice_unanswered", "notice", str(one.notice_id)),
            severity=max(MAJOR, one.notice.severity),
            subject_zh=f"逾期未回执：{one.enterprise_zh or one.notice.enterprise_id}",
            body_zh=f"通知“{one.notice.subject_zh}”要求在 {due_zh} 前回执，至今未收到",
            evidence={"notice_id": one.notice_id, "reference": one.notice.reference},
            now=now,
            place=Place(one.notice.area_id, one.notice.enterprise_id),
        )


def _end_answered(conn: Connection, now: dt.datetime) -> int:
    rows = conn.execute(
        "select a.source_id from alert a where a.kind = 'notice_unanswered' and a.source_kind = 'notice'"
        " and a.state in ('open', 'acknowledged')"
        " and exists (select from acknowledgement k where k.notice_id = a.source_id::bigint)"
    ).fetchall()
    for (notice_id,) in rows:
        clear_alert(conn, AlertKey("notice_unanswered", "notice", notice_id), now=now)
    return len(rows)
