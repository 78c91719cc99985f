"""The outbox against a model: nothing is lost, nothing is forgotten early, and it keeps its bounds."""

import itertools
import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.error import ConfigurationError
from firmware_sim.outbox import Outbox, Parcel
from firmware_sim.window import Patience, Window

CAPACITY, WINDOW, PATIENCE = 6, 3, Patience(10.0, 80.0)
DEVICES = ("a", "b")


class OutboxModel(RuleBasedStateMachine):
    """Devices measure, send, get answers (late, twice, unknown), lose power; time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "outbox.sqlite"
        self.now = 0.0
        self.kept: dict[int, Parcel] = {}
        self.seen: list[int] = []
        self.sent_at: dict[int, float] = {}
        self.open()

    def open(self) -> None:
        self.outbox = Outbox(self.path, 1000, capacity=CAPACITY, window=WINDOW, patience=PATIENCE)

    def teardown(self) -> None:
        # Whatever happened: with patience everything unanswered goes out and can be answered.
        for _ in range(4 * CAPACITY):
            self.now += PATIENCE.longest_s
            for parcel in self.outbox.due(self.now):
                assert self.kept.pop(parcel.number) == parcel
                assert self.outbox.answer(parcel.number)
        assert not self.kept
        self.outbox.close()
        self.folder.cleanup()

    @rule(device=st.sampled_from(DEVICES), payload=st.binary(max_size=8))
    def put(self, device: str, payload: bytes) -> None:
        parcel = Parcel(self.outbox.new_number(), device, f"topic/{device}", payload)
        assert parcel.number not in self.seen
        if self.outbox.room(device) == 0:
            with pytest.raises(ConfigurationError):
                self.outbox.put(parcel)
            return
        self.outbox.put(parcel, span_s=60, next_s=parcel.number)
        self.kept[parcel.number] = parcel
        self.seen.append(parcel.number)
        assert self.outbox.cursor(device, 60) == parcel.number

    @rule(passed=st.floats(0.0, 30.0))
    def send(self, passed: float) -> None:
        self.now += passed
        for parcel in self.outbox.due(self.now):
            assert self.kept[parcel.number] == parcel
            assert self.now - self.sent_at.get(parcel.number, -1e9) >= PATIENCE.first_s
            self.sent_at[parcel.number] = self.now

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.seen))
        assert self.outbox.answer(number) == (number in self.kept)
        self.kept.pop(number, None)
        assert not self.outbox.answer(number)

    @rule()
    def restart(self) -> None:
        self.outbox.close()
        self.sent_at.clear()
        self.open()

    @invariant()
    def holds_exactly_the_unanswered(self) -> None:
        assert len(self.outbox) == len(self.kept)
        for device in DEVICES:
            kept = [parcel for parcel in self.kept.values() if parcel.device == device]
            assert self.outbox.kept(device) == len(kept) <= CAPACITY


OutboxModel.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestOutboxModel = OutboxModel.TestCase


def test_power_cut_goes_back_to_the_last_commit(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = Outbox(path, 1000)
    outbox.put(Parcel(1, "a", "t", b"kept"), span_s=60, next_s=120)
    outbox.commit()
    outbox.put(Parcel(2, "a", "t", b"lost with its cursor"), span_s=60, next_s=180)
    outbox._release()  # the power fails: no commit
    again = Outbox(path, 1000)
    assert [parcel.payload for parcel in again.due(0.0)] == [b"kept"]
    assert again.cursor("a", 60) == 120
    again.close()


def test_numbers_never_come_back(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = Outbox(path, 1000)
    last = [outbox.new_number() for _ in range(500)][-1]
    outbox.close()
    again = Outbox(path, 1001)
    assert again.new_number() > last
    again.close()


def test_answered_days_and_facts_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    outbox = Outbox(path, 0)
    outbox.note_answered_days("a", [3, 5])
    outbox.note_fact("seed", "7")
    outbox.close()
    again = Outbox(path, 0)
    assert again.answered_days("a") == {3, 5}
    assert again.answered_days("b") == set()
    assert again.fact("seed") == "7"
    assert again.fact("other") is None
    again.close()


def test_patience_doubles_up_to_its_limit() -> None:
    assert [Patience().wait_s(attempt) for attempt in range(1, 7)] == [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]


def test_window_reports_each_overdue_key_once_per_waiting_time() -> None:
    window: Window[int] = Window(2, Patience(30.0, 300.0))
    window.open(1, 0.0)
    window.open(2, 5.0)
    with pytest.raises(ConfigurationError):
        window.open(3, 6.0)
    seen = []
    for now in itertools.count(0):
        if now > 200:
            break
        for key in window.overdue(float(now)):
            seen.append((now, key))
            window.open(key, float(now))
    assert seen == [(30, 1), (35, 2), (90, 1), (95, 2)]
    assert window.close(1) and not window.close(1)
    assert window.room == 1


def test_two_simulations_never_share_a_file_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite", 0)
    said = rf"outbox.sqlite: found another simulator .*process {os.getpid()}, since 1970-01-01T08:00:00.*lantian up"
    with pytest.raises(ConfigurationError, match=said):
        Outbox(tmp_path / "outbox.sqlite", 0)
    outbox.close()
    Outbox(tmp_path / "outbox.sqlite", 0).close()
    (tmp_path / "text").write_text("no database" * 200)
    with pytest.raises(ConfigurationError, match="text"):
        Outbox(tmp_path / "text", 0)


def test_the_first_simulator_goes_on_while_a_second_tries_between_two_of_its_transactions(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    first = Outbox(path, 0)
    first.put(Parcel(first.new_number(), "a", "t", b"1"))
    # As between `commit` and the next `begin`: nobody holds the database.
    first._database.execute("commit")
    with pytest.raises(ConfigurationError, match="another simulator"):
        Outbox(path, 0)
    first._database.execute("begin immediate")
    first.put(Parcel(first.new_number(), "a", "t", b"2"))
    first.close()
    with sqlite3.connect(path) as database:
        assert database.execute("select count(*) from pending").fetchone() == (2,)
    database.close()
