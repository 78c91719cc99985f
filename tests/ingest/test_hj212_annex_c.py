"""The example frames of HJ 212-2017 annex C: decoded and encoded again byte for byte, misprints named."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from ingest.wire.hj212 import Frame, decode_frame, encode_frame
from ingest.wire.hj212_reading import DATA_COMMANDS

#: What the text prints wrongly: a fragment that only such frames hold -> what is wrong with it.
MISPRINTS = {
    "CP=&& PolId": "a blank after the opening of CP",
    "CP=&& ExeRtn": "a blank after the opening of CP",
    "CP=&& DataTime": "blanks inside the marks of CP",
    "CP=&& &&": "a blank in an empty CP",
    ",01018-Rtd=2.2": "the factor w01018 without its letter, its values torn apart",
    "Flag=5CP=": "no semicolon between Flag and CP",
    "BeginTime=20160801000000,EndTime": "a comma instead of a semicolon between parameters",
    "BeginTime=20160801010522,EndTime": "a comma instead of a semicolon between parameters",
    "20160801085857534,ST=32": "a comma instead of a semicolon after QN",
    "; LA-Rtd": "a blank before a factor",
    "; LMn-NightData": "a blank before a factor",
    "; Flag=5": "a blank before Flag",
    "; i13005-Info =40": "blanks around the name of a factor",
    "i12003-Info =0": "a blank after the name of a factor",
    "e01001-Rtd=1.1;e01001-Rtd=2.2": "one factor twice with different values",
}
_PAGE = re.compile(r"\[page|HJ 212-2017$|\d{1,2}$")
_HEADER = {"QN": r"\d{17}", "ST": r"\d\d", "CN": r"\d{4}", "PW": r"\d{6}", "MN": "[0-9A-F]{24}", "Flag": r"\d"}


def segments(text: str) -> list[str]:
    """Data segments of the annex; the print breaks them into lines and between pages."""
    found, current = [], ""
    for line in text[text.rindex("通讯命令示例和拆分包及应答机制示例") :].splitlines():
        part = line.strip()
        if not current:
            start = re.search(r"QN=\d{17}[;,]", part)
            if start is None:
                continue
            part = part[start.start() :]
        elif _PAGE.match(part):
            continue
        current += part
        if current.count("&&") >= 2:
            found.append(current)
            current = ""
    assert not current
    return found


def printed(frame: Frame) -> str:
    """The segment of a frame whose parameters stand before its factors and whose marks follow their values."""
    header = ";".join(f"{name}={text}" for name, text in frame.header.items())
    groups = [] if frame.data_time is None else [f"DataTime={frame.data_time}"]
    elided = [(name, text) for name, text in frame.parameters if not text]
    groups += [f"{name}={text}" for name, text in frame.parameters if text]
    factors: list[tuple[str, list[str]]] = []
    for name, text, pol_id in frame.values:
        owner = pol_id or name.factor
        if not factors or factors[-1][0] != owner:
            factors.append((owner, [f"PolId={pol_id}"] if pol_id else []))
        factors[-1][1].append(f"{name.key}={text}")
    for owner, items in factors:
        mark = [f"{owner}-Flag={frame.marks[owner]}"] if owner in frame.marks else []
        groups.append(",".join([*items, *mark]))
    groups += [name for name, _ in elided]
    return f"{header};CP=&&{';'.join(groups)}&&"


def misprint(segment: str) -> str | None:
    return next((what for fragment, what in MISPRINTS.items() if fragment in segment), None)


@pytest.fixture
def annex(shared_data: Path) -> list[str]:
    return segments((shared_data / "standards/hj212_2017.txt").read_text(encoding="utf-8"))


def test_intact_examples_survive_decoding_and_encoding(annex: list[str]) -> None:
    intact = [segment for segment in annex if misprint(segment) is None]
    assert (len(annex), len(intact)) == (155, 137)
    for segment in intact:
        payload = encode_frame(segment)
        frame = decode_frame(payload)
        assert encode_frame(printed(frame)) == payload
        for name, form in _HEADER.items():
            assert re.fullmatch(form, frame.header[name]), segment
        assert (frame.version, frame.data_time is None or len(frame.data_time) == 14) == (2017, True)


def test_misprinted_examples_are_those_listed(annex: list[str]) -> None:
    wrong = Counter(what for segment in annex if (what := misprint(segment)))
    assert set(wrong) == set(MISPRINTS.values())
    for segment in annex:
        if misprint(segment) is None:
            continue
        frame = decode_frame(encode_frame(segment))
        torn = not all(re.fullmatch(form, frame.header.get(name, "")) for name, form in _HEADER.items())
        assert torn or printed(frame) != segment, segment


def test_every_command_with_rows_has_an_example(annex: list[str]) -> None:
    commands = {decode_frame(encode_frame(segment)).header["CN"] for segment in annex}
    assert set(DATA_COMMANDS) <= commands
    assert {"1011", "1012", "1013", "1061", "1062", "1063", "1064", "2081", "9011", "9012", "9013", "9014"} <= commands
