"""What the values call for: worked cases of the dated rules, forecasts, orders from above, dust and ozone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.trigger import Called, Imposed, Observed, Situation, Standing, proposal
from analytics.episode import RollingDays
from domain.outlook import DayOutlook, Outlook, RollingOutlook
from domain.period import ZONE
from domain.warning import warning_rules
from domain.warning_state import ISSUED, step

#: 2026-01-05 20:10 local time; hour 0 of the observations is ten days earlier at midnight.
NOW = dt.datetime(2026, 1, 5, 20, 10, tzinfo=ZONE)
FIRST = dt.datetime(2025, 12, 26, tzinfo=ZONE)
HOURS = int((NOW - FIRST) / dt.timedelta(hours=1))
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
NOTHING = Standing("none", None)


def observed(
    values: Sequence[int], lead: bool = True, excluded: Sequence[tuple[dt.datetime, dt.datetime]] = ()
) -> Observed:
    """The last hours as given, 60 before."""
    aqi = np.full(HOURS, 60, dtype=np.int64)
    aqi[HOURS - len(values) :] = values
    return Observed(FIRST, RollingDays(aqi, np.full(HOURS, lead)), "hj633-2012", excluded)


def outlook(*daily: int, primary: tuple[str, ...] = ("pm25",), source: str = "official") -> Outlook:
    """Daily AQI of today and the days that follow."""
    days = [
        DayOutlook(NOW.date() + at * DAY, aqi, aqi, aqi, primary, source, "city", NOW - 4 * HOUR)
        for at, aqi in enumerate(daily)
    ]
    return Outlook("x", NOW, days, ())


def called(
    values: Sequence[int] = (),
    forecast: Outlook | None = None,
    imposed: Sequence[Imposed] = (),
    standing: Standing = NOTHING,
    **more: object,
) -> Called | None:
    situation = Situation(
        observed(values, **more),  # type: ignore[arg-type]
        forecast or outlook(60, 60, 60, 60),
        imposed,
        warning_rules("2024"),
    )
    return proposal(situation, standing, now=NOW)


def order(level: str, *, start: dt.datetime = NOW, end: dt.datetime | None = None) -> Imposed:
    return Imposed(7, level, start, end, "晋环函1号")


def level(found: Called | None) -> tuple[str, str] | None:
    return None if found is None else (found.action, found.level)


@pytest.mark.parametrize(
    ("daily", "expected"),
    [
        ((60, 60, 60, 60), None),
        ((60, 149, 150, 60), None),
        ((60, 160, 60, 60), None),  # above 150 for a day only
        ((60, 160, 160, 60), "yellow"),  # above 150 for two days
        ((60, 210, 60, 60), "yellow"),  # above 200 for one day
        ((60, 210, 220, 60), "orange"),  # above 200 for two days
        ((60, 160, 160, 160), "orange"),  # above 150 for three days
        ((60, 210, 310, 220), "red"),  # above 200 for three days and above 300 for one
        ((60, 310, 310, 60), "orange"),  # above 300, but above 200 for two days only
    ],
)
def test_conditions_of_2024_on_forecast_days(daily: tuple[int, ...], expected: str | None) -> None:
    found = called(forecast=outlook(*daily))
    assert level(found) == (None if expected is None else ("propose", expected))


def test_a_proposal_says_when_why_and_what_it_rests_on() -> None:
    found = called([80, 90, 95], outlook(100, 210, 60))
    assert found is not None
    # The 24 hours up to 11:00 of the 6th are the first above 150, so the episode began the day before: from now on.
    assert found.starts_at == dt.datetime(2026, 1, 5, 21, tzinfo=ZONE)
    # 210 - 150 k/24 is above 150 up to hour 9 of the 7th.
    assert found.ends_at == dt.datetime(2026, 1, 7, 9, tzinfo=ZONE)
    assert found.cause_zh == "最近24小时AQI为95；预计以颗粒物为首要污染物的污染过程达到相应预警条件"
    assert "1月6日AQI约210" in found.outlook_zh
    assert found.evidence["rolling_aqi_last_hours"] == [80, 90, 95]
    assert (found.evidence["rules"], found.evidence["aqi_edition"]) == ("warning-2024", "hj633-2012")
    assert found.evidence["forecast"][1] == {
        "day": "2026-01-06",
        "aqi": 210,
        "primary": ["pm25"],
        "issuer": "city",
        "issued_at": (NOW - 4 * HOUR).isoformat(),
    }


def test_ozone_and_dust_are_not_warned_of() -> None:
    assert called(forecast=outlook(60, 210, 220, 60, primary=("o3",))) is None
    assert called([210] * 30, lead=False) is None
    dust = [(NOW - 2 * DAY, NOW + 4 * DAY)]
    assert called([310] * 30, outlook(310, 310, 310, 310), excluded=dust) is None
    assert level(called([310] * 30, outlook(310, 310, 310, 310))) is not None


def test_observed_values_alone_call_for_a_warning() -> None:
    assert level(called([210] * 2, Outlook("x", NOW, (), ()))) == ("propose", "yellow")
    assert level(called([210] * 25, Outlook("x", NOW, (), ()))) == ("propose", "orange")


def test_our_own_rolling_forecast_counts_hour_by_hour_but_an_official_day_outranks_it() -> None:
    rolling = tuple(RollingOutlook(NOW.replace(minute=0) + at * HOUR, 230, 200, 260, NOW) for at in range(72))
    days = outlook(60, 60, 60, 60, source="statistical").days
    assert level(called(forecast=Outlook("x", NOW, days, rolling))) == ("propose", "orange")
    official = outlook(60, 60, 60, 60).days
    assert called(forecast=Outlook("x", NOW, official, rolling)) is None


def test_lift_needs_calm_now_and_calm_foreseen_for_36_hours() -> None:
    yellow = Standing("yellow", None)
    assert level(called([210] * 20 + [140], outlook(100, 90, 80), standing=yellow)) == ("propose", "none")
    assert called([210] * 20 + [160], outlook(100, 90, 80), standing=yellow) is None  # not calm yet
    assert called([210] * 20 + [140], outlook(100, 160, 80), standing=yellow) is None  # will not stay so
    assert called([210] * 20 + [140], outlook(100, 90), standing=yellow) is None  # foreseen for 28 hours only
    assert called([210] * 20 + [140], Outlook("x", NOW, (), ()), standing=yellow) is None  # nothing foreseen
    assert called([140, -1, -1, -1, -1, -1], outlook(100, 90, 80), standing=yellow) is None  # not known now
    assert level(called([140, -1], outlook(100, 90, 80), standing=yellow)) == ("propose", "none")  # late by an hour


def test_upgrades_at_once_and_downgrades_when_the_higher_condition_is_gone() -> None:
    assert level(called([210] * 26, outlook(220, 220, 60), standing=Standing("yellow", None))) == ("propose", "orange")
    red = Standing("red", None)
    assert level(called([320] * 30 + [250], outlook(240, 230, 220), standing=red)) == ("propose", "orange")
    assert called([320] * 30 + [250], outlook(240, 310, 220), standing=red) is None
    assert level(called([320] * 30 + [140], outlook(100, 90, 80), standing=red)) == ("propose", "none")


def test_close_episodes_are_one() -> None:
    # Above 150 for 25 hours of rolling days would be 48 h; two stretches 30 hours apart count as one episode, whose
    # condition the longer one met. 40 hours apart they are two, and the second alone meets none.
    first = [160] * 26
    assert level(called([*first, *[100] * 30, *[160] * 3], outlook(100, 100, 100))) == ("propose", "yellow")
    assert called([*first, *[100] * 40, *[160] * 3], outlook(100, 100, 100)) is None


def test_orders_from_above_are_a_floor() -> None:
    assert level(called(imposed=[order("orange")])) == ("propose", "orange")
    assert level(called(forecast=outlook(60, 210, 310, 220), imposed=[order("orange")])) == ("propose", "red")
    assert called(imposed=[order("orange", start=NOW + 3 * DAY)]) is None  # announced, but not due for days
    assert called(imposed=[order("orange", start=NOW - 3 * DAY, end=NOW - HOUR)]) is None
    kept = called([140], outlook(100, 90, 80), [order("yellow")], Standing("yellow", None))
    assert kept is None  # calm, but the order stands
    found = called(imposed=[order("red", start=NOW + DAY, end=NOW + 3 * DAY)])
    assert found is not None
    assert (found.starts_at, found.ends_at) == (NOW + DAY, NOW + 3 * DAY)
    assert "上级要求不低于红色预警（晋环函1号）" in found.cause_zh
    assert found.evidence["external_orders"] == [7]


def test_what_rests_on_orders_from_above_alone_goes_with_them() -> None:
    nothing = Outlook("x", NOW, (), ())
    imposed = Standing("orange", None, imposed_only=True)
    assert called(forecast=nothing, imposed=[order("orange")], standing=imposed) is None
    assert level(called(forecast=nothing, standing=imposed)) == ("propose", "none")
    assert called(forecast=nothing, standing=Standing("orange", None)) is None
    assert level(called([210] * 3, nothing, standing=imposed)) == ("propose", "yellow")  # own values call for it now


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.sampled_from([-1, 60, 140, 160, 210, 310]), min_size=0, max_size=80),
    daily=st.lists(st.sampled_from([60, 140, 160, 210, 310]), min_size=0, max_size=6),
    imposed=st.sampled_from([(), ("yellow",), ("orange",), ("red",)]),
    state=st.sampled_from(["none", "proposed", "yellow", "orange", "red"]),
    pending=st.sampled_from([None, "none", "yellow", "orange", "red"]),
)
def test_whatever_is_known_the_step_is_legal_and_calm_is_never_guessed(
    *, values: list[int], daily: list[int], imposed: tuple[str, ...], state: str, pending: str | None
) -> None:
    if state == "none":
        pending = None
    elif state == "proposed":
        pending = pending if pending in ISSUED else "yellow"
    elif pending == state:
        pending = None
    floor = [order(each) for each in imposed]
    found = called(values, outlook(*daily) if daily else Outlook("x", NOW, (), ()), floor, Standing(state, pending))
    if found is None:
        return
    if found.action == "lapse":
        after = "lapsed" if state == "proposed" else state
        assert pending is not None
    else:
        after = state if state in ISSUED else "proposed"
        assert found.level not in {state, pending}
    step(state, found.action, after)
    assert found.starts_at < found.ends_at
    rank = ("none", *ISSUED).index
    if imposed and found.action == "propose":
        assert rank(found.level) >= rank(imposed[0])
    if state in ISSUED and found.action == "propose" and rank(found.level) < rank(state):
        # Lowered or lifted: calm is known for a day and a half.
        assert len(daily) >= 3
        assert max(daily[1:3]) <= 150 or found.level != "none"


def test_a_pending_proposal_follows_what_is_known() -> None:
    pending = Standing("proposed", "yellow")
    assert called(forecast=outlook(60, 210, 60), standing=pending) is None
    assert level(called(forecast=outlook(60, 210, 220), standing=pending)) == ("propose", "orange")
    assert level(called(standing=pending)) == ("lapse", "none")
    lifting = Standing("yellow", "none")
    assert called([140], outlook(100, 90, 80), standing=lifting) is None
    assert level(called([160], outlook(160, 160, 80), standing=lifting)) == ("lapse", "yellow")


def test_what_a_person_turned_down_rests_for_twelve_hours() -> None:
    forecast = outlook(60, 210, 60)
    fresh = Standing("none", None, rejected=("yellow", NOW - 11 * HOUR))
    assert called(forecast=forecast, standing=fresh) is None
    old = Standing("none", None, rejected=("yellow", NOW - 12 * HOUR))
    assert level(called(forecast=forecast, standing=old)) == ("propose", "yellow")
    assert level(called(forecast=outlook(60, 210, 220), standing=fresh)) == ("propose", "orange")
    higher = Standing("none", None, rejected=("red", NOW - HOUR))
    assert called(forecast=forecast, standing=higher) is None
