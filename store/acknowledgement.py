"""Answers to notices, and what happens to those that nobody answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg.rows import dict_row

from domain.error import ConfigurationError
from store.alert_record import add_event
from store.connection import Connection

Entry = dict[str, Any]
VIAS: Final[tuple[str, ...]] = ("mqtt", "link", "console", "command", "api")
_ALERT: Final = "alert:"
#: Any fixed number: whoever holds it hears the answers.
_LOCK: Final = 4_226_066


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a notice.

    Attributes
    ----------
    by : str
        Who answers.
    via : str
        One of `VIAS`.
    request_key : str
        The same answer sent again has the same key.
    measures : tuple of str
        Measures that are taken, by id or in words.
    effective_at : datetime or None
        From when.
    comment : str or None
        In words.
    """

    by: str
    via: str
    request_key: str
    measures: tuple[str, ...] = ()
    effective_at: dt.datetime | None = None
    comment: str | None = None


def record_answer(
    conn: Connection, notice_id: int, answer: Answer, *, now: dt.datetime, enterprise_id: str | None = None
) -> bool:
    """Store an answer to a notice; whether it is new.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    notice_id : int
        Which notice.
    answer : Answer
        Who says what.
    now : datetime
        When it came.
    enterprise_id : str, optional
        Who must be its addressee; `ConfigurationError` when the notice went to somebody else, or when there is none.

    Returns
    -------
    bool
        False when the same answer was stored before.
    """
    row = conn.execute("select enterprise_id, reference from notice where id = %s", (notice_id,)).fetchone()
    if row is None or (enterprise_id is not None and row[0] != enterprise_id):
        whom = "" if enterprise_id is None else f" to enterprise {enterprise_id}"
        raise ConfigurationError(f"found no notice {notice_id}{whom}, expected the number of one")
    stored = conn.execute(
        "insert into acknowledgement (notice_id, by, at, via, measures, effective_at, comment, request_key)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (notice_id, request_key) do nothing returning id",
        (
            *(notice_id, answer.by, now, answer.via, list(answer.measures)),
            *(answer.effective_at, answer.comment, answer.request_key),
        ),
    ).fetchone()
    if stored is not None and row[0] is not None and str(row[1]).startswith(_ALERT):
        detail = {"notice_id": notice_id, "via": answer.via, "measures": list(answer.measures)}
        alert_id = int(str(row[1]).removeprefix(_ALERT))
        add_event(conn, alert_id, "answer", by=answer.by, at=now, comment=answer.comment, detail=detail)
    return stored is not None


def answer_for_operators(
    conn: Connection, reference: str, *, by: str, now: dt.datetime, comment: str | None = None
) -> int:
    """Count the operators' notices about something as answered, because one of them has dealt with it.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    reference : str
        What the notices are about.
    by : str
        Who.
    now : datetime
        The moment.
    comment : str, optional
        In words.

    Returns
    -------
    int
        How many had no answer before.
    """
    return conn.execute(
        "insert into acknowledgement (notice_id, by, at, via, comment, request_key)"
        " select n.id, %s, %s, 'console', %s, %s from notice n where n.reference = %s and n.enterprise_id is null"
        " and n.respond_by is not null and not exists (select from acknowledgement k where k.notice_id = n.id)",
        (by, now, comment, reference, reference),
    ).rowcount


def read_receipts(
    conn: Connection,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    enterprise_id: str | None = None,
    reference: str | None = None,
) -> list[Entry]:
    """Every notice that went to an enterprise, with each of its answers, or none.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    since, until : datetime, optional
        Notices born from `since` on and before `until`.
    enterprise_id : str, optional
        Only to this enterprise.
    reference : str, optional
        Only about this.

    Returns
    -------
    list of dict
        By birth: the notice's columns of view screen.notice, and ``by``, ``at``, ``via_zh``, ``measures``,
        ``effective_at``, ``comment``, ``minutes``, ``in_time`` of the answer, None without one.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select n.notice_id, n.kind, n.reference, n.enterprise_id, n.enterprise_zh, n.severity_zh, n.subject_zh,"
            " n.created_at, n.first_sent_at, n.respond_by, n.state_zh, k.by, k.at, k.via_zh, k.measures,"
            " k.effective_at, k.comment, k.minutes, k.in_time"
            " from screen.notice n left join screen.acknowledgement k on k.notice_id = n.notice_id"
            " where n.enterprise_id is not null"
            " and (%(since)s::timestamptz is null or n.created_at >= %(since)s)"
            " and (%(until)s::timestamptz is null or n.created_at < %(until)s)"
            " and (%(enterprise)s::text is null or n.enterprise_id = %(enterprise)s)"
            " and (%(reference)s::text is null or n.reference = %(reference)s)"
            " order by n.notice_id, k.acknowledgement_id",
            {"since": since, "until": until, "enterprise": enterprise_id, "reference": reference},
        ).fetchall()


def read_notice(conn: Connection, notice_id: int) -> Entry:
    """One notice as view screen.notice shows it; `ConfigurationError` when there is none."""
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("select * from screen.notice where notice_id = %s", (notice_id,)).fetchone()
    if row is None:
        raise ConfigurationError(f"found no notice {notice_id}, expected the number of one")
    return row


def read_notices(
    conn: Connection,
    *,
    enterprise_id: str | None = None,
    reference: str | None = None,
    kinds: Sequence[str] | None = None,
    limit: int = 200,
) -> list[Entry]:
    """Notices, newest first, as view screen.notice shows them.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    enterprise_id : str, optional
        Only to this enterprise.
    reference : str, optional
        Only about this.
    kinds : sequence of str, optional
        Only of these kinds.
    limit : int
        At most so many.

    Returns
    -------
    list of dict
        Columns of the view.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select * from screen.notice where (%(enterprise)s::text is null or enterprise_id = %(enterprise)s)"
            " and (%(reference)s::text is null or reference = %(reference)s)"
            " and (%(kinds)s::text[] is null or kind = any (%(kinds)s)) order by notice_id desc limit %(limit)s",
            {
                **{"enterprise": enterprise_id, "reference": reference, "limit": limit},
                "kinds": None if kinds is None else list(kinds),
            },
        ).fetchall()


def hold_answers(conn: Connection) -> bool:
    """Become the one who stores answers as long as this connection lives; False when somebody else is."""
    row = conn.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    return row is not None and bool(row[0])
