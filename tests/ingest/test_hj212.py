"""HJ 212 frames: golden frames from the field, frames broken as found, and noise."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.error import RejectError
from ingest.wire.hj212 import (
    decode_frame,
    encode_answer,
    encode_frame,
    frame_checks,
    number,
    request_number,
)
from ingest.wire.hj212_crc import hj212_crc, modbus_crc
from ingest.wire.hj212_reading import data_time_us, parse_time

OFFICIAL = (
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&1C80"
)
AIR_MINUTE = (
    b"##0411QN=20220513162608370;ST=22;CN=2051;PW=123456;MN=JLYP01_AIR01_0001;Flag=4;CP=&&DataTime=20220513162600;"
    b"a21004-Avg=4,a21004-Flag=N;a05024-Avg=63,a05024-Flag=N;a21026-Avg=6,a21026-Flag=N;a21005-Avg=0.427,a21005-Flag=N;"
    b"a34004-Avg=14,a34004-Flag=N;a34002-Avg=31,a34002-Flag=N;a01007-Avg=1,a01007-Flag=N;a01008-Avg=11,a01008-Flag=N;"
    b"a01001-Avg=17,a01001-Flag=N;a01002-Avg=85,a01002-Flag=N;a01006-Avg=95,a01006-Flag=N&&D641"
)
MARK_FIRST = (
    b"##0344QN=20220928142812336;ST=22;CN=2011;PW=123456;MN=JSRCTD000YD107;Flag=5;CP=&&DataTime=20220928142812;"
    b"l01001-Flag=N,l01001-Rtd=119.90287;l01002-Flag=N,l01002-Rtd=32.48505;a34002-Rtd=5,a34002-Flag=N;"
    b"a34004-Rtd=4,a34004-Flag=N;a21026-Rtd=22.25,a21026-Flag=N;a21004-Rtd=22.7,a21004-Flag=N;"
    b"a21005-Rtd=0.36,a21005-Flag=N;a05024-Rtd=8.82,a05024-Flag=N&&9241"
)
STRAY_GROUP = (
    b"##0453QN=20160801085000001;ST=22;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=7;CP=&&DataTime=20160801084000;"
    b"a21005-Rtd=1.1,a21005-Flag=N;a21004-Rtd=112,a21004-Flag=N;a21026-Rtd=58,a21026-Flag=N;LA-td=50.1,LA-Flag=N;"
    b"a34004-Rtd=207,a34004-Flag=N;a34002-Rtd=295,a34002-Flag=N;a01001-Rtd=12.6,a01001-Flag=N;a01002-Rtd=32,a01002-Flag=N;"
    b"a01006-Rtd=101.02,a01006-Flag=N;a01007-Rtd=2.1,a01007-Flag=N;a01008-Rtd=120,a01008-Flag=N;a34001-Rtd=217,a34001-Flag=N;"
    b"&&c0c1"
)
NO_REQUEST_NUMBER = (
    b"##0109ST=32;CN=2011;PW=123456;MN=NJGDKYYC202101q0001w0001;"
    b"CP=&&DataTime=20210305003817000;ele01-Rtd=1;ele02-Rtd=0&&8c41"
)
SPLIT = (
    b"##0151QN=20260301100500126;ST=22;CN=2011;PW=123456;MN=141100000000000000000001;Flag=7;PNUM=2;PNO=1;"
    b"CP=&&DataTime=20260301100500;a34004-Rtd=48,a34004-Flag=N&&B541"
)
GOLDEN = [
    OFFICIAL,
    AIR_MINUTE,
    MARK_FIRST,
    STRAY_GROUP,
    NO_REQUEST_NUMBER,
    SPLIT,
    b"##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&2200",
    b"##0094QN=20231008125115215;ST=22;CN=9011;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&QnRtn=1&&CC01",
    b"##0087QN=20260301100500123;ST=91;CN=9014;PW=123456;MN=141100000000000000000001;Flag=4;CP=&&&&B8C1",
    b"##0138QN=20260301100500125;ST=22;CN=2011;PW=123456;MN=141100000000000000000001;Flag=9;"
    b"CP=&&DataTime=20260301100500;a34004-Rtd=48,a34004-Flag=N&&DC41",
]


def slow_crc(segment: bytes) -> int:
    """Annex A, step by step."""
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ byte
        for _ in range(8):
            low = register & 1
            register >>= 1
            if low:
                register ^= 0xA001
    return register


def reason(payload: bytes) -> str:
    with pytest.raises(RejectError) as caught:
        decode_frame(payload)
    return caught.value.reason


@given(st.binary(min_size=1, max_size=1100))
def test_folded_checksum_is_that_of_the_annex(segment: bytes) -> None:
    assert hj212_crc(segment) == slow_crc(segment)


def test_checksum_of_the_official_example() -> None:
    assert f"{hj212_crc(OFFICIAL[6:-4]):04X}" == "1C80"
    assert f"{modbus_crc(OFFICIAL[6:-4]):04X}" == "0759"


@pytest.mark.parametrize("payload", GOLDEN)
def test_golden_frames_decode(payload: bytes) -> None:
    frame = decode_frame(payload)
    assert frame.length == len(payload) - 10
    assert frame_checks(payload) == (True, True)
    assert decode_frame(payload + b"\r\n").values == frame.values


def test_header_and_values() -> None:
    frame = decode_frame(AIR_MINUTE)
    expected = {
        "QN": "20220513162608370",
        "ST": "22",
        "CN": "2051",
        "PW": "123456",
        "MN": "JLYP01_AIR01_0001",
        "Flag": "4",
    }
    assert frame.header == expected
    assert (frame.version, frame.wants_answer, frame.data_time) == (2017, False, "20220513162600")
    assert [(name.factor, name.field, text) for name, text, _ in frame.values[:2]] == [
        ("a21004", "Avg", "4"),
        ("a05024", "Avg", "63"),
    ]
    assert len(frame.values) == len(frame.marks) == 11
    assert set(frame.marks.values()) == {"N"}


def test_mark_before_value_and_stray_group() -> None:
    assert decode_frame(MARK_FIRST).marks["l01001"] == "N"
    frame = decode_frame(STRAY_GROUP)
    assert len(frame.values) == 12
    assert "LA-td" in [name.key for name, _, _ in frame.values]
    assert not frame.parameters


def test_missing_request_number_and_flag() -> None:
    frame = decode_frame(NO_REQUEST_NUMBER)
    assert (frame.flag, frame.version, frame.wants_answer, frame.data_time) == (None, None, False, "20210305003817000")
    assert encode_answer(frame) is None


@pytest.mark.parametrize(
    ("flag", "version"), [("0", 2005), ("4", 2017), ("5", 2017), ("7", 2017), ("9", 2025), ("255", None)]
)
def test_version_bits(flag: str, version: int | None) -> None:
    frame = decode_frame(encode_frame(f"QN=1;CN=2011;Flag={flag};CP=&&&&"))
    assert frame.version == version
    assert frame.wants_answer == bool(int(flag) % 2)


@pytest.mark.parametrize("flag", ["", "N", "-1", "256", "١", "99999999999"])
def test_unreadable_flag_is_no_flag(flag: str) -> None:
    assert decode_frame(encode_frame(f"QN=1;CN=2011;Flag={flag};CP=&&&&")).flag is None


def test_header_names_in_any_case_and_order() -> None:
    frame = decode_frame(
        encode_frame("flag=5;mn=A;cn=2011;qn=7;CP=&&datatime=20260301100500;a34004-rtd=4,a34004-flag=D&&")
    )
    assert frame.header == {"Flag": "5", "MN": "A", "CN": "2011", "QN": "7"}
    assert frame.data_time == "20260301100500"
    assert frame.values[0][0] == ("a34004", "Rtd", "a34004-Rtd")
    assert frame.marks == {"a34004": "D"}


def test_groups_about_a_pollutant() -> None:
    frame = decode_frame(encode_frame("CN=3020;CP=&&PolId=w01019,i12001-Info=0;PolId=w21001,i12001-Info=1;RF=1&&"))
    assert [(pol_id, name.factor, text) for name, text, pol_id in frame.values] == [
        ("w01019", "i12001", "0"),
        ("w21001", "i12001", "1"),
    ]
    assert frame.parameters == [("RF", "1")]
    assert decode_frame(encode_frame("CN=1013;CP=&&PolId=w01018&&")).parameters == [("PolId", "w01018")]


def test_chinese_text_of_old_devices() -> None:
    for encoding in ("utf-8", "gbk"):
        segment = "CN=3020;CP=&&i13004-Info=//量程1&&".encode(encoding)
        frame = decode_frame(b"##%04d%s%04X" % (len(segment), segment, slow_crc(segment)))
        assert frame.values[0][1] == "//量程1"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", "malformed"),
        (b"##", "malformed"),
        (b"##0101", "malformed"),
        (b"#" + OFFICIAL, "malformed"),
        (b"##81QN=;ST=23;CN=1012;PW=123456;MN=0507A010003242;CP=&&SystemTime=20250221141050696&&1DC0", "malformed"),
        (
            b"##0121QN=20250131202809340;ST=39;CN=2051;CP=&&DataTime=20250131202809;a34001-Avg=92;Flag=N65C0",
            "malformed",
        ),
        (b"##0009QN=1;CP=&&0000", "malformed"),
        (OFFICIAL + b"00", "malformed"),
        (b"##0102" + OFFICIAL[6:], "length_mismatch"),
        (OFFICIAL[:-4] + b"1C81", "crc_mismatch"),
        (b"##0000" + b"x" * 20_000, "too_large"),
    ],
)
def test_broken_frames(payload: bytes, expected: str) -> None:
    assert reason(payload) == expected


def test_wrong_checksum_is_explained() -> None:
    with pytest.raises(RejectError, match="exchanged"):
        decode_frame(OFFICIAL[:-4] + b"801C")
    with pytest.raises(RejectError, match="Modbus"):
        decode_frame(OFFICIAL[:-4] + b"0759")
    with pytest.raises(RejectError, match=r"checksum 0000, computed 1C80$"):
        decode_frame(OFFICIAL[:-4] + b"0000")


@pytest.mark.parametrize("wrong", [b"0b40", b"1100", b"f9c1"])
def test_frames_with_wrong_checksums_are_refused(wrong: bytes) -> None:
    assert reason(AIR_MINUTE[:-4] + wrong) == "crc_mismatch"


def test_shared_frames_agree_with_their_columns(shared_data: Path) -> None:
    lines = (shared_data / "data" / "protocol" / "hj212_packets.tsv").read_bytes().splitlines()
    verdicts = {(True, True): ("yes", "yes"), (True, False): ("yes", "no"), (False, False): ("no", "no")}
    for line in lines:
        payload, length_ok, crc_ok = line.split(b"\t")
        checks = frame_checks(payload)
        found = verdicts[checks] if checks else ("malformed", "malformed")
        assert found == (length_ok.decode(), crc_ok.decode()), payload
        if found == ("yes", "yes"):
            decode_frame(payload)
        else:
            expected = {"yes": "crc_mismatch", "no": "length_mismatch", "malformed": "malformed"}[found[0]]
            assert reason(payload) == expected
    assert len(lines) >= 20


def test_answers() -> None:
    asked = decode_frame(
        encode_frame("QN=20260301100500123;ST=22;CN=2011;PW=123456;MN=141100000000000000000001;Flag=5;CP=&&&&")
    )
    assert encode_answer(asked) == (
        b"##0087QN=20260301100500123;ST=91;CN=9014;PW=123456;MN=141100000000000000000001;Flag=4;CP=&&&&B8C1\r\n"
    )
    for command, expected in (("1013", b"CN=9013"), ("3020", b"CN=9014"), ("9015", b"CN=9013")):
        answer = encode_answer(decode_frame(encode_frame(f"QN=1;CN={command};MN=A;Flag=9;CP=&&&&")))
        assert answer is not None
        assert expected in answer
        assert b"Flag=8" in answer
    assert encode_answer(decode_frame(encode_frame("QN=1;CN=9014;MN=A;Flag=5;CP=&&&&"))) is None
    assert encode_answer(decode_frame(encode_frame("QN=1;CN=2011;MN=A;Flag=4;CP=&&&&"))) is None


def test_request_number_of_a_broken_frame() -> None:
    assert request_number(b"##9999QN=20260301100500123;ST") == "20260301100500123"
    assert request_number(b"##9999ST=22") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("1", 1.0), ("-0.5", -0.5), (".5", 0.5), ("1e3", 1000.0)],
        *[(text, None) for text in ("", "--", "nan", "inf", "1_000", "１", "1e300", "0x10")],
    ],
)
def test_numbers(text: str, expected: float | None) -> None:
    assert number(text) == expected


def test_times() -> None:
    # 2026-03-01 10:05:00 in Beijing is 02:05:00 UTC.
    assert data_time_us("20260301100500", 28800) == 1_772_330_700_000_000
    assert data_time_us("20260301100500250", 28800) == 1_772_330_700_250_000
    for text in (
        "2026030110050",
        "20260230100500",
        "20260301106000",
        "x0260301100500",
        "00000301100500",
        "2026030110050025",
    ):
        assert parse_time(text) is None
    with pytest.raises(RejectError, match="bad_time"):
        data_time_us(None, 0)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(GOLDEN),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=4),
    st.integers(0, 500),
)
def test_noise_raises_nothing_but_rejections(payload: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    noisy = bytearray(payload)
    for at, byte in changes:
        noisy[at % len(noisy)] = byte
    for candidate in (bytes(noisy), bytes(noisy[: len(noisy) - cut % len(noisy)])):
        try:
            decode_frame(candidate)
        except RejectError as error:
            assert error.detail


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("a34004-RtdFlag=;,& \x000129.N量")), max_size=120))
def test_any_content_in_a_good_frame_decodes(content: str) -> None:
    frame = decode_frame(encode_frame(f"QN=1;CN=2011;CP=&&{content}&&"))
    assert frame.length >= len(content)
