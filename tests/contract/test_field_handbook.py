"""The field engineer's handbook is true: every frame decodes as the comment above it says, every error reads so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.error import RejectError
from domain.factor import unit_preset
from domain.family import FAMILIES
from ingest.gateway.identity import check_refused
from ingest.wire.codec import CODECS
from ingest.wire.hj212 import decode_frame, encode_answer
from ingest.wire.json_frame import decode_state, encode_reply
from ingest.wire.reading import Decoded, Source

PAGE = (Path(__file__).parents[2] / "docs" / "handbook" / "field.zh-CN.md").read_text(encoding="utf-8")
FRAMES = re.findall(r"<!-- frame: (.*?) -->\n```\w+\n(.*?)\n```", PAGE, re.DOTALL)
MN = {family: re.search(f"--family {family} .*--mn ([0-9]+)", PAGE) for family in ("stack", "plant")}
MNS = {family: found[1] for family, found in MN.items() if found} | {"air": "141129000000000000000021"}
PRESETS = {"air": "ambient-field", "stack": "stack-field", "plant": "canonical"}
PLANT_CODES = {"d20105": ("power", "kW"), "ele01": ("running", "1")}
VIN = "LTESTLL2600000001"
SECTIONS = {
    section.splitlines()[0]: section
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    if "<!-- frame" in section
}


def stated(text: str) -> tuple[str, dict[str, str]]:
    kind, *facts = (part.strip() for part in text.split(";"))
    return kind, dict(fact.split(": ") for fact in facts)


def source(kind: str, *, units: bool = True) -> Source:
    """The device as the section has it registered."""
    protocol, _, family = kind.partition(" ")
    if protocol == "gb17691":
        return Source("v1", FAMILIES["vehicle"], mn=VIN)
    family = family or "air"
    table = dict(unit_preset(PRESETS[family], family)) if units else {}
    columns = {}
    if family == "plant":
        columns = {code: column for code, (column, _) in PLANT_CODES.items()}
        table |= {code: unit for code, (_, unit) in PLANT_CODES.items()} if units else {}
    return Source("d1", FAMILIES[family], mn=MNS[family], units=table, columns=columns)


def decode(kind: str, payload: bytes, *, units: bool = True) -> Decoded:
    return CODECS[kind.split(maxsplit=1)[0]].decode(payload, source(kind, units=units))


def bytes_of(kind: str, text: str) -> bytes:
    return bytes.fromhex(text) if kind == "gb17691" else text.encode()


@pytest.mark.parametrize(("about", "text"), FRAMES, ids=[f"{at} {about}" for at, (about, _) in enumerate(FRAMES)])
def test_every_frame_is_what_the_page_says(about: str, text: str) -> None:
    kind, facts = stated(about)
    if kind == "reply":
        assert encode_reply(1, "stored") == text.encode()
    elif kind == "state":
        assert decode_state(text.encode())[0] == facts["link"]
    elif kind == "hj212 answer":
        asked = [frame for other, frame in FRAMES if other.startswith("hj212 ") and "ack: true" in other]
        assert text + "\r\n" in [encode_answer(decode_frame(frame.encode())).decode() for frame in asked]
    elif kind == "straw_fire":
        assert len(decode(kind, text.encode()).fires) == int(facts["points"])
    else:
        result = decode(kind, bytes_of(kind, text))
        assert len(result.readings) == int(facts["readings"])
        assert {one.span_s for one in result.readings} == {int(facts["span"])}
        assert facts.get("ack", "true") == ("true" if result.wants_reply else "false")


def test_nothing_in_a_frame_is_lost_on_the_way() -> None:
    """Each value of the examples reaches a column: the units and columns that the page registers are enough."""
    for about, text in FRAMES:
        kind, facts = stated(about)
        if "readings" in facts:
            assert decode(kind, bytes_of(kind, text)).factors in ((), []) or kind == "gb17691", about


Change = Callable[[bytes], bytes]


def changed(old: bytes, new: bytes) -> Change:
    def change(payload: bytes) -> bytes:
        assert old in payload, old
        return payload.replace(old, new, 1)

    return change


def framed(old: bytes, new: bytes) -> Change:
    """Change the segment of an HJ 212 frame and frame it anew."""
    from firmware_sim.frame_hj212 import frame  # noqa: PLC0415

    def change(payload: bytes) -> bytes:
        assert old in payload, old
        return frame(payload.replace(old, new, 1).strip()[6:-4])

    return change


def modbus(payload: bytes) -> bytes:
    """The frame with the checksum of Modbus, low byte first in its arithmetic, as some loggers send it."""
    register = 0xFFFF
    for byte in payload.strip()[6:-4]:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return payload.strip()[:-4] + b"%04X" % register


def zoned(payload: bytes) -> bytes:
    return payload.replace(b"+08:00", b"")


def clockless(payload: bytes) -> bytes:
    """Month 13, the BCC made right again."""
    content = bytearray(payload)
    content[25] = 13
    content[-1] = 0
    for byte in content[2:-1]:
        content[-1] ^= byte
    return bytes(content)


def untouched(payload: bytes) -> bytes:
    return payload


#: Kind and number of the example, what is done to it, the reason and the text that the page quotes.
ERRORS: list[tuple[str, Change, bool, str]] = [
    ("json air", zoned, True, "ts '2026-11-26T08:00:00'; expected for instance '2026-11-23T08:00:00+08:00'"),
    ("json air", changed(b'"ts"', b'"time"'), True, "unknown key 'time'"),
    ("json air", changed(b"35", b'"35"'), True, "values 'pm25' is '35'"),
    ("json air", changed(b'"v":1,', b""), True, "missing key 'v'"),
    ("json air", lambda payload: payload[:-1], True, "not JSON: Input data was truncated"),
    ("hj212 air", untouched, False, "no unit registered for a34004, a34002"),
    ("hj212 air", changed(b"##0278", b"##0270"), True, "length field 270, data segment of 278 bytes"),
    ("hj212 air", changed(b"DF81", b"81DF"), True, "checksum 81DF, computed DF81: the two bytes are exchanged"),
    ("hj212 air", framed(b"DataTime=20261126080000", b"DataTime=2026112608"), True,
     "DataTime '2026112608'; expected YYYYMMDDhhmmss"),
    ("hj212 stack", untouched, False, "no unit registered for a34013, a21026, a21002, a19001, a00000"),
    ("hj212 stack", framed(b"a34013-Avg=3.2", b"a34013-Avg=3.2,a34013-Avg=3.3"), True,
     "'a34013-Avg' stands twice, as '3.2' and '3.3'"),
    ("hj212 stack", modbus, True, "this is the Modbus checksum; expected that of HJ 212-2017 annex A"),
    ("json plant", changed(b"812.5", b'"812.5kW"'), True, "values 'power' is '812.5kW'"),
    ("json plant", changed(b'"span":60', b'"span":-1'), True, "span -1: Expected"),
    ("json plant", changed(b'"running":1}', b'"running":1},"marks":{"load":"N"}'), True,
     "marks names 'load', which values does not hold"),
    ("json plant", lambda payload: re.sub(rb'"values":\{.*?\}', b'"values":{}', payload), True,
     "expected at least one quantity"),
    ("gb17691", lambda payload: payload[:-1] + b"\0", True, "BCC is 00; computed 62"),
    ("gb17691", lambda payload: payload[:-3], True, "length field says 46 bytes of data; the frame holds 43"),
    ("gb17691", clockless, True, "are no YYMMDDhhmmss"),
    ("straw_fire", changed(b"video", b"camera"), True,
     "points[0].source 'camera'; expected one of satellite, video, drone"),
    ("straw_fire", zoned, True, "points[0].seen_at '2026-10-05T13:20:00'; expected"),
    ("straw_fire", changed(b"111.13456", b"37.3"), True, "points[0].longitude 37.3; expected 73 to 136 degrees"),
    ("straw_fire", changed(b'"township"', b'"town"'), True, "unknown key 'town' in points[0]"),
    ("straw_fire", changed(b'"source"', b'"result":"confirmed","source"'), True,
     "points[0].checked_by is missing; expected who found 'confirmed' on the spot"),
    ("state", lambda _: b"online", True, "not JSON: JSON is malformed"),
    ("state", changed(b"online", b"on"), True, "state 'on': Invalid enum value 'on'"),
    ("state", zoned, True, "ts '2026-11-26T08:00:00'; expected for instance"),
    ("state", changed(b',"ts":"2026-11-26T08:00:00+08:00"', b""), True, "missing key 'ts'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "change", "units", "text"), ERRORS, ids=[f"{row[0]}: {row[3][:40]}" for row in ERRORS]
)
def test_errors_read_as_the_page_quotes_them(kind: str, change: Change, units: bool, text: str) -> None:
    assert f"`{text}`" in PAGE
    payload = change(next(bytes_of(kind, frame) for about, frame in FRAMES if stated(about)[0] == kind))
    with pytest.raises(RejectError) as caught:
        if kind == "state":
            decode_state(payload)
        else:
            decode(kind, payload, units=units)
    assert text in caught.value.detail


def test_errors_of_who_a_device_is_read_as_the_page_quotes_them() -> None:
    frame = next(text.encode() for about, text in FRAMES if about.startswith("hj212 air"))
    other = Source("d1", FAMILIES["air"], mn="141129000000000000000099", units=unit_preset("ambient-field", "air"))
    vehicle = Source("v1", FAMILIES["vehicle"], mn="LTESTLL2600000002")
    vehicle_frame = next(bytes.fromhex(text) for about, text in FRAMES if about.startswith("gb17691"))
    for protocol, payload, device in (("hj212", frame, other), ("gb17691", vehicle_frame, vehicle)):
        with pytest.raises(RejectError) as caught:
            CODECS[protocol].decode(payload, device)
        assert f"`{caught.value.detail}`" in PAGE
    with pytest.raises(RejectError) as refused:
        CODECS["link"].decode(b"{}", Source("cam", FAMILIES["air"]))
    quoted = "is registered with link alone; expected no data of it"
    assert quoted in refused.value.detail
    assert f"`{quoted}`" in PAGE
    quoted = "MN or PW of the frame on TCP is not the one registered for"
    with pytest.raises(RejectError) as refused:
        check_refused("gateway.identity_mismatch", "kiln-cems")
    assert quoted in refused.value.detail
    assert f"`{quoted}`" in PAGE


def test_each_kind_of_device_has_all_that_an_engineer_needs() -> None:
    assert len(SECTIONS) == 7
    for title, section in SECTIONS.items():
        assert "`lt/v1/zhongyang/" in section, title
        assert "--protocol" in section or "--family" in section, title
        rows = section.split("|---|---|---|\n")[1].split("\n\n")[0].splitlines()
        assert len(rows) == 5, title
        assert section.count("- [ ] ") == 5, title
