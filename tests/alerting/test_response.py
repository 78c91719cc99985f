"""Steps of a warning with their orders and notices: what is written, and that it is all or nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from alerting.response import Decision, change_level, confirm, extend, propose, record_called, withdraw
from alerting.trigger import Called
from domain.error import ConfigurationError
from store.connection import SEARCH_PATH, Connection, connect
from store.order import Inspection, add_inspection, read_inspections, read_order_measures, read_orders
from store.warning import read_open_warning

NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
AREA = "zhongyang"
CALLED = Called(
    "propose", "orange", NOW + HOUR, NOW + 3 * DAY, "最近24小时AQI为180", "6日AQI约230", {"rules": "warning-2024"}
)


def decision(now: dt.datetime = NOW, **more: Any) -> Decision:
    return Decision("李局长", "会商决定", now, **more)


def counts(conn: Connection) -> dict[str, int]:
    tables = ("warning", "warning_event", "reduction_order", "order_measure", "notice", "delivery")
    return {table: conn.execute(f"select count(*) from {table}").fetchone()[0] for table in tables}  # type: ignore[index]


def notices(conn: Connection, after: int = 0) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select kind, coalesce(enterprise_id, 'operators') from notice where id > %s order by 1, 2", (after,)
    ).fetchall()


def test_from_proposal_to_lift(county: Connection) -> None:
    record_called(county, AREA, CALLED, now=NOW)
    assert counts(county)["reduction_order"] == 0
    assert notices(county) == [("warning", "operators")]
    issued = confirm(county, AREA, decision(NOW + HOUR / 2))
    assert (issued.after, issued.starts_at, issued.evidence["rules"]) == ("orange", NOW + HOUR, "warning-2024")
    orders = read_orders(county, open_only=True)
    assert [(order.enterprise_id, order.level, order.own_plan) for order in orders] == [
        ("fuyu-coking", "orange", False), ("taoyuan-cement", "orange", True),
        ("taoyuan-dongyi-cement", "orange", False), ("zhongyang-steel", "orange", False),
    ]  # fmt: skip
    assert [each.measure_id for each in read_order_measures(county, [order.id for order in orders])] == [
        "m5",
        "m7",
        "m2",
    ]
    row = county.execute(
        "select n.subject_zh, n.body_zh, n.respond_by, n.severity, n.payload -> 'measures' -> 0 ->> 'kind',"
        " (select count(*) from delivery d where d.notice_id = n.id) from notice n where n.id = %s",
        (orders[-1].notice_id,),
    ).fetchone()
    assert row is not None
    assert row[0] == "山西中阳钢铁有限公司：橙色预警减排指令"
    assert "1. sinter-1线：停产。按方案执行" in row[1]
    assert "请自1月5日21时起执行" in row[1]
    assert row[2:] == (NOW + HOUR / 2 + HOUR, 3, "stop", 1)
    body = county.execute("select body_zh from notice where kind = 'warning' order by id desc limit 1").fetchone()
    assert body is not None
    assert "预计1月8日20时结束" in body[0]
    assert "起因：最近24小时AQI为180" in body[0]
    assert "向4家企业下达减排指令（其中自主减排1家）" in body[0]

    before = counts(county)["notice"]
    change_level(county, AREA, "yellow", decision(NOW + DAY))
    assert {order.starts_at for order in read_orders(county, open_only=True)} == {
        NOW + DAY
    }  # not before they are given
    assert {order.enterprise_id: order.ended_at for order in read_orders(county) if order.level == "orange"} == {
        order.enterprise_id: NOW + DAY for order in orders
    }
    assert [order.enterprise_id for order in read_orders(county, open_only=True)] == [
        "taoyuan-cement",
        "zhongyang-steel",
    ]
    told = county.execute("select kind, enterprise_id from notice order by id offset %s", (before,)).fetchall()
    assert ("lift", "fuyu-coking") in told  # nothing to do at yellow: its order ends
    assert ("order", "zhongyang-steel") in told
    extend(county, AREA, decision(NOW + DAY + HOUR, starts_at=NOW + HOUR, ends_at=NOW + 5 * DAY))
    change_level(county, AREA, "none", decision(NOW + 2 * DAY))
    assert read_orders(county, open_only=True) == []
    assert read_open_warning(county, AREA) is None
    episode = county.execute("select highest_level, state, orders, enterprises from screen.episode").fetchone()
    assert episode == ("orange", "lifted", 6, 4)
    text = county.execute("select body_zh from notice where kind = 'lift' order by id desc limit 1").fetchone()
    assert text is not None
    assert "解除重污染天气黄色预警" in text[0]


def test_a_person_may_refuse_and_the_platform_may_withdraw(county: Connection) -> None:
    propose(county, AREA, "yellow", decision(starts_at=NOW, ends_at=NOW + DAY))
    assert withdraw(county, AREA, "reject", decision()).after == "rejected"
    propose(county, AREA, "yellow", decision(starts_at=NOW, ends_at=NOW + DAY))
    lapse = Called("lapse", "none", NOW, NOW + DAY, "", "", {})
    assert record_called(county, AREA, lapse, now=NOW)[0].after == "lapsed"
    with pytest.raises(ConfigurationError, match="found no warning in zhongyang"):
        confirm(county, AREA, decision())
    with pytest.raises(ConfigurationError, match="found no warning in force"):
        propose(county, AREA, "none", decision(starts_at=NOW, ends_at=NOW + DAY))
    with pytest.raises(ConfigurationError, match="expected a start before its end"):
        propose(county, AREA, "red", decision(starts_at=NOW, ends_at=NOW))
    propose(county, AREA, "red", decision(starts_at=NOW, ends_at=NOW + DAY))
    with pytest.raises(ConfigurationError, match="expected reject instead"):
        change_level(county, AREA, "none", decision())
    confirm(county, AREA, decision())
    with pytest.raises(ConfigurationError, match="found no proposal"):
        confirm(county, AREA, decision())


def test_a_change_after_the_expected_end_needs_another_end(county: Connection) -> None:
    record_called(county, AREA, CALLED, now=NOW, automatic=True)
    with pytest.raises(ConfigurationError, match="expected a start before its end"):
        change_level(county, AREA, "red", decision(NOW + 4 * DAY))
    assert change_level(county, AREA, "red", decision(NOW + 4 * DAY, ends_at=NOW + 5 * DAY)).after == "red"
    assert change_level(county, AREA, "none", decision(NOW + 6 * DAY)).after == "lifted"


def test_automatic_issue_writes_both_steps(county: Connection) -> None:
    events = record_called(county, AREA, CALLED, now=NOW, automatic=True)
    assert [(each.action, each.after, each.by_whom) for each in events] == [
        ("propose", "proposed", "平台"), ("confirm", "orange", "平台"),
    ]  # fmt: skip
    assert len(read_orders(county, open_only=True)) == 4


def test_an_inspection_belongs_to_an_order(county: Connection) -> None:
    record_called(county, AREA, CALLED, now=NOW, automatic=True)
    order = read_orders(county)[0]
    add_inspection(county, Inspection(order.id, None, NOW, "执法队", "no_violation", "现场停产"))
    assert [each.result for each in read_inspections(county, [order.id])] == ["no_violation"]
    with pytest.raises(ConfigurationError, match="found no order 999"):
        add_inspection(county, Inspection(999, None, NOW, "执法队", "violation", ""))
    with pytest.raises(ConfigurationError, match="found result 'guilty'"):
        add_inspection(county, Inspection(order.id, None, NOW, "执法队", "guilty", ""))


class Dying(psycopg.Connection[tuple[Any, ...]]):
    """A connection that the server loses just before statement number `dies_at`."""

    dies_at = 0
    statements = 0
    killer: Any = None

    def execute(self, *arguments: Any, **options: Any) -> Any:
        self.statements += 1
        if self.statements == self.dies_at:
            self.killer.execute("select pg_terminate_backend(%s)", (self.info.backend_pid,))
        return super().execute(*arguments, **options)


def survive(county: Connection, database: Any, action: Callable[[Connection], object]) -> int:
    """Do `action` with the server lost before statement 1, 2, 3 ...: nothing is there until it ends; how many."""
    before, options = counts(county), f"-c search_path={SEARCH_PATH} -c timezone=UTC"
    with connect(database.url("postgres"), autocommit=True) as killer:
        for dies_at in range(1, 300):
            conn = Dying.connect(database.url("lantian_app"), autocommit=True, options=options)
            conn.dies_at, conn.killer = dies_at, killer
            try:
                action(conn)
                return dies_at - 1
            except psycopg.OperationalError:
                assert counts(county) == before, dies_at
            finally:
                conn.close()
    raise AssertionError("never ended")


def test_a_kill_at_any_statement_leaves_all_or_nothing(county: Connection, database: Any) -> None:
    """Event, end of old orders, new orders, measures, notices and deliveries: lost together or there together."""
    assert survive(county, database, lambda conn: record_called(conn, AREA, CALLED, now=NOW, automatic=True)) > 20
    before = counts(county)
    assert (before["warning"], before["warning_event"], before["reduction_order"]) == (1, 2, 4)
    end = NOW + 4 * DAY
    assert (
        survive(county, database, lambda conn: change_level(conn, AREA, "red", decision(NOW + DAY, ends_at=end))) > 20
    )
    after = counts(county)
    assert after["warning_event"] == before["warning_event"] + 1
    assert after["reduction_order"] == before["reduction_order"] + 3
    assert after["order_measure"] == before["order_measure"] + 4
    row = county.execute("select count(*) from reduction_order where notice_id is null").fetchone()
    assert row == (0,)
    assert survive(county, database, lambda conn: change_level(conn, AREA, "none", decision(end))) > 10
    assert read_orders(county, open_only=True) == []
