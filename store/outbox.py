"""Notices and their deliveries, born in the transaction of the decision they tell of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg.types.json import Jsonb

from domain.alert import MAJOR, RED
from store.alert_record import SYSTEM, AlertKey, Finding, Place, add_event, record_alert
from store.connection import Connection

#: Notification channel on which dispatchers listen.
WAKE: Final = "lantian_outbox"
#: Kind of the alert that a notice found nobody.
NOBODY: Final = "nobody_to_tell"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to say to one enterprise, or to the operators.

    Attributes
    ----------
    kind : str
        What sort of thing: ``alert``, ``alert_cleared``, ``warning``, ``order`` and so on; contacts may choose kinds.
    reference : str
        What it is about, such as ``alert:12``.
    area_id : str or None
        Whose operators; None = of every area.
    enterprise_id : str or None
        To which enterprise; None = the operators.
    severity : int
        1 to 4.
    subject_zh, body_zh : str
        What people read.
    payload : mapping
        What programs read.
    respond_by : datetime or None
        Until when an answer is asked for.
    """

    kind: str
    reference: str
    area_id: str | None
    enterprise_id: str | None
    severity: int
    subject_zh: str
    body_zh: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    respond_by: dt.datetime | None = None


#: Deliveries to the contacts of one step: the first one behind `after` that has somebody for this severity and kind.
_DELIVER: Final = """
with fitting as (
    select c.id, c.step, c.opens_at, c.closes_at from contact c
    where c.retired_at is null and c.enterprise_id is not distinct from %(enterprise)s
        and (c.area_id is null or %(area)s::text is null or c.area_id = %(area)s)
        and c.severity_floor <= %(severity)s and (c.kinds is null or %(kind)s = any (c.kinds))
        and exists (select from contact_channel h where h.contact_id = c.id)
)
insert into delivery (notice_id, contact_id, channel, address, step, severity, due_at, created_at)
select %(notice)s, f.id, h.channel, h.address, f.step, %(severity)s,
    case when %(severity)s >= %(red)s then %(now)s else contact_due(f.opens_at, f.closes_at, %(now)s) end, %(now)s
from fitting f
join contact_channel h on h.contact_id = f.id
where f.step = (select min(g.step) from fitting g where g.step > %(after)s)
on conflict (notice_id, contact_id, channel, address) do nothing
returning step, pg_notify(%(wake)s, '')
"""
_INSERT: Final = """
insert into notice
    (kind, reference, area_id, enterprise_id, severity, subject_zh, body_zh, payload, created_at, respond_by)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id
"""


def announce(conn: Connection, notice: Notice, *, now: dt.datetime) -> int:
    """Write a notice with one delivery per recipient and channel; dispatchers send them once the caller has committed.

    Told first are the contacts of the lowest step of the enterprise (or of the operators) that take this severity and
    kind. When there is nobody, the notice is kept all the same and the operators get an alert.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, inside the transaction of the decision; the caller commits.
    notice : Notice
        What to say.
    now : datetime
        The moment.

    Returns
    -------
    int
        Id of the notice.
    """
    notice_id, deliveries = write_notice(conn, notice, now=now)
    if not deliveries:
        _alarm(conn, notice, notice_id, now=now)
    return notice_id


def write_notice(conn: Connection, notice: Notice, *, now: dt.datetime) -> tuple[int, int]:
    """Insert a notice and the deliveries of the first step; its id and their number."""
    notice_id = _insert_notice(conn, notice, now)
    return notice_id, len(deliver_next(conn, notice_id, notice, after=0, now=now))


def _insert_notice(conn: Connection, notice: Notice, now: dt.datetime) -> int:
    parts = (notice.kind, notice.reference, notice.area_id, notice.enterprise_id, notice.severity)
    texts = (notice.subject_zh, notice.body_zh, Jsonb(dict(notice.payload)), now, notice.respond_by)
    row = conn.execute(_INSERT.encode(), (*parts, *texts)).fetchone()
    assert row is not None
    return int(row[0])


def deliver_next(conn: Connection, notice_id: int, notice: Notice, *, after: int, now: dt.datetime) -> list[int]:
    """Add deliveries for the contacts of the next step of the chain and wake the dispatchers.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    notice_id : int
        The notice's id.
    notice : Notice
        To whom it goes, its kind and severity.
    after : int
        Step that was told last, 0 = none.
    now : datetime
        The moment.

    Returns
    -------
    list of int
        The step of each new delivery; empty when the chain has nobody further.
    """
    values = {
        **{"notice": notice_id, "enterprise": notice.enterprise_id, "area": notice.area_id, "after": after, "red": RED},
        **{"severity": notice.severity, "kind": notice.kind, "now": now, "wake": WAKE},
    }
    return [int(row[0]) for row in conn.execute(_DELIVER.encode(), values).fetchall()]


def untold_key(notice: Notice) -> AlertKey:
    """The alert that says that a notice has nobody to go to."""
    if notice.enterprise_id is None:
        return AlertKey(NOBODY, "platform", notice.area_id or "operators")
    return AlertKey(NOBODY, "enterprise", notice.enterprise_id)


def _alarm(conn: Connection, notice: Notice, notice_id: int, *, now: dt.datetime) -> None:
    """Raise an alert because a notice has nobody to go to; the operators are told where there are any."""
    place = Place(notice.area_id, notice.enterprise_id)
    key = untold_key(notice)
    if notice.enterprise_id is None:
        who = "运维人员"
    else:
        row = conn.execute("select name_zh from enterprise where id = %s", (notice.enterprise_id,)).fetchone()
        who = row[0] if row else notice.enterprise_id
    text = f"通知“{notice.subject_zh}”没有可送达的联系人；登记联系人后自动补发"
    finding = Finding(MAJOR, f"{who}：无人可通知", text, {"notice_id": notice_id, "kind": notice.kind})
    alert_id = record_alert(conn, key, finding, place, now=now)
    if alert_id is None or notice.enterprise_id is None:
        return
    told = Notice(
        "alert", f"alert:{alert_id}", notice.area_id, None, MAJOR, finding.subject_zh, text, dict(finding.evidence)
    )
    told_id, deliveries = write_notice(conn, told, now=now)
    if deliveries:
        add_event(conn, alert_id, "announce", by=SYSTEM, at=now, detail={"notice_id": told_id})
    else:
        _alarm(conn, told, told_id, now=now)


def announce_to(conn: Connection, notice: Notice, contact_id: str, *, now: dt.datetime) -> tuple[int, int]:
    """Write a notice to one contact, whatever it usually takes and at once; its id and the number of deliveries.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    notice : Notice
        What to say.
    contact_id : str
        To whom.
    now : datetime
        The moment.
    """
    notice_id = _insert_notice(conn, notice, now)
    count = conn.execute(
        "insert into delivery (notice_id, contact_id, channel, address, step, severity, due_at, created_at)"
        " select %s, c.id, h.channel, h.address, c.step, %s, %s, %s from contact c"
        " join contact_channel h on h.contact_id = c.id where c.id = %s returning pg_notify(%s, '')",
        (notice_id, notice.severity, now, now, contact_id, WAKE),
    ).rowcount
    return notice_id, count
