"""Settlement of stacks and plant meters: dirty hours in, hours, days and months out."""

from __future__ import annotations

import datetime as dt
import functools

from app.job.index import dates_of
from app.job.plant import plant_hours
from app.job.stack import Outlets, stack_days, stack_hours, stack_months
from domain.family import PLANT, STACK
from domain.period import day_number, midnight, period_end, period_start
from store import settlement
from store.connection import Connection
from store.device_reading import DeviceReadings, read_device_readings
from store.outlet import read_outlets
from store.plant_hour import read_site_devices, write_plant_hours
from store.settlement import HourClaim
from store.stack_hour import (
    read_stack_days,
    read_stack_hours,
    write_stack_days,
    write_stack_hours,
    write_stack_months,
)

#: Rows claimed, hours, days and months written.
Counts = tuple[int, int, int, int]
_NOTHING: Counts = (0, 0, 0, 0)


def settle_stacks(conn: Connection, *, limit: int) -> Counts:
    """Compute the oldest dirty hours of stacks, their days and their months, in one transaction."""
    with conn.transaction():
        settlement.hold_settlement(conn)
        claim = settlement.claim_hours(conn, limit, STACK.key)
        if not claim.ids:
            return _NOTHING
        devices = read_site_devices(conn, STACK.key, claim.sites)
        known = _outlets(conn, claim.sites)
        rows = stack_hours(claim, _readings(conn, claim, STACK.key, [name for name, _, _ in devices]), devices, known)
        hours = write_stack_hours(conn, rows)
        days = sorted(set(zip(rows.sites, dates_of(day_number(rows.hours_s)), strict=True)))
        written = _write_days(conn, days)
        months = _write_months(conn, {(site, period_start("month", day)) for site, day in days}, known)
        settlement.release(conn, "dirty_hour", claim.ids)
    return len(claim.ids), hours, written, months


def settle_plants(conn: Connection, *, limit: int) -> Counts:
    """Compute the oldest dirty hours of plant meters, in one transaction."""
    with conn.transaction():
        settlement.hold_settlement(conn)
        claim = settlement.claim_hours(conn, limit, PLANT.key)
        if not claim.ids:
            return _NOTHING
        devices = read_site_devices(conn, PLANT.key, claim.sites)
        readings = _readings(conn, claim, PLANT.key, [name for name, _, _ in devices])
        hours = write_plant_hours(conn, plant_hours(claim, readings, devices))
        settlement.release(conn, "dirty_hour", claim.ids)
    return len(claim.ids), hours, 0, 0


def _outlets(conn: Connection, sites: tuple[str, ...]) -> Outlets:
    rows = read_outlets(conn, sites)
    return {site: [row for row in rows if row.site == site] for site in sites}


def _readings(conn: Connection, claim: HourClaim, family: str, devices: list[str]) -> DeviceReadings:
    """Readings of the runs of claimed hours, one after the other."""
    of = {STACK.key: STACK, PLANT.key: PLANT}[family]
    parts = [read_device_readings(conn, of, devices, low=low, high=high) for low, high in claim.runs]
    return functools.reduce(DeviceReadings.followed_by, parts)


def _write_days(conn: Connection, days: list[tuple[str, dt.date]]) -> int:
    written = 0
    for day in sorted({day for _, day in days}):
        sites = [site for site, of in days if of == day]
        hours = read_stack_hours(conn, sites, midnight(day), midnight(day + dt.timedelta(days=1)))
        written += write_stack_days(conn, stack_days(hours))
    return written


def _write_months(conn: Connection, months: set[tuple[str, dt.date]], known: Outlets) -> int:
    written = 0
    for month in sorted({month for _, month in months}):
        sites = [site for site, of in months if of == month]
        days = read_stack_days(conn, sites, month, period_end("month", month))
        written += write_stack_months(conn, stack_months(days, known))
    return written
