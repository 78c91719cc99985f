"""Every option that the dashboards set is one that Grafana knows, in 9.4 and now; a misspelt one would be ignored."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboards.dashboard import dashboard_json
from dashboards.render import DASHBOARDS

TABLE = Path(__file__).parent / "grafana_options.csv"
DOCUMENTS: list[Any] = [dashboard_json(dashboard) for dashboard in DASHBOARDS]
PANELS = [panel for document in DOCUMENTS for panel in document["panels"] if panel["type"] != "row"]
#: Options whose value is a colour, a column's name or free text.
FREE = {"name", "field", "fixed", "fields", "content"}


def known() -> dict[tuple[str, str], set[str]]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = csv.DictReader(lines)
    return {(row["where"], row["name"]): set(filter(None, row["words"].split("|"))) for row in rows}


KNOWN = known()


def options(where: str, value: object) -> Iterator[tuple[str, str, object]]:
    """Every option below a value, with where it stands."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield where, name, below
            yield from options(where, below)
    elif isinstance(value, list):
        for item in value:
            yield from options(where, item)


def emitted() -> Iterator[tuple[str, str, object]]:
    for document in DOCUMENTS:
        yield from (("dashboard", name, None) for name in document)
    for panel in PANELS:
        config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
        yield from (("panel", name, None) for name in panel)
        yield from (("defaults", name, None) for name in config["defaults"])
        yield from options(f"{panel['type']}.options", panel["options"])
        yield from options(f"{panel['type']}.custom", config["defaults"].get("custom", {}))
        for override in config["overrides"]:
            yield from (("override", each["id"], each["value"]) for each in override["properties"])
        for target in panel.get("targets", ()):
            yield from (("target", name, None) for name in target)


def test_every_option_is_known_to_the_oldest_and_the_newest_grafana() -> None:
    for where, name, value in emitted():
        assert (where, name) in KNOWN, f"{where}: {name}"
        words = KNOWN[where, name]
        if words and isinstance(value, str) and name not in FREE:
            assert value in words, f"{where}: {name} {value}"


def test_the_table_holds_nothing_that_no_dashboard_sets() -> None:
    assert set(KNOWN) == {(where, name) for where, name, _ in emitted()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document["uid"]))
def test_variables_and_annotations_have_what_both_need(document: Any) -> None:
    for variable in document["templating"]["list"]:
        assert variable["type"] in ("query", "datasource", "constant")
        if variable["type"] == "query":
            assert variable["query"] == variable["definition"]
            assert variable["refresh"] == 1
            assert variable["includeAll"] == variable["multi"]
            assert "allValue" not in variable, "all means every value listed, which the SQL quotes"
    for annotation in document["annotations"]["list"][1:]:
        assert annotation["rawQuery"] == annotation["target"]["rawSql"]
        assert annotation["target"]["format"] == "table"


def test_lists_of_bars_are_not_cut_off_after_twenty_five() -> None:
    shown = [panel["options"]["reduceOptions"] for panel in PANELS if panel["type"] == "bargauge"]
    assert {each["limit"] for each in shown if each["values"]} == {100}
