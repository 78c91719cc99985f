"""Messages to one batch: rows of each family, flags, and each message rejected alone."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator

import numpy as np
import pytest

from domain.error import RejectError
from domain.family import AIR, STACK
from domain.flag import FAIL, GOOD, MISSING, SUSPECT
from ingest.answer import outcome_answer, rejection_answer
from ingest.assembly import MAX_BYTES, Assembled, assemble, screened
from ingest.registry import Registry
from ingest.topic import parse_topic
from ingest.wire.hj212 import encode_frame
from store.batch import Rejection
from store.registry import RegisteredDevice

RECEIVED = dt.datetime(2026, 11, 23, 0, 5, tzinfo=dt.UTC)
STAMP = "2026-11-23T08:00:00+08:00"


def device(name: str, **changes: object) -> RegisteredDevice:
    facts: dict[str, object] = {
        **{"id": name, "site_id": "s1", "area_id": "zy", "protocol": "json", "family": "air", "mn": None},
        **{"label": "start", "zone_offset_s": 28800, "span_s": 60, "interval_s": 60, "rank": 1},
        **{"revision_policy": "explicit", "registered_at": RECEIVED, "retired_at": None, "units": {}},
    }
    return RegisteredDevice(**(facts | changes))  # type: ignore[arg-type]


@pytest.fixture
def registry() -> Iterator[Registry]:
    known = Registry()
    devices = [
        device("d1"),
        device("d2", protocol="hj212", mn="M2", units={"a34004": "µg/m³"}),
        device("d3", protocol="hj212", family="stack", mn="M3", units={"a21026": "mg/m³"}),
        device("d4", retired_at=RECEIVED - dt.timedelta(days=1)),
        device("d5", protocol="gb17691", family="vehicle"),
    ]
    known.take({entry.id: entry for entry in devices})
    yield known


def data(name: str = "d1", **changes: object) -> tuple[str, bytes, dt.datetime]:
    body = {"v": 1, "seq": 1, "ack": True, "ts": STAMP, "values": {"pm25": 35.1}} | changes
    return f"lt/v1/zy/json/{name}/data", json.dumps(body).encode(), RECEIVED


def frame(name: str, mn: str, content: str) -> tuple[str, bytes, dt.datetime]:
    segment = f"QN=20261123080000000;CN=2011;PW=1;MN={mn};Flag=5;CP=&&DataTime=20261123080000;{content}&&"
    return f"lt/v1/zy/hj212/{name}/data", encode_frame(segment), RECEIVED


def batch(registry: Registry, *arrivals: tuple[str, bytes, dt.datetime]) -> Assembled:
    return assemble(arrivals, registry, collector="c1", opened_at=RECEIVED)


def reasons(assembled: Assembled) -> list[str | None]:
    return [message.rejection.reason if message.rejection else None for message in assembled.batch.messages]


def test_rows_of_each_family(registry: Registry) -> None:
    assembled = batch(
        registry,
        data(values={"pm25": 35.1, "noise": 50}, marks={"pm25": "M"}),
        frame("d3", "M3", "a21026-Rtd=12,a21026-Flag=N;x1-Info=abc"),
        data(ts="2026-11-23T08:01:00+08:00", values={"co": -5}),
        frame("d2", "M2", "a34004-Rtd=40"),
    )
    assert reasons(assembled) == [None] * 4
    air, stack = assembled.batch.readings["air"], assembled.batch.readings["stack"]
    assert air.message.tolist() == [0, 2, 3]
    assert air.device_ids == ["d1", "d1", "d2"]
    assert air.values.shape == air.flags.shape == (3, AIR.width)
    assert air.times_us.tolist() == [1_795_392_000_000_000, 1_795_392_060_000_000, 1_795_392_000_000_000]
    assert air.values[:, AIR.position("pm25")].tolist()[::2] == [35.1, 40.0]
    assert air.flags[:, AIR.position("pm25")].tolist() == [FAIL, MISSING, GOOD]
    assert air.marks[0][AIR.position("pm25")] == "M"
    assert air.announced.tolist() == [False] * 3
    assert stack.message.tolist() == [1]
    assert stack.values[0, STACK.position("so2")] == 12
    factors = assembled.batch.factors
    assert factors is not None
    assert (factors.message.tolist(), factors.factors, factors.fields) == ([0, 1], ["noise", "x1"], ["Rtd", "Info"])
    assert factors.texts == [None, "abc"]
    assert factors.announced is not None
    assert factors.announced.tolist() == [False, False]
    assert factors.values[0] == 50
    assert np.isnan(factors.values[1])


def test_each_bad_message_is_rejected_alone(registry: Registry) -> None:
    topic, payload, _ = data()
    assembled = batch(
        registry,
        ("lt/v1/zy/json/d1/elsewhere", payload, RECEIVED),
        data("stranger"),
        data("d4"),
        ("lt/v1/zy/hj212/d1/data", payload, RECEIVED),
        ("lt/v1/elsewhere/json/d1/data", payload, RECEIVED),
        ("lt/v1/zy/modbus/d1/data", payload, RECEIVED),
        (topic, b"{", RECEIVED),
        (topic, b" " * (MAX_BYTES + 1), RECEIVED),
        frame("d2", "M9", "a34004-Rtd=40"),
        frame("d2", "M2", "a34002-Rtd=40"),
        data(ts="1999-12-31T23:59:59Z"),
        data(ts="0001-01-01T00:00:00+08:00"),
        data(ts="2026-11-23T08:15:01+08:00"),
        data(values={"noise": 1}, ts="9999-12-31T23:59:59Z"),
        data(ts="2026-11-23T08:15:00+08:00"),
        ("lt/v1/zy/json/d1/state", b"online", RECEIVED),
    )
    assert reasons(assembled) == [
        *("unknown_topic", "unknown_device", "retired_device", "identity_mismatch", "identity_mismatch"),
        *("unknown_protocol", "malformed", "too_large", "identity_mismatch", "unit_unregistered"),
        *("impossible_time", "impossible_time", "impossible_time", "impossible_time", None, "malformed"),
    ]
    assert assembled.batch.readings["air"].message.tolist() == [14]
    assert all(message.rejection.detail for message in assembled.batch.messages if message.rejection)


def test_states(registry: Registry) -> None:
    online = b'{"v":1,"state":"online","ts":"2026-11-23T07:59:58+08:00"}'
    offline = online.replace(b"online", b"offline")
    topic = "lt/v1/zy/hj212/d2/state"
    assembled = batch(
        registry, (topic, online, RECEIVED), (topic, offline, RECEIVED), ("lt/v1/zy/json/d1/state", b"", RECEIVED)
    )
    assert reasons(assembled) == [None] * 3
    assert [message.link for message in assembled.batch.messages] == ["online", "offline", None]
    assert not assembled.batch.readings
    assert assembled.batch.factors is None


def test_flags_of_received_values() -> None:
    values = np.full((2, AIR.width), np.nan)
    marks = np.full((2, AIR.width), ord("-"), dtype=np.uint8)
    values[0, :4] = [35.0, -1e6, 20.0, 20.0]
    marks[0, 2:5] = [ord("D"), ord("S"), ord("D")]
    marks[1, 0] = ord("Z")
    values[1, 0] = 10.0
    flags = screened("air", values, marks)
    assert flags[0, :5].tolist() == [GOOD, FAIL, FAIL, SUSPECT, MISSING]
    assert flags[1, 0] == SUSPECT
    assert (flags[1, 1:] == MISSING).all()


def test_answers(registry: Registry) -> None:
    assembled = batch(
        registry,
        data(),
        data(ack=False),
        frame("d2", "M2", "a34004-Rtd=40"),
        data(values={}),
        frame("d2", "M9", "x-Rtd=1"),
    )
    messages, decoded = assembled.batch.messages, assembled.decoded
    assert decoded[0] is not None
    assert outcome_answer(messages[0], decoded[0], "duplicate") == (
        "lt/v1/zy/json/d1/reply",
        b'{"v":1,"seq":1,"outcome":"duplicate"}',
    )
    assert decoded[1] is None
    assert decoded[2] is not None
    answered = outcome_answer(messages[2], decoded[2], "stored")
    assert answered is not None
    assert answered[0] == "lt/v1/zy/hj212/d2/reply"
    assert b"CN=9014" in answered[1]
    topic, payload = rejection_answer(messages[3], None)
    assert topic == "lt/v1/zy/json/d1/error"
    said = json.loads(payload)
    assert (said["seq"], said["reason"], said["received_at"]) == (1, "empty", "2026-11-23T08:05:00.000+08:00")
    assert json.loads(rejection_answer(messages[4], None)[1])["qn"] == "20261123080000000"
    refused = json.loads(rejection_answer(messages[0], Rejection("database_refused", "why"))[1])
    assert (refused["reason"], refused["detail"]) == ("database_refused", "why")


def test_registry_keeps_what_it_knows_of_unchanged_devices(registry: Registry) -> None:
    topic = parse_topic("lt/v1/zy/hj212/d2/data")
    before = registry.source(topic, RECEIVED)
    registry.take(dict(registry.devices))
    assert registry.source(topic, RECEIVED) is before
    registry.take(registry.devices | {"d2": device("d2", protocol="hj212", mn="M7")})
    assert registry.source(topic, RECEIVED).mn == "M7"
    with pytest.raises(RejectError, match="unknown_device"):
        registry.source(parse_topic("lt/v1/zy/hj212/d9/data"), RECEIVED)
