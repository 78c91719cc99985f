"""Which warning the values call for: observed and forecast daily AQI and orders from above in, a proposal out. Pure.

The forecast continues the observed series: what the AQI of the 24 hours up to an hour will be is taken as the mean of
the days it touches, weighted by its hours. Over that one series the dated conditions are met or not, as in
`analytics.episode`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.episode import DAY_H, PARTICLES, Episode, RollingDays, episodes
from analytics.index import NO_INDEX
from domain.outlook import OFFICIAL, Outlook
from domain.period import ZONE, local_date, midnight
from domain.warning import LEVELS, WarningRules
from domain.warning_state import ISSUED, NONE, PROPOSED, rank_of

Booleans = npt.NDArray[np.bool_]

HOUR: Final = dt.timedelta(hours=1)
DAY: Final = dt.timedelta(days=1)
#: What a person turned down is not proposed again for so long, unless a higher level is called for.
REJECTED_REST: Final = dt.timedelta(hours=12)
#: The newest value counts as the present one when it is no older.
LAG_H: Final = 3
#: Least length of a period that is proposed.
SHORTEST: Final = dt.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Observed:
    """Rolling daily AQI of consecutive hours; `first` is the start of hour 0, `edition` that of the index.

    `excluded` are spans of dust, wildfire and the like, seen or expected: they are not warned of by colour.
    """

    first: dt.datetime
    days: RollingDays
    edition: str
    excluded: Sequence[tuple[dt.datetime, dt.datetime]] = ()


@dataclass(frozen=True, slots=True)
class Imposed:
    """An order from above that stands: least level from `valid_from` until `valid_to` (None = until revoked)."""

    id: int
    minimum_level: str
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    document: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How the warning of the area stands.

    Attributes
    ----------
    state, proposed_level : str, str or None
        As in table warning; ``none`` when no warning is open.
    rejected : tuple, optional
        Level that a person turned down last, and when.
    imposed_only : bool
        Whether the level in force rests on orders from above alone: it goes with them.
    """

    state: str
    proposed_level: str | None
    rejected: tuple[str, dt.datetime] | None = None
    imposed_only: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """A step that the values call for: ``propose`` a level (``none`` = lift) or let a proposal ``lapse``."""

    action: str
    level: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    cause_zh: str
    outlook_zh: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known: observed values, forecast, orders from above (a floor under our own judgement), dated rules."""

    observed: Observed
    outlook: Outlook
    imposed: Sequence[Imposed]
    rules: WarningRules


@dataclass(frozen=True, slots=True)
class _Series:
    """Observed and forecast rolling AQI in one; `now` is the last observed hour, or the last finished without one."""

    first: dt.datetime
    days: RollingDays
    excluded: Booleans
    now: int

    def moment(self, hour: int) -> dt.datetime:
        return self.first + hour * HOUR

    @property
    def counted(self) -> npt.NDArray[np.int64]:
        """AQI of hours led by particles, 0 where something else leads, -1 where nothing is known."""
        led = self.days.particles_lead & ~self.excluded
        return np.where(self.days.aqi == NO_INDEX, NO_INDEX, np.where(led, self.days.aqi, 0))


@dataclass(frozen=True, slots=True)
class _Judged:
    """The series, the rank that own values call for, their episode, and the orders from above that stand."""

    series: _Series
    own: int
    episode: Episode | None
    floor: tuple[Imposed, ...]


def joined(observed: Observed, outlook: Outlook, *, now: dt.datetime) -> _Series:
    """One series of rolling days: measured up to the last finished hour, forecast from there to the last day told.

    Days of an official forecast count by their daily value, others by the 24 hours that end with each hour where these
    are told. A day whose primary pollutant is not told counts as one of particles.
    """
    last = max(int((now - observed.first) / HOUR) - 1, -1)
    ahead = [day for day in outlook.days if midnight(day.day) + DAY > now]
    end = max([last, *(int((midnight(day.day) + DAY - observed.first) / HOUR) - 1 for day in ahead)])
    aqi, lead = np.full(end + 1, NO_INDEX, dtype=np.int64), np.zeros(end + 1, dtype=bool)
    known = min(len(observed.days.aqi), last + 1)
    aqi[:known], lead[:known] = observed.days.aqi[:known], observed.days.particles_lead[:known]
    measured = np.flatnonzero(aqi[max(last - LAG_H, 0) : last + 1] != NO_INDEX)
    anchor = None
    if len(measured):
        last = int(measured[-1]) + max(last - LAG_H, 0)
        anchor = (last, float(aqi[last]))
    rolling = {int((each.hour - observed.first) / HOUR): each.aqi for each in outlook.rolling}
    for day in ahead:
        at = int((midnight(day.day) + DAY - observed.first) / HOUR) - 1
        hours = np.arange(max(last + 1, at - DAY_H + 1), at + 1)
        if anchor is None or anchor[0] < at - DAY_H - LAG_H:
            anchor, hours = (at - 1, float(day.aqi)), hours[-1:]
        share = (hours - anchor[0]) / (at - anchor[0])
        aqi[hours] = np.rint(anchor[1] + share * (day.aqi - anchor[1])).astype(np.int64)
        if day.source != OFFICIAL:
            told = [hour for hour in range(max(last + 1, at - DAY_H + 1), at + 1) if hour in rolling]
            aqi[told] = [rolling[hour] for hour in told]
        lead[hours] = not day.primary or any(name in PARTICLES for name in day.primary)
        anchor = (at, float(aqi[at]))
    moments = [observed.first + hour * HOUR for hour in range(end + 1)]
    spans = observed.excluded
    excluded = np.array([any(low < each + HOUR and each < high for low, high in spans) for each in moments], dtype=bool)
    return _Series(observed.first, RollingDays(aqi, lead), excluded, last)


def entry(rules: WarningRules, rank: int) -> int:
    """AQI at or below which no alternative of a level's condition holds any longer."""
    return min(max(row.above for row in rows) for rows in rules.alternatives(rank))


def calm(series: _Series, above: int, hours: int) -> bool:
    """Whether the air is at or below `above` now and known to stay so for `hours`; what is not known is not calm."""
    ahead = series.counted[max(series.now, 0) : series.now + hours + 1]
    return len(ahead) == hours + 1 and bool((ahead != NO_INDEX).all() and (ahead <= above).all())


def relevant_episode(series: _Series, rules: WarningRules) -> Episode | None:
    """The episode that goes on, has just ended, or is expected first; None without one."""
    found = episodes(series.days, rules, excluded=series.excluded)
    return next((each for each in found if each.end + rules.lift_calm_hours > series.now + 1), None)


def called_level(series: _Series, rules: WarningRules, state: str) -> tuple[int, Episode | None]:
    """Rank that own values call for: the highest condition met by the episode; when in force, down only when calm."""
    episode = relevant_episode(series, rules)
    met = episode.rank if episode is not None and LEVELS[episode.rank].key in ISSUED else 0
    if state not in ISSUED:
        return (met if episode is not None and episode.end > series.now else 0), episode
    in_force = rank_of(state)
    held = [rank for rank in map(rank_of, ISSUED) if rank <= in_force]
    staying = max((rank for rank in held if not calm(series, entry(rules, rank), rules.lift_calm_hours)), default=0)
    return max(staying, met if met > in_force else 0), episode


def proposal(situation: Situation, standing: Standing, *, now: dt.datetime) -> Called | None:
    """What the values call for now.

    Parameters
    ----------
    situation : Situation
        What is known.
    standing : Standing
        State of the area's warning.
    now : datetime
        Present moment.

    Returns
    -------
    Called or None
        None when the warning is as it should be. A warning is lowered or lifted only when the air is below its
        condition and known to stay so for `lift_calm_hours`; without a forecast it is kept. One that rests on orders
        from above alone is lowered or lifted when they end. Only particles count, and hours of dust or other excluded
        causes do not.
    """
    series = joined(situation.observed, situation.outlook, now=now)
    soonest = now + 2 * DAY
    floor = tuple(
        each
        for each in situation.imposed
        if each.valid_from <= soonest and (each.valid_to is None or each.valid_to > now)
    )
    state = NONE if standing.imposed_only and not floor else standing.state
    own, episode = called_level(series, situation.rules, state)
    called = _step(standing, LEVELS[max([own, *(rank_of(each.minimum_level) for each in floor)])].key, now)
    if called is None:
        return None
    judged = _Judged(series, own, episode, floor)
    start, end = _period(judged, now)
    evidence = _evidence(judged, situation, now)
    return Called(*called, start, end, _cause(judged), _outlook_words(situation.outlook, now), evidence)


def _step(standing: Standing, wanted: str, now: dt.datetime) -> tuple[str, str] | None:
    """Action and level that lead from how the warning stands to the level wanted."""
    state, pending = standing.state, standing.proposed_level
    in_force = state if state in ISSUED else NONE
    if wanted == in_force:
        return ("lapse", in_force) if pending is not None else None
    if wanted == pending or _resting(standing, wanted, now):
        return None
    if state == PROPOSED and wanted == NONE:
        return "lapse", NONE
    return "propose", wanted


def _resting(standing: Standing, wanted: str, now: dt.datetime) -> bool:
    """Whether a person turned down the same or a lesser change a short while ago."""
    if standing.rejected is None or standing.proposed_level is not None:
        return False
    level, at = standing.rejected
    if now - at >= REJECTED_REST:
        return False
    return level == wanted or (NONE not in (level, wanted) and rank_of(wanted) < rank_of(level))


def _period(judged: _Judged, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Start and end of the period: of the episode's hours and of the orders from above, from the next full hour on."""
    next_hour = now.replace(minute=0, second=0, microsecond=0) + HOUR
    starts = [each.valid_from for each in judged.floor]
    ends = [each.valid_to or each.valid_from + 3 * DAY for each in judged.floor]
    if judged.own and judged.episode is not None:
        starts.append(judged.series.moment(judged.episode.start))
        ends.append(judged.series.moment(judged.episode.end))
    start = max(min(starts, default=next_hour), next_hour)
    return start, max([start + SHORTEST, *ends])


def _evidence(judged: _Judged, situation: Situation, now: dt.datetime) -> dict[str, Any]:
    """What was known: editions, the last observed values, the forecast used, the orders from above."""
    series, episode = judged.series, judged.episode
    recent = series.days.aqi[max(series.now - 2, 0) : series.now + 1].tolist()
    return {
        "as_of": now.astimezone(ZONE).isoformat(timespec="seconds"),
        "rules": situation.rules.id,
        "aqi_edition": situation.observed.edition,
        "rolling_aqi_last_hours": [None if value == NO_INDEX else value for value in recent],
        "particles_lead": bool(series.now >= 0 and series.days.particles_lead[series.now]),
        "forecast": [
            {
                "day": day.day.isoformat(),
                "aqi": day.aqi,
                "primary": list(day.primary),
                "issuer": day.issuer_id,
                "issued_at": day.issued_at.isoformat(),
            }
            for day in situation.outlook.days
        ],
        "external_orders": [each.id for each in judged.floor],
        "own_level": LEVELS[judged.own].key,
        "episode": None
        if episode is None
        else {
            "start": series.moment(episode.start).astimezone(ZONE).isoformat(),
            "end": series.moment(episode.end).astimezone(ZONE).isoformat(),
            "peak_aqi": episode.peak,
        },
    }


def _cause(judged: _Judged) -> str:
    """Cause in Chinese."""
    parts, series = [], judged.series
    last = int(series.days.aqi[series.now]) if series.now >= 0 else NO_INDEX
    if last != NO_INDEX:
        parts.append(f"最近24小时AQI为{last}")
    if judged.own:
        parts.append("预计以颗粒物为首要污染物的污染过程达到相应预警条件")
    parts += [
        f"上级要求不低于{LEVELS[rank_of(each.minimum_level)].name_zh}（{each.document}）" for each in judged.floor
    ]
    return "；".join(parts) or "暂无有效监测数据"


def _outlook_words(outlook: Outlook, now: dt.datetime) -> str:
    """Forecast in Chinese."""
    ahead = [day for day in outlook.days if day.day >= local_date(now)]
    if not ahead:
        return "暂无可用预报"
    return "、".join(f"{day.day.month}月{day.day.day}日AQI约{day.aqi}" for day in ahead[:5])
