"""Warnings: what the values call for is proposed, and carried out at once where the settings say so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import numpy as np

from alerting.response import record_called
from alerting.trigger import Called, Imposed, Observed, Situation, Standing, proposal
from analytics.episode import rolling_daily_aqi
from app.settings import load_settings
from domain.document import edition_named
from domain.edition import aqi_edition, limit_edition
from domain.family import AIR
from domain.period import HOUR_S, local_date, midnight
from domain.pollutant import SIX_KEYS
from domain.standard import validity
from domain.warning import warning_edition, warning_rules
from domain.warning_state import NONE
from store.connection import Connection
from store.forecast import read_outlook
from store.statistic import read_hours, read_members
from store.warning import read_exclusions, read_external_orders, read_last_rejection, read_open_warning

#: Days of hours that an evaluation looks back.
LOOK_BACK: Final = dt.timedelta(days=14)


def evaluate_warnings(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Propose, change or withdraw a warning in every area with an evaluated site; counts by action."""
    automatic = load_settings().warning_automatic
    counts: dict[str, int] = {}
    for area_id in sorted(read_members(conn)):
        called = called_now(conn, area_id, now)
        if called is not None:
            for event in record_called(conn, area_id, called, now=now, automatic=automatic):
                counts[event.action] = counts.get(event.action, 0) + 1
    return counts


def called_now(conn: Connection, area_id: str, now: dt.datetime) -> Called | None:
    """What the stored values of an area call for at `now`; None when its warning is as it should be."""
    rules = warning_rules(warning_edition(local_date(now)))
    outlook = read_outlook(conn, area_id, now)
    imposed = [
        Imposed(each.id, each.minimum_level, each.valid_from, each.valid_to, each.document)
        for each in read_external_orders(conn, area_id, at=now)
    ]
    situation = Situation(read_observed(conn, area_id, now), outlook, imposed, rules)
    return proposal(situation, read_standing(conn, area_id), now=now)


def read_standing(conn: Connection, area_id: str) -> Standing:
    """How the warning of an area stands, and what a person turned down last."""
    standing, rejected = read_open_warning(conn, area_id), read_last_rejection(conn, area_id)
    refused = (rejected.proposed_level or NONE, rejected.at) if rejected else None
    if standing is None:
        return Standing(NONE, None, rejected=refused)
    return Standing(standing.state, standing.proposed_level, standing.starts_at, standing.ends_at, refused)


def read_observed(conn: Connection, area_id: str, now: dt.datetime) -> Observed:
    """Rolling daily AQI of an area's settled hours before `now`, by the edition in force now."""
    first = midnight(local_date(now - LOOK_BACK))
    rows = read_hours(conn, [area_id], first, now)
    first_s = int(first.timestamp())
    grid = np.full((int((now - first).total_seconds()) // HOUR_S, len(SIX_KEYS)), np.nan)
    whole = rows.hours_s + HOUR_S <= now.timestamp()
    at = (rows.hours_s[whole] - first_s) // HOUR_S
    grid[at] = rows.values[whole][:, [AIR.position(key) for key in SIX_KEYS]]
    edition = aqi_edition(local_date(now))
    minima = validity(edition_named("limits", limit_edition(local_date(now))).standard)
    days = rolling_daily_aqi(edition, {key: grid[:, at] for at, key in enumerate(SIX_KEYS)}, minima)
    spans = [
        (each.starts_at, each.ends_at)
        for each in read_exclusions(conn, area_id, first, now + dt.timedelta(days=10), known_at=now)
    ]
    return Observed(first, days, edition, spans)
