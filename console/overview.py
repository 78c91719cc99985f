"""The operator's overview: is there anything that needs a person now? Most urgent first, nothing hidden in a chart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from console.rendering import age_zh, local_text
from domain.alert import MAJOR
from domain.family import FAMILIES, VEHICLE
from domain.warning_state import ISSUED, NONE, STATES_ZH
from store.alert import read_alerts
from store.connection import Connection
from store.notice_board import read_overdue
from store.overview import (
    AirNow,
    SilentDevice,
    TargetAtRisk,
    TrendHour,
    Waiting,
    read_area_air,
    read_silent_devices,
    read_station_air,
    read_targets_at_risk,
    read_trend,
    read_waiting,
)
from store.warning import AreaWarning, read_open_warning

TREND: Final = dt.timedelta(hours=24)
#: Data of the area older than this are no picture of now.
_STALE_S: Final = 2 * 3600
#: Grave alerts that are named one by one.
_GRAVE_AT_MOST: Final = 5
URGENCIES: Final = ("now", "soon", "later")


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person: how urgent, how much of it, what it is, and where it is dealt with."""

    urgency: str
    title_zh: str
    detail_zh: str
    href: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on the page."""

    air: AirNow | None
    stations: Sequence[AirNow]
    trend: Sequence[TrendHour]
    targets: Sequence[TargetAtRisk]
    silent: Sequence[SilentDevice]
    waiting: Waiting
    needs: Sequence[Need]
    warning: AreaWarning | None
    alerts: Sequence[Mapping[str, Any]]

    @property
    def verdict(self) -> str:
        """The most urgent need's urgency, ``calm`` when nobody is needed."""
        return next((urgency for urgency in URGENCIES if any(n.urgency == urgency for n in self.needs)), "calm")

    @property
    def warning_zh(self) -> str:
        """The warning in a few words."""
        if self.warning is None:
            return STATES_ZH[NONE]
        waits = "" if self.warning.proposed_level is None or self.warning.state not in ISSUED else "，有待确认的建议"
        return STATES_ZH[self.warning.state] + waits

    @property
    def change(self) -> int | None:
        """Index of the latest hour less that of three hours before; None where either is missing."""
        if not self.trend:
            return None
        last = self.trend[-1]
        before = next((one for one in self.trend if one.hour == last.hour - dt.timedelta(hours=3)), None)
        return None if before is None or before.aqi is None or last.aqi is None else last.aqi - before.aqi


def read_overview(conn: Connection, area: str, now: dt.datetime) -> Overview:
    """Read the whole page.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    area : str
        Whose overview.
    now : datetime
        The moment.

    Returns
    -------
    Overview
        Needs by urgency.
    """
    air = read_area_air(conn, area)
    silent, targets, waiting = (
        read_silent_devices(conn, area),
        read_targets_at_risk(conn, area),
        read_waiting(conn, area),
    )
    warning, alerts, overdue = read_open_warning(conn, area), read_alerts(conn), read_overdue(conn, area)
    needs = [
        *warning_needs(warning),
        *alert_needs(alerts),
        *overdue_needs(overdue),
        *air_needs(air),
        *silent_needs(silent),
        *target_needs(targets),
        *waiting_needs(waiting),
    ]
    needs.sort(key=lambda need: URGENCIES.index(need.urgency))
    trend = read_trend(conn, area, now - TREND)
    return Overview(air, read_station_air(conn, area), trend, targets, silent, waiting, needs, warning, alerts[:8])


def warning_needs(warning: AreaWarning | None) -> list[Need]:
    """A proposal that waits for a person's word; a warning in force that must be followed."""
    if warning is None:
        return []
    needs = []
    if warning.proposed_level is not None:
        words = "解除预警" if warning.proposed_level == NONE else STATES_ZH[warning.proposed_level]
        needs.append(Need("now", f"待确认：{words}", f"平台或同事已提出建议，{_span_zh(warning)}", "/warning"))
    if warning.state in ISSUED:
        way = f"/warning/{warning.id}"
        needs.append(Need("soon", f"{STATES_ZH[warning.state]}生效中", f"{_span_zh(warning)}，跟踪回执与落实", way))
    return needs


def _span_zh(warning: AreaWarning) -> str:
    return f"{local_text(warning.starts_at)} 至 {local_text(warning.ends_at)}"


def alert_needs(alerts: Sequence[Mapping[str, Any]]) -> list[Need]:
    """Open alerts by severity: grave ones each for itself when they are few, the others counted."""
    waiting = [one for one in alerts if one["state"] == "open" and one["muted_until"] is None]
    grave = [one for one in waiting if one["severity"] >= MAJOR]
    needs = [
        Need(
            "now", str(one["subject_zh"]), f"{one['severity_zh']}告警，{one['source_zh']}", f"/alert/{one['alert_id']}"
        )
        for one in grave[:_GRAVE_AT_MOST]
    ]
    if len(grave) > _GRAVE_AT_MOST:
        rest = len(grave) - _GRAVE_AT_MOST
        needs.append(Need("now", "更多重要或紧急告警", f"另有 {rest} 条待处理", "/alert", rest))
    minor = len(waiting) - len(grave)
    if minor:
        needs.append(Need("soon", "一般告警待处理", f"{minor} 条", "/alert", minor))
    return needs


def overdue_needs(overdue: Sequence[Mapping[str, Any]]) -> list[Need]:
    """Notices that nobody answered in time."""
    if not overdue:
        return []
    first = overdue[0]
    who = first["enterprise_zh"] or "值班人员"
    text = f"{who}：{first['subject_zh']}，已逾期 {age_zh(first['minutes_late'] * 60)}"
    more = f" 等 {len(overdue)} 份" if len(overdue) > 1 else ""
    return [Need("now", "逾期未回执", text + more, "/overdue", len(overdue))]


def air_needs(air: AirNow | None) -> list[Need]:
    """Heavy pollution, or an area whose data have stopped: then nobody knows."""
    if air is None or air.age_s is None:
        return [Need("now", "没有空气质量数据", "尚未收到任何参评站点的数据", "/device")]
    if air.age_s > _STALE_S:
        return [Need("now", "空气质量数据已中断", f"参评站点最新数据距今 {age_zh(air.age_s)}", "/device")]
    index = air.aqi if air.aqi is not None else air.aqi_available
    if index is not None and air.level is not None and air.level >= 5:
        return [Need("now", f"空气{air.category_zh}", f"AQI {index}，首要污染物 {air.primary_zh or '—'}", "/warning")]
    if index is not None and air.level is not None and air.level >= 4:
        return [Need("soon", f"空气{air.category_zh}", f"AQI {index}，首要污染物 {air.primary_zh or '—'}", "/warning")]
    return []


def silent_needs(silent: Sequence[SilentDevice]) -> list[Need]:
    """One need per family of devices that have fallen silent; those never heard are not yet installed.

    A vehicle that is silent is most often parked.
    """
    needs = []
    for family in (each for each in FAMILIES.values() if each is not VEHICLE):
        fallen = [one for one in silent if one.family == family.key and one.state == "silent"]
        if fallen:
            newest = fallen[0]
            named = f"{newest.site_zh}（{newest.device_id}）中断 {age_zh(newest.age_s)}"
            more = f" 等 {len(fallen)} 台" if len(fallen) > 1 else ""
            way = f"/device?state=silent&family={family.key}"
            needs.append(Need("soon", f"{family.name_zh}设备中断", named + more, way, len(fallen)))
    never = [one for one in silent if one.state == "never"]
    if never:
        needs.append(
            Need("later", "设备从未上报", f"{never[0].site_zh} 等 {len(never)} 台", "/device?state=never", len(never))
        )
    return needs


def target_needs(targets: Sequence[TargetAtRisk]) -> list[Need]:
    """Targets of a running period at risk or lost; those of a finished period are history."""
    running = [one for one in targets if not one.complete]
    if not running:
        return []
    named = "、".join(one.indicator_zh for one in running[:2])
    more = f" 等 {len(running)} 项" if len(running) > 2 else ""
    return [Need("later", "目标有风险", named + more, "/target?status=risk", len(running))]


def waiting_needs(waiting: Waiting) -> list[Need]:
    """Strangers to approve, revisions to decide, reviews that another person must confirm."""
    needs = []
    if waiting.strangers:
        text = f"{waiting.strangers} 台未登记设备正在发送数据"
        needs.append(Need("later", "设备待登记", text, "/device/pending", waiting.strangers))
    if waiting.revisions:
        text = f"{waiting.revisions} 条修订等待采纳或驳回"
        needs.append(Need("later", "数据修订待审", text, "/revision", waiting.revisions))
    if waiting.reviews:
        text = f"{waiting.reviews} 条审核等待另一人确认"
        needs.append(Need("later", "数据审核待确认", text, "/review", waiting.reviews))
    return needs
