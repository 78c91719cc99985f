"""Signing in: attempts are counted, an unknown name looks like a wrong password, every session is new."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from console.desk import Desk
from console.guard import new_secret
from console.password import hashed_password, is_password, password_fault
from store.account import read_password_hash, set_password
from store.audit import Deed, add_deed
from store.session import (
    add_attempt,
    begin_session,
    drop_old_sessions,
    end_session,
    read_failures,
)

_WHILE: Final = dt.timedelta(minutes=15)
#: Failures within that while after which nobody may try: a name from one address, a name from anywhere, an address.
#: The second is larger, so that a stranger elsewhere cannot lock a duty officer out with a few attempts.
NAME_FROM_ADDRESS: Final = 5
NAME: Final = 50
ADDRESS: Final = 30
_WRONG: Final = "用户名或口令不正确"
_LOCKED: Final = "登录失败次数过多，请15分钟后再试；急用请联系管理员"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries to sign in, with what, from where."""

    name: str
    password: str
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The secret of a new session, or why there is none and the status that says so."""

    secret: str | None
    fault: str = ""
    status: int = 200


def sign_in(desk: Desk, attempt: Attempt) -> Outcome:
    """Try to sign in.

    Parameters
    ----------
    desk : Desk
        The console.
    attempt : Attempt
        What was sent.

    Returns
    -------
    Outcome
        A session that did not exist before, or the fault: the same words for an unknown name, a disabled account and
        a wrong password.
    """
    now, name = desk.now(), attempt.name.lower()
    with desk.connection("look up the account") as conn:
        failures = read_failures(conn, name, attempt.address, now - _WHILE)
        kept = read_password_hash(conn, name)
    locked = failures.name_from_address >= NAME_FROM_ADDRESS or failures.name >= NAME or failures.address >= ADDRESS
    right = not locked and is_password(kept, attempt.password)
    with desk.connection("sign in") as conn:
        known = name if kept is not None else None
        if locked:
            add_deed(conn, Deed("session.locked", known, None, attempt.address, outcome="refused"))
            return Outcome(None, _LOCKED, 429)
        add_attempt(conn, name, attempt.address, succeeded=right, now=now)
        if not right:
            add_deed(conn, Deed("session.begin", known, None, attempt.address, outcome="refused"))
            return Outcome(None, _WRONG, 403)
        drop_old_sessions(conn, desk.term, now)
        secret = new_secret()
        begin_session(conn, name, secret, address=attempt.address, agent=attempt.agent, now=now)
        add_deed(conn, Deed("session.begin", name, None, attempt.address))
    return Outcome(secret)


def sign_out(desk: Desk, secret: str, deed: Deed) -> None:
    """End a session."""
    with desk.connection("sign out") as conn:
        end_session(conn, secret)
        add_deed(conn, deed)


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """What somebody typed to change their password."""

    old: str
    new: str
    again: str


def change_password(desk: Desk, change: PasswordChange, deed: Deed, agent: str) -> Outcome:
    """Give an account another password; every session of it ends and a new one begins.

    Parameters
    ----------
    desk : Desk
        The console.
    change : PasswordChange
        What was typed.
    deed : Deed
        Who changes it, for the audit trail.
    agent : str
        The browser.

    Returns
    -------
    Outcome
        The new session, or what is wrong.
    """
    account, now = str(deed.account_id), desk.now()
    with desk.connection("look up the account") as conn:
        failures = read_failures(conn, account, deed.address, now - _WHILE)
        kept = read_password_hash(conn, account)
    if failures.name_from_address >= NAME_FROM_ADDRESS:
        return Outcome(None, _LOCKED, 429)
    if not is_password(kept, change.old):
        with desk.connection("note the attempt") as conn:
            add_attempt(conn, account, deed.address, succeeded=False, now=now)
        return Outcome(None, "原口令不正确", 403)
    fault = password_fault(change.new, account)
    if change.new != change.again:
        fault = "两次输入的新口令不一致"
    elif change.new == change.old:
        fault = "新口令与原口令相同"
    if fault:
        return Outcome(None, fault, 422)
    secret, hashed = new_secret(), hashed_password(change.new)
    with desk.connection("change the password") as conn:
        set_password(conn, account, hashed, must_change=False, now=now)
        begin_session(conn, account, secret, address=deed.address, agent=agent, now=now)
        add_deed(conn, deed)
    desk.acts.password_changed(account)
    return Outcome(secret)
