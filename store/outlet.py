"""Outlets: how a stack is judged from a day on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Final

from domain.error import ConfigurationError
from domain.production import OutletRow
from store.connection import Connection

_COLUMNS: Final = "site_id, " + ", ".join(field.name for field in fields(OutletRow)[1:])


def read_outlets(conn: Connection, sites: Sequence[str] | None = None) -> list[OutletRow]:
    """Outlets of `sites` (None: of all), ordered by site and first day."""
    rows = conn.execute(
        f"select {_COLUMNS} from outlet where %s::text[] is null or site_id = any(%s) order by site_id, valid_from",  # noqa: S608 - column names of this module
        (sites if sites is None else list(sites), sites if sites is None else list(sites)),
    ).fetchall()
    return [OutletRow(*row) for row in rows]


def write_outlets(conn: Connection, outlets: Sequence[OutletRow]) -> None:
    """Insert outlets or bring those of the same site and first day to the given state; the caller commits.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    outlets : sequence of OutletRow
        Each site and first day once.

    Raises
    ------
    ConfigurationError
        When two outlets of a site would hold on one day, or a site is no stack.
    """
    names = [field.name for field in fields(OutletRow)][2:]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names)
    with conn.cursor() as cursor:
        cursor.executemany(
            f"insert into outlet ({_COLUMNS}) values ({', '.join(['%s'] * (len(names) + 2))})"  # noqa: S608 - as above
            f" on conflict (site_id, valid_from) do update set {changes}, edited_at = now()",
            [astuple(outlet) for outlet in outlets],
        )
    sites = sorted({outlet.site for outlet in outlets})
    row = conn.execute(
        "select s.id, s.kind from site s where s.id = any(%s) and s.kind <> 'stack' order by s.id limit 1", (sites,)
    ).fetchone()
    if row is not None:
        raise ConfigurationError(f"outlet {row[0]!r}: found a site of kind {row[1]}, expected a stack")
    row = conn.execute(
        "select a.site_id, a.valid_from, b.valid_from from outlet a join outlet b on b.site_id = a.site_id"
        " and b.valid_from > a.valid_from and (a.valid_to is null or b.valid_from <= a.valid_to)"
        " where a.site_id = any(%s) order by 1, 2 limit 1",
        (sites,),
    ).fetchone()
    if row is not None:
        raise ConfigurationError(
            f"outlet {row[0]!r}: found that both the one from {row[1]} and the one from {row[2]} hold on {row[2]};"
            " expected a last day of the earlier one"
        )
