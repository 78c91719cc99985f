"""The life of alerts: raised, told, acknowledged, assigned, muted, cleared, closed. Every step is an event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from psycopg.rows import dict_row

from domain.alert import INFO, AlertRule
from domain.error import ConfigurationError
from store.acknowledgement import answer_for_operators
from store.alert_record import SYSTEM, AlertKey, Finding, Place, add_event, is_muted, place_of, record_alert
from store.alert_rule import read_rule
from store.connection import Connection
from store.outbox import Notice, announce

__all__ = ["AlertKey", "Mute"]
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mute:
    """Nobody is told of alerts of `kind` until a moment, for a reason; of one source, or of all when it is None."""

    kind: str
    source: tuple[str, str] | None
    until: dt.datetime
    reason: str


def raise_alert(  # noqa: PLR0913 - everything behind the star is named by its caller
    conn: Connection,
    key: AlertKey,
    *,
    severity: int,
    subject_zh: str,
    body_zh: str,
    evidence: Mapping[str, Any],
    now: dt.datetime,
    place: Place | None = None,
) -> int | None:
    """Raise an alert and tell whom the rule of its kind names; all in the caller's transaction.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    key : AlertKey
        Kind and source. A kind without a rule is told to the operators; a disabled one raises nothing.
    severity : int
        1 to 4.
    subject_zh, body_zh : str
        One line, and the text.
    evidence : mapping
        Values as known now; what JSON can hold.
    now : datetime
        The moment.
    place : Place, optional
        Area and enterprise; by default those of the source.

    Returns
    -------
    int or None
        Id of the new alert; None when one was active already (changed evidence is added to it as an event), or when
        the kind is disabled.
    """
    rule = read_rule(conn, key.kind)
    if rule is not None and not rule.enabled:
        return None
    where = place_of(conn, key) if place is None else place
    alert_id = record_alert(conn, key, Finding(severity, subject_zh, body_zh, evidence), where, now=now)
    if alert_id is None:
        return None
    if is_muted(conn, key, now):
        add_event(conn, alert_id, "mute", by=SYSTEM, at=now, detail={"announced": False})
    else:
        alert = {
            **{"alert_id": alert_id, "severity": severity, "subject_zh": subject_zh, "body_zh": body_zh},
            **{"evidence": dict(evidence), "raised_at": now, **asdict(key), **asdict(where)},
        }
        _announce(conn, alert, rule, now=now)
    return alert_id


def _announce(conn: Connection, alert: Entry, rule: AlertRule | None, *, now: dt.datetime) -> None:
    """Tell of an active alert whom the rule of its kind names."""
    deadline = None if rule is None else replace(rule, severity=alert["severity"]).respond_by(now)
    told = []
    for audience in ("operator",) if rule is None else rule.tells:
        notice = _notice(alert, "alert", audience, deadline)
        if notice is not None:
            told.append(announce(conn, notice, now=now))
    add_event(conn, alert["alert_id"], "announce", by=SYSTEM, at=now, detail={"notice_ids": told})


def _notice(alert: Entry, kind: str, audience: str, respond_by: dt.datetime | None) -> Notice | None:
    """What one audience is told of an alert; None when there is no enterprise to tell."""
    if audience == "enterprise" and alert["enterprise_id"] is None:
        return None
    payload = {
        **{"alert_id": alert["alert_id"], "alert_kind": alert["kind"], "evidence": alert["evidence"]},
        **{"source_kind": alert["source_kind"], "source_id": alert["source_id"]},
        "raised_at": alert["raised_at"].isoformat(),
    }
    enterprise = alert["enterprise_id"] if audience == "enterprise" else None
    severity = alert["severity"] if kind == "alert" else INFO
    subject = alert["subject_zh"] if kind == "alert" else f"已恢复：{alert['subject_zh']}"
    about = f"alert:{alert['alert_id']}"
    return Notice(
        kind, about, alert["area_id"], enterprise, severity, subject, alert["body_zh"], payload, respond_by
    )  # fmt: skip


def clear_alert(
    conn: Connection,
    key: AlertKey,
    *,
    now: dt.datetime,
    by: str = SYSTEM,
    evidence: Mapping[str, Any] | None = None,
) -> int | None:
    """Note that the condition of the active alert of `key` has ended; its id, None when none is active.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    key : AlertKey
        Kind and source.
    now : datetime
        The moment.
    by : str
        Who says so.
    evidence : mapping, optional
        Values that show it.
    """
    row = conn.execute(
        "select id from alert where (kind, source_kind, source_id) = (%s, %s, %s)"
        " and state in ('open', 'acknowledged')",
        (key.kind, key.source_kind, key.source_id),
    ).fetchone()
    if row is None:
        return None
    alert_id = int(row[0])
    add_event(conn, alert_id, "clear", by=by, at=now, detail=evidence)
    rule = read_rule(conn, key.kind)
    if rule is not None and rule.tells_clear and not is_muted(conn, key, now):
        alert = read_alert(conn, alert_id)
        for audience in rule.tells:
            if (notice := _notice(alert, "alert_cleared", audience, None)) is not None:
                announce(conn, notice, now=now)
    return alert_id


def acknowledge_alert(
    conn: Connection, alert_id: int, *, by: str, now: dt.datetime, comment: str | None = None
) -> None:
    """An operator has seen an open alert: its notices to operators count as answered.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    alert_id : int
        Which one; `ConfigurationError` when it is not open.
    by : str
        Who.
    now : datetime
        The moment.
    comment : str, optional
        In words.
    """
    add_event(conn, alert_id, "acknowledge", by=by, at=now, comment=comment)
    answer_for_operators(conn, f"alert:{alert_id}", by=by, now=now, comment=comment)


def assign_alert(conn: Connection, alert_id: int, *, to: str, by: str, now: dt.datetime) -> None:
    """Give an alert to a person; `ConfigurationError` when it is closed."""
    if not to:
        raise ConfigurationError("found no name to assign the alert to, expected one")
    add_event(conn, alert_id, "assign", by=by, at=now, detail={"to": to})


def comment_alert(conn: Connection, alert_id: int, *, comment: str, by: str, now: dt.datetime) -> None:
    """Add a remark to an alert in whatever state."""
    add_event(conn, alert_id, "comment", by=by, at=now, comment=comment)


def close_alert(conn: Connection, alert_id: int, *, by: str, now: dt.datetime, comment: str | None = None) -> None:
    """Done with an alert; `ConfigurationError` when it is closed already.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    alert_id : int
        Which one.
    by : str
        Who.
    now : datetime
        The moment.
    comment : str, optional
        In words.
    """
    add_event(conn, alert_id, "close", by=by, at=now, comment=comment)
    answer_for_operators(conn, f"alert:{alert_id}", by=by, now=now, comment=comment)


def mute(conn: Connection, what: Mute, *, by: str, now: dt.datetime) -> int:
    """Tell nobody of alerts of a kind until a moment; they are raised and shown all the same.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    what : Mute
        Kind, source, end and reason; `ConfigurationError` for an end that has passed or no reason.
    by : str
        Who.
    now : datetime
        The moment.

    Returns
    -------
    int
        Id of the mute.
    """
    if what.until <= now:
        raise ConfigurationError(f"mute until {what.until.isoformat()}: expected a moment after {now.isoformat()}")
    if not what.reason.strip():
        raise ConfigurationError("found no reason for the mute, expected one")
    source_kind, source_id = what.source or (None, None)
    row = conn.execute(
        "insert into mute (kind, source_kind, source_id, muted_by, muted_at, until, reason)"
        " values (%s, %s, %s, %s, %s, %s, %s) returning id",
        (what.kind, source_kind, source_id, by, now, what.until, what.reason),
    ).fetchone()
    assert row is not None
    active = conn.execute(
        "select id from alert where kind = %s and state in ('open', 'acknowledged')"
        " and (%s::text is null or (source_kind, source_id) = (%s, %s))",
        (what.kind, source_kind, source_kind, source_id),
    ).fetchall()
    for (alert_id,) in active:
        detail = {"mute_id": row[0], "until": what.until.isoformat()}
        add_event(conn, alert_id, "mute", by=by, at=now, comment=what.reason, detail=detail)
    return int(row[0])


def end_mute(conn: Connection, mute_id: int, *, by: str, now: dt.datetime) -> None:
    """End a mute before its time; `ConfigurationError` when it does not hold."""
    done = conn.execute(
        "update mute set ended_at = %s, ended_by = %s where id = %s and ended_at is null and until > %s",
        (now, by, mute_id, now),
    ).rowcount
    if not done:
        raise ConfigurationError(f"found no mute {mute_id} that holds, expected the number of one")


def announce_unmuted(conn: Connection, *, now: dt.datetime) -> int:
    """Tell of alerts that were raised while muted and are still active when no mute holds any more; how many."""
    rows = conn.execute(
        "select a.id, a.kind, a.source_kind, a.source_id from alert a where a.state in ('open', 'acknowledged')"
        " and exists (select from alert_event v where v.alert_id = a.id and v.action = 'mute')"
        " and not exists (select from alert_event v where v.alert_id = a.id and v.action = 'announce')"
    ).fetchall()
    due = [int(row[0]) for row in rows if not is_muted(conn, AlertKey(*row[1:]), now)]
    for alert_id in due:
        alert = read_alert(conn, alert_id)
        _announce(conn, alert, read_rule(conn, alert["kind"]), now=now)
    return len(due)


def read_alert(conn: Connection, alert_id: int) -> Entry:
    """One alert as view screen.alert_now shows it; `ConfigurationError` when there is none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("select * from screen.alert_now where alert_id = %s", (alert_id,)).fetchone()
    if row is None:
        raise ConfigurationError(f"found no alert {alert_id}, expected the number of one")
    return row


def read_alerts(
    conn: Connection,
    *,
    states: tuple[str, ...] = ("open", "acknowledged"),
    kind: str | None = None,
    enterprise_id: str | None = None,
    limit: int = 200,
) -> list[Entry]:
    """Alerts in some states, gravest and newest first, as view screen.alert_now shows them.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    states : tuple of str
        States wanted.
    kind : str, optional
        Only this kind.
    enterprise_id : str, optional
        Only of this enterprise.
    limit : int
        At most so many.

    Returns
    -------
    list of dict
        Columns of the view.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select * from screen.alert_now where state = any (%(states)s)"
            " and (%(kind)s::text is null or kind = %(kind)s)"
            " and (%(enterprise)s::text is null or enterprise_id = %(enterprise)s)"
            " order by severity desc, raised_at desc, alert_id desc limit %(limit)s",
            {"states": list(states), "kind": kind, "enterprise": enterprise_id, "limit": limit},
        ).fetchall()


def read_events(conn: Connection, alert_id: int) -> list[Entry]:
    """Everything that happened to an alert, oldest first, as view screen.alert_event shows it."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select * from screen.alert_event where alert_id = %s order by event_id", (alert_id,)
        ).fetchall()


def read_mutes(conn: Connection, *, now: dt.datetime) -> list[Entry]:
    """Mutes that hold at `now`."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select id, kind, source_kind, source_id, muted_by, muted_at, until, reason from mute"
            " where ended_at is null and until > %s order by until",
            (now,),
        ).fetchall()
