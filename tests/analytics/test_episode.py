"""Episodes and warning levels: hand-worked runs, the rules' texts and the red alerts of December 2015 and 2016."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.episode import RollingDays, episodes, rolling_daily_aqi, runs
from app.prsa import load_prsa
from domain.error import ConfigurationError
from domain.period import ZONE
from domain.pollutant import SIX_KEYS
from domain.standard import validity
from domain.warning import BY_KEY, load_warning_rules, warning_edition, warning_rules

YELLOW, ORANGE, RED = (BY_KEY[key].rank for key in ("yellow", "orange", "red"))


def days_of(*stretches: tuple[int, int], lead: bool = True) -> RollingDays:
    """Rolling days made of (aqi, hours) one after the other."""
    aqi = np.concatenate([np.full(hours, value) for value, hours in stretches])
    return RollingDays(aqi.astype(np.int64), np.full(len(aqi), lead))


@pytest.mark.parametrize(
    ("rules", "aqi", "hours", "reached"),
    [
        ("2024", 201, 1, (YELLOW,)),
        ("2024", 200, 24, ()),
        ("2024", 200, 25, (YELLOW,)),
        ("2024", 151, 48, (YELLOW,)),
        ("2024", 151, 49, (YELLOW, ORANGE)),
        ("2024", 201, 25, (YELLOW, ORANGE)),
        ("2024", 301, 48, (YELLOW, ORANGE)),
        ("2024", 301, 49, (YELLOW, ORANGE, RED)),
        ("2019", 201, 24, ()),
        ("2019", 201, 25, (YELLOW,)),
        ("2019", 201, 49, (YELLOW, ORANGE)),
        ("2019", 301, 73, (YELLOW, ORANGE, RED)),
        ("2019", 500, 1, (RED,)),
        ("2017", 201, 1, (1,)),
        ("2017", 301, 49, (1, YELLOW, ORANGE)),
    ],
)
def test_levels_start_exactly_at_their_hours(rules: str, aqi: int, hours: int, reached: tuple[int, ...]) -> None:
    found = episodes(days_of((50, 30), (aqi, hours), (50, 40)), warning_rules(rules))
    assert tuple(rank for episode in found for rank, _ in episode.reached) == reached


def test_the_red_day_may_lie_anywhere_in_the_three_days() -> None:
    (episode,) = episodes(days_of((50, 24), (250, 20), (310, 1), (250, 40), (50, 40)), warning_rules("2024"))
    assert episode.reached[-1] == (RED, 24 + 48)
    assert (episode.peak, episode.peak_hour, episode.rank) == (310, 44, RED)


def test_close_episodes_are_one_and_calm_lifts() -> None:
    rules = warning_rules("2024")
    (one,) = episodes(days_of((50, 24), (210, 2), (50, 35), (210, 2), (50, 36)), rules)
    assert (one.start, one.end, one.lifted) == (1, 24 + 2 + 35 + 2, 24 + 2 + 35 + 2 + 36)
    assert len(episodes(days_of((50, 24), (210, 2), (50, 36), (210, 2), (50, 36)), rules)) == 2
    (unfinished,) = episodes(days_of((50, 24), (210, 2), (50, 35)), rules)
    assert unfinished.lifted is None


def test_unknown_hours_neither_break_an_episode_nor_count() -> None:
    rules = warning_rules("2024")
    # 20 + 4 known hours above 200 are one short of lasting 48 hours; the unknown hours between them count for neither.
    (one,) = episodes(days_of((50, 24), (210, 20), (-1, 35), (210, 4), (50, 40)), rules)
    assert (one.rank, one.end, one.closing) == (YELLOW, 24 + 59, "calm")
    (one,) = episodes(days_of((50, 24), (210, 20), (-1, 35), (210, 5), (50, 40)), rules)
    assert one.reached == ((YELLOW, 24), (ORANGE, 24 + 59))
    # The same hours known to be calm: 35 of them join, but break the run.
    (one,) = episodes(days_of((50, 24), (210, 20), (50, 35), (210, 5), (50, 40)), rules)
    assert one.rank == YELLOW


def test_calm_is_counted_over_known_hours_and_a_long_gap_closes() -> None:
    rules = warning_rules("2024")
    (one,) = episodes(days_of((210, 2), (50, 30), (-1, 35), (50, 6)), rules)
    assert (one.end, one.lifted, one.closing) == (2, 2 + 30 + 35 + 6, "calm")
    (one,) = episodes(days_of((210, 2), (50, 30), (-1, 36), (50, 60)), rules)
    assert (one.lifted, one.closing) == (None, "no_data")
    one, other = episodes(days_of((210, 2), (-1, 36), (210, 2), (50, 10)), rules)
    assert (one.closing, other.closing, other.start, other.lifted) == ("no_data", "open", 38 - 23, None)
    (one,) = episodes(days_of((210, 2), (-1, 35), (210, 2), (50, 10)), rules)
    assert (one.start, one.end) == (0, 39)


def test_an_index_of_ozone_alone_is_not_calm() -> None:
    aqi = np.concatenate((np.full(30, 210), np.full(40, 60), np.full(40, 60)))
    days = RollingDays(aqi, aqi > 200, np.concatenate((np.full(30, True), np.full(40, False), np.full(40, True))))
    (one,) = episodes(days, warning_rules("2024"))
    assert (one.end, one.lifted, one.closing) == (30, None, "no_data")


def test_ozone_and_dust_are_not_warned_of() -> None:
    rules = warning_rules("2024")
    assert episodes(days_of((50, 24), (250, 60), lead=False), rules) == ()
    days = days_of((50, 24), (250, 60))
    assert episodes(days, rules, excluded=np.ones(len(days.aqi), dtype=bool)) == ()


def test_rolling_day_is_the_daily_index_at_midnight() -> None:
    hours = {key: np.full(48, 10.0) for key in SIX_KEYS}
    hours["pm25"] = np.concatenate([np.full(24, 100.0), np.full(24, 200.0)])
    hours["co"] = np.full(48, 0.5)
    rolling = rolling_daily_aqi("hj633-2012", hours, validity())
    assert (rolling.aqi[:19] == -1).all(), "19 hours are no day"
    assert (rolling.aqi[23], rolling.aqi[47]) == (132, 250)
    assert rolling.particles_lead[23] and not rolling.particles_lead[5]


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=60))
def test_runs_are_the_unbroken_stretches(mask: list[bool]) -> None:
    starts, ends = runs(np.array(mask, dtype=bool))
    again = np.zeros(len(mask), dtype=bool)
    for start, end in zip(starts, ends, strict=True):
        assert not again[max(start - 1, 0) : end].any()
        again[start:end] = True
    assert again.tolist() == mask


def test_rules_in_force_follow_the_date() -> None:
    dates = [dt.date(2018, 1, 1), dt.date(2021, 1, 1), dt.date(2026, 11, 1)]
    assert [warning_edition(day) for day in dates] == ["warning-2017", "warning-2019", "warning-2024"]


def test_bad_rules_are_named(tmp_path) -> None:
    (tmp_path / "conditions.csv").write_text("level,alternative,above,hours,clause,confidence\npink,1,200,24,x,P\n")
    with pytest.raises(ConfigurationError, match=r"line 2, column level: found 'pink', expected one of blue"):
        load_warning_rules(tmp_path)


def test_red_alerts_of_december_2015_and_2016_are_found(shared_data) -> None:
    stations = [load_prsa(path) for path in sorted((shared_data / "data/prsa").glob("*.csv.gz"))]
    first = min(station.times_s[0] for station in stations)
    cube = np.full((len(stations), 4 * 366 * 24, 6), np.nan)
    for at, station in enumerate(stations):
        cube[at, (station.times_s - first) // 3600] = station.values[:, :6]
    counts = np.count_nonzero(~np.isnan(cube), axis=0)
    mean = np.divide(np.nansum(cube, axis=0), counts, out=np.full(cube.shape[1:], np.nan), where=counts > 0)
    hours = {key: mean[:, at] for at, key in enumerate(SIX_KEYS)}
    found = episodes(rolling_daily_aqi("hj633-2012", hours, validity()), warning_rules("2024"))

    def day(hour: int) -> dt.date:
        return dt.datetime.fromtimestamp(int(first) + hour * 3600, ZONE).date()

    red = [(day(episode.start), day(episode.end)) for episode in found if episode.rank == RED]
    for alert in (dt.date(2015, 12, 8), dt.date(2015, 12, 20), dt.date(2016, 12, 18)):
        assert any(start <= alert <= end for start, end in red), alert
