"""docs/wire.md is true: every example decodes as the comment above it says, and the reasons are those of the code."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.command.decode import command
from domain.error import REASONS, RejectError
from domain.factor import unit_preset
from domain.family import FAMILIES
from ingest.wire.codec import CODECS
from ingest.wire.hj212 import HEADER_FIELDS, decode_frame, encode_answer
from ingest.wire.hj212_reading import DATA_COMMANDS
from ingest.wire.json_frame import decode_state, encode_error, encode_reply
from ingest.wire.reading import Decoded, Source

DOCUMENT = (Path(__file__).parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- example: (.*?) -->\n```\w+\n(.*?)\n```", DOCUMENT, re.DOTALL)
MN = {"air": "141100000000000000000001", "stack": "141100000000000000000002"}


def stated(text: str) -> tuple[str, dict[str, str]]:
    kind, *facts = (part.strip() for part in text.split(";"))
    return kind, dict(fact.split(": ") for fact in facts)


def decoded(kind: str, payload: bytes) -> Decoded:
    protocol, family = kind.split()
    preset = "ambient-field" if family == "air" else "stack-field"
    source = Source("d1", FAMILIES[family], mn=MN[family], units=unit_preset(preset, family))
    return CODECS[protocol].decode(payload, source)


def examples(*kinds: str) -> list[object]:
    found = [(*stated(text), payload.encode()) for text, payload in EXAMPLES]
    return [pytest.param(*row, id=f"{row[0]} {row[1].get('outcome', '')}") for row in found if row[0] in kinds]


@pytest.mark.parametrize(("kind", "facts", "payload"), examples("json air", "hj212 air", "hj212 stack"))
def test_data_examples(kind: str, facts: dict[str, str], payload: bytes) -> None:
    if facts["outcome"] != "accepted":
        with pytest.raises(RejectError) as caught:
            decoded(kind, payload)
        assert caught.value.reason == facts["outcome"]
        return
    result = decoded(kind, payload)
    assert (len(result.readings), len(result.factors)) == (int(facts["readings"]), int(facts["factors"]))
    assert result.wants_reply == (facts["ack"] == "true")
    if "seq" in facts:
        assert str(result.seq).lower() == facts["seq"]
    else:
        assert decode_frame(payload).header["QN"] == facts["qn"]


@pytest.mark.parametrize(("kind", "facts", "payload"), examples("state"))
def test_state_examples(kind: str, facts: dict[str, str], payload: bytes) -> None:
    assert decode_state(payload)[0] == facts["link"]


@pytest.mark.parametrize(("kind", "facts", "payload"), examples("reply"))
def test_reply_example(kind: str, facts: dict[str, str], payload: bytes) -> None:
    assert encode_reply(17, "stored") == payload


@pytest.mark.parametrize(("kind", "facts", "payload"), examples("error"))
def test_error_example(kind: str, facts: dict[str, str], payload: bytes) -> None:
    bad = next(row.encode() for text, row in EXAMPLES if "outcome: bad_time" in text)
    with pytest.raises(RejectError) as caught:
        decoded("json air", bad)
    received = dt.datetime.fromisoformat(json.loads(payload)["received_at"])
    assert json.loads(encode_error(caught.value, received, seq=17)) == json.loads(payload)


@pytest.mark.parametrize(("kind", "facts", "payload"), examples("hj212 answer"))
def test_answer_example(kind: str, facts: dict[str, str], payload: bytes) -> None:
    asked = next(row.encode() for text, row in EXAMPLES if "ack: true" in text and "hj212" in text)
    assert encode_answer(decode_frame(asked)) == payload + b"\r\n"


@pytest.mark.parametrize(("kind", "facts", "payload"), examples("gb17691"))
def test_vehicle_example(kind: str, facts: dict[str, str], payload: bytes) -> None:
    source = Source("v1", FAMILIES["vehicle"], mn=facts["vin"])
    result = CODECS[kind].decode(bytes.fromhex(payload.decode()), source)
    assert (len(result.readings), len(result.factors)) == (int(facts["readings"]), int(facts["factors"]))
    shown = json.loads(CliRunner().invoke(command, ["gb17691", "-"], input=payload).stdout)
    printed = DOCUMENT.split("```console\n")[1].split("\n```")[0]
    for member in re.findall(r'"\w+": (?:"[^"]*"|[\d.]+|null|true)(?=[,}])', printed):
        assert member in json.dumps(shown, ensure_ascii=False)


@pytest.mark.parametrize(("kind", "facts", "payload"), examples("straw_fire"))
def test_fire_examples(kind: str, facts: dict[str, str], payload: bytes) -> None:
    source = Source("f1", FAMILIES["air"])
    if facts["outcome"] != "accepted":
        with pytest.raises(RejectError) as caught:
            CODECS[kind].decode(payload, source)
        assert caught.value.reason == facts["outcome"]
        return
    result = CODECS[kind].decode(payload, source)
    assert (len(result.fires), str(result.seq)) == (int(facts["points"]), facts["seq"])


def test_every_kind_of_message_has_an_example() -> None:
    kinds = {stated(text)[0] for text, _ in EXAMPLES}
    assert kinds == {
        "json air",
        "state",
        "reply",
        "error",
        "hj212 air",
        "hj212 stack",
        "hj212 answer",
        "gb17691",
        "straw_fire",
    }
    assert DOCUMENT.count("```json") + DOCUMENT.count("```text") == len(EXAMPLES)


def test_reasons_are_those_of_the_code() -> None:
    section = DOCUMENT.split("## 8.")[1]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE))
    assert rows == REASONS


def test_quantities_are_those_of_the_families() -> None:
    section = DOCUMENT.split("## 4.")[1].split("### 4.1")[0]
    for family in FAMILIES.values():
        listed = section.split(f"* family `{family.key}`:")[1].split("* family")[0].split("\n\n")[0]
        assert set(re.findall(r"`([a-z0-9_]+)`", listed)) == set(family.keys)


def test_commands_and_header_fields_are_those_of_the_code() -> None:
    assert set(re.findall(r"^\| (\d{4}) \|", DOCUMENT, re.MULTILINE)) == set(DATA_COMMANDS)
    assert all(f"`{name}`" in DOCUMENT for name in HEADER_FIELDS)
