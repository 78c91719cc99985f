"""Orders of a level and total reduction, worked by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from alerting.plan import in_season, ordered_measures, planned_orders, reductions
from alerting.wording import measures_zh
from domain.error import ConfigurationError
from domain.response_table import (
    holidays,
    is_holiday,
    level_rules,
    notice_words,
    process_rules,
    reduction_rules,
)
from store.connection import Connection
from store.reduction import read_reduction_list

DAY = dt.date(2026, 1, 5)


def test_who_is_ordered_what(county: Connection) -> None:
    entries, rules = read_reduction_list(county, "zhongyang"), reduction_rules(DAY)

    def orders(level: str, day: dt.date = DAY) -> dict[str, list[str]]:
        found = planned_orders(entries, level, day, rules)
        assert [order.enterprise.id for order in found if order.own_plan] == ["taoyuan-cement"]
        return {order.enterprise.id: [each.id for each in order.measures] for order in found}

    assert orders("yellow") == {"zhongyang-steel": ["m1"], "taoyuan-cement": []}
    # The industry's measure binds the ungraded cement works, not the one of grade A.
    assert orders("orange") == {
        "zhongyang-steel": ["m2"], "fuyu-coking": ["m5"], "taoyuan-cement": [], "taoyuan-dongyi-cement": ["m7"],
    }  # fmt: skip
    assert "taoyuan-dongyi-cement" not in orders("orange", dt.date(2026, 4, 1))
    assert orders("red") == {"zhongyang-steel": ["m3", "m4"], "fuyu-coking": ["m6"], "taoyuan-cement": ["m8"]}


def test_total_reduction_against_the_share_asked_for(county: Connection) -> None:
    entries, rules = read_reduction_list(county, "zhongyang"), reduction_rules(DAY)
    found = {(each.level, each.pollutant): each for each in reductions(entries, {"nox": 40.0}, rules, day=DAY)}
    # NOx: half of 4; 4 + 30 % of 2; 4 + 2 + 60 % of 2 + 35 % of 2, all of 40 t/d of the inventory.
    assert [round(found[level, "nox"].reduced, 9) for level in ("yellow", "orange", "red")] == [2.0, 4.6, 7.9]
    assert [found[level, "nox"].met for level in ("yellow", "orange", "red")] == [False, False, False]
    # SO2: 1, 2.3 and 3.6 of the 4 t/d that the list has.
    assert [found[level, "so2"].percent for level in ("yellow", "orange", "red")] == pytest.approx([25, 57.5, 90])
    assert {found[level, "so2"].met for level in ("yellow", "orange", "red")} == {True}
    assert (found["red", "so2"].base_from, found["red", "nox"].base_from) == ("list", "inventory")
    assert found["yellow", "vocs"].percent == 0
    empty = reductions(entries, {"so2": 0.0}, rules, day=DAY, levels=["red"])
    assert [(each.percent, each.met) for each in empty if each.pollutant == "so2"] == [(None, None)]


def test_season_may_run_over_the_new_year() -> None:
    assert in_season(None, DAY)
    assert in_season("11-15..03-15", DAY)
    assert in_season("11-15..03-15", dt.date(2026, 3, 15))
    assert not in_season("11-15..03-15", dt.date(2026, 3, 16))
    assert not in_season("04-01..09-30", DAY)
    with pytest.raises(ConfigurationError, match="expected MM-DD"):
        in_season("Nov-Mar", DAY)


def test_words(county: Connection) -> None:
    entries = read_reduction_list(county, "zhongyang")
    order = planned_orders(entries, "yellow", DAY, reduction_rules(DAY))[-1]
    assert measures_zh(ordered_measures(order, entries)) == "1. sinter-1线：限产，负荷不超过50%。按方案执行"


def test_tables_of_the_response() -> None:
    rules = reduction_rules(DAY)
    assert [rules.shares[level, "nox"] for level in ("yellow", "orange", "red")] == [10, 20, 30]
    assert {key: rule.own_plan for key, rule in rules.grades.items() if rule.own_plan} == {
        (grade, level): True for grade in ("A", "leading") for level in ("yellow", "orange", "red")
    }
    assert level_rules()["red"].respond < level_rules()["yellow"].respond
    assert all(0.1 <= rule.residual <= 0.25 for rule in process_rules().values())
    assert is_holiday(dt.date(2025, 10, 8))
    assert not is_holiday(dt.date(2025, 10, 9))
    assert all(one.last < other.first for one, other in zip(holidays(), holidays()[1:], strict=False))
    assert {"confirm", "upgrade", "downgrade", "extend", "lift", "propose", "order"} <= set(notice_words())
