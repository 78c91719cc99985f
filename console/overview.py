"""The operator's overview: is there anything that needs a person now? Most urgent first, nothing hidden in a chart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from console.rendering import age_zh
from domain.family import FAMILIES, VEHICLE
from store.connection import Connection
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

TREND: Final = dt.timedelta(hours=24)
#: Data of the area older than this are no picture of now.
_STALE_S: Final = 2 * 3600
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

    @property
    def verdict(self) -> str:
        """The most urgent need's urgency, ``calm`` when nobody is needed."""
        return next((urgency for urgency in URGENCIES if any(n.urgency == urgency for n in self.needs)), "calm")

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
    needs = [*air_needs(air), *silent_needs(silent), *target_needs(targets), *waiting_needs(waiting)]
    needs.sort(key=lambda need: URGENCIES.index(need.urgency))
    return Overview(
        air, read_station_air(conn, area), read_trend(conn, area, now - TREND), targets, silent, waiting, needs
    )


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
    """Strangers to approve and revisions to decide."""
    needs = []
    if waiting.strangers:
        text = f"{waiting.strangers} 台未登记设备正在发送数据"
        needs.append(Need("later", "设备待登记", text, "/device/pending", waiting.strangers))
    if waiting.revisions:
        text = f"{waiting.revisions} 条修订等待采纳或驳回"
        needs.append(Need("later", "数据修订待审", text, "/revision", waiting.revisions))
    return needs
