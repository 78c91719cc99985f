"""What the registers say about targets of the plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from psycopg import sql

from domain.reduction_register import REDUCTION_MEASURE
from domain.register import Register
from domain.register_table import BUILDING_SITE, CLEAN_COAL, COAL_BOILER, FUME_CLEANING, FUME_PURIFIER, NONROAD
from store.connection import Connection


@dataclass(frozen=True, slots=True)
class Span:
    """Local days from `first` to `last`, both inside."""

    first: dt.date
    last: dt.date


def _newest(register: Register) -> sql.Composed:
    """The newest versions of an area's entries in service, as a subquery of the same name."""
    return sql.SQL(
        "(select * from (select distinct on (id) * from {} order by id, version desc) version"
        " where action <> 'retire' and area_id = %(area)s) {}"
    ).format(sql.Identifier(register.table), sql.Identifier(register.name))


#: Target of the plan -> statement giving its figure in a span of days, null when there is nothing to judge.
_FIGURES: Final[Mapping[str, sql.Composed]] = MappingProxyType(
    {
        "fume_cleaning": sql.SQL("""
            select 100.0 * count(*) filter (where exists (
                select from {cleaning}
                where purifier_id = fume_purifier.id and cleaned_on between %(first)s and %(last)s
            )) / nullif(count(*), 0)
            from {purifier}
            where coalesce(installed_on < %(first)s, true) and coalesce(removed_on > %(last)s, true)""").format(
            cleaning=_newest(FUME_CLEANING), purifier=_newest(FUME_PURIFIER)
        ),
        "nonroad_stage1": sql.SQL("""
            select count(*) from {}
            where stage in ('stage0', 'stage1') and coalesce(scrapped_on > %(last)s, true)""").format(_newest(NONROAD)),
        "coal_boilers_35t": sql.SQL("""
            select count(*) from {}
            where kind = 'boiler' and fuel = 'coal' and capacity_t_h <= 35
                and coalesce(closed_on > %(last)s, true)""").format(_newest(COAL_BOILER)),
        "site_video_share": sql.SQL("""
            select 100.0 * count(*) filter (where video_connected) / nullif(count(*), 0) from {}
            where area_m2 >= 5000 and coalesce(started_on <= %(last)s, true)
                and coalesce(ended_on > %(last)s, true)""").format(_newest(BUILDING_SITE)),
        "clean_coal_heat": sql.SQL("""
            select min(heat_kcal_kg) from {} where sampled_on between %(first)s and %(last)s""").format(
            _newest(CLEAN_COAL)
        ),
        "clean_coal_sulfur": sql.SQL("""
            select max(sulfur_percent) from {} where sampled_on between %(first)s and %(last)s""").format(
            _newest(CLEAN_COAL)
        ),
        "clean_coal_ash": sql.SQL("""
            select max(ash_percent) from {} where sampled_on between %(first)s and %(last)s""").format(
            _newest(CLEAN_COAL)
        ),
        "reduction_list_cover": sql.SQL("""
            select 100.0 * count(*) filter (where exists (
                select from {} where enterprise_id = enterprise.id or industry = enterprise.industry
            )) / nullif(count(*), 0)
            from enterprise where area_id = %(area)s and permit and retired_at is null""").format(
            _newest(REDUCTION_MEASURE)
        ),
    }
)


def read_register_figure(conn: Connection, area: str, target: str, span: Span) -> float | None:
    """What the registers say about a target of `domain.register_table.FEEDS` in a span; None = nothing to judge.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    area, target : str
        Whose target.
    span : Span
        A count or share at a date describes its last day; the cleaning share and the worst batch of coal, its days.

    Returns
    -------
    float or None
        Purifiers installed in the span or removed by its end are not due; neither are building sites below 5000 m²,
        not begun, or ended. Boilers, machines: how many are there.
    """
    row = conn.execute(_FIGURES[target], {"area": area, "first": span.first, "last": span.last}).fetchone()
    return None if row is None or row[0] is None else float(row[0])


def read_last_change(conn: Connection, area: str, registers: Sequence[Register]) -> dt.datetime | None:
    """When one of the registers was last changed in an area; None when the first of them has never had an entry."""
    moments: list[dt.datetime | None] = []
    for register in registers:
        query = sql.SQL("select max(changed_at) from {} where area_id = %s").format(sql.Identifier(register.table))
        row = conn.execute(query, (area,)).fetchone()
        moments.append(None if row is None else row[0])
    return max(each for each in moments if each is not None) if moments[0] is not None else None


def read_batch_years(conn: Connection, area: str) -> list[int]:
    """Years in which batches of clean coal were sampled, ascending."""
    query = sql.SQL("select distinct extract(year from sampled_on)::int from {} order by 1").format(_newest(CLEAN_COAL))
    return [year for (year,) in conn.execute(query, {"area": area}).fetchall()]
