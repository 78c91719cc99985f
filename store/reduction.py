"""The emergency reduction list as orders and checks need it: enterprises, lines and measures of an area."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from domain.reduction_register import POLLUTANT_FIELDS, REDUCTION_LINE, REDUCTION_MEASURE
from domain.register_table import EMISSION
from store.connection import Connection
from store.register import Entry, read_register


@dataclass(frozen=True, slots=True)
class ListedEnterprise:
    """An enterprise in service; None = not told."""

    id: str
    name_zh: str
    industry: str
    grade: str | None
    permit: bool | None
    permit_number: str | None


@dataclass(frozen=True, slots=True)
class ListedLine:
    """A line of the list; `emission` in t/d of normal production by pollutant, what is not told is absent."""

    id: str
    enterprise_id: str
    name_zh: str
    process: str
    emission: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ListedMeasure:
    """A measure of the list, of one enterprise or of every one of an industry (docs/reduction.md)."""

    id: str
    version: int
    enterprise_id: str | None
    industry: str | None
    line_id: str | None
    level: str
    kind: str
    limit_percent: float | None
    stage: str | None
    reduction_percent: float | None
    months: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class ReductionList:
    """The list of an area; `registered` are the production lines of the registry by id with their enterprise, and
    `metered` those with a meter."""

    area_id: str
    enterprises: Mapping[str, ListedEnterprise]
    lines: Mapping[str, ListedLine]
    measures: tuple[ListedMeasure, ...]
    registered: Mapping[str, str]
    metered: frozenset[str]


def _serving(entries: Mapping[str, Entry], area_id: str) -> list[Entry]:
    return [each for each in entries.values() if each["retired_at"] is None and each["area_id"] == area_id]


def read_reduction_list(conn: Connection, area_id: str, *, known_at: dt.datetime | None = None) -> ReductionList:
    """The list of an area as it stands, or as it stood at a moment.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    area_id : str
        Area.
    known_at : datetime, optional
        Versions later than this do not count; enterprises and production lines are those of today either way.

    Returns
    -------
    ReductionList
        Without retired entries.
    """
    enterprises = [
        ListedEnterprise(*row)
        for row in conn.execute(
            "select id, name_zh, industry, grade, permit, permit_number from enterprise"
            " where area_id = %s and retired_at is null order by id",
            (area_id,),
        ).fetchall()
    ]
    lines = _serving(read_register(conn, REDUCTION_LINE, known_at=known_at), area_id)
    measures = _serving(read_register(conn, REDUCTION_MEASURE, known_at=known_at), area_id)
    registered = conn.execute(
        "select l.line_id, l.enterprise_id, exists (select from line_meter m where m.line_id = l.line_id)"
        " from production_line l join enterprise e on e.id = l.enterprise_id"
        " where e.area_id = %s and l.kind = 'production' and l.retired_at is null order by 1",
        (area_id,),
    ).fetchall()
    return ReductionList(
        area_id,
        {each.id: each for each in enterprises},
        {each["id"]: _line(each) for each in lines},
        tuple(_measure(each) for each in sorted(measures, key=lambda entry: str(entry["id"]))),
        {row[0]: row[1] for row in registered},
        frozenset(row[0] for row in registered if row[2]),
    )


def _line(entry: Entry) -> ListedLine:
    emission = {key: float(entry[field]) for key, field in POLLUTANT_FIELDS.items() if entry[field] is not None}
    return ListedLine(entry["id"], entry["enterprise_id"], entry["name_zh"], entry["process"], emission)


def _measure(entry: Entry) -> ListedMeasure:
    return ListedMeasure(
        entry["id"],
        entry["version"],
        entry["enterprise_id"] if entry["scope"] == "enterprise" else None,
        entry["industry"] if entry["scope"] == "industry" else None,
        entry["line_id"],
        entry["level"],
        entry["kind"],
        entry["limit_percent"],
        entry["stage"],
        entry["reduction_percent"],
        entry["months"],
        entry["detail"],
    )


def read_area_emission(conn: Connection, area_id: str) -> dict[str, float]:
    """Emission of the whole area in t/d by pollutant (so2, nox, pm, vocs), of the newest year of the inventory.

    What the inventory does not tell is absent; `pm` is its PM10.
    """
    entries = _serving(read_register(conn, EMISSION), area_id)
    newest = max((each["year"] for each in entries), default=None)
    totals: dict[str, float] = {}
    for each in entries:
        key = "pm" if each["pollutant"] == "pm10" else str(each["pollutant"])
        if each["year"] == newest and key in POLLUTANT_FIELDS:
            totals[key] = totals.get(key, 0.0) + each["amount_t"] / 365
    return totals
