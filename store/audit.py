"""The audit trail: what people did, when and from where; rows are only added."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg.types.json import Jsonb

from store.connection import Connection


@dataclass(frozen=True, slots=True)
class Deed:
    """Something somebody did.

    Attributes
    ----------
    action : str
        ``subject.verb``, such as ``device.approve``.
    account_id, role : str or None
        Who; None before a sign-in and for the machine itself.
    address : str
        From where.
    object : str
        To what, such as ``device/stack-1``.
    outcome : str
        ``done`` or ``refused``.
    detail : mapping
        What else matters; nothing secret.
    """

    action: str
    account_id: str | None = None
    role: str | None = None
    address: str = ""
    object: str = ""
    outcome: str = "done"
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptDeed:
    """A row of the trail."""

    id: int
    at: dt.datetime
    deed: Deed


_COLUMNS: Final = "action, account_id, role, address, object, outcome, detail"


def add_deed(conn: Connection, deed: Deed) -> None:
    """Append to the trail, in the transaction of what was done."""
    conn.execute(
        f"insert into audit_event ({_COLUMNS}) values (%s, %s, %s, %s, %s, %s, %s)",  # noqa: S608
        (deed.action, deed.account_id, deed.role, deed.address, deed.object, deed.outcome, Jsonb(dict(deed.detail))),
    )


def read_deeds(
    conn: Connection,
    *,
    account: str | None = None,
    object_like: str | None = None,
    before_id: int | None = None,
    limit: int = 100,
) -> list[KeptDeed]:
    """The trail, newest first.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    account : str, optional
        Of this account only.
    object_like : str, optional
        Only where object or action begins with this.
    before_id : int, optional
        Continue after (below) this row.
    limit : int
        At most so many.

    Returns
    -------
    list of KeptDeed
        By number, descending.
    """
    rows = conn.execute(
        f"select id, at, {_COLUMNS} from audit_event"  # noqa: S608
        " where (%(account)s::text is null or account_id = %(account)s)"
        " and (%(like)s::text is null or starts_with(object, %(like)s) or starts_with(action, %(like)s))"
        " and (%(before)s::bigint is null or id < %(before)s) order by id desc limit %(limit)s",
        {"account": account, "like": object_like, "before": before_id, "limit": limit},
    ).fetchall()
    return [KeptDeed(row[0], row[1], Deed(*row[2:])) for row in rows]
