"""Sessions and tokens of the console: what a browser or a program shows to say who it is; only hashes are kept."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Final

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has shown a valid session or token."""

    account_id: str
    name_zh: str
    role: str
    enterprise_id: str | None
    must_change: bool


@dataclass(frozen=True, slots=True)
class Term:
    """How long a session holds: without a request, and at most."""

    idle: dt.timedelta
    absolute: dt.timedelta


@dataclass(frozen=True, slots=True)
class Token:
    """A key to the JSON interface; the key itself is not kept."""

    id: int
    account_id: str
    name: str
    created_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None
    revoked_at: dt.datetime | None


#: How old `seen_at` may become before a request writes it again.
_SEEN_S: Final = 60
_PERSON: Final = "a.id, a.name_zh, a.role, a.enterprise_id, a.must_change"


def digest(secret: str) -> bytes:
    """What is kept of a session's or a token's secret; it has 256 bits of chance, so one round is enough."""
    return hashlib.sha256(secret.encode()).digest()


def begin_session(  # noqa: PLR0913 - everything behind the star is named by its caller
    conn: Connection, account: str, secret: str, *, address: str, agent: str, now: dt.datetime
) -> None:
    """Keep a new session; the caller commits."""
    conn.execute(
        "insert into session (token_hash, account_id, created_at, seen_at, address, agent)"
        " values (%s, %s, %s, %s, %s, %s)",
        (digest(secret), account, now, now, address, agent[:200]),
    )


def read_person(conn: Connection, secret: str, term: Term, now: dt.datetime) -> Person | None:
    """Who shows this session; None when it has ended, its time is over or the account is disabled.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits, for the time of the last request is kept by the minute.
    secret : str
        The cookie.
    term : Term
        How long sessions hold.
    now : datetime
        The moment.

    Returns
    -------
    Person or None
        The account as it is now, not as it was at the sign-in.
    """
    row = conn.execute(
        f"select {_PERSON}, s.seen_at from session s join account a on a.id = s.account_id"  # noqa: S608
        " where s.token_hash = %s and a.disabled_at is null and s.seen_at > %s and s.created_at > %s",
        (digest(secret), now - term.idle, now - term.absolute),
    ).fetchone()
    if row is None:
        return None
    if (now - row[-1]).total_seconds() > _SEEN_S:
        conn.execute("update session set seen_at = %s where token_hash = %s", (now, digest(secret)))
    return Person(*row[:-1])


def is_signed_in(conn: Connection, secret: str, term: Term, now: dt.datetime) -> bool:
    """Whether a session holds, without prolonging it; for pages that refresh themselves."""
    row = conn.execute(
        "select 1 from session s join account a on a.id = s.account_id"
        " where s.token_hash = %s and a.disabled_at is null and s.seen_at > %s and s.created_at > %s",
        (digest(secret), now - term.idle, now - term.absolute),
    ).fetchone()
    return row is not None


def end_session(conn: Connection, secret: str) -> None:
    """Forget a session."""
    conn.execute("delete from session where token_hash = %s", (digest(secret),))


def drop_old_sessions(conn: Connection, term: Term, now: dt.datetime) -> None:
    """Remove sessions whose time is over, and attempts to sign in older than a day."""
    conn.execute("delete from session where seen_at <= %s or created_at <= %s", (now - term.idle, now - term.absolute))
    conn.execute("delete from sign_in where at < %s", (now - dt.timedelta(days=1),))


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed attempts within a while: of a name from an address, of a name, from an address."""

    name_from_address: int
    name: int
    address: int


def add_attempt(conn: Connection, name: str, address: str, *, succeeded: bool, now: dt.datetime) -> None:
    """Note an attempt to sign in."""
    conn.execute(
        "insert into sign_in (at, name_hash, address, succeeded) values (%s, %s, %s, %s)",
        (now, digest(name), address, succeeded),
    )


def read_failures(conn: Connection, name: str, address: str, since: dt.datetime) -> Failures:
    """Failures since a moment; a success of the name from the address wipes out those before it there."""
    row = conn.execute(
        "select count(*) filter (where name_hash = %(name)s and address = %(address)s and at > coalesce((select max(at)"
        " from sign_in s where s.name_hash = %(name)s and s.address = %(address)s and s.succeeded), '-infinity')),"
        " count(*) filter (where name_hash = %(name)s), count(*) filter (where address = %(address)s)"
        " from sign_in where at > %(since)s and not succeeded and (name_hash = %(name)s or address = %(address)s)",
        {"name": digest(name), "address": address, "since": since},
    ).fetchone()
    return Failures(0, 0, 0) if row is None else Failures(*row)


def add_token(conn: Connection, account: str, name: str, secret: str, *, expires_at: dt.datetime) -> int:
    """Keep a new token of an account; returns its number."""
    row = conn.execute(
        "insert into api_token (token_hash, account_id, name, expires_at) values (%s, %s, %s, %s) returning id",
        (digest(secret), account, name, expires_at),
    ).fetchone()
    assert row is not None
    return int(row[0])


def read_tokens(conn: Connection, account: str | None = None) -> list[Token]:
    """Tokens of an account, or of all, the newest first."""
    rows = conn.execute(
        "select id, account_id, name, created_at, expires_at, used_at, revoked_at from api_token"
        " where %(account)s::text is null or account_id = %(account)s order by id desc",
        {"account": account},
    ).fetchall()
    return [Token(*row) for row in rows]


def revoke_token(conn: Connection, number: int, account: str | None, now: dt.datetime) -> bool:
    """End a token, of this account when one is named; whether there was one in force."""
    done = conn.execute(
        "update api_token set revoked_at = %(now)s where id = %(number)s and revoked_at is null"
        " and (%(account)s::text is null or account_id = %(account)s)",
        {"now": now, "number": number, "account": account},
    )
    return done.rowcount > 0


def read_token_person(conn: Connection, secret: str, now: dt.datetime) -> Person | None:
    """Whom a token acts for; None when it is revoked or expired, or the account disabled or with an unchanged first
    password. The caller commits: the time of use is kept by the minute."""
    row = conn.execute(
        f"select {_PERSON}, t.id, t.used_at from api_token t join account a on a.id = t.account_id"  # noqa: S608
        " where t.token_hash = %s and t.revoked_at is null and t.expires_at > %s and a.disabled_at is null"
        " and not a.must_change",
        (digest(secret), now),
    ).fetchone()
    if row is None:
        return None
    *person, number, used_at = row
    if used_at is None or (now - used_at).total_seconds() > _SEEN_S:
        conn.execute("update api_token set used_at = %s where id = %s", (now, number))
    return Person(*person)
