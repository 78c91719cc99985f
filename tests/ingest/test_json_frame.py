"""The JSON codec: what is taken, what is refused and under which name."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.error import RejectError
from domain.family import AIR
from ingest.wire.json_frame import decode_json, decode_state, encode_error, encode_reply, sequence_number
from ingest.wire.reading import Source

SOURCE = Source("d1", AIR)
ENDING = Source("d2", AIR, label_end=True)
STAMP = "2026-11-23T08:00:00+08:00"
STAMP_US = 1_795_392_000_000_000


def message(**changes: Any) -> bytes:
    body = {"v": 1, "ts": STAMP, "values": {"pm25": 35.1}} | changes
    return json.dumps({key: value for key, value in body.items() if value is not ...}).encode()


def refusal(payload: bytes) -> str:
    with pytest.raises(RejectError) as caught:
        decode_json(payload, SOURCE)
    return f"{caught.value.reason}: {caught.value.detail}"


def test_one_reading() -> None:
    decoded = decode_json(
        message(seq=17, ack=True, span=60, values={"pm25": 35.1, "co": None, "o3": 44}, marks={"o3": "C"}), SOURCE
    )
    (reading,) = decoded.readings
    assert (reading.time_us, reading.span_s, reading.announced) == (STAMP_US, 60, False)
    assert reading.values[AIR.position("pm25")] == 35.1
    assert reading.values[AIR.position("o3")] == 44.0
    assert math.isnan(reading.values[AIR.position("co")])
    assert math.isnan(reading.values[AIR.position("so2")])
    assert reading.marks == "-----C------"
    assert (decoded.wants_reply, decoded.seq, decoded.factors) == (True, 17, [])


def test_defaults() -> None:
    decoded = decode_json(message(), SOURCE)
    assert (decoded.readings[0].span_s, decoded.wants_reply, decoded.seq) == (0, False, None)


def test_quantities_without_a_column() -> None:
    decoded = decode_json(message(values={"noise": 51.3, "voc": None}, marks={"noise": "N"}), SOURCE)
    assert not decoded.readings
    assert [(row.factor, row.field, row.mark) for row in decoded.factors] == [
        ("noise", "Rtd", "N"),
        ("voc", "Rtd", "-"),
    ]
    assert decoded.factors[0].value == 51.3
    assert math.isnan(decoded.factors[1].value)


def test_many_readings_and_corrections() -> None:
    readings = [{"ts": STAMP, "span": 3600, "values": {"pm25": n}, "correction": n == 1} for n in range(3)]
    decoded = decode_json(message(ts=..., values=..., readings=readings), SOURCE)
    assert [reading.values[0] for reading in decoded.readings] == [0, 1, 2]
    assert [reading.announced for reading in decoded.readings] == [False, True, False]
    assert decode_json(message(correction=True), SOURCE).readings[0].announced


def test_label_at_the_end_is_shifted() -> None:
    assert decode_json(message(span=3600), ENDING).readings[0].time_us == STAMP_US - 3_600_000_000
    assert decode_json(message(), ENDING).readings[0].time_us == STAMP_US


@pytest.mark.parametrize(
    "stamp", ["2026-11-23T00:00:00Z", "2026-11-23T08:00:00.000+08:00", "2026-11-22T19:00:00-05:00"]
)
def test_stamps_of_one_moment(stamp: str) -> None:
    assert decode_json(message(ts=stamp), SOURCE).readings[0].time_us == STAMP_US


def test_fractions_of_a_second() -> None:
    assert decode_json(message(ts="2026-11-23T00:00:00.25Z"), SOURCE).readings[0].time_us == STAMP_US + 250_000


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "malformed"),
        (b"{", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"[" * 100_000, "bad_field"),
        (b'{"v":1,"ts":"2026-11-23T08:00:00Z","values":{"pm25":NaN}}', "malformed"),
        (b"[]", "bad_field"),
        (b"null", "bad_field"),
        (message(v=2), "bad_field: v 2"),
        (message(v=...), "bad_field: missing key 'v'"),
        (message(ts=...), "bad_field: ts is missing"),
        (message(values=...), "bad_field: values is missing"),
        (message(time=1), "bad_field: unknown key 'time'"),
        (message(ts="2026-11-23T08:00:00"), "bad_time: ts '2026-11-23T08:00:00'"),
        (message(ts="2026-11-23 08:00"), "bad_time"),
        (message(ts="2026-02-30T08:00:00Z"), "bad_time"),
        (message(ts=1_763_856_000), "bad_time"),
        (message(span=-1), "bad_value: span -1"),
        (message(span=86401), "bad_value: span 86401"),
        (message(span=1.5), "bad_value: span 1.5"),
        (message(seq=-1), "bad_value: seq -1"),
        (message(seq=2**63), "bad_value"),
        (message(ack="yes"), "bad_value: ack 'yes'"),
        (message(values={}), "empty"),
        (message(values={"co": 1, "pm25": "35.1"}), "bad_value: values 'pm25' is '35.1'"),
        (message(values={"pm25": True}), "bad_value: values 'pm25' is True"),
        (message(values={"a b": 1}), "bad_field: quantity 'a b'"),
        (message(values={"x" * 65: 1}), "bad_field: quantity"),
        (message(values={"a\x00b": 1}), "bad_field: quantity 'a\\x00b'"),
        (b'{"v":1,"ts":"2026-11-23T08:00:00Z","values":{"pm25":1e999}}', "bad_value"),
        (message(marks={"o3": "N"}), "bad_field: marks names 'o3'"),
        (message(marks={"pm25": "NN"}), "bad_value: mark 'NN' of 'pm25'"),
        (message(marks={"pm25": 1}), "bad_value: marks 'pm25' is 1"),
        (message(readings=[]), "bad_field: ts, values found beside readings"),
        (message(ts=..., values=..., readings=[]), "empty"),
        (message(ts=..., values=..., readings=[{"ts": STAMP}]), "bad_field: missing key 'values' in readings[0]"),
        (message(ts=..., values=..., readings=[{"ts": STAMP, "values": {"pm25": 1}}] * 1001), "too_large: 1001"),
    ],
)
def test_refusals(payload: bytes, expected: str) -> None:
    assert refusal(payload).startswith(expected)


def test_states() -> None:
    assert decode_state(b'{"v":1,"state":"online","ts":"2026-11-23T00:00:00Z"}') == ("online", STAMP_US)
    for payload in (b"", b'{"v":1,"state":"asleep","ts":"2026-11-23T00:00:00Z"}', b'{"v":1,"state":"online"}'):
        with pytest.raises(RejectError):
            decode_state(payload)


def test_answers() -> None:
    assert json.loads(encode_reply(17, "stored")) == {"v": 1, "seq": 17, "outcome": "stored"}
    received = dt.datetime(2026, 11, 23, 8, 0, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    found = json.loads(encode_error(RejectError("bad_time", "why"), received, seq=17))
    assert found == {
        "v": 1,
        "seq": 17,
        "qn": None,
        "reason": "bad_time",
        "detail": "why",
        "received_at": "2026-11-23T08:00:01.000+08:00",
    }


def test_number_of_a_broken_message() -> None:
    assert sequence_number(b'{"v":1,"seq":9,"nonsense":[1]}') == 9
    for payload in (b'{"v":1}', b'{"seq":"9"}', b"{", b"\xff", b'{"x":' + b"[" * 100_000):
        assert sequence_number(payload) is None


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=8), st.integers(0, 200), st.integers(0, 200))
def test_noise_raises_nothing_but_rejections(noise: bytes, start: int, end: int) -> None:
    payload = message(seq=1, ack=True, span=60, marks={"pm25": "N"})
    first, last = sorted((start % len(payload), end % len(payload)))
    try:
        decode_json(payload[:first] + noise + payload[last:], SOURCE)
    except RejectError as error:
        assert error.detail


_ANYTHING = [None, True, -1, 2**70, 1.5, "", "x", STAMP, [], [1], {}, {"pm25": "x"}, {"pm25": None}, {"ts": STAMP}]
_KEYS = ["v", "seq", "ack", "ts", "span", "values", "marks", "correction", "readings", "x"]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(_KEYS), st.sampled_from([*_ANYTHING, _ANYTHING]), max_size=6))
def test_any_json_raises_nothing_but_rejections(body: dict[str, Any]) -> None:
    try:
        decode_json(json.dumps({"v": 1} | body).encode(), SOURCE)
    except RejectError as error:
        assert error.detail
