"""Every register stands in the glossary and on its page; the targets it feeds are those of the plan."""

from pathlib import Path

import pytest

from domain.county import load_county
from domain.register import FIELD_TYPES, Register
from domain.register_table import FEEDS, REGISTERS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("register", REGISTERS.values(), ids=lambda register: register.name)
def test_words_and_description(register: Register) -> None:
    for page in ("glossary.md", "registers.md"):
        text = (DOCS / page).read_text(encoding="utf-8")
        assert f"`{register.name}`" in text
        assert register.title_zh in text
    keys = [field.key for field in register.fields]
    assert len(keys) == len(set(keys))
    assert {*register.natural, *register.listed} <= set(keys)
    for field in register.fields:
        assert field.type in FIELD_TYPES
        assert bool(field.words) == (field.type == "choice"), field.key
        assert bool(field.refers) == (field.type == "reference"), field.key
        assert {field.not_before, *(field.needed_when or ("",))[:1]} - {""} <= set(keys), field.key
    headings = [each for field in register.fields for each in (field.key, field.heading_zh, *field.aliases)]
    headings += ["id", "编号", *register.id_aliases]
    assert len(headings) == len(set(headings))


def test_targets_fed_are_targets_of_the_plan() -> None:
    targets = {target.id: target for target in load_county("zhongyang").targets}
    for name, registers in FEEDS.items():
        assert targets[name].source in ("reported", "registry")
        assert set(registers) <= set(REGISTERS)
