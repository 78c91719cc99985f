"""Split frames: parts in any order and any batches become one row; what stays incomplete is rejected with its bytes."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from domain.error import RejectError
from domain.family import AIR, FAMILIES
from ingest import part as part_module
from ingest.answer import outcome_answer
from ingest.assembly import Assembled, assemble
from ingest.part import PartBook, given_up
from ingest.registry import Registry
from ingest.wire.hj212 import encode_frame
from ingest.wire.hj212_reading import decode_hj212
from ingest.wire.reading import Source
from store.message import FramePart
from store.registry import RegisteredDevice

RECEIVED = dt.datetime(2026, 3, 1, 4, 1, tzinfo=dt.UTC)
TOPIC = "lt/v1/zy/hj212/d1/data"
UNITS = {"a34004": "µg/m³", "a34002": "µg/m³", "a21026": "µg/m³"}
CONTENTS = ("a34004-Rtd=48,a34004-Flag=N", "a34002-Rtd=96,a34002-Flag=D;LA-Rtd=50", "a21026-Rtd=7;x1-Info=abc")


def frame(number: object, content: str, *, total: object = 3, time: str = "20260301120000", qn: int = 0) -> bytes:
    name = 20260301120000000 + (qn or (number if isinstance(number, int) else 0))
    header = f"QN={name};ST=22;CN=2011;PW=1;MN=M1;Flag=7;PNUM={total};PNO={number}"
    return encode_frame(f"{header};CP=&&DataTime={time};{content}&&")


PARTS = [frame(number, content) for number, content in enumerate(CONTENTS, start=1)]


@pytest.fixture
def registry() -> Registry:
    known = Registry()
    facts = ("d1", "s1", "zy", "hj212", "air", "M1", "start", 28800, 0, 60, 1, "explicit", RECEIVED, None, UNITS)
    known.take({"d1": RegisteredDevice(*facts)})
    return known


def batch(registry: Registry, book: PartBook, *payloads: bytes, at: dt.datetime = RECEIVED) -> Assembled:
    arrivals = [(TOPIC, payload, at) for payload in payloads]
    return assemble(arrivals, registry, collector="c1", opened_at=at, book=book)


def columns(assembled: Assembled) -> list[dict[str, float]]:
    block = assembled.batch.readings.get("air")
    rows = block.values.tolist() if block is not None else []
    return [{key: value for key, value in zip(AIR.keys, row, strict=True) if not math.isnan(value)} for row in rows]


def reasons(assembled: Assembled) -> list[str | None]:
    return [message.rejection.reason if message.rejection else None for message in assembled.batch.messages]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_parts_in_any_order_become_one_row_of_the_last(registry: Registry, order: tuple[int, ...]) -> None:
    assembled = batch(registry, PartBook(), *(PARTS[at] for at in order))
    assert columns(assembled) == [{"pm25": 48.0, "pm10": 96.0, "so2": 7.0}]
    assert assembled.batch.readings["air"].message.tolist() == [2]
    assert assembled.batch.readings["air"].marks[0][:3] == "ND-"
    factors = assembled.batch.factors
    assert factors is not None
    assert sorted(zip(factors.factors, factors.texts, strict=True)) == [("LA", None), ("x1", "abc")]
    assert [owner for owner, _ in assembled.batch.parts] == [0, 1]
    assert assembled.batch.closed == [(2, "d1", "22/2011/3/20260301120000")]


def test_every_part_is_answered_by_its_own_number(registry: Registry) -> None:
    assembled = batch(registry, PartBook(), PARTS[0])
    assert columns(assembled) == []
    decoded = assembled.decoded[0]
    assert decoded is not None
    answer = outcome_answer(assembled.batch.messages[0], decoded, "stored")
    assert answer is not None and b"QN=20260301120000001;ST=91;CN=9014" in answer[1]


def test_parts_in_different_batches(registry: Registry) -> None:
    book = PartBook()
    for payload in PARTS[:2]:
        assembled = batch(registry, book, payload)
        assert columns(batch(registry, book, payload)) == []  # tried again: nothing has changed before the commit
        assembled.draft.settle(())
    assert book.waiting == 2
    last = batch(registry, book, PARTS[2])
    assert columns(last) == [{"pm25": 48.0, "pm10": 96.0, "so2": 7.0}]
    assert book.waiting == 2
    last.draft.settle(())
    assert book.waiting == 0


def test_parts_that_another_process_left(registry: Registry) -> None:
    first = batch(registry, PartBook(), *PARTS[:2])
    book = PartBook((part for _, part in first.batch.parts), RECEIVED)
    assert columns(batch(registry, book, PARTS[2])) == [{"pm25": 48.0, "pm10": 96.0, "so2": 7.0}]
    assert book.expired(RECEIVED + dt.timedelta(seconds=599)) == []
    assert len(book.expired(RECEIVED + dt.timedelta(seconds=600))) == 2


def test_copies_wait_for_nothing(registry: Registry) -> None:
    book = PartBook()
    first = batch(registry, book, PARTS[0], PARTS[0], PARTS[1], PARTS[2], PARTS[1])
    assert len(columns(first)) == 1
    first.draft.settle(())
    again = batch(registry, book, PARTS[1], PARTS[0])
    assert (columns(again), again.batch.parts, again.decoded[0] is not None) == ([], [], True)


def test_frames_of_another_time_do_not_mix(registry: Registry) -> None:
    other = frame(2, CONTENTS[1], total=2, time="20260301120030")
    assert columns(batch(registry, PartBook(), frame(1, CONTENTS[0], total=2), other)) == []


def test_parts_that_contradict_each_other(registry: Registry) -> None:
    for content in ("a34004-Rtd=49", "a34004-Min=1"):
        pair = [frame(1, f"{CONTENTS[0]};a34004-Min=2", total=2), frame(2, content, total=2)]
        assembled = batch(registry, PartBook(), *pair)
        assert reasons(assembled) == [None, "bad_field"]
        assert assembled.batch.closed == []
        assert len(assembled.draft.waiting) == 1


def test_a_refused_whole_leaves_its_parts_waiting(registry: Registry) -> None:
    book = PartBook()
    assembled = batch(registry, book, *PARTS)
    assembled.draft.settle({2: "refused"})
    assert book.waiting == 2


def test_a_part_is_checked_by_itself(registry: Registry) -> None:
    unregistered = frame(1, "a05024-Rtd=3")
    assembled = batch(registry, PartBook(), unregistered, PARTS[1][:-7] + b"0\r\n", PARTS[2])
    assert reasons(assembled)[0] == "unit_unregistered"
    assert reasons(assembled)[1] is not None
    assert len(assembled.batch.parts) == 1


@pytest.mark.parametrize(
    ("number", "total", "reason"),
    [(0, 2, "bad_field"), (3, 2, "bad_field"), ("x", 2, "bad_field"), (1, "y", "bad_field"), (1, 1000, "too_large")],
)
def test_numbers_that_make_no_sense(number: object, total: object, reason: str) -> None:
    with pytest.raises(RejectError) as caught:
        decode_hj212(frame(number, CONTENTS[0], total=total), Source("d1", FAMILIES["air"], mn="M1", units=UNITS))
    assert caught.value.reason == reason


@pytest.mark.parametrize(("number", "total"), [(1, 1), (1, 0)])
def test_one_part_is_whole(number: int, total: int) -> None:
    source = Source("d1", FAMILIES["air"], mn="M1", units=UNITS)
    decoded = decode_hj212(frame(number, CONTENTS[0], total=total), source)
    assert (decoded.part, len(decoded.readings)) == (None, 1)


def test_what_stays_incomplete_is_given_up(registry: Registry) -> None:
    book = PartBook()
    batch(registry, book, PARTS[2], PARTS[0]).draft.settle(())
    later = RECEIVED + dt.timedelta(seconds=300)
    batch(registry, book, frame(1, CONTENTS[0], time="20260301120100"), at=later).draft.settle(())
    assert book.expired(RECEIVED + dt.timedelta(seconds=599)) == []
    stale = book.expired(RECEIVED + dt.timedelta(seconds=600))
    rejected = given_up(stale, "c1", later)
    assert [message.payload for message in rejected.messages] == [PARTS[2], PARTS[0]]
    assert {message.rejection.reason for message in rejected.messages if message.rejection} == {"incomplete"}
    assert rejected.messages[0].rejection is not None
    assert "parts 2 did not come" in rejected.messages[0].rejection.detail
    assert rejected.closed == [(None, "d1", "22/2011/3/20260301120000")]
    book.drop((part.device_id, part.set_key) for part in stale)
    assert book.waiting == 1


def test_memory_is_bounded(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_module, "MAX_WAITING", 2)
    many = [frame(1, CONTENTS[0], time=f"202603011200{second:02}") for second in range(4)]
    assembled = batch(registry, PartBook(), *many)
    assert reasons(assembled) == [None, None, "incomplete", "incomplete"]


def test_parts_are_named_by_what_they_share() -> None:
    first = FramePart("d1", "22/2011/3/20260301120000", 1, 3, RECEIVED, TOPIC, PARTS[0])
    source = Source("d1", FAMILIES["air"], mn="M1", units=UNITS)
    assert decode_hj212(PARTS[0], source).part == (first.set_key, 1, 3)
