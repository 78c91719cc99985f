"""Rows whose key is taken: duplicates, or revisions of what is stored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from psycopg import sql

from store.block import FACTOR, Rows, Shape
from store.connection import Connection
from store.message import Integers, Mask
from store.staging import DUPLICATE, REVISED, Statuses, equal_rows, same_key, staging_name

#: Who and why, where no person decides. Shown to reviewers.
_DECIDED_BY: Final = "system"
_ANNOUNCED: Final = "设备声明更正，按约定即时采用"
_UNANNOUNCED: Final = "按约定即时采用"


@dataclass(frozen=True, slots=True)
class Handling:
    """What differences lead to.

    Attributes
    ----------
    accepted : ndarray of bool
        One per row: as a revision it counts at once.
    repeated : callable
        Index of a message, time of receipt of the stored original -> whether the same bytes came before.
    """

    accepted: Mask
    repeated: Callable[[int, dt.datetime], bool]


def _pairs(shape: Shape) -> sql.Composed:
    """Arguments that make a staged row, alias s, a JSON object of its values."""
    names = [name for name in shape.compared if name != "mark"]
    return sql.SQL(", ").join(part for name in names for part in (sql.Literal(name), sql.Identifier("s", name)))


@cache
def _revise_statement(shape: Shape) -> sql.Composed:
    """One revision per key and content; in order of key, so that collectors never wait in a circle, then of arrival."""
    factor = shape is FACTOR
    return sql.SQL(
        """
with candidate as (
    select distinct on ({key}, digest) ordinal, {key}, new_values, flag, mark, received_at, announced, accepted, digest
    from (
        select s.*, {flag} v.new_values, md5(v.new_values::text || ' ' || s.mark) as digest
        from {staged} s cross join lateral (select jsonb_build_object({pairs}) as new_values) v
        where s.ordinal = any(%(ordinals)s::int[])
    ) x
    order by {key}, digest, ordinal
), added as (
    insert into revision (family, device_id, time, span_s, factor, field, new_values, flag, mark, received_at,
        announced, status, decided_by, decided_at, reason)
    select {family}, device_id, time, span_s, {factor}, {field}, new_values, flag, mark, received_at, announced,
        case when accepted then 'accepted' else 'proposed' end,
        case when accepted then {decided_by} end,
        case when accepted then clock_timestamp() end,
        case when accepted and announced then {announced} when accepted then {unannounced} end
    from candidate
    order by {key}, ordinal
    on conflict do nothing
    returning device_id, time, span_s, factor, field, digest
)
select c.ordinal
from candidate c
join added a on a.device_id = c.device_id and a.time = c.time and a.span_s = c.span_s
    and a.factor = {c_factor} and a.field = {c_field} and a.digest = c.digest
"""
    ).format(
        key=sql.SQL(", ").join(map(sql.Identifier, shape.key)),
        flag=sql.SQL("'' as flag,") if factor else sql.SQL(""),
        staged=staging_name(shape),
        pairs=_pairs(shape),
        family=sql.Literal(shape.family),
        factor=sql.Identifier("factor") if factor else sql.Literal(""),
        field=sql.Identifier("field") if factor else sql.Literal(""),
        c_factor=sql.Identifier("c", "factor") if factor else sql.Literal(""),
        c_field=sql.Identifier("c", "field") if factor else sql.Literal(""),
        decided_by=sql.Literal(_DECIDED_BY),
        announced=sql.Literal(_ANNOUNCED),
        unannounced=sql.Literal(_UNANNOUNCED),
    )


@cache
def _history_statement(shape: Shape) -> sql.Composed:
    """Of staged rows: digest as a revision; of their key: digests, whether one counts, when the original came."""
    factor = shape is FACTOR
    return sql.SQL(
        "select s.ordinal, {digest}, coalesce(v.digests, '{{}}'), coalesce(v.accepted, false),"
        " (select r.received_at from {table} r where {same} limit 1)"
        " from {staged} s cross join lateral (select jsonb_build_object({pairs}) as new_values) n"
        " cross join lateral (select array_agg(digest) as digests, bool_or(status = 'accepted') as accepted"
        " from revision v where v.device_id = s.device_id and v.time = s.time and v.span_s = s.span_s"
        " and v.family = {family} and v.factor = {factor} and v.field = {field}) v"
        " where s.ordinal = any(%s::int[]) order by s.ordinal"
    ).format(
        digest=sql.SQL("md5(n.new_values::text || ' ' || s.mark)"),
        table=sql.Identifier(shape.table),
        same=same_key(shape, "r", "s"),
        staged=staging_name(shape),
        pairs=_pairs(shape),
        family=sql.Literal(shape.family),
        factor=sql.Identifier("s", "factor") if factor else sql.Literal(""),
        field=sql.Identifier("s", "field") if factor else sql.Literal(""),
    )


def resolve_contested(conn: Connection, rows: Rows, contested: Integers, handling: Handling) -> Statuses:
    """Say of staged rows whose key is taken whether they are duplicates, and keep the others as revisions.

    A row with the stored values and marks is a duplicate, and so is one with those of a revision of the key. One case
    needs more: a row *announced* as a correction that goes back to the original after another correction was accepted
    is a revision, unless it is only the redelivery of a message that came before.

    Parameters
    ----------
    conn : Connection
        Inside the transaction in which `insert_staged` has run.
    rows : Rows
        The rows.
    contested : ndarray of int64
        Ascending indices of rows that were not inserted.
    handling : Handling
        What differences lead to.

    Returns
    -------
    ndarray of uint8
        `DUPLICATE` or `REVISED` per contested row.
    """
    equal = equal_rows(conn, rows, contested)
    differing = np.setdiff1d(contested, equal)
    revised = np.union1d(differing, _restoring(conn, rows, contested, equal=equal, handling=handling))
    statuses = np.full(len(contested), DUPLICATE, dtype=np.uint8)
    if len(revised):
        found = conn.execute(_revise_statement(rows.shape), {"ordinals": revised.tolist()}).fetchall()
        statuses[np.isin(contested, [ordinal for (ordinal,) in found])] = REVISED
    return statuses


def _restoring(conn: Connection, rows: Rows, contested: Integers, *, equal: Integers, handling: Handling) -> Integers:
    """Rows that go back from an accepted revision to the original, found by going through their keys in order."""
    announced = equal[rows.announced[equal]]
    if not len(announced):
        return announced
    concerned = contested[np.isin(rows.key[contested], rows.key[announced])]
    history = conn.execute(_history_statement(rows.shape), (concerned.tolist(),)).fetchall()
    going_back = set(announced.tolist())
    unchanged = set(equal.tolist())
    restoring: list[int] = []
    key, known, superseded = -1, set[str](), False
    for ordinal, digest, digests, was_accepted, original_at in history:
        if rows.key[ordinal] != key:
            key, known, superseded = int(rows.key[ordinal]), set(digests), was_accepted
        if digest in known or (ordinal in unchanged and not (superseded and ordinal in going_back)):
            continue
        if ordinal in unchanged:
            if handling.repeated(int(rows.message[ordinal]), original_at):
                continue
            restoring.append(ordinal)
        known.add(digest)
        superseded = superseded or bool(handling.accepted[ordinal])
    return np.array(restoring, dtype=np.int64)
