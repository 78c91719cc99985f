"""One settlement: dirty hours, then dirty days, then dirty periods; each level is one transaction that may be
repeated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.job.day import area_days, site_days
from app.job.dust import clean_area_days, clean_periods, clean_site_days
from app.job.hour import area_hours, site_hours
from app.job.index import dates_of, index_rows
from app.job.period import Period, period_rows
from app.job.source import settle_plants, settle_stacks
from domain.family import AIR
from domain.period import day_number, local_date, midnight, period_end
from domain.pollutant import SIX_KEYS
from domain.standard import validity
from store import dust, settlement, statistic
from store.connection import Connection
from store.quality import queue_screening
from store.site_reading import read_readings
from store.statistic import DAY_COLUMNS, DayRows, HourRows

#: Queue rows claimed by one transaction of each level.
LIMIT: Final = 5_000
#: Hours computed at once: their minutes, some hundred thousand numbers, fit the processor's cache.
HOURS_AT_ONCE: Final = 1_500
_DAY_GAP: Final = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settlement did: queue rows consumed, and rows written per level (area rows included)."""

    claimed: int = 0
    hours: int = 0
    days: int = 0
    periods: int = 0

    def __add__(self, other: Settled) -> Settled:
        return Settled(
            self.claimed + other.claimed,
            self.hours + other.hours,
            self.days + other.days,
            self.periods + other.periods,
        )


def settle_hours(conn: Connection, *, limit: int = HOURS_AT_ONCE) -> Settled:
    """Compute the oldest dirty hours of sites and of the areas they count for; mark their days dirty."""
    with conn.transaction():
        settlement.hold_settlement(conn)
        claim = settlement.claim_hours(conn, limit)
        if not claim.ids:
            return Settled()
        rows = site_hours(claim, read_readings(conn, claim), validity().minutes_per_hour)
        written = _write_hours(conn, rows)
        members = _touched(statistic.read_members(conn), claim.sites)
        wanted = set(claim.hours_s.tolist())
        for low, high in claim.runs if members else []:
            stored = statistic.read_hours(conn, _sites(members), low, high)
            written += _write_hours(conn, _only(area_hours(members, stored), wanted))
        days = dates_of(day_number(claim.hours_s))
        settlement.mark_days(conn, sorted(set(zip(rows.sites, days, strict=True))))
        queue_screening(conn, rows.sites, claim.hours_s.tolist())
        settlement.release(conn, "dirty_hour", claim.ids)
    return Settled(claimed=len(claim.ids), hours=written)


def settle_days(conn: Connection, *, limit: int = LIMIT) -> Settled:
    """Compute the oldest dirty days of sites and of the areas they count for; mark their periods dirty."""
    with conn.transaction():
        settlement.hold_settlement(conn)
        claim = settlement.claim_days(conn, limit)
        if not claim.ids:
            return Settled()
        wanted, members = set(claim.keys), _touched(statistic.read_members(conn), [site for site, _ in claim.keys])
        touched, written = list(claim.keys), 0
        for low, high in _day_runs([day for _, day in claim.keys]):
            sites = sorted({site for site, day in claim.keys if low <= day < high})
            hours = statistic.read_hours(conn, sites, midnight(low), midnight(high))
            written += _write_days(conn, site_days(hours, wanted, validity()))
            spans = dust.read_spans(conn, sites, midnight(low), midnight(high))
            own = [key for key in claim.keys if low <= key[1] < high]
            dust.write_clean_days(conn, own, clean_site_days(hours, wanted, spans, validity()))
            if members:
                days = statistic.read_days(conn, _sites(members), low, high)
                areas = area_days(members, days)
                written += _write_days(conn, areas)
                keys = list(zip(areas.sites, areas.days, strict=True))
                clean = dust.read_clean_days(conn, _sites(members), low, high)
                dust.write_clean_days(conn, keys, clean_area_days(members, days, clean))
                touched += keys
        settlement.mark_periods(conn, touched)
        settlement.release(conn, "dirty_day", claim.ids)
    return Settled(claimed=len(claim.ids), days=written)


def settle_periods(conn: Connection, *, as_of: dt.date, limit: int = LIMIT) -> Settled:
    """Compute the oldest dirty months, quarters and years as known on local day `as_of`."""
    with conn.transaction():
        settlement.hold_settlement(conn)
        claim = settlement.claim_periods(conn, limit)
        if not claim.ids:
            return Settled()
        rows, without = [], []
        for kind, start in sorted({(kind, start) for _, kind, start in claim.keys}):
            sites = [site for site, *period in claim.keys if period == [kind, start]]
            days = statistic.read_days(conn, sites, start, period_end(kind, start))
            periods = [Period(site, kind, start, as_of) for site in sites]
            rows += [period_rows(period, days.of(period.site)) for period in periods]
            without += clean_periods(periods, days, dust.read_clean_days(conn, sites, start, period_end(kind, start)))
        dust.write_clean_periods(conn, claim.keys, without)
        statistic.write_statistics(conn, [row for found, _ in rows for row in found])
        statistic.write_summaries(conn, [summary for _, summary in rows])
        settlement.release(conn, "dirty_period", claim.ids)
    return Settled(claimed=len(claim.ids), periods=len(rows))


def settle(
    conn: Connection, *, clock: Callable[[], dt.datetime], limit: int = LIMIT, stopped: Callable[[], bool] = bool
) -> Settled:
    """Settle level by level until every queue is empty.

    Parameters
    ----------
    conn : Connection
        Role `lantian_app`, in autocommit mode; each level and slice commits by itself.
    clock : callable
        Gives the aware present moment; running periods are judged on its local date.
    limit : int
        Queue rows per transaction.
    stopped : callable
        Asked between transactions; True ends the work early.

    Returns
    -------
    Settled
        Sum over all transactions.
    """
    total = Settled()
    levels: Sequence[Callable[[], Settled]] = (
        lambda: settle_hours(conn, limit=min(limit, HOURS_AT_ONCE)),
        lambda: Settled(*settle_stacks(conn, limit=limit)),
        lambda: Settled(*settle_plants(conn, limit=limit)),
        lambda: settle_days(conn, limit=limit),
        lambda: settle_periods(conn, as_of=local_date(clock()), limit=limit),
    )
    for level in levels:
        while not stopped():
            done = level()
            if not done.claimed:
                break
            total += done
    return total


def _write_hours(conn: Connection, rows: HourRows) -> int:
    six = {key: rows.values[:, AIR.position(key)] for key in SIX_KEYS}
    return statistic.write_hours(conn, rows, index_rows("hour", dates_of(day_number(rows.hours_s)), six))


def _write_days(conn: Connection, rows: DayRows) -> int:
    columns = {column: rows.values[:, at] for at, column in enumerate(DAY_COLUMNS)}
    return statistic.write_days(conn, rows, index_rows("day", rows.days, columns))


def _touched(members: Mapping[str, tuple[str, ...]], sites: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Areas for which one of `sites` is evaluated."""
    changed = set(sites)
    return {area: own for area, own in members.items() if changed.intersection(own)}


def _sites(members: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [site for own in members.values() for site in own]


def _only(rows: HourRows, hours_s: set[int]) -> HourRows:
    """The rows of the given hours."""
    kept = [at for at, hour in enumerate(rows.hours_s.tolist()) if hour in hours_s]
    return HourRows(
        [rows.sites[at] for at in kept],
        rows.hours_s[kept],
        rows.values[kept],
        rows.minutes[kept],
        [rows.flags[at] for at in kept],
    )


def _day_runs(days: Sequence[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Spans [low, high) that together cover the days, cut where the gap is long."""
    runs: list[tuple[dt.date, dt.date]] = []
    for day in sorted(set(days)):
        after = day + dt.timedelta(days=1)
        if runs and day - runs[-1][1] <= _DAY_GAP:
            runs[-1] = (runs[-1][0], after)
        else:
            runs.append((day, after))
    return runs
