"""Hours, days and months of stacks from their readings, outlets and dated limits: pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.averaging import day_grids
from analytics.emission import conversion, day_mean, mass_rate, stopped, vouched
from analytics.emission_compliance import counted_share, judge_hours
from analytics.emission_state import dry_standard_rows
from app.job.hour import site_hours
from app.job.index import dates_of
from domain.emission import emission_limits, emission_rules, outlets
from domain.family import STACK
from domain.flag import FAIL
from domain.period import HOUR_S, day_number, period_start
from domain.production import OutletRow
from store.device_reading import DeviceReadings
from store.settlement import HourClaim
from store.site_reading import SiteReadings
from store.stack_hour import GAS, POLLUTANTS, StackDayRow, StackHours, StackMonthRow
from store.statistic import HourRows

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

_MEASURED: Final = [STACK.position(key) for key in POLLUTANTS]
_SENT: Final = [STACK.position(f"{key}_converted") for key in POLLUTANTS[:4]]
_GAS: Final = [STACK.position(key) for key in GAS]
_FLOW, _VELOCITY = STACK.position("flow"), STACK.position("velocity")
#: All pollutants together.
ANY: Final = "any"
#: Sites and Unix seconds in one number.
_SCALE: Final = np.int64(1) << 33
Outlets = Mapping[str, Sequence[OutletRow]]


def outlet_on(rows: Outlets, site: str, day: dt.date) -> OutletRow | None:
    """The outlet that judges a site on a local day, None without one."""
    return next((row for row in rows.get(site, ()) if row.holds_on(day)), None)


def stack_hours(
    claim: HourClaim, readings: DeviceReadings, devices: Sequence[tuple[str, str, int]], known: Outlets
) -> StackHours:
    """Hours of the claimed stacks.

    Parameters
    ----------
    claim : HourClaim
        Hours wanted.
    readings : DeviceReadings
        Readings of `devices` in these hours; others are left out.
    devices : sequence of (str, str, int)
        Device, site, seconds an instant stands for; preferred first.
    known : mapping of str to sequence of OutletRow
        Outlets by site.

    Returns
    -------
    StackHours
        One row per claimed hour with a reading, in the claim's order. Values that the device does not vouch for stay
        out.

    Notes
    -----
    HJ 212-2017 annex D: hourly means of dry gas at the standard state of at least 45 minutes; the mean is converted
    with the hour's mean oxygen. Without oxygen the monitor's own converted value counts.
    """
    site = np.array([claim.sites.index(name) for _, name, _ in devices], dtype=np.int64)
    begun = site[readings.device] * _SCALE + readings.times_s - readings.times_s % HOUR_S
    present = np.isin(claim.site * _SCALE + claim.hours_s, begun)
    claim = HourClaim(claim.ids, claim.sites, claim.site[present], claim.hours_s[present])
    kept = readings.rows(np.isin(begun, claim.site * _SCALE + claim.hours_s))
    sites = [claim.sites[at] for at in site[kept.device].tolist()]
    flags = np.where(vouched(kept.marks), kept.flags, np.uint8(FAIL))
    values = _dry(kept, sites, known)
    by_speed = np.isnan(kept.values[:, _FLOW]) & ~np.isnan(values[:, _FLOW])
    flags[by_speed, _FLOW] = flags[by_speed, _VELOCITY]
    intervals = np.array([interval for _, _, interval in devices], dtype=np.int64)
    ready = SiteReadings(kept.device, kept.times_s, kept.spans_s, values, flags, site, intervals)
    means = site_hours(claim, ready, emission_rules().minutes_per_hour, family=STACK)
    return judged_hours(means, known, _stopped_share(claim, kept, site, intervals))


def _dry(readings: DeviceReadings, sites: Sequence[str], known: Outlets) -> Floats:
    """Values as dry gas at the standard state, by the outlet in force on each reading's local day."""
    values, days = readings.values.copy(), dates_of(day_number(readings.times_s))
    pairs = list(zip(sites, days, strict=True))
    for pair in sorted(set(pairs)):
        outlet = outlet_on(known, *pair)
        if outlet is not None:
            rows = np.array([one == pair for one in pairs], dtype=np.bool_)
            values[rows] = dry_standard_rows(
                readings.values[rows],
                basis=outlet.basis,
                flow_basis=outlet.flow_basis,
                duct_area_m2=outlet.duct_area_m2,
                atmospheric_kpa=outlet.atmospheric_kpa,
                rules=emission_rules(),
            )
    return values


def _stopped_share(
    claim: HourClaim,
    readings: DeviceReadings,
    site: npt.NDArray[np.int64],
    intervals: npt.NDArray[np.int64],
) -> Floats:
    """Share of the time told for each claimed hour that is marked out of operation; NaN without a reading."""
    wanted = claim.site * _SCALE + claim.hours_s
    order = np.argsort(wanted)
    keys = site[readings.device] * _SCALE + readings.times_s - readings.times_s % HOUR_S
    rows = order[np.searchsorted(wanted[order], keys)]
    covers = np.where(readings.spans_s == 0, intervals[readings.device], readings.spans_s).astype(np.float64)
    still = stopped(readings.marks).any(axis=1)
    told = np.bincount(rows, covers, minlength=len(wanted))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(rows, covers * still, minlength=len(wanted)) / told)


def judged_hours(means: HourRows, known: Outlets, stopped_share: Floats) -> StackHours:
    """Conversion, limits, mass and state of hourly means.

    Parameters
    ----------
    means : HourRows
        n hours of family stack, dry gas at the standard state; NaN = not valid.
    known : mapping of str to sequence of OutletRow
        Outlets by site.
    stopped_share : ndarray of float64
        Shape (n,); share of the hour marked out of operation.

    Returns
    -------
    StackHours
        Only hours in the state running are judged.
    """
    rules, rows = emission_rules(), len(means.sites)
    measured, gas = means.values[:, _MEASURED], means.values[:, _GAS]
    sent = np.column_stack([means.values[:, _SENT], np.full(rows, np.nan)])
    converted, limits = np.full(measured.shape, np.nan), np.full(measured.shape, np.nan)
    near_air = np.zeros(rows, dtype=np.bool_)
    days = dates_of(day_number(means.hours_s))
    found = [outlet_on(known, site, day) for site, day in zip(means.sites, days, strict=True)]
    for at, (outlet, day) in enumerate(zip(found, days, strict=True)):
        if outlet is not None:
            bounds = emission_limits(outlet.kind, day)
            limits[at] = [bounds[one].limit if one in bounds else np.nan for one in POLLUTANTS]
    for reference in {_reference(outlet) for outlet in found}:
        chosen = np.array([_reference(outlet) == reference for outlet in found], dtype=np.bool_)
        result = conversion(measured[chosen], gas[chosen, :1], reference, rules=rules)
        converted[chosen] = result.values
        near_air[chosen] = result.standstill[:, 0]
    unknown = np.isnan(gas[:, :1]) & np.isnan(converted)
    converted = np.where(unknown, sent, converted)
    nothing = np.isnan(measured).all(axis=1)
    still = nothing & (np.nan_to_num(stopped_share) >= 0.5)
    states = np.select([still, nothing, near_air], ["stopped", "invalid", "standstill"], "running").tolist()
    running = np.array([state == "running" for state in states], dtype=np.bool_)
    judgement = judge_hours(converted.T, limits.T, np.broadcast_to(running, converted.T.shape))
    over = np.where(judgement.judged, judgement.over.astype(np.float64), np.nan).T
    kg = mass_rate(measured, gas[:, 1:2])
    kinds = [outlet.kind if outlet else None for outlet in found]
    return StackHours(
        means.sites,
        means.hours_s,
        measured,
        converted,
        limits,
        over,
        kg,
        gas,
        means.minutes,
        means.flags,
        states,
        kinds,
    )


def _reference(outlet: OutletRow | None) -> float | None:
    """Reference oxygen of an outlet; None: nothing is converted."""
    if outlet is None:
        return None
    return outlet.reference_oxygen if outlet.reference_oxygen is not None else outlets()[outlet.kind].reference_oxygen


def _operating(hours: StackHours) -> Booleans:
    return np.array([state != "stopped" for state in hours.states], dtype=np.bool_)


def stack_days(hours: StackHours) -> list[StackDayRow]:
    """Days of stacks from all their hours of these days, per pollutant that was measured or has a limit, and ``any``.

    HJ 212-2017 annex D: a daily mean needs 20 valid hours; the emission is the sum over hours with a known mass. Of all
    together an hour is within when every pollutant with a limit that was measured that day is judged and within, over
    when one is over.
    """
    sites = sorted(set(hours.sites))
    numbers = [sites.index(site) for site in hours.sites]
    operating = np.array([state != "stopped" for state in hours.states], dtype=np.float64)
    parts = (hours.measured, hours.converted, hours.kg, hours.over, hours.limits)
    owners, days, grids = day_grids(numbers, hours.hours_s, np.column_stack([*parts, operating]))
    rows: list[StackDayRow] = []
    for owner, day, grid in zip(owners.tolist(), dates_of(days), grids, strict=True):
        rows += _day(sites[owner], day, grid)
    return rows


def _day(site: str, day: dt.date, grid: Floats) -> list[StackDayRow]:
    """One day of one stack; `grid` holds measured, converted, mass, over and limit of each pollutant, and operation."""
    width = len(POLLUTANTS)
    measured, converted, kg, over, limits = (grid[at * width : (at + 1) * width] for at in range(5))
    means, shares = (day_mean(part, rules=emission_rules()) for part in (measured, converted))
    counts = {"hours": int(np.count_nonzero(~np.isnan(grid[-1]))), "operating_hours": int(np.nansum(grid[-1]))}
    known, limited = np.asarray((~np.isnan(measured)).any(axis=1)), ~np.isnan(limits)
    rows = [
        StackDayRow(
            site=site,
            day=day,
            pollutant=pollutant,
            measured=_optional(means.valid_values[at]),
            converted=_optional(shares.valid_values[at]),
            valid_hours=int(means.counts[at]),
            judged_hours=int(np.count_nonzero(~np.isnan(over[at]))),
            over_hours=int(np.nansum(over[at])),
            kg=float(np.nansum(kg[at])),
            mass_hours=int(np.count_nonzero(~np.isnan(kg[at]))),
            **counts,
        )
        for at, pollutant in enumerate(POLLUTANTS)
        if known[at] or limited[at].any()
    ]
    if limited.any():
        needed, exceeded = limited & known[:, None], (over == 1).any(axis=0)
        within = needed.any(axis=0) & (~needed | (over == 0)).all(axis=0)
        judged = {"judged_hours": int((exceeded | within).sum()), "over_hours": int(exceeded.sum())}
        rows.append(StackDayRow(site, day, ANY, None, None, 0, **counts, **judged, kg=0.0, mass_hours=0))
    return rows


def stack_months(days: Sequence[StackDayRow], known: Outlets) -> list[StackMonthRow]:
    """Months of stacks from all their days in them, per pollutant and ``any``: sums, and the share within.

    Hours out of operation leave every count; operating hours without a known mass are missing.
    """
    groups: dict[tuple[str, dt.date, str], list[StackDayRow]] = {}
    for row in days:
        groups.setdefault((row.site, period_start("month", row.day), row.pollutant), []).append(row)
    rows = []
    for (site, month, pollutant), own in groups.items():
        judged, over, operating = (
            sum(getattr(row, name) for row in own) for name in ("judged_hours", "over_hours", "operating_hours")
        )
        percent, met = counted_share([judged], [over], rules=emission_rules())
        outlet = outlet_on(known, site, max(row.day for row in own))
        rows.append(
            StackMonthRow(
                site=site,
                month=month,
                pollutant=pollutant,
                hours=sum(row.hours for row in own),
                operating_hours=operating,
                judged_hours=judged,
                over_hours=over,
                percent=_optional(percent[0]),
                met=None if np.isnan(met[0]) else bool(met[0]),
                kg=sum(row.kg for row in own),
                missing_hours=0 if pollutant == ANY else operating - sum(row.mass_hours for row in own),
                permitted_t=getattr(outlet, f"permitted_{pollutant}_t", None),
            )
        )
    return rows


def _optional(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
