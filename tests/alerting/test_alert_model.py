"""The life of an alert as a model: whatever is done in whatever order, database and model agree, and nothing forbidden
is ever reached."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from alert_scene import NOW, furnish, rows
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from domain.error import ConfigurationError
from store.alert import (
    AlertKey,
    Mute,
    acknowledge_alert,
    announce_unmuted,
    assign_alert,
    clear_alert,
    close_alert,
    comment_alert,
    mute,
    raise_alert,
)
from store.connection import Connection, connect

KEYS = [AlertKey(kind, "site", site) for kind in ("data_missing", "micro_peak") for site in ("mill-1", "oven-1")]
ACTIVE = ("open", "acknowledged")
LEGAL = {
    "acknowledge": {"open": "acknowledged"},
    "clear": dict.fromkeys(ACTIVE, "cleared"),
    "close": dict.fromkeys((*ACTIVE, "cleared"), "closed"),
    "assign": {state: state for state in (*ACTIVE, "cleared")},
    "comment": {state: state for state in (*ACTIVE, "cleared", "closed")},
}


class AlertLife(RuleBasedStateMachine):
    """Alerts of four sources, driven at random."""

    conn: Connection

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.state: dict[int, str] = {}
        self.key: dict[int, AlertKey] = {}
        self.told: dict[int, bool] = {}
        self.muted: dict[AlertKey, dt.datetime] = {}
        self.conn.execute("begin")

    def teardown(self) -> None:
        self.conn.execute("rollback")

    def active(self, key: AlertKey) -> int | None:
        return next((each for each, state in self.state.items() if self.key[each] == key and state in ACTIVE), None)

    def is_muted(self, key: AlertKey) -> bool:
        return self.muted.get(key, NOW) > self.now

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)

    @rule(key=st.sampled_from(KEYS), value=st.integers(0, 2))
    def raised(self, key: AlertKey, value: int) -> None:
        before = self.active(key)
        found = raise_alert(
            self.conn, key, severity=2, subject_zh="a", body_zh="b", evidence={"v": value}, now=self.now
        )
        assert (found is None) == (before is not None)
        if found is not None:
            self.state[found], self.key[found], self.told[found] = "open", key, not self.is_muted(key)

    @rule(key=st.sampled_from(KEYS))
    def cleared(self, key: AlertKey) -> None:
        found = clear_alert(self.conn, key, now=self.now)
        assert found == self.active(key)
        if found is not None:
            self.state[found] = "cleared"

    @precondition(lambda self: self.state)
    @rule(data=st.data(), action=st.sampled_from(["acknowledge", "assign", "comment", "close"]))
    def acted(self, data: st.DataObject, action: str) -> None:
        alert = data.draw(st.sampled_from(sorted(self.state)))
        after = LEGAL[action].get(self.state[alert])
        try:
            with self.conn.transaction():
                self._act(alert, action)
        except ConfigurationError:
            assert after is None
        else:
            assert after is not None
            self.state[alert] = after

    def _act(self, alert: int, action: str) -> None:
        if action == "acknowledge":
            acknowledge_alert(self.conn, alert, by="张三", now=self.now)
        elif action == "assign":
            assign_alert(self.conn, alert, to="李四", by="张三", now=self.now)
        elif action == "comment":
            comment_alert(self.conn, alert, comment="备注", by="张三", now=self.now)
        else:
            close_alert(self.conn, alert, by="张三", now=self.now)

    @rule(key=st.sampled_from(KEYS), minutes=st.integers(1, 120))
    def muted_for(self, key: AlertKey, minutes: int) -> None:
        until = self.now + dt.timedelta(minutes=minutes)
        mute(self.conn, Mute(key.kind, (key.source_kind, key.source_id), until, "检修"), by="张三", now=self.now)
        self.muted[key] = max(until, self.muted.get(key, until))

    @rule()
    def unmuted(self) -> None:
        due = [
            each for each, state in self.state.items()
            if state in ACTIVE and not self.told[each] and not self.is_muted(self.key[each])
        ]  # fmt: skip
        assert announce_unmuted(self.conn, now=self.now) == len(due)
        self.told |= dict.fromkeys(due, True)

    @invariant()
    def database_and_model_agree(self) -> None:
        assert dict(rows(self.conn, "select id, state from alert where kind <> 'nobody_to_tell'")) == self.state
        last = (
            "select distinct on (alert_id) alert_id, state_after from alert_event v join alert a on a.id = v.alert_id"
            " where a.kind <> 'nobody_to_tell' order by alert_id, v.id desc"
        )
        assert dict(rows(self.conn, last)) == self.state
        told = (
            "select distinct a.id from notice n join alert a on n.reference = 'alert:' || a.id"
            " where n.kind = 'alert' and a.kind <> 'nobody_to_tell'"
        )
        assert {each for (each,) in rows(self.conn, told)} == {each for each, was in self.told.items() if was}
        illegal = (
            "select count(*) from alert_event v where not exists (select from alert_transition t where"
            " (t.action, t.state_before, t.state_after) = (v.action, v.state_before, v.state_after))"
        )
        assert rows(self.conn, illegal) == [(0,)]


@pytest.mark.timeout(120)
def test_the_life_of_alerts_follows_the_model(database: Any) -> None:
    furnish(database)
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        machine = type("Machine", (AlertLife,), {"conn": conn})
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
