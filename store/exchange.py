"""What neighbouring counties send and are sent; received rows stay, corrections are further versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.error import ConfigurationError
from domain.exchange import ExchangeHour, ExchangeWarning
from domain.pollutant import SIX_KEYS
from store.connection import Connection
from store.statistic import IndexRows

_VALUES: Final = ", ".join(SIX_KEYS)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A neighbouring county; `hour` and `aqi` are its newest, None before the first."""

    id: str
    name_zh: str
    adcode: str | None
    hour: dt.datetime | None
    aqi: int | None
    category_zh: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of the rows of one document."""

    neighbour: str
    received: int
    stored: int
    duplicate: int
    revised: int
    rejected: int


def add_neighbour(conn: Connection, key: str, name_zh: str, adcode: str | None) -> None:
    """Register a neighbour, or change its name; one that was retired is back. Our own county cannot be one."""
    if conn.execute("select from area where id = %s", (key,)).fetchone() is not None:
        raise ConfigurationError(f"{key!r} is a county of this system, expected a neighbouring one")
    conn.execute(
        "insert into neighbour (id, name_zh, adcode) values (%s, %s, %s)"
        " on conflict (id) do update set name_zh = excluded.name_zh, adcode = excluded.adcode, retired_at = null",
        (key, name_zh, adcode),
    )


def retire_neighbour(conn: Connection, key: str, now: dt.datetime) -> bool:
    """Exchange no more with a neighbour; what it sent stays. Whether it was there."""
    row = conn.execute(
        "update neighbour set retired_at = %s where id = %s and retired_at is null returning id", (now, key)
    ).fetchone()
    return row is not None


def read_neighbours(conn: Connection) -> list[Neighbour]:
    """Neighbours in exchange, with their newest hour."""
    rows = conn.execute(
        "select neighbour_id, neighbour_zh, adcode, hour, aqi, category_zh from screen.neighbour_now order by 1"
    ).fetchall()
    return [Neighbour(*row) for row in rows]


def lock_neighbour(conn: Connection, key: str) -> None:
    """Let nobody else store rows of a neighbour until the transaction ends; an unknown one is an error."""
    row = conn.execute(
        "select from neighbour where id = %s and retired_at is null for no key update", (key,)
    ).fetchone()
    if row is None:
        raise ConfigurationError(
            f"found data of {key!r}, expected those of a registered neighbour: lantian exchange add"
        )


def begin_receipt(  # noqa: PLR0913 - everything behind the star is named by its caller
    conn: Connection, neighbour: str, source: str, sha256: str, *, at: dt.datetime, receipt: Receipt,
    faults: Sequence[str],
) -> int:  # fmt: skip
    """Record a document before its rows, which name it.

    Parameters
    ----------
    conn : Connection
        In a transaction.
    neighbour : str
        Whose.
    source : str
        File or topic.
    sha256 : str
        Digest of its bytes.
    at : datetime
        When it came.
    receipt : Receipt
        What becomes of its rows.
    faults : sequence of str
        Why rows were rejected; the first hundred are kept.

    Returns
    -------
    int
        Its number.
    """
    row = conn.execute(
        "insert into exchange_receipt (neighbour_id, source, sha256, received_at, received, stored, duplicate, revised,"
        " rejected, faults) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning id",
        (neighbour, source, sha256, at, receipt.received, receipt.stored, receipt.duplicate, receipt.revised,
         receipt.rejected, list(faults[:100])),
    ).fetchone()  # fmt: skip
    assert row is not None
    return int(row[0])


def read_known_hours(
    conn: Connection, neighbour: str, hours: Sequence[ExchangeHour]
) -> dict[tuple[str, dt.datetime], tuple[int, ExchangeHour]]:
    """Newest version of each of these hours that is there already."""
    rows = conn.execute(
        f"select distinct on (h.site_id, h.hour) h.site_id, h.hour, h.version, h.site_zh, {_VALUES}"  # noqa: S608
        " from neighbour_hour h join unnest(%s::text[], %s::timestamptz[]) as k (site_id, hour)"
        " on k.site_id = h.site_id and k.hour = h.hour"
        " where h.neighbour_id = %s order by h.site_id, h.hour, h.version desc",
        ([one.site for one in hours], [one.hour for one in hours], neighbour),
    ).fetchall()
    return {
        (site, hour): (version, ExchangeHour(site, name, hour, tuple(values)))
        for site, hour, version, name, *values in rows
    }


def read_known_warnings(conn: Connection, neighbour: str) -> dict[str, tuple[int, ExchangeWarning]]:
    """Newest version of every warning of a neighbour."""
    rows = conn.execute(
        "select distinct on (warning) version, warning, level, issued_at, starts_at, ends_at, lifted_at"
        " from neighbour_warning where neighbour_id = %s order by warning, version desc",
        (neighbour,),
    ).fetchall()
    return {row[1]: (row[0], ExchangeWarning(*row[1:])) for row in rows}


def write_neighbour_hours(
    conn: Connection, neighbour: str, receipt: int, rows: Sequence[tuple[int, ExchangeHour]], indices: IndexRows
) -> None:
    """Add versions of hours.

    Parameters
    ----------
    conn : Connection
        In a transaction that holds the neighbour.
    neighbour : str
        Whose.
    receipt : int
        Document they came with.
    rows : sequence of (int, ExchangeHour)
        Version and hour.
    indices : IndexRows
        Of the same rows.
    """
    marks = ", ".join(["%s"] * 17)
    with conn.cursor() as cursor:
        cursor.executemany(
            f"insert into neighbour_hour (neighbour_id, site_id, hour, version, site_zh, {_VALUES}, aqi, aqi_available,"  # noqa: S608
            f" level, primary_pollutants, edition, receipt_id) values ({marks})",
            [
                (neighbour, one.site, one.hour, version, one.site_zh, *one.values, indices.aqi[at],
                 indices.aqi_available[at], indices.level[at], list(indices.primary[at]), indices.editions[at], receipt)
                for at, (version, one) in enumerate(rows)
            ],
        )  # fmt: skip


def write_neighbour_warnings(
    conn: Connection, neighbour: str, receipt: int, rows: Sequence[tuple[int, ExchangeWarning]]
) -> None:
    """Add versions of warnings.

    Parameters
    ----------
    conn : Connection
        In a transaction that holds the neighbour.
    neighbour : str
        Whose.
    receipt : int
        Document they came with.
    rows : sequence of (int, ExchangeWarning)
        Version and warning.
    """
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into neighbour_warning (neighbour_id, warning, version, level, issued_at, starts_at, ends_at,"
            " lifted_at, receipt_id) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (neighbour, one.warning, version, one.level, one.issued_at, one.starts_at, one.ends_at, one.lifted_at,
                 receipt)
                for version, one in rows
            ],
        )  # fmt: skip


def read_faults(conn: Connection, neighbour: str) -> list[str]:
    """Why rows of the neighbour's last document were rejected."""
    row = conn.execute(
        "select faults from exchange_receipt where neighbour_id = %s order by id desc limit 1", (neighbour,)
    ).fetchone()
    return [] if row is None else list(row[0])


def read_own_warnings(conn: Connection, area: str, since: dt.datetime) -> list[ExchangeWarning]:
    """Warnings of the own county that were issued and have not been over since before `since`."""
    rows = conn.execute(
        "select warning_id::text, case when state in ('yellow', 'orange', 'red') then state else highest_level end,"
        " issued_at, starts_at, ends_at, closed_at from screen.episode"
        " where area_id = %s and coalesce(closed_at, 'infinity') >= %s order by warning_id",
        (area, since),
    ).fetchall()
    return [ExchangeWarning(*row) for row in rows]
