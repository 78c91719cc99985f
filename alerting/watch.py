"""The watch over stacks: from a reading over the limit to a notice in seconds."""

from __future__ import annotations

import datetime as dt
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from alerting.exceedance import POLLUTANTS, Floats, judged_values, limits_on
from alerting.rule import CALM, Standing, decided
from domain.alert import AlertRule
from domain.error import ServiceError
from domain.family import STACK
from domain.period import ZONE, local_date
from domain.production import OutletRow
from store.alert import clear_alert, raise_alert
from store.alert_condition import read_active_sources
from store.alert_record import AlertKey
from store.alert_rule import read_rule
from store.connection import Connection
from store.error import translated
from store.live import LiveReadings, read_last_times, read_readings_after, read_stack_devices
from store.outlet import read_outlets

logger = logging.getLogger(__name__)
KIND: Final = "stack_exceedance_live"
#: Between two looks for new readings, and between two for changed rules, outlets, devices and alerts.
POLL_S: Final = 0.3
_REFRESH: Final = dt.timedelta(seconds=20)
#: Readings labelled further ahead of our clock than this wait for the hourly judgement.
_AHEAD: Final = dt.timedelta(minutes=5)
_RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Worst:
    """The reading of a site that is furthest above a limit: times the limit, pollutant, value, limit, when."""

    ratio: float
    pollutant: str
    value: float
    limit: float
    at: dt.datetime

    @property
    def text_zh(self) -> str:
        """In words."""
        name = STACK.columns[STACK.position(self.pollutant)].name_zh.removesuffix("实测")
        when = f"{self.at.astimezone(ZONE):%m-%d %H:%M:%S}"
        return f"{when} {name} {self.value:.1f} mg/m³，限值 {self.limit:g} mg/m³（{self.ratio:.2f} 倍）"


class StackWatch:
    """Judges new readings of stacks.

    Parameters
    ----------
    open_connection : callable
        Connects to the database, role lantian_app, autocommit.
    clock : callable
        The aware present moment.
    """

    def __init__(self, open_connection: Callable[[], Connection], clock: Callable[[], dt.datetime]) -> None:
        self._open_connection = open_connection
        self._clock = clock
        self._refreshed_at: dt.datetime | None = None
        self._rule: AlertRule | None = None
        self._site: dict[str, str] = {}
        self._name: dict[str, str] = {}
        self._outlet: dict[str, tuple[OutletRow, Floats]] = {}
        self._seen: dict[str, dt.datetime] = {}
        self._active: set[str] = set()
        self._pending: dict[str, tuple[np.int8, float]] = {}

    def run(self, stop: threading.Event) -> None:
        """Watch until stopped; an unreachable database is tried again."""
        while not stop.is_set():
            try:
                with translated("watch stacks"), self._open_connection() as conn:
                    while not stop.is_set():
                        self.look(conn)
                        stop.wait(POLL_S)
            except ServiceError as error:
                logger.warning(json.dumps({"event": "watch_retry", "error": str(error)}, ensure_ascii=False))
                stop.wait(_RETRY_S)

    def look(self, conn: Connection) -> int:
        """Judge what has been written since the last look; how many readings that was. The first look only notes."""
        now = self._clock()
        first = self._refreshed_at is None
        if self._refreshed_at is None or now - self._refreshed_at >= _REFRESH:
            self._refresh(conn, now)
        last = read_last_times(conn)
        new = {
            device: self._seen.get(device, now - _AHEAD)
            for device, time in last.items()
            if self._site.get(device) in self._outlet and time > self._seen.get(device, now - _AHEAD)
        }
        if first or not new or self._rule is None:
            self._seen = last
            return 0
        readings = read_readings_after(conn, new, until=now + _AHEAD)
        worst = self._worst(readings)
        if worst:
            self._judge(conn, self._rule, worst, now)
        self._seen |= {device: last[device] for device in new}
        return len(readings.device)

    def _refresh(self, conn: Connection, now: dt.datetime) -> None:
        rule = read_rule(conn, KIND)
        self._rule = rule if rule is not None and rule.enabled and rule.threshold is not None else None
        devices = read_stack_devices(conn)
        self._site = {device: site for device, (site, _) in devices.items()}
        self._name = dict(devices.values())
        today = local_date(now)
        known = {row.site: row for row in read_outlets(conn) if row.holds_on(today)}
        self._outlet = {site: (row, limits_on(row, today)) for site, row in known.items()}
        self._active = read_active_sources(conn, KIND, "site")
        self._refreshed_at = now

    def _worst(self, readings: LiveReadings) -> dict[str, Worst]:
        """The worst reading of each site that has any to judge."""
        rows_of: dict[str, list[int]] = {}
        for row, device in enumerate(readings.device):
            rows_of.setdefault(self._site[device], []).append(row)
        worst: dict[str, Worst] = {}
        for site, rows in rows_of.items():
            outlet, limits = self._outlet[site]
            flags, marks = readings.flags[rows], readings.marks[rows]
            values = judged_values(outlet, readings.values[rows], flags=flags, marks=marks)
            ratios = values / limits
            if not np.isnan(ratios).all():
                row, column = divmod(int(np.nanargmax(ratios)), len(POLLUTANTS))
                numbers = (float(values[row, column]), float(limits[column]), readings.times[rows[row]])
                worst[site] = Worst(float(ratios[row, column]), POLLUTANTS[column], *numbers)
        return worst

    def _judge(self, conn: Connection, rule: AlertRule, worst: dict[str, Worst], now: dt.datetime) -> None:
        sites = list(worst)
        pending = [self._pending.get(site, (CALM, np.nan)) for site in sites]
        standing = Standing(
            np.array([site in self._active for site in sites]),
            np.array([each[0] for each in pending], dtype=np.int8),
            np.array([each[1] for each in pending]),
        )
        ratios = np.array([worst[site].ratio for site in sites])
        decision = decided(rule, ratios, standing, now.timestamp())
        with conn.transaction():
            for at in np.flatnonzero(decision.raised):
                self._raise(conn, rule, sites[at], worst[sites[at]], now)
            for at in np.flatnonzero(decision.cleared):
                evidence = {"ratio": worst[sites[at]].ratio}
                clear_alert(conn, AlertKey(KIND, "site", sites[at]), now=now, evidence=evidence)
        self._active |= {sites[at] for at in np.flatnonzero(decision.raised)}
        self._active -= {sites[at] for at in np.flatnonzero(decision.cleared)}
        self._pending |= {
            site: (decision.pending[at], float(decision.since_s[at])) for at, site in enumerate(sites)
        }  # fmt: skip

    def _raise(self, conn: Connection, rule: AlertRule, site: str, worst: Worst, now: dt.datetime) -> None:
        evidence = {
            **{"pollutant": worst.pollutant, "value": worst.value, "limit": worst.limit, "ratio": worst.ratio},
            "time": worst.at.isoformat(),
        }
        raise_alert(
            conn,
            AlertKey(KIND, "site", site),
            severity=rule.severity,
            subject_zh=f"{rule.title_zh}：{self._name[site]}",
            body_zh=f"{worst.text_zh}。实时数据，以小时均值为准",
            evidence=evidence,
            now=now,
        )
