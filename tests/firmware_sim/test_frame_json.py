"""JSON messages against the examples of docs/wire.md, byte for byte."""

import pytest

from firmware_sim.answer import Receipt, receipt
from firmware_sim.frame_hj212 import AnswerError
from firmware_sim.frame_json import Reading, data_message, state_message
from firmware_sim.link import Received

EIGHT = 1795392000  # 2026-11-23T08:00:00+08:00


def test_one_reading() -> None:
    values = {"pm25": 35.1, "pm10": 71, "so2": 8.2, "no2": 31, "co": 0.6, "o3": 44, "temperature": 3.5, "humidity": 61,
              "pressure": 921.4, "wind_speed": 1.2, "wind_direction": 270}  # fmt: skip
    assert data_message(17, [Reading(EIGHT, 60, values)]) == (
        b'{"v":1,"seq":17,"ack":true,"ts":"2026-11-23T08:00:00+08:00","span":60,"values":{"pm25":35.1,"pm10":71,"so2":8.2,'
        b'"no2":31,"co":0.6,"o3":44,"temperature":3.5,"humidity":61,"pressure":921.4,"wind_speed":1.2,"wind_direction":270}}'
    )


def test_many_readings() -> None:
    readings = [Reading(EIGHT, 3600, {"pm25": 35.1}), Reading(EIGHT + 3600, 3600, {"pm25": None})]
    assert data_message(19, readings) == (
        b'{"v":1,"seq":19,"ack":true,"readings":[{"ts":"2026-11-23T08:00:00+08:00","span":3600,"values":{"pm25":35.1}},'
        b'{"ts":"2026-11-23T09:00:00+08:00","span":3600,"values":{"pm25":null}}]}'
    )


def test_state() -> None:
    assert state_message(True, EIGHT - 2) == b'{"v":1,"state":"online","ts":"2026-11-23T07:59:58+08:00"}'
    assert state_message(False, EIGHT - 0.75) == b'{"v":1,"state":"offline","ts":"2026-11-23T07:59:59.250+08:00"}'


@pytest.mark.parametrize(
    ("stream", "payload", "expected"),
    [
        ("reply", b'{"v":1,"seq":17,"outcome":"stored"}', Receipt(17, "d", "stored")),
        ("error", b'{"v":1,"seq":17,"qn":null,"reason":"bad_time","detail":"x","received_at":"x"}',
         Receipt(17, "d", "rejected", "bad_time", "x")),
        ("error", b'{"v":1,"seq":null,"qn":"20261123080100123","reason":"unit_unregistered","detail":"a"}',
         Receipt(1795392060123, "d", "rejected", "unit_unregistered", "a")),
        ("error", b'{"v":1,"seq":null,"qn":null,"reason":"malformed","detail":""}',
         Receipt(None, "d", "rejected", "malformed")),
        ("reply", b"##0087QN=20261123080100123;ST=91;CN=9014;PW=123456;MN=141100000000000000000001;Flag=4;CP=&&&&84C1",
         Receipt(1795392060123, "d", "answered")),
    ],
)  # fmt: skip
def test_receipts(stream: str, payload: bytes, expected: Receipt) -> None:
    assert receipt(Received("d", stream, payload)) == expected


@pytest.mark.parametrize("payload", [b"no json", b"[1]", b'{"v":1}', b'{"seq":"17","outcome":"stored"}'])
def test_what_is_no_answer_is_an_error(payload: bytes) -> None:
    with pytest.raises(AnswerError):
        receipt(Received("d", "reply", payload))
