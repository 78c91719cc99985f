"""Warnings: what the values call for is proposed, and carried out at once where the settings say so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import numpy as np

from alerting.response import record_called
from alerting.trigger import Called, Imposed, Observed, Situation, Standing, proposal
from alerting.wording import moment_zh
from analytics.episode import rolling_daily_aqi
from app.settings import load_settings
from domain.document import edition_named
from domain.edition import aqi_edition, limit_edition
from domain.family import AIR
from domain.period import HOUR_S, local_date, midnight
from domain.pollutant import SIX_KEYS
from domain.response_table import level_rules
from domain.standard import validity
from domain.warning import BY_KEY, warning_edition, warning_rules
from domain.warning_state import ISSUED, NONE
from store.alert import raise_alert
from store.alert_record import AlertKey, Place
from store.connection import Connection
from store.forecast import read_outlook
from store.statistic import read_hours, read_members
from store.warning import (
    read_events,
    read_exclusions,
    read_external_orders,
    read_last_rejection,
    read_open_warning,
)

#: Days of hours that an evaluation looks back.
LOOK_BACK: Final = dt.timedelta(days=14)
#: Operators are reminded so long before the expected end of a warning that is still called for.
REMINDER: Final = dt.timedelta(hours=6)


def evaluate_warnings(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Propose, change or withdraw a warning in every area with an evaluated site; counts by action."""
    automatic = load_settings().warning_automatic
    counts: dict[str, int] = {}
    for area_id in sorted(read_members(conn)):
        called = called_now(conn, area_id, now)
        if called is not None:
            for event in record_called(conn, area_id, called, now=now, automatic=automatic):
                counts[event.action] = counts.get(event.action, 0) + 1
        elif remind_of_end(conn, area_id, now):
            counts["reminders"] = counts.get("reminders", 0) + 1
    return counts


def remind_of_end(conn: Connection, area_id: str, now: dt.datetime) -> bool:
    """Tell the operators once that a warning still called for is about to outlast its period; whether told now."""
    standing = read_open_warning(conn, area_id)
    if standing is None or standing.state not in ISSUED or standing.ends_at > now + REMINDER:
        return False
    subject = f"{BY_KEY[standing.state].name_zh}即将到期，解除条件尚未满足"
    body = (
        f"预警{standing.id}预计{moment_zh(standing.ends_at)}结束，请会商是否调整时段（lantian warning extend）或解除。"
    )
    key, place = AlertKey("warning_period", "warning", str(standing.id)), Place(area_id)
    rule = level_rules()[standing.state]
    with conn.transaction():
        evidence = {"ends_at": standing.ends_at.isoformat()}
        raised = raise_alert(
            conn, key, severity=rule.severity, subject_zh=subject, body_zh=body, evidence=evidence, now=now, place=place
        )
    return raised is not None


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
        return Standing(NONE, None, refused)
    steps = [each for each in read_events(conn, standing.id) if each.action in ("confirm", "upgrade", "downgrade")]
    evidence = steps[-1].evidence if steps else {}
    imposed_only = bool(evidence.get("external_orders")) and evidence.get("own_level") == NONE
    return Standing(standing.state, standing.proposed_level, refused, imposed_only)


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
