"""Warnings in the database: only the legal steps happen, whoever takes them."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from domain.error import ConfigurationError
from domain.warning_state import ACTIONS_ZH, CLOSED, ISSUED, STATES_ZH, TRANSITIONS, change_action, step
from store.connection import Connection, connect
from store.warning import (
    Exclusion,
    NewEvent,
    NewExternalOrder,
    add_exclusion,
    add_external_order,
    read_events,
    read_exclusions,
    read_external_orders,
    read_last_rejection,
    read_open_warning,
    read_warning,
    read_warnings,
    revoke_external_order,
    write_event,
)

NOW = dt.datetime(2026, 1, 5, 4, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
LEVELS = ("none", *ISSUED)


def event(action: str, after: str, proposed: str | None = None, area: str = "x") -> NewEvent:
    return NewEvent(area, action, after, NOW + DAY, NOW + 4 * DAY, "warning-2024", "甲", "会商", {"aqi": 210}, proposed)


@pytest.fixture
def county(database: Any) -> Connection:
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        conn.execute("insert into area (id, name_zh) values ('x', '测试县'), ('y', '邻县')")
        yield conn


def test_the_table_in_sql_is_the_one_in_code(county: Connection) -> None:
    rows = county.execute("select before, action, after from warning_transition").fetchall()
    assert set(rows) == set(TRANSITIONS)
    states = {state for each in TRANSITIONS for state in (each.before, each.after)}
    assert states == set(STATES_ZH)
    assert {each.action for each in TRANSITIONS} == set(ACTIONS_ZH)
    assert not [each for each in TRANSITIONS if each.before in CLOSED]


def test_a_warning_from_proposal_to_lift(county: Connection) -> None:
    steps = [
        event("propose", "proposed", "yellow"),
        event("confirm", "yellow"),
        event("propose", "yellow", "red"),
        event("upgrade", "red"),
        event("extend", "red"),
        event("downgrade", "orange"),
        event("propose", "orange", "none"),
        event("lift", "lifted"),
    ]
    taken = [write_event(county, each, now=NOW + at * DAY) for at, each in enumerate(steps)]
    assert [each.before for each in taken] == ["none", *(each.after for each in taken[:-1])]
    assert read_open_warning(county, "x") is None
    done = read_warning(county, taken[0].warning_id)
    assert (done.state, done.highest_level, done.proposed_level) == ("lifted", "red", None)
    assert (done.opened_at, done.issued_at, done.closed_at) == (NOW, NOW + DAY, NOW + 7 * DAY)
    assert read_events(county, done.id) == taken
    assert taken[0].evidence == {"aqi": 210}
    again = write_event(county, event("propose", "proposed", "orange"), now=NOW + 9 * DAY)
    assert again.warning_id != done.id
    assert [each.id for each in read_warnings(county, "x")] == [again.warning_id, done.id]
    now = county.execute("select area_id, state, level_zh, proposed_level_zh from screen.warning_now order by 1")
    assert now.fetchall() == [("x", "proposed", "无预警", "橙色预警"), ("y", "none", "无预警", None)]


def test_refusals_name_what_is_legal(county: Connection) -> None:
    with pytest.raises(ConfigurationError, match="state none: found confirm -> red, expected propose -> proposed"):
        write_event(county, event("confirm", "red"), now=NOW)
    write_event(county, event("propose", "proposed", "yellow"), now=NOW)
    with pytest.raises(ConfigurationError, match="confirmed red, but yellow is proposed"):
        write_event(county, event("confirm", "red"), now=NOW)
    with pytest.raises(ConfigurationError, match="before the last one"):
        write_event(county, event("confirm", "yellow"), now=NOW - DAY)
    write_event(county, event("confirm", "yellow"), now=NOW)
    with pytest.raises(ConfigurationError, match="nothing is proposed"):
        write_event(county, event("reject", "yellow"), now=NOW)
    assert [change_action("proposed", "none"), change_action("red", "yellow")] == ["reject", "downgrade"]
    with pytest.raises(ConfigurationError, match="state yellow"):
        change_action("yellow", "yellow")


def test_nobody_changes_a_warning_but_by_an_event(county: Connection) -> None:
    write_event(county, event("propose", "proposed", "yellow"), now=NOW)
    for statement in (
        "update warning set state = 'red', issued_at = now()",
        "delete from warning",
        "update warning_event set why = 'x'",
        "delete from warning_event",
        "insert into warning_transition values ('proposed', 'lift', 'lifted')",
        "update external_order set document = 'x'",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            county.execute(statement)


def test_two_areas_and_two_clerks(county: Connection, database: Any) -> None:
    write_event(county, event("propose", "proposed", "yellow", "y"), now=NOW)
    with connect(database.url("lantian_app")) as one, connect(database.url("lantian_app")) as other:
        write_event(one, event("propose", "proposed", "yellow"), now=NOW)
        other.execute("set lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            write_event(other, event("propose", "proposed", "red"), now=NOW)
        one.commit()
        other.rollback()
        assert write_event(other, event("propose", "proposed", "red"), now=NOW).before == "proposed"


def test_rejections_and_orders_from_above(county: Connection) -> None:
    assert read_last_rejection(county, "x") is None
    write_event(county, event("propose", "proposed", "orange"), now=NOW)
    write_event(county, event("reject", "rejected"), now=NOW + DAY)
    rejected = read_last_rejection(county, "x")
    assert rejected is not None
    assert (rejected.proposed_level, rejected.at) == ("orange", NOW + DAY)
    order = NewExternalOrder("x", "province", "省厅", "晋环函1号", "orange", NOW, NOW + 3 * DAY, "乙")
    first = add_external_order(county, order, now=NOW)
    second = add_external_order(county, NewExternalOrder(*([*_fields(order)][:-2]), "乙", None), now=NOW)
    assert [each.id for each in read_external_orders(county, "x", at=NOW + 4 * DAY)] == []
    revoke_external_order(county, first, by_whom="乙", why="省厅解除", now=NOW + DAY)
    assert [each.id for each in read_external_orders(county, "x", at=NOW)] == [first, second]
    assert [each.id for each in read_external_orders(county, "x", at=NOW + DAY)] == [second]
    with pytest.raises(ConfigurationError, match="found no external order"):
        revoke_external_order(county, first, by_whom="乙", why="再次", now=NOW + DAY)
    add_exclusion(county, Exclusion("x", NOW, NOW + DAY, "dust", "丙"), now=NOW)
    assert [each.cause for each in read_exclusions(county, "x", NOW - DAY, NOW + dt.timedelta(hours=1))] == ["dust"]
    assert read_exclusions(county, "x", NOW + DAY, NOW + 2 * DAY) == []


def _fields(order: NewExternalOrder) -> list[Any]:
    return [getattr(order, name) for name in order.__dataclass_fields__]


class WarningMachine(RuleBasedStateMachine):
    """Any clerk tries any step at any time, through the house and past it; the database and a model stay the same."""

    conn: Connection

    def __init__(self) -> None:
        super().__init__()
        self.areas = ("x", "y")
        self.state = dict.fromkeys(self.areas, "none")
        self.proposed: dict[str, str | None] = dict.fromkeys(self.areas)
        self.clock = NOW
        self.conn.execute("begin")

    @rule(
        area=st.sampled_from(("x", "y")),
        action=st.sampled_from(sorted(ACTIONS_ZH)),
        after=st.sampled_from(sorted(STATES_ZH)),
        proposed=st.sampled_from((None, *LEVELS)),
        past_the_house=st.booleans(),
    )
    def tries(self, area: str, action: str, after: str, *, proposed: str | None, past_the_house: bool) -> None:
        self._try(area, action, after, proposed if action == "propose" else None, past_the_house)

    @rule(area=st.sampled_from(("x", "y")), which=st.integers(0, 20), proposed=st.sampled_from(LEVELS))
    def steps_on(self, area: str, which: int, proposed: str) -> None:
        """A step that the table allows, so that deep states are reached."""
        legal = sorted(each for each in TRANSITIONS if each.before == self.state[area])
        chosen = legal[which % len(legal)]
        self._try(area, chosen.action, chosen.after, proposed if chosen.action == "propose" else None, False)

    def _try(self, area: str, action: str, after: str, proposed: str | None, past_the_house: bool) -> None:
        self.clock += dt.timedelta(hours=1)
        legal = self._legal(area, action, after, proposed)
        try:
            with self.conn.transaction():
                if past_the_house:
                    self._insert(area, action, after, proposed)
                else:
                    write_event(self.conn, event(action, after, proposed, area), now=self.clock)
        except (ConfigurationError, psycopg.errors.IntegrityError):
            assert not legal, (self.state[area], action, after, proposed)
            return
        assert legal, (self.state[area], action, after, proposed)
        self.state[area] = "none" if after in CLOSED else after
        if action != "extend":
            self.proposed[area] = proposed

    def _legal(self, area: str, action: str, after: str, proposed: str | None) -> bool:  # noqa: PLR0911
        """The rules said once more, without the table."""
        before, pending = self.state[area], self.proposed[area]
        if action == "propose":
            if before in ISSUED:
                return after == before and proposed is not None and proposed != before
            return after == "proposed" and proposed in ISSUED
        if before == "proposed":
            expected = {"confirm": pending, "reject": "rejected", "lapse": "lapsed"}.get(action)
            return after == expected
        if before not in ISSUED:
            return False
        if action in ("reject", "lapse"):
            return after == before and pending is not None
        if action == "extend":
            return after == before
        if action == "lift":
            return after == "lifted"
        if after not in ISSUED:
            return False
        higher = ISSUED.index(after) - ISSUED.index(before)
        return {"upgrade": higher > 0, "downgrade": higher < 0}.get(action, False)

    def _insert(self, area: str, action: str, after: str, proposed: str | None) -> None:
        """As somebody would who writes SQL; what is wrong about `before` and the warning does not matter."""
        self.conn.execute(
            "insert into warning_event (warning_id, area_id, at, action, before, after, proposed_level, starts_at,"
            " ends_at, rules, by_whom, why, evidence)"
            " values (1, %s, %s, %s, 'red', %s, %s, %s, %s, 'r', 'b', 'w', '{}')",
            (area, self.clock, action, after, proposed, self.clock, self.clock + DAY),
        )

    @invariant()
    def the_database_agrees(self) -> None:
        rows = self.conn.execute(
            "select area_id, state, proposed_level from warning where closed_at is null"
        ).fetchall()
        found = {area: (state, proposed) for area, state, proposed in rows}
        assert len(found) == len(rows)
        for area in self.areas:
            expected = (self.state[area], self.proposed[area]) if self.state[area] != "none" else None
            assert found.get(area) == expected
        history = self.conn.execute(
            "select warning_id, before, action, after from warning_event order by warning_id, id"
        ).fetchall()
        for _, taken in itertools.groupby(history, key=lambda row: row[0]):
            state = "none"
            for _, before, action, after in taken:
                assert before == state
                step(before, action, after)
                state = after

    def teardown(self) -> None:
        self.conn.execute("rollback")


def test_no_forbidden_state_is_ever_reached(county: Connection) -> None:
    WarningMachine.conn = county
    run_state_machine_as_test(
        WarningMachine,
        settings=settings(
            max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
