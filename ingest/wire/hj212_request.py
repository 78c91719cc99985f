"""Requests of the platform in HJ 212 and a device's answers to them (HJ 212-2017 6.5, annex C)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from domain.error import ConfigurationError
from ingest.wire.hj212 import Frame, encode_frame
from store.message import RequestResult

_TIME: Final = re.compile(r"\d{14}", re.ASCII)
_RESULTS: Final = MappingProxyType({"9011": "QnRtn", "9012": "ExeRtn"})
_CODE: Final = re.compile(r"\d{1,4}", re.ASCII)
MINUTES: Final = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
_HEADER: Final = re.compile(r"[^;&=\s]{0,32}")


@dataclass(frozen=True, slots=True)
class Request:
    """A kind of request: command code, its parameters in order, and what it asks for."""

    command: str
    parameters: tuple[str, ...]
    what: str


_RANGE: Final = ("BeginTime", "EndTime")
#: Name on the command line -> request.
REQUESTS: Final = MappingProxyType(
    {
        "time": Request("1011", (), "ask for the device's time"),
        "set-time": Request("1012", ("SystemTime",), "set the device's time to the platform's"),
        "realtime-interval": Request("1061", (), "ask for the interval of real-time data"),
        "set-realtime-interval": Request("1062", ("RtdInterval",), "set the interval of real-time data, in seconds"),
        "minute-interval": Request("1063", (), "ask for the interval of minute data"),
        "set-minute-interval": Request("1064", ("MinInterval",), "set the interval of minute data, in minutes"),
        "realtime": Request("2011", (), "start real-time data"),
        "stop-realtime": Request("2012", (), "stop real-time data"),
        "state": Request("2021", (), "start the state of equipment"),
        "stop-state": Request("2022", (), "stop the state of equipment"),
        "minutes": Request("2051", _RANGE, "send minute data of a range of time again"),
        "hours": Request("2061", _RANGE, "send hour data of a range of time again"),
        "days": Request("2031", _RANGE, "send day data of a range of time again"),
        "running": Request("2041", _RANGE, "send running hours of a range of days again"),
    }
)


def check_parameters(name: str, given: Mapping[str, str]) -> None:
    """`ConfigurationError` unless the parameters are those of request `name`, in the range that the standard states."""
    wanted = REQUESTS[name].parameters
    if set(given) != set(wanted):
        raise ConfigurationError(f"{name}: found parameters {sorted(given)}; expected {sorted(wanted)}")
    for key in ("SystemTime", *_RANGE):
        if key in given and not _TIME.fullmatch(given[key]):
            raise ConfigurationError(f"{key} {given[key]!r}; expected YYYYMMDDhhmmss")
    if "BeginTime" in given and given["BeginTime"] > given["EndTime"]:
        raise ConfigurationError(f"BeginTime {given['BeginTime']} is after EndTime {given['EndTime']}")
    allowed: Mapping[str, tuple[range | tuple[int, ...], str]] = {
        "RtdInterval": (range(30, 3601), "30 to 3600 seconds"),
        "MinInterval": (MINUTES, f"one of {', '.join(map(str, MINUTES))} minutes"),
    }
    for key, (values, text) in allowed.items():
        if key in given and not (given[key].isdigit() and int(given[key]) in values):
            raise ConfigurationError(f"{key} {given[key]!r}; expected {text}")


def request_name(at: dt.datetime) -> str:
    """The QN of a request made at an aware moment: Beijing time to the millisecond."""
    local = at.astimezone(dt.timezone(dt.timedelta(hours=8)))
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03}"


def answerable(heard: Frame) -> bool:
    """Whether a request can carry what the device's frame says of itself."""
    return all(_HEADER.fullmatch(heard.header.get(key, "")) for key in ("ST", "PW", "MN"))


def encode_request(name: str, heard: Frame, qn: str, given: Mapping[str, str]) -> bytes:
    """A request to the device that sent `heard`: its ST, PW, MN and version; answer wanted.

    Parameters
    ----------
    name : str
        A key of `REQUESTS`.
    heard : Frame
        A frame of the device.
    qn : str
        Number of the request, 17 digits.
    given : mapping of str to str
        Parameters, checked by `check_parameters`.

    Returns
    -------
    bytes
        The frame.
    """
    check_parameters(name, given)
    request, header = REQUESTS[name], heard.header
    values = {key: header.get(key, "") for key in ("ST", "PW", "MN")}
    if not answerable(heard):
        raise ConfigurationError(f"the device's frames have {values}; expected plain words")
    flag = (heard.flag or 0) & 0b11111100 | 1
    content = ";".join(f"{key}={given[key]}" for key in request.parameters)
    start = f"QN={qn};ST={values['ST']};CN={request.command};PW={values['PW']};MN={values['MN']};Flag={flag}"
    return encode_frame(f"{start};CP=&&{content}&&")


def request_result(frame: Frame) -> RequestResult | None:
    """What a 9011 or 9012 says about the request of its QN; None for other frames and for codes that are no number."""
    field = _RESULTS.get(frame.header.get("CN", ""))
    code = dict(frame.parameters).get(field or "", "").strip()
    if field is None or not _CODE.fullmatch(code):
        return None
    return RequestResult(frame.header.get("QN", ""), field, int(code))


def time_setting(heard: Frame, at: dt.datetime, zone_offset_s: int) -> bytes:
    """The request that sets the clock of the device that asked for it with a 1013."""
    local = at.astimezone(dt.timezone(dt.timedelta(seconds=zone_offset_s)))
    return encode_request("set-time", heard, request_name(at), {"SystemTime": f"{local:%Y%m%d%H%M%S}"})
