"""Evaluating alert rules, carrying findings over as alerts, telling further what nobody answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

import numpy as np

from alerting.rule import CALM, FALLING, RISING, Decision, Standing, decided
from app.job.alert_measure import READS
from domain.alert import MAJOR, AlertRule
from store.alert import announce_unmuted, clear_alert, raise_alert
from store.alert_condition import read_active_sources, read_conditions, write_conditions
from store.alert_measure import Measured, OpenFinding, read_findings
from store.alert_record import AlertKey, Place
from store.alert_rule import read_rules
from store.batch_note import fold_notes
from store.clock_change import bring_back
from store.connection import Connection
from store.escalation import deliver_untold, escalate_overdue
from store.job_run import began_after

#: How long findings that have ended are looked at, so that their alerts end.
_FINDINGS_SINCE: Final = dt.timedelta(days=2)


def evaluate_alerts(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Judge every enabled rule with a measure; each rule in a transaction of its own.

    What batches noted of devices is looked at first, so that nothing counts as silent that is not.
    """
    with conn.transaction():
        fold_notes(conn)
    raised = cleared = 0
    for rule in read_rules(conn).values():
        read = READS.get(rule.measure or "")
        if rule.enabled and read is not None:
            with conn.transaction():
                decision = evaluate_rule(conn, rule, read(conn, now), now)
            raised, cleared = raised + int(decision.raised.sum()), cleared + int(decision.cleared.sum())
    with conn.transaction():
        findings = carry_findings(conn, now)
    return {"raised": raised, "cleared": cleared, "findings": findings}


def evaluate_rule(conn: Connection, rule: AlertRule, measured: Measured, now: dt.datetime) -> Decision:
    """Read what is known of the sources, decide, write; the caller commits."""
    active = read_active_sources(conn, rule.kind, measured.source_kind)
    waiting = read_conditions(conn, rule.kind, measured.source_kind)
    found = [waiting.get(source) for source in measured.sources]
    standing = Standing(
        np.array([source in active for source in measured.sources], dtype=np.bool_),
        np.array([CALM if one is None else RISING if one[0] else FALLING for one in found], dtype=np.int8),
        np.array([np.nan if one is None else one[1].timestamp() for one in found], dtype=np.float64),
    )
    decision = decided(rule, measured.values, standing, now.timestamp())
    for at in np.flatnonzero(decision.raised):
        _raise(conn, rule, measured, int(at), now)
    for at in np.flatnonzero(decision.cleared):
        key = AlertKey(rule.kind, measured.source_kind, measured.sources[at])
        clear_alert(conn, key, now=now, evidence=measured.evidence[at])
    for source in sorted(active - set(measured.sources)) if measured.source_kind == "device" else ():
        clear_alert(conn, AlertKey(rule.kind, "device", source), now=now, evidence={"in_service": False})
    conditions = {
        measured.sources[at]: (
            bool(decision.pending[at] == RISING),
            dt.datetime.fromtimestamp(decision.since_s[at], dt.UTC),
        )
        for at in np.flatnonzero(decision.pending != CALM)
    }
    write_conditions(conn, rule.kind, measured.source_kind, conditions)
    return decision


def _raise(conn: Connection, rule: AlertRule, measured: Measured, at: int, now: dt.datetime) -> None:
    source = measured.sources[at]
    place = Place(source.split("/")[0]) if measured.source_kind == "target" else None
    raise_alert(
        conn,
        AlertKey(rule.kind, measured.source_kind, source),
        severity=rule.severity,
        subject_zh=f"{rule.title_zh}：{measured.names[at]}",
        body_zh=measured.texts[at],
        evidence=measured.evidence[at],
        now=now,
        place=place,
    )


def carry_findings(conn: Connection, now: dt.datetime) -> int:
    """Raise an alert for every open finding of the integrity checks, end those of judged ones; how many were raised."""
    rules, raised = read_rules(conn), 0
    for finding in read_findings(conn, since=now - _FINDINGS_SINCE):
        kind = finding_kind(finding)
        key = AlertKey(kind, "finding", str(finding.id))
        if finding.status != "open":
            clear_alert(conn, key, now=now, evidence={"status": finding.status})
            continue
        rule = rules.get(kind)
        alert = raise_alert(
            conn,
            key,
            severity=MAJOR if rule is None else rule.severity,
            subject_zh=f"{finding.kind_zh}：{finding.site_zh}",
            body_zh=f"{finding.text_zh}。疑似问题，待核查",
            evidence={"finding_id": finding.id, "kind": finding.kind, "device_id": finding.device_id},
            now=now,
            place=Place(finding.area_id, finding.enterprise_id),
        )
        raised += alert is not None
    return raised


def finding_kind(finding: OpenFinding) -> str:
    """The kind of alert that a finding is."""
    if finding.family == "vehicle":
        return "obd_tampering"
    return "abnormal_operation" if finding.kind == "treatment_off" else "integrity_finding"


def escalate(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Tell further what nobody answered in time; tell what had nobody to go to, and what was muted.

    When a clock was set back, deliveries of the time that will come again are due all the same.
    """
    with conn.transaction():
        if began_after(conn, "escalate", now):
            bring_back(conn, now=now)
        done = escalate_overdue(conn, now=now)
        untold = deliver_untold(conn, now=now)
        return {**done, "untold": untold, "unmuted": announce_unmuted(conn, now=now)}
