"""Writing alerts and their events; who is told is decided elsewhere (`store.alert`, `store.outbox`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from domain.error import ConfigurationError
from store.connection import Connection

#: Who acts when no person does.
SYSTEM: Final = "lantian"


@dataclass(frozen=True, slots=True)
class AlertKey:
    """What an alert is about: at most one alert is active per kind and source.

    Attributes
    ----------
    kind : str
        A kind of table alert_rule.
    source_kind : str
        ``site``, ``device``, ``enterprise`` or ``area`` (then the place is looked up), ``platform``, or another word.
    source_id : str
        Which one.
    """

    kind: str
    source_kind: str
    source_id: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where an alert belongs; None = not known, or the whole platform."""

    area_id: str | None = None
    enterprise_id: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What an alert says: gravity, one line, text, and the values as known then."""

    severity: int
    subject_zh: str
    body_zh: str
    evidence: Mapping[str, Any]


_PLACES: Final = {
    "site": "select area_id, enterprise_id from site where id = %s",
    "device": "select s.area_id, s.enterprise_id from device d join site s on s.id = d.site_id where d.id = %s",
    "enterprise": "select area_id, id from enterprise where id = %s",
    "area": "select id, null from area where id = %s",
}
_INSERT: Final = """
insert into alert
    (kind, source_kind, source_id, area_id, enterprise_id, severity, subject_zh, body_zh, evidence, raised_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (kind, source_kind, source_id) where state in ('open', 'acknowledged') do nothing returning id
"""
_EVENT: Final = "insert into alert_event (alert_id, action, at, by, comment, detail) values (%s, %s, %s, %s, %s, %s)"
_ACTIVE: Final = """
select a.id, coalesce((select v.detail from alert_event v where v.alert_id = a.id and v.action in ('raise', 'repeat')
    order by v.id desc limit 1), a.evidence)
from alert a
where (a.kind, a.source_kind, a.source_id) = (%s, %s, %s) and a.state in ('open', 'acknowledged')
"""


def place_of(conn: Connection, key: AlertKey) -> Place:
    """Area and enterprise of an alert's source; empty for a source that is no registered place."""
    query = _PLACES.get(key.source_kind)
    row = conn.execute(query.encode(), (key.source_id,)).fetchone() if query else None
    return Place(*row) if row is not None else Place()


def record_alert(conn: Connection, key: AlertKey, finding: Finding, place: Place, *, now: dt.datetime) -> int | None:
    """Insert an alert with its first event, or note on the active one that the condition still holds.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    key : AlertKey
        Kind and source.
    finding : Finding
        What it says; evidence equal to the last one known adds no event.
    place : Place
        Where it belongs.
    now : datetime
        The moment.

    Returns
    -------
    int or None
        Id of the new alert; None when one was active already.
    """
    values = (place.area_id, place.enterprise_id, finding.severity, finding.subject_zh, finding.body_zh)
    evidence = Jsonb(dict(finding.evidence))
    row = conn.execute(_INSERT.encode(), (key.kind, key.source_kind, key.source_id, *values, evidence, now)).fetchone()
    if row is not None:
        add_event(conn, int(row[0]), "raise", by=SYSTEM, at=now, detail=finding.evidence)
        return int(row[0])
    active = conn.execute(_ACTIVE.encode(), (key.kind, key.source_kind, key.source_id)).fetchone()
    if active is not None and active[1] != dict(finding.evidence):
        add_event(conn, int(active[0]), "repeat", by=SYSTEM, at=now, detail=finding.evidence)
    return None


def add_event(  # noqa: PLR0913 - everything behind the star is named by its caller
    conn: Connection,
    alert_id: int,
    action: str,
    *,
    by: str,
    at: dt.datetime,
    comment: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append an event, which moves the alert; `ConfigurationError` when the alert's state does not allow it (the
    transaction is lost then).

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    alert_id : int
        Which alert.
    action : str
        One of table alert_transition.
    by : str
        Who.
    at : datetime
        When.
    comment : str, optional
        In words.
    detail : mapping, optional
        In values.
    """
    try:
        conn.execute(_EVENT.encode(), (alert_id, action, at, by, comment, Jsonb(dict(detail or {}))))
    except psycopg.errors.CheckViolation as error:
        raise ConfigurationError(f"{error.diag.message_primary}; expected another state, or another action") from error


def is_muted(conn: Connection, key: AlertKey, now: dt.datetime) -> bool:
    """Whether nobody is told of this kind of alert, or of this source of it, at `now`."""
    row = conn.execute(
        "select 1 from mute where kind = %s and (source_kind is null or (source_kind, source_id) = (%s, %s))"
        " and ended_at is null and muted_at <= %s and until > %s limit 1",
        (key.kind, key.source_kind, key.source_id, now, now),
    ).fetchone()
    return row is not None
