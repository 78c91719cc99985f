"""Time windows decided in the real database by the humidity, rain and sky that were measured."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from app.job.time_window import settle_windows
from domain.period import ZONE, midnight
from store.connection import Connection, connect
from store.time_window import read_due

DAY = dt.date(2026, 7, 1)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def owner(database: Any) -> Any:
    with connect(database.url("lantian_owner"), autocommit=True) as conn:
        conn.execute("insert into area (id, name_zh) values ('x', '县')")
        conn.execute("insert into site (id, area_id, kind, name_zh) values ('x', 'x', 'area', '县')")
        conn.execute("insert into site (id, area_id, kind, name_zh) values ('met', 'x', 'ambient', '站')")
        conn.execute(
            "insert into device (id, site_id, protocol, family, span_s, interval_s)"
            " values ('met-1', 'met', 'json', 'air', 3600, 3600)"
        )
        conn.execute(
            "insert into time_window values"
            " ('x', 'wet', '18', '道路增湿', 'wet', '05-01..09-30', '10:00-19:00', 'c', 'do', true, 50, false),"
            " ('x', 'voc', '26', '禁止喷涂', 'spray', '06-01..09-30', '10:00-17:00', 'c', 'forbid', false, null, true)"
        )
        yield conn


def humid(conn: Connection, hour: int, percent: float) -> None:
    conn.execute(
        "insert into air_hour (site_id, hour, humidity, minutes, flag, edition)"
        " values ('x', %s, %s, %s, '111111111111', 'hj633-2026')",
        (midnight(DAY) + hour * HOUR, percent, [60] * 12),
    )


def factor(conn: Connection, hour: int, name: str, value: float) -> None:
    conn.execute(
        "insert into factor_reading (device_id, time, span_s, factor, field, value, mark, received_at)"
        " values ('met-1', %s, 3600, %s, 'Avg', %s, '-', now())",
        (midnight(DAY) + hour * HOUR, name, value),
    )


def decided(conn: Connection) -> list[tuple[str, int, int, str]]:
    rows = read_due(conn, "x", midnight(DAY), midnight(DAY) + 24 * HOUR)
    spans = [(row.window_id, row.starts_at.astimezone(ZONE).hour, row.ends_at.astimezone(ZONE).hour, row.state)
             for _, row in rows]  # fmt: skip
    return sorted(spans)


def test_windows_follow_the_weather_and_tell_once(owner: Connection, database: Any) -> None:
    for hour, percent, rain in ((10, 45, 0), (11, 45, 0.4), (12, 60, 0), (13, 50, 0)):
        humid(owner, hour, percent)
        factor(owner, hour, "rain", rain)
    factor(owner, 10, "cloud", 20)
    factor(owner, 11, "cloud", 80)
    now = midnight(DAY) + 14 * HOUR + dt.timedelta(minutes=10)
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        first = settle_windows(conn, now)
        assert decided(conn) == [
            ("voc", 10, 11, "in_force"), ("voc", 11, 12, "not_met"), ("voc", 12, 15, "undetermined"),
            ("wet", 10, 11, "in_force"), ("wet", 11, 12, "not_met"), ("wet", 12, 13, "not_met"),
            ("wet", 13, 15, "in_force"),
        ]  # fmt: skip
        assert first["raised"] == 1, "wetting is due now, by the measurement of 13:00"
        assert settle_windows(conn, now + HOUR / 6)["raised"] == 0
        alerts = conn.execute("select kind, source_id, body_zh from alert where kind = 'time_window'").fetchall()
        assert len(alerts) == 1, alerts
        alert = alerts[0]
        assert alert[:2] == ("time_window", "x/wet") and "应执行" in alert[2]
        # Rain comes: the hint ends. Without anything measured for long nothing is decided.
        factor(owner, 14, "rain", 2.0)
        assert settle_windows(conn, now + HOUR / 2)["ended"] == 1
        settle_windows(conn, midnight(DAY) + 18 * HOUR)
        assert decided(conn)[-1] == ("wet", 15, 19, "undetermined")
    with connect(database.url("lantian_reader")) as conn:
        shown = conn.execute("select distinct state_zh from screen.time_window_due order by 1").fetchall()
        assert {row[0] for row in shown} == {"生效", "条件不满足", "无法判定"}
