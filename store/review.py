"""Review of data by two persons (数据审核): one proposes how values of a device count, another confirms.

A confirmed review overrides every automatic flag of the values it names, both ways; withdrawn it counts no longer. The
readings stay as they are, rows are only added, and the hours concerned are queued in the same transaction, so that
days, periods and areas follow. The caller commits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from psycopg import sql

from domain.error import LantianError
from domain.family import FAMILIES
from domain.flag import FAIL, GOOD
from store.connection import Connection

STATUSES: Final[tuple[str, ...]] = ("proposed", "confirmed", "withdrawn")
#: Verdict -> the flag that values have while the review counts.
VERDICT_FLAGS: Final = {"valid": GOOD, "invalid": FAIL}
VERDICTS: Final[tuple[str, ...]] = tuple(VERDICT_FLAGS)
#: Longest span of one review.
LONGEST: Final = dt.timedelta(days=366)
#: Any fixed number: with the review's id it names the lock that orders the steps of one review.
_LOCK: Final = 4_226_040


class ReviewError(LantianError):
    """A review that cannot be: of no reading, by nobody, confirmed by the proposer, decided already."""

    code = "review"


@dataclass(frozen=True, slots=True)
class Proposal:
    """How somebody proposes that values count.

    Attributes
    ----------
    device_id : str
        Whose readings.
    columns : tuple of str
        Columns of the device's family.
    low, high : datetime
        Readings that start at low <= time < high, of every span.
    verdict : str
        One of `VERDICTS`.
    who, why : str
        The person and the reason, kept for good.
    """

    device_id: str
    columns: tuple[str, ...]
    low: dt.datetime
    high: dt.datetime
    verdict: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class Review:
    """One review with what became of it; None: that step has not been taken. `status` is one of `STATUSES`."""

    id: int
    device_id: str
    site_id: str
    site_zh: str
    family: str
    low: dt.datetime
    high: dt.datetime
    columns: tuple[str, ...]
    verdict: str
    status: str
    proposed_by: str
    proposed_at: dt.datetime
    why: str
    confirmed_by: str | None
    confirmed_at: dt.datetime | None
    confirm_why: str | None
    withdrawn_by: str | None
    withdrawn_at: dt.datetime | None
    withdraw_why: str | None


@dataclass(frozen=True, slots=True)
class StandingReview:
    """A review that counts: values of `columns` in readings of the device with low <= time < high get `flag`."""

    device_id: str
    low: dt.datetime
    high: dt.datetime
    columns: tuple[str, ...]
    flag: int


def propose_review(conn: Connection, proposal: Proposal) -> int:
    """Append a proposal; it changes no statistic until another person confirms it.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    proposal : Proposal
        What is proposed; blanks around `who` and `why` are dropped.

    Returns
    -------
    int
        Its id.

    Raises
    ------
    ReviewError
        For an unknown device, column or verdict, an impossible or too long span, no person or reason, or when the
        device has no reading with such a value there.
    """
    row = conn.execute("select family from device where id = %s", (proposal.device_id,)).fetchone()
    if row is None:
        raise ReviewError(f"device {proposal.device_id!r}: found no such device, expected a registered one")
    family, columns = FAMILIES[row[0]], tuple(dict.fromkeys(proposal.columns))
    unknown = [column for column in columns if column not in family.keys]
    if unknown or not columns:
        raise ReviewError(f"columns {', '.join(unknown) or 'none'}: expected some of {', '.join(family.keys)}")
    if proposal.verdict not in VERDICT_FLAGS:
        raise ReviewError(f"verdict {proposal.verdict!r}: expected one of {', '.join(VERDICTS)}")
    if not dt.timedelta(0) < proposal.high - proposal.low <= LONGEST:
        raise ReviewError(f"{proposal.low} to {proposal.high}: expected a span of more than 0 and up to 366 days")
    who, why = _signed(proposal.who, proposal.why)
    ahead = conn.execute("select %s > clock_timestamp() + interval '1 day'", (proposal.high,)).fetchone()
    if ahead is None or ahead[0]:
        raise ReviewError(f"end {proposal.high}: expected at most a day ahead of now; what comes is not reviewed yet")
    if not count_values(conn, proposal.device_id, columns, (proposal.low, proposal.high)):
        raise ReviewError(
            f"{proposal.device_id}, {', '.join(columns)}: found no value from {proposal.low} to {proposal.high}"
        )
    added = conn.execute(
        "insert into review (device_id, family, low, high, columns, verdict, proposed_by, why)"
        " values (%(device)s, %(family)s, %(low)s, %(high)s, %(columns)s, %(verdict)s, %(who)s, %(why)s) returning id",
        {
            "device": proposal.device_id,
            "family": family.key,
            "low": proposal.low,
            "high": proposal.high,
            "columns": list(columns),
            "verdict": proposal.verdict,
            "who": who,
            "why": why,
        },
    ).fetchone()
    assert added is not None
    return int(added[0])


def confirm_review(conn: Connection, review_id: int, *, who: str, why: str) -> int:
    """Let a proposed review count from now on and queue its hours.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    review_id : int
        The review.
    who, why : str
        Another person than the one who proposed it, and the reason; kept for good.

    Returns
    -------
    int
        Hours queued.

    Raises
    ------
    ReviewError
        When there is no such review, it is not proposed (any more), or the proposer confirms it.
    """
    who, why = _signed(who, why)
    review = _held(conn, review_id)
    if review.status != "proposed":
        raise ReviewError(f"review {review_id}: found it {_described(review)}, expected a proposed one")
    if who.lower() == review.proposed_by.lower():
        raise ReviewError(f"review {review_id}: {who} proposed it, expected another person to confirm it")
    _step(conn, review, "confirm", who, why)
    return _mark_hours(conn, review)


def withdraw_review(conn: Connection, review_id: int, *, who: str, why: str) -> int:
    """Withdraw a review: a proposed one by anybody, a confirmed one by another person than who proposed it.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    review_id : int
        The review.
    who, why : str
        The person and the reason, kept for good.

    Returns
    -------
    int
        Hours queued: 0 for a review that had not been confirmed.

    Raises
    ------
    ReviewError
        When there is no such review, it is withdrawn already, or the proposer withdraws what another confirmed.
    """
    who, why = _signed(who, why)
    review = _held(conn, review_id)
    if review.status == "withdrawn":
        raise ReviewError(f"review {review_id}: found it {_described(review)}, expected one that is not withdrawn")
    if review.status == "confirmed" and who.lower() == review.proposed_by.lower():
        raise ReviewError(
            f"review {review_id}: {review.confirmed_by} confirmed it and {who} proposed it,"
            " expected another person than the proposer to withdraw it"
        )
    _step(conn, review, "withdraw", who, why)
    return _mark_hours(conn, review) if review.status == "confirmed" else 0


def read_reviews(
    conn: Connection,
    *,
    status: str | None = "proposed",
    device_id: str | None = None,
    after_id: int = 0,
    limit: int = 500,
) -> list[Review]:
    """Reviews, oldest first.

    Parameters
    ----------
    conn : Connection
        As role lantian_app or lantian_reader.
    status : str or None
        One of `STATUSES`; None = any.
    device_id : str, optional
        Of this device only.
    after_id : int
        Continue after this one.
    limit : int
        At most so many.

    Returns
    -------
    list of Review
        By id.
    """
    rows = conn.execute(
        f"select {_COLUMNS} from screen.review where id > %(after)s"  # noqa: S608 - names of this module
        " and (%(status)s::text is null or status = %(status)s)"
        " and (%(device)s::text is null or device_id = %(device)s) order by id limit %(limit)s",
        {"after": after_id, "status": status, "device": device_id, "limit": limit},
    ).fetchall()
    return [_review(row) for row in rows]


def read_review(conn: Connection, review_id: int) -> Review:
    """One review; `ReviewError` when there is none of that id."""
    row = conn.execute(
        f"select {_COLUMNS} from screen.review where id = %s",  # noqa: S608 - names of this module
        (review_id,),
    ).fetchone()
    if row is None:
        raise ReviewError(f"review {review_id}: found no such review, expected the id of one")
    return _review(row)


def read_standing_reviews(
    conn: Connection,
    family: str,
    device_ids: Sequence[str],
    between: tuple[dt.datetime, dt.datetime],
    *,
    known_at: dt.datetime | None = None,
) -> list[StandingReview]:
    """Reviews that count now, or counted at a moment, in the order in which they act: the last confirmed one wins.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    family : str
        Key of a family.
    device_ids : sequence of str
        Whose readings.
    between : (datetime, datetime)
        Reviews that touch readings from first to before second.
    known_at : datetime, optional
        Confirmed by then, and not withdrawn by then.

    Returns
    -------
    list of StandingReview
        By time of confirmation.
    """
    rows = conn.execute(
        "select r.device_id, r.low, r.high, r.columns, r.verdict from review r"
        " join review_step c on c.review_id = r.id and c.action = 'confirm'"
        " left join review_step w on w.review_id = r.id and w.action = 'withdraw'"
        "   and (%(known_at)s::timestamptz is null or w.done_at <= %(known_at)s)"
        " where r.family = %(family)s and r.device_id = any(%(devices)s) and r.low < %(high)s and r.high > %(low)s"
        "   and w.review_id is null and (%(known_at)s::timestamptz is null or c.done_at <= %(known_at)s)"
        " order by c.done_at, r.id",
        {
            "family": family,
            "devices": list(device_ids),
            "low": between[0],
            "high": between[1],
            "known_at": known_at,
        },
    ).fetchall()
    return [StandingReview(row[0], row[1], row[2], tuple(row[3]), VERDICT_FLAGS[row[4]]) for row in rows]


def count_values(
    conn: Connection, device_id: str, columns: Sequence[str], between: tuple[dt.datetime, dt.datetime]
) -> int:
    """Stored values of a device's columns in readings that start from first to before second: what a review is
    about."""
    row = conn.execute("select family from device where id = %s", (device_id,)).fetchone()
    if row is None:
        return 0
    statement = sql.SQL("select {counts} from {table} where device_id = %s and time >= %s and time < %s").format(
        counts=sql.SQL(" + ").join(sql.SQL("count({})").format(sql.Identifier(column)) for column in columns),
        table=sql.Identifier(FAMILIES[row[0]].table),
    )
    found = conn.execute(statement, (device_id, *between)).fetchone()
    return 0 if found is None else int(found[0])


_COLUMNS: Final = ", ".join(Review.__dataclass_fields__)


def _review(row: Sequence[object]) -> Review:
    fields = dict(zip(Review.__dataclass_fields__, row, strict=True))
    return Review(**{**fields, "columns": tuple(fields["columns"])})  # type: ignore[arg-type]


def _signed(who: str, why: str) -> tuple[str, str]:
    """Person and reason without blanks around them; both must be there."""
    if not who.strip() or not why.strip():
        raise ReviewError("found no person or no reason, expected both: they are kept for good")
    return who.strip(), why.strip()


def _held(conn: Connection, review_id: int) -> Review:
    """The review, of which nobody else takes a step until this transaction ends."""
    conn.execute("select pg_advisory_xact_lock(%s, %s)", (_LOCK, review_id % 2**31))
    return read_review(conn, review_id)


def _step(conn: Connection, review: Review, action: str, who: str, why: str) -> None:
    conn.execute(
        "insert into review_step (review_id, action, proposed_by, done_by, why) values (%s, %s, %s, %s, %s)",
        (review.id, action, review.proposed_by, who, why),
    )


def _described(review: Review) -> str:
    by = review.withdrawn_by or review.confirmed_by
    return f"{review.status} by {by}" if by else review.status


def _mark_hours(conn: Connection, review: Review) -> int:
    """Queue the hours of the readings the review is about; readings over more than an hour enter no hour."""
    statement = sql.SQL(
        "insert into dirty_hour (family, site_id, hour)"
        " select distinct %(family)s, %(site)s, date_bin('1 hour', r.time, timestamptz '1970-01-01 00:00+00')"
        " from {} r where r.device_id = %(device)s and r.time >= %(low)s and r.time < %(high)s and r.span_s <= 3600"
        " order by 3"
    ).format(sql.Identifier(FAMILIES[review.family].table))
    return conn.execute(
        statement,
        {
            "family": review.family,
            "site": review.site_id,
            "device": review.device_id,
            "low": review.low,
            "high": review.high,
        },
    ).rowcount
