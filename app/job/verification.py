"""Orders judged hour by hour; a suspicion alerts operators and the enterprise and waits for an inspection."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from alerting.wording import moment_zh
from analytics.verification import REASONS, VERDICTS, WEEKS, Asked, LineHours, Verdicts, holiday_hours, verdicts
from domain.period import HOUR_S
from domain.response_table import holidays, level_rules, process_rules
from domain.warning import BY_KEY
from store.alert import raise_alert
from store.alert_record import AlertKey, Place
from store.connection import Connection
from store.line import Line, read_lines
from store.order import (
    Order,
    OrderMeasure,
    Verification,
    read_order_measures,
    read_orders,
    read_verifications,
    write_verifications,
)
from store.plant_hour import read_plant_hours
from store.stack_hour import GAS, read_stack_hours
from store.verification import read_gate, read_skewed_hours, read_unusual_spans, read_vehicle_counts

Floats = npt.NDArray[np.float64]

HOUR: Final = dt.timedelta(hours=1)
HISTORY: Final = dt.timedelta(weeks=WEEKS)
#: Orders that ended are judged again so long, for data that come late.
LATE: Final = dt.timedelta(days=3)
#: Suspected hours of an order before anybody is told.
ALERT_HOURS: Final = 2
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class _Case:
    """An order with the lines of its enterprise, on the hours from `low` to `high`; `unusual` make no baseline."""

    order: Order
    lines: Mapping[str, Line]
    low: dt.datetime
    high: dt.datetime
    unusual: npt.NDArray[np.bool_]


def verify_orders(conn: Connection, now: dt.datetime) -> Mapping[str, int]:
    """Judge every order in force or ended a short while ago; counts of orders, hours, suspected hours and alerts."""
    counts = {"orders": 0, "hours": 0, "suspected": 0, "alerts": 0}
    for order in read_orders(conn):
        if order.starts_at < now and (order.ended_at is None or order.ended_at > now - LATE):
            with conn.transaction():
                rows = judged_order(conn, order, now)
                fresh = fresh_suspicions(conn, rows)
                counts["hours"] += write_verifications(conn, rows)
                counts["orders"] += 1
                counts["suspected"] += sum(row.verdict == "suspected" for row in rows)
                counts["alerts"] += bool(fresh) and _alert(conn, order, rows, now)
    return counts


def judged_order(conn: Connection, order: Order, now: dt.datetime) -> list[Verification]:
    """Verdicts on every measure of an order for its finished hours."""
    end = min(order.ended_at or now, now)
    low, high = _hour(order.starts_at - HISTORY), _hour(end) + HOUR
    lines = read_lines(conn, enterprise=order.enterprise_id, everything=True)
    case = _Case(order, lines, low, high, _unusual(conn, order, low, high))
    rows: list[Verification] = []
    for measure in read_order_measures(conn, [order.id]):
        rows += _rows(measure, verdicts(_line_hours(conn, case, measure), _asked(order, measure, end)))
    return rows


def fresh_suspicions(conn: Connection, rows: Sequence[Verification]) -> list[Verification]:
    """Suspected hours that were not suspected before, when there are enough of them in all."""
    suspected = [row for row in rows if row.verdict == "suspected"]
    if len(suspected) < ALERT_HOURS:
        return []
    before = read_verifications(conn, {row.order_measure_id for row in rows})
    known = {(row.order_measure_id, row.hour) for row in before if row.verdict == "suspected"}
    return [row for row in suspected if (row.order_measure_id, row.hour) not in known]


def _hour(moment: dt.datetime) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(moment.timestamp()) // HOUR_S * HOUR_S, dt.UTC)


def _unusual(conn: Connection, order: Order, low: dt.datetime, high: dt.datetime) -> npt.NDArray[np.bool_]:
    """Hours that make no baseline: holidays, other orders, warnings in force."""
    count = int((high - low) / HOUR)
    days = [day for each in holidays() for day in range(each.first.toordinal(), each.last.toordinal() + 1)]
    epoch = dt.date(1970, 1, 1).toordinal()
    mask = holiday_hours(int(low.timestamp()), count, np.array(days, dtype=np.int64) - epoch)
    for begin, end in read_unusual_spans(conn, order.enterprise_id, order.area_id, low, high):
        first, last = (begin - low) / HOUR, (end - low) / HOUR
        mask[max(int(first), 0) : max(int(-(-last // 1)), 0)] = True
    return mask


def _asked(order: Order, measure: OrderMeasure, end: dt.datetime) -> Asked:
    """What a measure asks of its line; of an own plan or a change of process only a declared load can be measured."""
    rule = process_rules()[measure.process or OTHER]
    share = 0.0 if measure.kind == "stop" else None
    if measure.kind != "stop" and measure.limit_percent is not None:
        share = measure.limit_percent / 100
    banned = measure.stage == "all" if measure.kind == "transport" else None
    measurable = share if measure.line_id is not None else None
    start_s, end_s = int(order.starts_at.timestamp()), int(end.timestamp())
    return Asked(measurable, banned, rule.residual, start_s, end_s, rule.ramp_hours)


def _line_hours(conn: Connection, case: _Case, measure: OrderMeasure) -> LineHours:
    """Measurements of the line of a measure on the hours of the case."""
    count, low = len(case.unusual), case.low
    line = case.lines.get(measure.line_id or "")
    treating = [each for each in case.lines.values() if line is not None and each.treats == line.id]
    power, load = _electricity(conn, [line] if line else [], case)
    treatment, _ = _electricity(conn, treating, case)
    flow = np.full(count, np.nan)
    if line is not None and line.outlet_site is not None:
        hours = read_stack_hours(conn, [line.outlet_site], low, case.high)
        flow[(hours.hours_s - int(low.timestamp())) // HOUR_S] = hours.gas[:, GAS.index("flow")]
    skewed = np.zeros(count, dtype=bool)
    meters = list(line.meters) if line else []
    for hour in read_skewed_hours(conn, meters, case.order.starts_at - HOUR, case.high) if meters else []:
        skewed[int((hour - low) / HOUR)] = True
    vehicles = _vehicles(conn, case) if measure.kind == "transport" else np.full(count, np.nan)
    return LineHours(int(low.timestamp()), power, treatment, flow, load, vehicles, case.unusual, skewed)


def _electricity(conn: Connection, lines: Sequence[Line], case: _Case) -> tuple[Floats, Floats]:
    """Power in kW, the sum of the meters' parts, and mean load in percent; NaN where a meter has no valid hour."""
    count = len(case.unusual)
    shares = {device: share for line in lines for device, share in line.meters.items()}
    hours = read_plant_hours(conn, list(shares), case.low, case.high)
    grids = {name: np.full((len(shares), count), np.nan) for name in ("power", "load")}
    number = {device: at for at, device in enumerate(shares)}
    row = np.array([number[device] for device in hours.devices], dtype=np.int64)
    at = (hours.hours_s - int(case.low.timestamp())) // HOUR_S
    for name, grid in grids.items():
        grid[row, at] = hours.column(name)
    has_power, has_load = (~np.isnan(grids[name]).all(axis=1) for name in ("power", "load"))
    parts = np.array(list(shares.values()))[:, None] * grids["power"] if shares else grids["power"]
    power = parts[has_power].sum(axis=0) if has_power.any() else np.full(count, np.nan)
    load = grids["load"][has_load].mean(axis=0) if has_load.any() else np.full(count, np.nan)
    return power, load


def _vehicles(conn: Connection, case: _Case) -> Floats:
    """Vehicles at the gate per hour; NaN where the gate is unknown or no connected vehicle came in two weeks before."""
    seen, start = np.full(len(case.unusual), np.nan), case.order.starts_at
    gate = read_gate(conn, case.order.enterprise_id)
    counts = read_vehicle_counts(conn, gate, start - dt.timedelta(days=14), case.high) if gate is not None else {}
    if any(hour < start for hour in counts):
        seen[int((_hour(start) - case.low) / HOUR) :] = 0
        for hour, number in counts.items():
            seen[int((hour - case.low) / HOUR)] = number
    return seen


def _rows(measure: OrderMeasure, found: Verdicts) -> list[Verification]:
    columns = [
        [None if np.isnan(value) else float(value) for value in column.tolist()]
        for column in (
            *(found.power, found.usual, found.allowed, found.suspected_above, found.treatment, found.flow),
            *(found.usual_flow, found.vehicles),
        )
    ]
    hours = [dt.datetime.fromtimestamp(hour, dt.UTC) for hour in found.hours_s.tolist()]
    judged = [(VERDICTS[v], REASONS[r]) for v, r in zip(found.verdict.tolist(), found.reason.tolist(), strict=True)]
    return [
        Verification(measure.id, hour, *words, *values)
        for hour, words, *values in zip(hours, judged, *columns, strict=True)
    ]


def _alert(conn: Connection, order: Order, rows: Sequence[Verification], now: dt.datetime) -> bool:
    """Tell operators and the enterprise of a suspicion, which only an inspection confirms."""
    suspected = sorted((row for row in rows if row.verdict == "suspected"), key=lambda row: row.hour)
    subject = f"{order.enterprise_zh}涉嫌未落实{BY_KEY[order.level].name_zh}减排指令"
    body = (
        f"{order.enterprise_zh}：监控数据显示{moment_zh(suspected[0].hour)}至{moment_zh(suspected[-1].hour)}"
        f"有{len(suspected)}个小时涉嫌未落实减排措施（指令{order.id}）。是否违反以现场核查为准，企业可提交说明。"
    )
    evidence = {
        "order_id": order.id,
        "hours": [[row.hour.isoformat(), row.order_measure_id, row.reason] for row in suspected[-48:]],
    }
    key, place = AlertKey("order_violation", "order", str(order.id)), Place(order.area_id, order.enterprise_id)
    severity = level_rules()[order.level].severity
    return (
        raise_alert(
            conn, key, severity=severity, subject_zh=subject, body_zh=body, evidence=evidence, now=now, place=place
        )
        is not None
    )
