"""Evaluating alert rules, carrying findings over as alerts, telling further what nobody answers."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from alerting.rule import CALM, FALLING, RISING, Decision, Standing, decided, excess_over_neighbours
from app.job.schedule import JOBS
from app.settings import load_settings
from domain.alert import MAJOR, AlertRule
from domain.period import ZONE
from store.alert import announce_unmuted, clear_alert, raise_alert
from store.alert_condition import read_active_sources, read_conditions, write_conditions
from store.alert_measure import MEASURES, Measured, OpenFinding, read_findings, read_measure, read_micro_hour
from store.alert_record import AlertKey, Place
from store.alert_rule import read_rules
from store.connection import Connection
from store.escalation import escalate_overdue
from store.job_run import read_last_runs

Read = Callable[[Connection, dt.datetime], Measured]
#: PM2.5 below which a micro station is no peak, whatever its neighbours measure (GB 3095-2026 table 1, 24 h), µg/m³.
LEAST_PEAK: Final = 75.0
#: How long findings that have ended are looked at, so that their alerts end.
_FINDINGS_SINCE: Final = dt.timedelta(days=2)


def evaluate_alerts(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Judge every enabled rule with a measure; each rule in a transaction of its own."""
    raised = cleared = 0
    for rule in read_rules(conn).values():
        read = _READS.get(rule.measure or "")
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
    """Tell further what nobody answered in time, and of alerts whose mute has ended."""
    with conn.transaction():
        done = escalate_overdue(conn, now=now)
        return {**done, "unmuted": announce_unmuted(conn, now=now)}


def job_delays(conn: Connection, now: dt.datetime) -> Measured:
    """How many of its intervals ago each scheduled job began its last run; failed runs count as none."""
    last = read_last_runs(conn)
    names, values, texts = [], [], []
    for job in JOBS:
        run = last.get(job.name)
        late = np.nan if run is None else (now - run.began_at) / job.every
        failed = run is not None and run.outcome in ("failed", "interrupted")
        names.append(job.name)
        values.append(np.inf if failed else late)
        when = "从未执行" if run is None else f"{run.began_at.astimezone(ZONE):%m-%d %H:%M} {run.outcome or '运行中'}"
        texts.append(f"任务 {job.name} 最近一次：{when}" + (f"：{run.error}" if run and run.error else ""))
    return Measured("job", names, names, np.array(values), texts, [{"job": name} for name in names])


def disk_use(_conn: Connection, _now: dt.datetime) -> Measured:
    """Percent of the disk below the home folder that is used."""
    home = load_settings().home
    use = shutil.disk_usage(next(folder for folder in (home, *home.parents) if folder.exists()))
    percent = 100 * (1 - use.free / use.total)
    text = f"数据盘已用 {percent:.0f}%，剩余 {use.free / 2**30:.1f} GiB"
    evidence = {"percent": round(percent, 1), "free_bytes": use.free}
    return Measured("platform", ["disk"], ["数据盘"], np.array([percent]), [text], [evidence])


def micro_excess(conn: Connection, now: dt.datetime) -> Measured:
    """How many times the median of its neighbours each micro station measured in the newest finished hour."""
    sites: list[str] = []
    names: list[str] = []
    values: list[float] = []
    texts: list[str] = []
    evidence: list[dict[str, object]] = []
    for area in read_micro_hour(conn, now=now):
        excess = excess_over_neighbours(area.values, area.longitudes, area.latitudes)
        peak = np.where(area.values >= LEAST_PEAK, excess, np.where(np.isnan(area.values), np.nan, 0.0))
        for at in np.flatnonzero(area.micro):
            sites.append(area.sites[at])
            names.append(area.names[at])
            values.append(float(peak[at]))
            texts.append(f"PM2.5 小时值 {area.values[at]:.0f} µg/m³，为周边站点中位数的 {excess[at]:.1f} 倍")
            hour = None if area.hour is None else area.hour.isoformat()
            evidence.append({"hour": hour, "pm25": _plain(area.values[at]), "times": _plain(excess[at])})
    return Measured("site", sites, names, np.array(values, dtype=np.float64), texts, evidence)


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 3)


def _stored(measure: str) -> Read:
    return lambda conn, now: read_measure(conn, measure, now=now)


#: Measure -> reads it.
_READS: Final[Mapping[str, Read]] = MappingProxyType(
    {
        **{measure: _stored(measure) for measure in MEASURES},
        **{"job_delay": job_delays, "disk_used": disk_use, "micro_excess": micro_excess},
    }
)
