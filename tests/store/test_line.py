"""Production lines, treatment facilities and their meters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pytest

from domain.error import ConfigurationError
from store.connection import Connection
from store.line import Line, add_line, read_lines, retire_line
from store.registry import RegisteredDevice

NOW = dt.datetime(2026, 11, 25, 4, tzinfo=dt.UTC)
SINTER = Line("sinter-1", "steel", "一号烧结机", "production", rated_power_kw=14_000.0, meters={"mill": 0.5})
FILTER = Line("filter-1", "steel", "一号除尘脱硫", "treatment", treats="sinter-1", outlet_site="s-stack")


@pytest.fixture
def works(clerk: Connection, devices: Mapping[str, RegisteredDevice]) -> Connection:
    for name in ("steel", "coke"):
        clerk.execute(
            "insert into enterprise (id, area_id, name_zh, industry) values (%s, 'x', %s, '钢铁')", (name, name)
        )
    return clerk


def test_lines_come_back_as_they_were_added(works: Connection) -> None:
    add_line(works, SINTER)
    add_line(works, FILTER)
    assert read_lines(works) == {"sinter-1": SINTER, "filter-1": FILTER}
    assert read_lines(works, enterprise="coke") == {}
    changed = Line("sinter-1", "steel", "烧结", "production", meters={})
    add_line(works, changed)
    assert read_lines(works)["sinter-1"] == changed


def test_retiring_keeps_the_line_and_starts_with_its_treatment(works: Connection) -> None:
    add_line(works, SINTER)
    add_line(works, FILTER)
    with pytest.raises(ConfigurationError, match="filter-1 in service treating its gas"):
        retire_line(works, "sinter-1", NOW)
    retire_line(works, "filter-1", NOW)
    retire_line(works, "sinter-1", NOW)
    assert read_lines(works) == {}
    assert {name: line.retired_at for name, line in read_lines(works, everything=True).items()} == {
        "sinter-1": NOW,
        "filter-1": NOW,
    }
    with pytest.raises(ConfigurationError, match="found no line 'sinter-1' in service"):
        retire_line(works, "sinter-1", NOW)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (Line("a", "steel", "甲", "furnace"), "found kind 'furnace'"),
        (Line("a", "nobody", "甲", "production"), "found enterprise 'nobody'"),
        (Line("a", "steel", "甲", "production", treats="sinter-1"), "found that it treats 'sinter-1'"),
        (Line("a", "coke", "甲", "treatment", treats="sinter-1"), "a production line of coke"),
        (Line("a", "steel", "甲", "treatment", outlet_site="s-air"), "expected a site of kind stack"),
        (Line("a", "steel", "甲", "production", meters={"chimney": 1.0}), "found meters chimney"),
    ],
)
def test_what_does_not_fit_is_named(works: Connection, line: Line, message: str) -> None:
    add_line(works, SINTER)
    with pytest.raises(ConfigurationError, match=message):
        add_line(works, line)
    assert list(read_lines(works)) == ["sinter-1"]
