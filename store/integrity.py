"""Verdicts of integrity checks, findings, and what people made of them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from domain.error import ConfigurationError
from store.connection import Connection
from store.upsert import upsert

#: What a person may make of a finding.
DECISIONS: Final[tuple[str, ...]] = ("confirmed", "dismissed", "reopened")
#: A span that begins so soon after an open finding's end is the same one going on.
CONTINUES: Final = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class CheckRow:
    """Verdict of a kind of check of a device on a local day; `lacking` only when undetermined."""

    device: str
    kind: str
    day: dt.date
    site: str
    verdict: str
    lacking: str


@dataclass(frozen=True, slots=True)
class NewFinding:
    """One span that a check suspects.

    Attributes
    ----------
    kind, kind_zh, family, device, site, column : str
        What, of whom; `column` is empty where it concerns no single quantity.
    began_at, ended_at : datetime
        First and last reading concerned.
    basis, text_zh : str
        What makes it matter, and what was found in words.
    evidence : mapping
        Figures, expectation and some values, ready for JSON.
    """

    kind: str
    kind_zh: str
    family: str
    device: str
    site: str
    column: str
    began_at: dt.datetime
    ended_at: dt.datetime
    basis: str
    text_zh: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding as it stands: `status` is open, closed, confirmed or dismissed."""

    id: int
    kind: str
    kind_zh: str
    family: str
    device: str
    site: str
    site_zh: str
    enterprise: str | None
    enterprise_zh: str | None
    column: str
    began_at: dt.datetime
    ended_at: dt.datetime
    opened_at: dt.datetime
    status: str
    text_zh: str
    evidence: Mapping[str, Any]
    basis: str
    status_at: dt.datetime
    decided_by: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a finding."""

    event: str
    at: dt.datetime
    ended_at: dt.datetime | None
    text_zh: str | None
    decided_by: str | None
    why: str | None


_SELECT: Final = """
select id, kind, kind_zh, family, device_id, site_id, site_zh, enterprise_id, enterprise_zh, column_key, began_at,
    ended_at, opened_at, status, text_zh, evidence, basis, status_at, decided_by, why
from screen.integrity_finding
where (%(status)s::text is null or status = %(status)s) and (%(device)s::text is null or device_id = %(device)s)
    and (%(kind)s::text is null or kind = %(kind)s) and (%(id)s::bigint is null or id = %(id)s)
    and (%(since)s::timestamptz is null or ended_at >= %(since)s)
order by began_at, id
"""


def read_findings(  # noqa: PLR0913 - keyword-only filters
    conn: Connection,
    *,
    status: str | None = None,
    device: str | None = None,
    kind: str | None = None,
    since: dt.datetime | None = None,
    finding: int | None = None,
) -> list[Finding]:
    """Findings that fit every filter given, by their beginning; `since`: those that reached that moment."""
    values = {"status": status, "device": device, "kind": kind, "since": since, "id": finding}
    return [Finding(*row) for row in conn.execute(_SELECT, values).fetchall()]


def read_open_findings(conn: Connection) -> list[Finding]:
    """Findings that nobody has judged and that have not ended."""
    return read_findings(conn, status="open")


def read_events(conn: Connection, finding: int) -> list[Event]:
    """Everything that happened to a finding, in order."""
    rows = conn.execute(
        "select event, at, ended_at, text_zh, decided_by, why from integrity_event where finding_id = %s order by id",
        (finding,),
    ).fetchall()
    return [Event(*row) for row in rows]


def record_finding(conn: Connection, new: NewFinding) -> str:
    """Record a span: a new finding, or the longer extent of one that goes on.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, inside a transaction.
    new : NewFinding
        What was found.

    Returns
    -------
    str
        ``opened``, ``continued``, or ``known`` when a finding reaches as far already. A span that overlaps a finding is
        that finding whatever people made of it; one that begins later continues it only while it is open.
    """
    row = conn.execute(
        "select id, ended_at from screen.integrity_finding where kind = %s and device_id = %s and column_key = %s"
        " and began_at <= %s and (ended_at >= %s or (status = 'open' and ended_at >= %s))"
        " order by ended_at desc, id desc limit 1",
        (new.kind, new.device, new.column, new.ended_at, new.began_at, new.began_at - CONTINUES),
    ).fetchone()
    if row is not None and row[1] >= new.ended_at:
        return "known"
    event = "continued" if row is not None else "opened"
    number = row[0] if row is not None else _insert(conn, new)
    conn.execute(
        "insert into integrity_event (finding_id, event, ended_at, text_zh, evidence) values (%s, %s, %s, %s, %s)",
        (number, event, new.ended_at, new.text_zh, json.dumps(new.evidence, ensure_ascii=False, allow_nan=False)),
    )
    return event


def _insert(conn: Connection, new: NewFinding) -> int:
    row = conn.execute(
        "insert into integrity_finding (kind, kind_zh, family, device_id, site_id, column_key, began_at, basis)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s) returning id",
        (new.kind, new.kind_zh, new.family, new.device, new.site, new.column, new.began_at, new.basis),
    ).fetchone()
    assert row is not None
    return int(row[0])


def write_checks(conn: Connection, rows: Sequence[CheckRow]) -> int:
    """Insert or replace verdicts; returns how many."""
    records = ((row.device, row.kind, row.day, row.site, row.verdict, row.lacking) for row in rows)
    columns = ("device_id", "kind", "day", "site_id", "verdict", "lacking")
    return upsert(conn, "integrity_check", columns, keys=3, records=records)


def close_findings(conn: Connection, device: str, kind: str, before: dt.datetime) -> int:
    """Close the open findings of a device and kind that ended before a moment; returns how many.

    For use when a later check found nothing: silence closes no finding.
    """
    return conn.execute(
        "insert into integrity_event (finding_id, event) select id, 'closed' from screen.integrity_finding"
        " where device_id = %s and kind = %s and status = 'open' and ended_at < %s",
        (device, kind, before),
    ).rowcount


def decide_finding(conn: Connection, finding: int, decision: str, *, by: str, why: str) -> None:
    """Record what a person made of a finding; the caller commits.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    finding : int
        Its number.
    decision : str
        One of `DECISIONS`.
    by, why : str
        Who, and the reason; neither empty.

    Raises
    ------
    ConfigurationError
        When there is no such finding, it stands so already, or a word is missing.
    """
    if decision not in DECISIONS:
        raise ConfigurationError(f"decision {decision!r}: expected one of {', '.join(DECISIONS)}")
    if not by.strip() or not why.strip():
        raise ConfigurationError("found no name or no reason, expected who decides and why")
    found = read_findings(conn, finding=finding)
    if not found:
        raise ConfigurationError(f"found no finding {finding}, expected the number of one (lantian integrity list)")
    if found[0].status == {"reopened": "open"}.get(decision, decision):
        raise ConfigurationError(f"finding {finding} is {found[0].status} already")
    conn.execute(
        "insert into integrity_event (finding_id, event, decided_by, why) values (%s, %s, %s, %s)",
        (finding, decision, by.strip(), why.strip()),
    )


def drop_checks(conn: Connection, before: dt.date) -> int:
    """Delete verdicts of days before `before` but the suspicions; findings stay as they are; returns how many."""
    return conn.execute("delete from integrity_check where day < %s and verdict <> 'suspected'", (before,)).rowcount
