"""What became of notices: deliveries and answers, and the orders of an episode with both, as screens show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.rows import dict_row

from store.connection import Connection

Entry = dict[str, Any]


def _rows(conn: Connection, statement: str, parameters: tuple[object, ...]) -> list[Entry]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement.encode(), parameters).fetchall()


def read_deliveries_of(conn: Connection, notices: Sequence[int]) -> list[Entry]:
    """Deliveries of notices as view screen.delivery shows them, by notice and birth."""
    return _rows(
        conn,
        "select * from screen.delivery where notice_id = any (%s) order by notice_id, delivery_id",
        (list(notices),),
    )


def read_answers_of(conn: Connection, notices: Sequence[int]) -> list[Entry]:
    """Answers to notices as view screen.acknowledgement shows them, by notice and time."""
    return _rows(
        conn,
        "select * from screen.acknowledgement where notice_id = any (%s) order by notice_id, acknowledgement_id",
        (list(notices),),
    )


def read_episode_orders(conn: Connection, warning: int) -> list[Entry]:
    """Orders of a warning: columns of view screen.order_now, and of its notice ``told_zh``, ``first_sent_at``,
    ``respond_by``, ``acknowledged_at``, ``acknowledged_by``; open ones first."""
    return _rows(
        conn,
        "select o.*, n.state_zh as told_zh, n.first_sent_at, n.respond_by, n.acknowledged_at, n.acknowledged_by"
        " from screen.order_now o left join screen.notice n on n.notice_id = o.notice_id"
        " where o.warning_id = %s order by o.open desc, o.suspected desc, o.enterprise_zh, o.order_id",
        (warning,),
    )


def read_enterprise_orders(conn: Connection, enterprise: str) -> list[Entry]:
    """Orders to an enterprise with the columns of `read_episode_orders`, the newest first."""
    return _rows(
        conn,
        "select o.*, n.state_zh as told_zh, n.first_sent_at, n.respond_by, n.acknowledged_at, n.acknowledged_by"
        " from screen.order_now o left join screen.notice n on n.notice_id = o.notice_id"
        " where o.enterprise_id = %s order by o.open desc, o.order_id desc",
        (enterprise,),
    )


def read_overdue(conn: Connection, area: str) -> list[Entry]:
    """Notices of an area that nobody answered in time, the gravest and latest first (view screen.overdue)."""
    return _rows(
        conn,
        "select * from screen.overdue where area_id = %s or area_id is null"
        " order by severity desc, minutes_late desc, notice_id",
        (area,),
    )
