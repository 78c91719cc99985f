"""`lantian decode hj212`: one object per frame, whatever the file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from app.command.decode import command, described_frames, described_vehicle_frames
from ingest.wire.hj212 import encode_frame

GOOD = (
    b"##0138QN=20260301100500125;ST=22;CN=2011;PW=123456;MN=141100000000000000000001;Flag=9;"
    b"CP=&&DataTime=20260301100500;a34004-Rtd=48,a34004-Flag=N&&DC41"
)


def run(content: bytes, *options: str) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(command, ["hj212", "-", *options], input=content)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_good_frame() -> None:
    status, (described,) = run(GOOD + b"\tyes\tyes\r\n\r\n")
    assert status == 0
    assert described == {
        **{"line": 1, "ok": True, "length_ok": True, "crc_ok": True, "length": 138, "crc": "DC41", "version": 2025},
        **{"QN": "20260301100500125", "ST": "22", "CN": "2011", "PW": "123456"},
        **{"MN": "141100000000000000000001", "Flag": "9"},
        **{"DataTime": "20260301100500", "data_time": "2026-03-01T10:05:00"},
        "values": [{"factor": "a34004", "field": "Rtd", "value": 48.0, "mark": "N"}],
        "parameters": {},
    }


def test_texts_stay_texts() -> None:
    content = (
        "CN=2011;CP=&&x-SampleTime=20260301100500,x-Rtd=--;y-Rtd=1;PolId=w1,z-Info=0;RestartTime=1;A=1;A=2;u-Flag=N&&"
    )
    _, (described,) = run(encode_frame(content))
    assert described["values"] == [
        {"factor": "x", "field": "SampleTime", "value": "20260301100500", "mark": None},
        {"factor": "x", "field": "Rtd", "value": "--", "mark": None},
        {"factor": "y", "field": "Rtd", "value": 1.0, "mark": None},
        {"factor": "z", "field": "Info", "value": 0.0, "mark": None, "pol_id": "w1"},
    ]
    assert described["parameters"] == {"RestartTime": "1", "A": ["1", "2"], "u-Flag": "N"}
    assert described["data_time"] is None
    assert described["version"] is None


def test_bad_frames_and_strictness() -> None:
    content = b"\n".join([GOOD, GOOD[:-4] + b"DC42", b"##0139" + GOOD[6:], b"\xff\xfe nonsense", b""])
    status, described = run(content)
    assert status == 0
    assert [(row["line"], row["ok"]) for row in described] == [(1, True), (2, False), (3, False), (4, False)]
    found = [(row["code"], row["length_ok"], row["crc_ok"]) for row in described[1:]]
    assert found == [("crc_mismatch", True, False), ("length_mismatch", False, True), ("malformed", None, None)]
    assert all(row["message"] for row in described[1:])
    assert described[1]["MN"] == "141100000000000000000001"
    assert run(content, "--strict")[0] == 1
    assert run(GOOD, "--strict")[0] == 0


def test_missing_file_is_an_ordinary_error() -> None:
    result = CliRunner().invoke(command, ["hj212", "no-such-file"])
    assert result.exit_code == 2
    assert "no-such-file" in result.output


def test_shared_frames_agree_with_their_columns(shared_data: Path) -> None:
    lines = (shared_data / "data" / "protocol" / "hj212_packets.tsv").read_bytes().splitlines()
    described = list(described_frames(lines))
    truth = {b"yes": True, b"no": False, b"malformed": None}
    assert len(described) == len(lines)
    for row, line in zip(described, lines, strict=True):
        _, length_ok, crc_ok = line.split(b"\t")
        assert row["ok"] == (length_ok == crc_ok == b"yes")
        assert (row["length_ok"], row["crc_ok"]) == (truth[length_ok], truth[crc_ok])


def test_a_broken_frame_still_says_who_it_is() -> None:
    content = b"\xef\xbb\xbf##81QN=;ST=23;CN=1012;PW=123456;MN=0507A010003242;CP=&&SystemTime=20250221141050696&&1DC0"
    _, (described,) = run(content)
    assert (described["code"], described["length_ok"], described["crc_ok"]) == ("malformed", None, None)
    assert {key: described[key] for key in ("QN", "ST", "CN", "MN")} == {
        **{"QN": "", "ST": "23", "CN": "1012", "MN": "0507A010003242"}
    }


def test_shared_vehicle_frames_agree_with_their_columns(shared_data: Path) -> None:
    lines = (shared_data / "data" / "protocol" / "obd_frames.tsv").read_bytes().splitlines()
    described = list(described_vehicle_frames(lines))
    truth = {"yes": True, "no": False}
    assert len(described) == len(lines)
    for row, line in zip(described, lines, strict=True):
        layout, length_ok, bcc_ok, name, vin, _ = line.decode().split("\t")
        assert row["ok"] == (length_ok == bcc_ok == "yes")
        assert (row["length_ok"], row["bcc_ok"]) == (truth[length_ok], truth[bcc_ok])
        assert (row["layout"], row["command"], row["vin"]) == (layout, name, vin.removesuffix("\\0" * vin.count("\\0")))


@pytest.mark.parametrize(
    ("text", "code", "checks", "head"),
    [
        ("2323", "malformed", (None, None), (None, None)),
        ("7E7E01FE", "malformed", (None, None), (None, None)),
        # A time of zeros, and a unit without a known record: length and BCC are right all the same.
        (f"232304{'4C' * 17}01010008{'00' * 8}40", "bad_time", (True, True), ("17691", "04")),
        (f"232302{'4C' * 17}010100071A03010000007726", "malformed", (True, True), ("17691", "02")),
        (f"2323C0FE{'4C' * 17}010000", "malformed", (None, None), ("32960", "C0")),
    ],
)
def test_broken_vehicle_frames(
    text: str, code: str, checks: tuple[bool | None, bool | None], head: tuple[str | None, str | None]
) -> None:
    (row,) = described_vehicle_frames([f"17691\tyes\t{text}".encode()])
    assert row["ok"] == (checks == (True, True))
    assert (row["length_ok"], row["bcc_ok"]) == checks
    assert (row.get("layout"), row.get("command")) == head
    assert (row["problem"] if row["ok"] else row)["code"] == code


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, len(GOOD)))
def test_any_bytes_are_described(noise: bytes, at: int) -> None:
    for described in described_frames((GOOD[:at] + noise + GOOD[at:]).splitlines(keepends=True)):
        json.dumps(described, allow_nan=False)
