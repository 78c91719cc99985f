"""Warnings, their events and the orders of higher authorities."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from domain.error import ConfigurationError
from domain.warning_state import NONE, step
from store.connection import Connection


@dataclass(frozen=True, slots=True)
class AreaWarning:
    """A warning as it stands: state, the level that waits for a person's word, the expected period."""

    id: int
    area_id: str
    state: str
    proposed_level: str | None
    highest_level: str | None
    rules: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    opened_at: dt.datetime
    issued_at: dt.datetime | None
    changed_at: dt.datetime
    closed_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A step to take: `after` is the state it leads to, `proposed_level` only of a proposal."""

    area_id: str
    action: str
    after: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    rules: str
    by_whom: str
    why: str
    evidence: Mapping[str, Any]
    proposed_level: str | None = None


@dataclass(frozen=True, slots=True)
class WarningEvent:
    """A step that was taken."""

    id: int
    warning_id: int
    area_id: str
    at: dt.datetime
    action: str
    before: str
    after: str
    proposed_level: str | None
    starts_at: dt.datetime
    ends_at: dt.datetime
    rules: str
    by_whom: str
    why: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewExternalOrder:
    """A minimum level that province or city impose; `valid_to` None = until revoked."""

    area_id: str
    authority: str
    issuer_zh: str
    document: str
    minimum_level: str
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    entered_by: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ExternalOrder:
    """An external order as entered, and when it was revoked."""

    id: int
    area_id: str
    authority: str
    issuer_zh: str
    document: str
    minimum_level: str
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    entered_by: str
    entered_at: dt.datetime
    note: str | None
    revoked_at: dt.datetime | None


_WARNING: Final = (
    "id, area_id, state, proposed_level, highest_level, rules, starts_at, ends_at, opened_at, issued_at, changed_at,"
    " closed_at"
)
_EVENT: Final = (
    "id, warning_id, area_id, at, action, before, after, proposed_level, starts_at, ends_at, rules, by_whom, why,"
    " evidence"
)

_INSERT_EVENT: Final = (
    "insert into warning_event (area_id, at, action, after, proposed_level, starts_at, ends_at, rules, by_whom, why,"  # noqa: S608 - our own names
    " evidence) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    f" returning {_EVENT}"
)


def read_open_warning(conn: Connection, area_id: str) -> AreaWarning | None:
    """The open warning of an area, None when there is none."""
    row = conn.execute(
        f"select {_WARNING} from warning where area_id = %s and closed_at is null",  # noqa: S608 - our own names
        (area_id,),
    ).fetchone()
    return None if row is None else AreaWarning(*row)


def read_warning(conn: Connection, warning_id: int) -> AreaWarning:
    """One warning; `ConfigurationError` when there is none of that id."""
    row = conn.execute(f"select {_WARNING} from warning where id = %s", (warning_id,)).fetchone()  # noqa: S608
    if row is None:
        raise ConfigurationError(f"found no warning {warning_id}, expected the id of one")
    return AreaWarning(*row)


def read_warnings(conn: Connection, area_id: str | None = None, *, limit: int = 50) -> list[AreaWarning]:
    """The newest warnings, of one area or of all."""
    rows = conn.execute(
        f"select {_WARNING} from warning where %(area)s::text is null or area_id = %(area)s"  # noqa: S608
        " order by opened_at desc, id desc limit %(limit)s",
        {"area": area_id, "limit": limit},
    ).fetchall()
    return [AreaWarning(*row) for row in rows]


def read_events(conn: Connection, warning_id: int) -> list[WarningEvent]:
    """Everything that happened to a warning, oldest first."""
    rows = conn.execute(
        f"select {_EVENT} from warning_event where warning_id = %s order by id",  # noqa: S608
        (warning_id,),
    ).fetchall()
    return [WarningEvent(*row) for row in rows]


def read_last_rejection(conn: Connection, area_id: str) -> WarningEvent | None:
    """The newest proposal of an area that a person rejected, as its event; None when there is none."""
    row = conn.execute(
        "select p.id, p.warning_id, p.area_id, r.at, p.action, p.before, p.after, p.proposed_level, p.starts_at,"
        " p.ends_at, p.rules, r.by_whom, r.why, p.evidence"
        " from warning_event r join lateral (select * from warning_event x where x.warning_id = r.warning_id"
        " and x.action = 'propose' and x.id < r.id order by x.id desc limit 1) p on true"
        " where r.area_id = %s and r.action = 'reject' order by r.id desc limit 1",
        (area_id,),
    ).fetchone()
    return None if row is None else WarningEvent(*row)


def write_event(conn: Connection, event: NewEvent, *, now: dt.datetime) -> WarningEvent:
    """Take a step; the warning follows.

    Parameters
    ----------
    conn : Connection
        As role lantian_app, inside a transaction; the caller commits.
    event : NewEvent
        The step.
    now : datetime
        When it takes effect; not before the last step.

    Returns
    -------
    WarningEvent
        As recorded.

    Raises
    ------
    ConfigurationError
        When the step is not legal, which the database finds out again by itself; nothing is written then.
    """
    open_warning = read_open_warning(conn, event.area_id)
    step(NONE if open_warning is None else open_warning.state, event.action, event.after)
    try:
        with conn.transaction():
            row = conn.execute(
                _INSERT_EVENT,
                (
                    *(event.area_id, now, event.action, event.after, event.proposed_level, event.starts_at),
                    *(event.ends_at, event.rules, event.by_whom, event.why, Jsonb(dict(event.evidence))),
                ),
            ).fetchone()
    except (psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation) as error:
        raise ConfigurationError(
            f"warning of {event.area_id}: found {error.diag.message_primary}, expected a step that follows the last one"
        ) from error
    assert row is not None
    return WarningEvent(*row)


def add_external_order(conn: Connection, order: NewExternalOrder, *, now: dt.datetime) -> int:
    """Enter an external order; returns its id. The caller commits."""
    row = conn.execute(
        "insert into external_order (area_id, authority, issuer_zh, document, minimum_level, valid_from, valid_to,"
        " entered_by, entered_at, note) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id",
        (
            *(order.area_id, order.authority, order.issuer_zh, order.document, order.minimum_level),
            *(order.valid_from, order.valid_to, order.entered_by, now, order.note),
        ),
    ).fetchone()
    assert row is not None
    return int(row[0])


def revoke_external_order(conn: Connection, order_id: int, *, by_whom: str, why: str, now: dt.datetime) -> None:
    """End an external order early; `ConfigurationError` when there is none or it is revoked. The caller commits."""
    done = conn.execute(
        "insert into external_order_revocation (external_order_id, at, by_whom, why)"
        " select id, %s, %s, %s from external_order where id = %s on conflict do nothing",
        (now, by_whom, why, order_id),
    ).rowcount
    if not done:
        raise ConfigurationError(f"found no external order {order_id} in force, expected the id of one")


def read_external_orders(
    conn: Connection, area_id: str | None = None, *, at: dt.datetime | None = None
) -> list[ExternalOrder]:
    """External orders, oldest first: all of them, or those that stand at a moment (also ones that begin later)."""
    rows = conn.execute(
        "select o.id, o.area_id, o.authority, o.issuer_zh, o.document, o.minimum_level, o.valid_from, o.valid_to,"
        " o.entered_by, o.entered_at, o.note, r.at from external_order o"
        " left join external_order_revocation r on r.external_order_id = o.id"
        " where (%(area)s::text is null or o.area_id = %(area)s) and (%(at)s::timestamptz is null"
        " or (coalesce(o.valid_to > %(at)s, true) and coalesce(r.at > %(at)s, true))) order by o.id",
        {"area": area_id, "at": at},
    ).fetchall()
    return [ExternalOrder(*row) for row in rows]


EXCLUDED_CAUSES: Final[tuple[str, ...]] = ("dust", "wildfire", "transport")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A span of dust or the like, seen or expected; `cause` is one of `EXCLUDED_CAUSES`."""

    area_id: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    cause: str
    entered_by: str
    note: str | None = None


def add_exclusion(conn: Connection, exclusion: Exclusion, *, now: dt.datetime) -> None:
    """Enter a span that is not warned of by colour. The caller commits."""
    conn.execute(
        "insert into warning_exclusion (area_id, starts_at, ends_at, cause, entered_by, note, entered_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (
            *(exclusion.area_id, exclusion.starts_at, exclusion.ends_at, exclusion.cause, exclusion.entered_by),
            *(exclusion.note, now),
        ),
    )


def read_exclusions(
    conn: Connection, area_id: str, low: dt.datetime, high: dt.datetime, *, known_at: dt.datetime | None = None
) -> list[Exclusion]:
    """Spans of an area that touch [low, high), as entered up to `known_at`."""
    rows = conn.execute(
        "select area_id, starts_at, ends_at, cause, entered_by, note from warning_exclusion where area_id = %s"
        " and ends_at > %s and starts_at < %s and (%s::timestamptz is null or entered_at <= %s) order by starts_at, id",
        (area_id, low, high, known_at, known_at),
    ).fetchall()
    return [Exclusion(*row) for row in rows]
