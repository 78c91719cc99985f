"""Orders to enterprises with their measures, verdicts on each measure and hour, and inspections."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.error import ConfigurationError
from store.connection import Connection
from store.upsert import upsert


@dataclass(frozen=True, slots=True)
class Measure:
    """One ordered measure: the entry of the list as it stood.

    Attributes
    ----------
    measure_id, measure_version : str, int
        Entry of the register ``reduction_measure``.
    line_id, line_zh, process : str or None
        The production line; None for the whole enterprise.
    kind : str
        ``stop``, ``limit``, ``process``, ``transport`` or ``self``.
    limit_percent : float or None
        Largest share of normal production.
    stage : str or None
        Lorries of this stage and older are not let in.
    reduction_percent : float or None
        Declared share of the line's emission.
    detail : str
        In words.
    """

    measure_id: str
    measure_version: int
    line_id: str | None
    line_zh: str | None
    process: str | None
    kind: str
    limit_percent: float | None
    stage: str | None
    reduction_percent: float | None
    detail: str


@dataclass(frozen=True, slots=True)
class OrderMeasure(Measure):
    """A measure with its id and order."""

    id: int
    order_id: int


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order about to be given."""

    area_id: str
    warning_id: int
    warning_event_id: int
    enterprise_id: str
    enterprise_zh: str
    grade: str | None
    own_plan: bool
    level: str
    starts_at: dt.datetime
    ends_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Order(NewOrder):
    """An order as given; `ended_at` None while it is in force."""

    id: int
    issued_at: dt.datetime
    notice_id: int | None
    ended_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Verification:
    """Verdict on one measure and hour with what it rests on; None = not measured or not asked."""

    order_measure_id: int
    hour: dt.datetime
    verdict: str
    reason: str
    power_kw: float | None
    baseline_kw: float | None
    allowed_kw: float | None
    suspected_above_kw: float | None
    treatment_kw: float | None
    flow: float | None
    baseline_flow: float | None
    vehicles: float | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a person found on the spot; `result` is violation, no_violation or inconclusive."""

    order_id: int
    order_measure_id: int | None
    inspected_at: dt.datetime
    inspected_by: str
    result: str
    note: str


INSPECTION_RESULTS: Final[tuple[str, ...]] = ("violation", "no_violation", "inconclusive")
_NEW: Final = (
    "area_id, warning_id, warning_event_id, enterprise_id, enterprise_zh, grade, own_plan, level, starts_at, ends_at"
)
_MEASURE: Final = (
    "measure_id, measure_version, line_id, line_zh, process, kind, limit_percent, stage, reduction_percent, detail"
)
_VERIFICATION: Final = tuple(Verification.__dataclass_fields__)


def write_order(conn: Connection, order: NewOrder, measures: Sequence[Measure], *, now: dt.datetime) -> int:
    """Insert an order with its measures; returns its id. The caller commits, and adds the notice (`set_notice`)."""
    row = conn.execute(
        f"insert into reduction_order ({_NEW}, issued_at) values ({', '.join(['%s'] * 11)}) returning id",  # noqa: S608
        (
            *(order.area_id, order.warning_id, order.warning_event_id, order.enterprise_id, order.enterprise_zh),
            *(order.grade, order.own_plan, order.level, order.starts_at, order.ends_at, now),
        ),
    ).fetchone()
    assert row is not None
    with conn.cursor() as cursor:
        cursor.executemany(
            f"insert into order_measure (order_id, {_MEASURE}) values ({', '.join(['%s'] * 11)})",  # noqa: S608
            [
                (
                    *(row[0], each.measure_id, each.measure_version, each.line_id, each.line_zh, each.process),
                    *(each.kind, each.limit_percent, each.stage, each.reduction_percent, each.detail),
                )
                for each in measures
            ],
        )
    return int(row[0])


def set_notice(conn: Connection, order_id: int, notice_id: int) -> None:
    """Say which notice tells the enterprise of its order."""
    conn.execute("update reduction_order set notice_id = %s where id = %s", (notice_id, order_id))


def end_orders(conn: Connection, warning_id: int, *, event_id: int, now: dt.datetime) -> list[Order]:
    """End the orders of a warning that are in force; returns them as they were."""
    orders = [order for order in read_orders(conn, warning_id=warning_id) if order.ended_at is None]
    conn.execute(
        "update reduction_order set ended_at = %s, ended_event_id = %s where id = any(%s)",
        (now, event_id, [order.id for order in orders]),
    )
    return orders


def read_orders(
    conn: Connection,
    *,
    warning_id: int | None = None,
    enterprise_id: str | None = None,
    open_only: bool = False,
) -> list[Order]:
    """Orders, oldest first: of a warning, of an enterprise, in force; all when nothing is asked."""
    rows = conn.execute(
        f"select {_NEW}, id, issued_at, notice_id, ended_at from reduction_order"  # noqa: S608
        " where (%(warning)s::bigint is null or warning_id = %(warning)s)"
        " and (%(enterprise)s::text is null or enterprise_id = %(enterprise)s)"
        " and (not %(open)s or ended_at is null) order by id",
        {"warning": warning_id, "enterprise": enterprise_id, "open": open_only},
    ).fetchall()
    return [Order(*row) for row in rows]


def read_order(conn: Connection, order_id: int) -> Order:
    """One order; `ConfigurationError` when there is none of that id."""
    row = conn.execute(
        f"select {_NEW}, id, issued_at, notice_id, ended_at from reduction_order where id = %s",  # noqa: S608
        (order_id,),
    ).fetchone()
    if row is None:
        raise ConfigurationError(f"found no order {order_id}, expected the id of one")
    return Order(*row)


def read_order_measures(conn: Connection, orders: Iterable[int]) -> list[OrderMeasure]:
    """Measures of the orders, by order and as they stand in the list."""
    rows = conn.execute(
        f"select {_MEASURE}, id, order_id from order_measure where order_id = any(%s) order by order_id, id",  # noqa: S608
        (list(orders),),
    ).fetchall()
    return [OrderMeasure(*row) for row in rows]


def write_verifications(conn: Connection, rows: Iterable[Verification]) -> int:
    """Insert or replace verdicts; returns how many."""
    records = (tuple(getattr(row, name) for name in _VERIFICATION) for row in rows)
    return upsert(conn, "order_verification", _VERIFICATION, keys=2, records=records)


def read_verifications(conn: Connection, measures: Iterable[int]) -> list[Verification]:
    """Verdicts on measures, by measure and hour."""
    rows = conn.execute(
        f"select {', '.join(_VERIFICATION)} from order_verification"  # noqa: S608
        " where order_measure_id = any(%s) order by order_measure_id, hour",
        (list(measures),),
    ).fetchall()
    return [Verification(*row) for row in rows]


def read_verdict_counts(conn: Connection, measures: Iterable[int]) -> Mapping[int, dict[str, int]]:
    """Hours by verdict of each measure that has any."""
    rows = conn.execute(
        "select order_measure_id, verdict, count(*) from order_verification where order_measure_id = any(%s)"
        " group by 1, 2",
        (list(measures),),
    ).fetchall()
    counts: dict[int, dict[str, int]] = {}
    for measure, verdict, number in rows:
        counts.setdefault(measure, {})[verdict] = number
    return counts


def add_inspection(conn: Connection, inspection: Inspection) -> int:
    """Append what a person found; returns its id. The caller commits."""
    if inspection.result not in INSPECTION_RESULTS:
        raise ConfigurationError(f"found result {inspection.result!r}, expected one of {', '.join(INSPECTION_RESULTS)}")
    read_order(conn, inspection.order_id)
    row = conn.execute(
        "insert into order_inspection (order_id, order_measure_id, inspected_at, inspected_by, result, note)"
        " values (%s, %s, %s, %s, %s, %s) returning id",
        (
            *(inspection.order_id, inspection.order_measure_id, inspection.inspected_at, inspection.inspected_by),
            *(inspection.result, inspection.note),
        ),
    ).fetchone()
    assert row is not None
    return int(row[0])


def read_inspections(conn: Connection, orders: Iterable[int]) -> list[Inspection]:
    """Inspections of orders, oldest first."""
    rows = conn.execute(
        "select order_id, order_measure_id, inspected_at, inspected_by, result, note from order_inspection"
        " where order_id = any(%s) order by id",
        (list(orders),),
    ).fetchall()
    return [Inspection(*row) for row in rows]
