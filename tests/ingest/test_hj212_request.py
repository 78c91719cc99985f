"""Requests to devices: frames as annex C prints them, parameters checked, answers read."""

from __future__ import annotations

import datetime as dt

import pytest
from click.testing import CliRunner

from app.command.device import command
from domain.error import ConfigurationError
from ingest.wire.hj212 import decode_frame, encode_frame
from ingest.wire.hj212_request import REQUESTS, encode_request, request_name, request_result, time_setting

HEAD = "QN=20160801085857223;ST=32;CN={};PW=123456;MN=010000A8900016F000169DC0;Flag={};CP=&&{}&&"
HEARD = decode_frame(encode_frame(HEAD.format("2011", 4, "DataTime=20160801085857")))
QN = "20160801085857223"
DAY = {"BeginTime": "20160801000000", "EndTime": "20160801080000"}
GIVEN = {
    "set-time": {"SystemTime": "20160801085857"},
    "set-realtime-interval": {"RtdInterval": "30"},
    "set-minute-interval": {"MinInterval": "10"},
    **dict.fromkeys(("minutes", "hours", "days", "running"), DAY),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests_are_those_of_the_annex(name: str) -> None:
    given = GIVEN.get(name, {})
    content = ";".join(f"{key}={text}" for key, text in given.items())
    assert encode_request(name, HEARD, QN, given) == encode_frame(HEAD.format(REQUESTS[name].command, 5, content))


def test_request_speaks_the_version_of_the_device() -> None:
    heard = decode_frame(encode_frame(HEAD.format("2011", 8, "")))
    assert decode_frame(encode_request("time", heard, QN, {})).flag == 9
    old = decode_frame(encode_frame("ST=32;CN=2011;MN=M1;CP=&&&&"))
    assert decode_frame(encode_request("time", old, QN, {})).flag == 1


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("hours", {}, "expected .*BeginTime"),
        ("hours", {"BeginTime": "20160801000000", "EndTime": "2016-08-01"}, "YYYYMMDDhhmmss"),
        ("hours", {"BeginTime": "20160802000000", "EndTime": "20160801000000"}, "after"),
        ("set-realtime-interval", {"RtdInterval": "29"}, "30 to 3600"),
        ("set-realtime-interval", {"RtdInterval": "x"}, "30 to 3600"),
        ("set-minute-interval", {"MinInterval": "7"}, "one of 1, 2"),
        ("time", {"RtdInterval": "30"}, "RtdInterval"),
    ],
)
def test_parameters_are_checked(name: str, given: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        encode_request(name, HEARD, QN, given)


def test_header_that_no_request_can_carry() -> None:
    heard = decode_frame(encode_frame("ST=3 2;CN=1013;MN=M1;CP=&&&&"))
    with pytest.raises(ConfigurationError, match="plain words"):
        encode_request("time", heard, QN, {})


def test_answers() -> None:
    accepted = request_result(decode_frame(encode_frame(HEAD.format("9011", 4, "QnRtn=1"))))
    done = request_result(decode_frame(encode_frame(HEAD.format("9012", 4, " ExeRtn= 100 "))))
    assert (accepted, done) == ((QN, "QnRtn", 1), (QN, "ExeRtn", 100))
    for code, content in (("9011", "ExeRtn=1"), ("9012", "ExeRtn=x"), ("9014", ""), ("2011", "QnRtn=1")):
        assert request_result(decode_frame(encode_frame(HEAD.format(code, 4, content)))) is None


def test_help_lists_every_request() -> None:
    shown = CliRunner().invoke(command, ["command", "--help"]).output
    assert all(f"{name} " in shown and request.command in shown for name, request in REQUESTS.items())


def test_time_in_the_zone_of_the_device() -> None:
    moment = dt.datetime(2026, 3, 1, 16, 0, 1, 5000, tzinfo=dt.UTC)
    frame = decode_frame(time_setting(HEARD, moment, 3600))
    assert (frame.header["CN"], frame.header["QN"]) == ("1012", "20260302000001005")
    assert frame.parameters == [("SystemTime", "20260301170001")]
    assert request_name(moment) == "20260302000001005"
