"""Ordinary messages decoded straight into columns are what the codec makes of them, and so is everything else."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.family import AIR
from ingest.assembly import Assembled, assemble
from ingest.plain import Channel, PlainRows
from ingest.registry import Registry
from store.registry import RegisteredDevice

RECEIVED = dt.datetime(2026, 11, 23, 0, 5, tzinfo=dt.UTC)
STAMP = "2026-11-23T08:00:00+08:00"


class SlowRegistry(Registry):
    """Every message is looked at by its codec."""

    def channel(self, text: str, at: dt.datetime) -> Channel | None:
        return None


def known(kind: type[Registry], **changes: Any) -> Registry:
    facts: dict[str, Any] = {
        **{"id": "d1", "site_id": "s1", "area_id": "zy", "protocol": "json", "family": "air", "mn": None},
        **{"label": "start", "zone_offset_s": 28800, "span_s": 60, "interval_s": 60, "rank": 1},
        **{"revision_policy": "explicit", "registered_at": RECEIVED, "retired_at": None, "units": {}},
    }
    registry = kind()
    registry.take({"d1": RegisteredDevice(**(facts | changes))})
    return registry


def batch(registry: Registry, payloads: list[bytes]) -> Assembled:
    topic = "lt/v1/zy/json/d1/data"
    arrivals = [(topic, payload, RECEIVED) for payload in payloads]
    return assemble(arrivals, registry, collector="test", opened_at=RECEIVED)


def told(assembled: Assembled) -> Any:
    """All that a batch says, in order of message."""
    rows: list[Any] = []
    for family, block in assembled.batch.readings.items():
        for at in np.argsort(block.message, kind="stable").tolist():
            values = [None if np.isnan(value) else value for value in block.values[at].tolist()]
            label = (block.device_ids[at], int(block.times_us[at]), int(block.spans_s[at]), bool(block.announced[at]))
            rows.append((family, int(block.message[at]), label, values, block.flags[at].tolist(), block.marks[at]))
    factors = assembled.batch.factors
    others = [] if factors is None else list(zip(factors.message.tolist(), factors.factors, factors.marks, strict=True))
    replies = [None if one is None or not one.wants_reply else one.seq for one in assembled.decoded]
    return rows, others, replies, assembled.batch.messages


numbers = st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(-(10**6), 10**6), st.just("x"), st.just(True))
stamps = st.one_of(
    st.just(STAMP),
    st.just("2026-11-23T00:00:00.123456Z"),
    st.sampled_from(["2026-11-23T08:00:00", "1999-01-01T00:00:00Z", "2026-11-23T00:16:00Z", "x", None, 5]),
)
messages = st.fixed_dictionaries(
    {"v": st.sampled_from([1, 1, 1, 2])},
    optional={
        "ts": stamps,
        "values": st.dictionaries(st.sampled_from([*AIR.keys[:4], "voc", "a b"]), numbers, max_size=4),
        "seq": st.sampled_from([0, 7, None, -1, "7"]),
        "ack": st.sampled_from([True, False, None]),
        "span": st.sampled_from([0, 60, 86400, None, 86401]),
        "marks": st.just({"pm25": "N"}),
        "correction": st.booleans(),
    },
)


@given(st.lists(messages, min_size=1, max_size=6))
def test_both_ways_say_the_same(bodies: list[dict[str, Any]]) -> None:
    payloads = [json.dumps(body).encode() for body in bodies]
    assert told(batch(known(Registry), payloads)) == told(batch(known(SlowRegistry), payloads))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_garbage_is_left_to_the_codec(payload: bytes) -> None:
    assert told(batch(known(Registry), [payload])) == told(batch(known(SlowRegistry), [payload]))


def body(**changes: Any) -> bytes:
    return json.dumps({"v": 1, "ts": STAMP, "values": {"pm25": 35.1, "co": None}, "span": 60} | changes).encode()


def test_the_ordinary_message_needs_no_codec() -> None:
    registry = known(Registry)
    batch(registry, [body(), body(ack=True, seq=3)])
    assert registry.channel("lt/v1/zy/json/d1/data", RECEIVED) is not None


@pytest.mark.parametrize("changes", [{"label": "end"}, {"retired_at": RECEIVED + dt.timedelta(days=9)}])
def test_some_devices_have_no_channel(changes: dict[str, Any]) -> None:
    assert known(Registry, **changes).channel("lt/v1/zy/json/d1/data", RECEIVED) is None


def test_after_an_extraordinary_message_the_codec_reads_until_the_registry_is_read_again() -> None:
    registry = known(Registry)
    made = batch(registry, [body(marks={"pm25": "D"}), body(), body()])
    assert sorted(made.batch.readings["air"].message.tolist()) == [0, 1, 2]
    assert registry.channel("lt/v1/zy/json/d1/data", RECEIVED) is None
    registry.take(registry.devices)
    assert registry.channel("lt/v1/zy/json/d1/data", RECEIVED) is not None


@given(st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2240, 1, 1)))  # noqa: DTZ001 - hypothesis adds the zone
def test_times_are_exact_to_the_microsecond(moment: dt.datetime) -> None:
    aware = moment.replace(tzinfo=dt.UTC)
    expected = (aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    assert PlainRows(seconds=[aware.timestamp()]).times_us.tolist() == [expected]
