"""Rows whose key is taken: duplicates, or revisions of what is stored."""

from __future__ import annotations

from collections.abc import Callable
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


@cache
def _revise_statement(shape: Shape) -> sql.Composed:
    """One revision per key and content; in order of key, so that collectors never wait in a circle, then of arrival."""
    values = [name for name in shape.compared if name != "mark"]
    factor = shape is FACTOR
    return sql.SQL(
        """
with candidate as (
    select distinct on ({key}, digest) ordinal, {key}, new_values, flag, mark, received_at, announced, accepted, digest
    from (
        select s.*, {flag} v.new_values, md5(v.new_values::text || ' ' || s.mark) as digest
        from {staged} s cross join lateral (select jsonb_build_object({pairs}) as new_values) v
        where s.ordinal = any(%(ordinals)s)
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
        pairs=sql.SQL(", ").join(part for name in values for part in (sql.Literal(name), sql.Identifier("s", name))),
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
def _superseded_statement(shape: Shape) -> sql.Composed:
    """Rows equal to an original that counts no more: a revision was accepted before, or earlier in this batch."""
    factor = shape is FACTOR
    return sql.SQL(
        "select s.ordinal from {staged} s where s.ordinal = any(%(equal)s) and (exists (select from revision v"
        " where v.device_id = s.device_id and v.time = s.time and v.span_s = s.span_s and v.family = {family}"
        " and v.factor = {factor} and v.field = {field} and v.status = 'accepted')"
        " or exists (select from {staged} e where {same} and e.ordinal < s.ordinal and e.accepted"
        " and e.ordinal = any(%(differing)s)))"
    ).format(
        staged=staging_name(shape),
        family=sql.Literal(shape.family),
        factor=sql.Identifier("s", "factor") if factor else sql.Literal(""),
        field=sql.Identifier("s", "field") if factor else sql.Literal(""),
        same=same_key(shape, "e", "s"),
    )


def resolve_contested(
    conn: Connection, rows: Rows, contested: Integers, *, repeated: Callable[[Integers], Mask]
) -> Statuses:
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
    repeated : callable
        Indices of messages -> whether the same bytes came from the same device before.

    Returns
    -------
    ndarray of uint8
        `DUPLICATE` or `REVISED` per contested row.
    """
    equal = equal_rows(conn, rows, contested)
    differing = np.setdiff1d(contested, equal)
    revised = np.union1d(differing, _restoring(conn, rows, equal, differing, repeated))
    statuses = np.full(len(contested), DUPLICATE, dtype=np.uint8)
    if len(revised):
        found = conn.execute(_revise_statement(rows.shape), {"ordinals": revised.tolist()}).fetchall()
        statuses[np.isin(contested, [ordinal for (ordinal,) in found])] = REVISED
    return statuses


def _restoring(
    conn: Connection, rows: Rows, equal: Integers, differing: Integers, repeated: Callable[[Integers], Mask]
) -> Integers:
    """Rows that go back from an accepted revision to the original."""
    announced = equal[rows.announced[equal]]
    if not len(announced):
        return announced
    parameters = {"equal": announced.tolist(), "differing": differing.tolist()}
    found = conn.execute(_superseded_statement(rows.shape), parameters).fetchall()
    superseded = np.array(sorted(ordinal for (ordinal,) in found), dtype=np.int64)
    return superseded[~repeated(rows.message[superseded])] if len(superseded) else superseded
