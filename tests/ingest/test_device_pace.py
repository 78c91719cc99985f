"""How fast a device may send, against a count message by message."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from ingest.assembly import assemble
from ingest.pace import Allowance, Pace
from ingest.registry import Registry
from store.batch import Rejection

NAMES = st.sampled_from("abc")
BATCHES = st.lists(st.tuples(st.lists(NAMES, max_size=12), st.integers(0, 40)), max_size=12)


def test_by_hand() -> None:
    pace = Pace(Allowance(per_s=2, burst=3))
    assert pace.refused(list("aabaa"), 0.0) == {4}  # a fourth message of a
    assert pace.refused(list("a"), 0.4) == {0}  # 0.8 of a message has come back
    assert pace.refused(list("aa"), 1.0) == set()  # two have
    assert pace.refused(list("aaaabbbb"), 100.0) == {3, 7}  # never more than the burst
    assert pace.refused([], 100.0) == set()


@given(BATCHES)
def test_like_counting_one_by_one(batches: list[tuple[list[str], int]]) -> None:
    pace, now = Pace(Allowance(per_s=0.5, burst=4)), 0.0
    left: dict[str, float] = {}
    for topics, pause in batches:
        now += pause
        left = {name: min(4.0, rest + pause * 0.5) for name, rest in left.items()}
        slow = set()
        for at, name in enumerate(topics):
            if left.setdefault(name, 4.0) >= 1:
                left[name] -= 1
            else:
                slow.add(at)
        assert pace.refused(topics, now) == slow


def test_who_has_rested_is_forgotten() -> None:
    pace = Pace(Allowance(per_s=1, burst=10))
    pace.refused([f"t{number}" for number in range(100_001)], 0.0)
    pace.refused(["late"] * 20, 50.0)
    assert set(pace._left) == {"late"}


def test_what_is_refused_is_kept_whole_and_not_looked_into() -> None:
    moment = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    why = Rejection("too_fast", "more than 1 messages a second and 1 at once")
    arrivals = [("lt/v1/c/json/d/data", b"\xff\x00", moment), ("no topic of ours", b"x", moment)]
    found = assemble(
        arrivals, Registry(), collector="t", opened_at=moment, refused=dict.fromkeys(range(2), why)
    ).batch.messages
    assert [(one.topic, one.payload, one.rejection) for one in found] == [(*one[:2], why) for one in arrivals]
