"""Rules judged against a real database: what is raised, what ends, what is not judged for want of data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from alert_scene import furnish, rows

from alerting.watch import KIND, StackWatch
from app.job.alert import escalate, evaluate_alerts
from app.job.alert_measure import READS
from domain.alert import shipped_rules
from domain.family import STACK
from domain.production import OutletRow
from store.alert_measure import MEASURES, read_measure
from store.alert_rule import write_rule
from store.connection import Connection, connect
from store.job_run import begin_run, end_run, fail_run
from store.outlet import write_outlets

MINUTE = dt.timedelta(minutes=1)
HOUR = 60 * MINUTE


@pytest.fixture
def desk(database: Any) -> Iterator[Connection]:
    furnish(database)
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        write_outlets(
            conn, [OutletRow(site, dt.date(2024, 1, 1), None, "steel_other") for site in ("mill-1", "oven-1")]
        )
        yield conn


def now_of(conn: Connection) -> dt.datetime:
    [(moment,)] = rows(conn, "select clock_timestamp()")
    return moment.astimezone(dt.UTC)


def active(conn: Connection) -> list[tuple[Any, ...]]:
    query = "select kind, source_id from alert where state = 'open' and kind <> 'nobody_to_tell' order by 1, 2"
    return [row for row in rows(conn, query) if row[0] != "disk_full"]


def hour(conn: Connection, site: str, start: dt.datetime, pm: float | None) -> None:
    conn.execute(
        "insert into stack_hour (site_id, hour, pm_converted, pm_limit, pm_over, minutes, flag, state)"
        " values (%s, %s, %s, 10, %s, %s, %s, 'running')",
        (site, start, pm, None if pm is None else pm > 10, [60] * 15, "1" * 15),
    )


def test_every_rule_with_a_measure_can_be_read(desk: Connection) -> None:
    for measure in MEASURES:
        found = read_measure(desk, measure, now=now_of(desk))
        assert len(found.values) == len(found.sources) == len(found.texts) == len(found.evidence)
    named = {rule.measure for rule in shipped_rules().values()} - {None, "stack_live_ratio"}
    assert named == set(READS)


def test_without_data_nothing_is_judged(desk: Connection) -> None:
    evaluate_alerts(desk, now_of(desk))
    assert active(desk) == []


def test_an_hour_over_the_limit_is_raised_once_and_ends(desk: Connection) -> None:
    now = now_of(desk)
    start = now.replace(minute=0, second=0, microsecond=0) - 3 * HOUR
    hour(desk, "mill-1", start, 12.34)
    hour(desk, "oven-1", start, None)
    evaluate_alerts(desk, now)
    evaluate_alerts(desk, now + MINUTE)
    assert active(desk) == [("stack_exceedance_hour", "mill-1")]
    [(body, subject)] = rows(desk, "select body_zh, subject_zh from alert where kind = 'stack_exceedance_hour'")
    assert body == "颗粒物 12.3 mg/m³，限值 10"
    assert subject == "排放小时均值超标：磨坊1号"
    hour(desk, "mill-1", start + HOUR, None)
    evaluate_alerts(desk, now + 2 * MINUTE)
    assert active(desk) == [("stack_exceedance_hour", "mill-1")]  # not judged is not within
    hour(desk, "mill-1", start + 2 * HOUR, 9.0)
    evaluate_alerts(desk, now + 3 * MINUTE)
    assert active(desk) == []
    assert rows(desk, "select count(*) from notice where kind = 'alert_cleared'") == [(2,)]


def test_a_silent_device_is_offline_only_after_its_hold_time(desk: Connection, database: Any) -> None:
    now = now_of(desk)
    with connect(database.url("lantian_owner"), autocommit=True) as writer:
        for device, age in (("mill-cems", 11), ("oven-cems", 1)):
            writer.execute(
                "insert into device_state (device_id, last_received_at, last_time) values (%s, %s, %s)",
                (device, now - age * MINUTE, now - age * MINUTE),
            )
        evaluate_alerts(desk, now)
        assert active(desk) == []
        evaluate_alerts(desk, now + 5 * MINUTE)
        assert active(desk) == [("device_offline", "mill-cems")]
        [(text,)] = rows(desk, "select body_zh from alert where kind = 'device_offline'")
        assert "上报间隔 60 秒" in text
        writer.execute("update device_state set last_received_at = %s", (now + 6 * MINUTE,))
        evaluate_alerts(desk, now + 6 * MINUTE)
        assert active(desk) != []
        evaluate_alerts(desk, now + 7 * MINUTE)
        assert active(desk) == []


def test_a_device_that_only_a_note_knows_of_is_not_silent(desk: Connection, database: Any) -> None:
    now = now_of(desk)
    with connect(database.url("lantian_owner"), autocommit=True) as writer:
        writer.execute(
            "insert into device_state (device_id, last_received_at) values ('mill-cems', %s)", (now - 11 * MINUTE,)
        )
        evaluate_alerts(desk, now)
        note(writer, "mill-cems", now + 4 * MINUTE, now + 4 * MINUTE)
        evaluate_alerts(desk, now + 5 * MINUTE)
        assert active(desk) == []


def test_watchdogs_see_stuck_and_failed_jobs_and_a_growing_outbox(desk: Connection) -> None:
    now = now_of(desk)
    run = begin_run(desk, "tidy", now=now - dt.timedelta(days=4))
    end_run(desk, run, {}, now=now - dt.timedelta(days=4))
    failed = begin_run(desk, "quality", now=now)
    fail_run(desk, failed, ("store", "no such table"), now=now)
    fine = begin_run(desk, "alerts", now=now)
    end_run(desk, fine, {}, now=now)
    hour(desk, "mill-1", now.replace(minute=0, second=0, microsecond=0) - HOUR, 12.0)
    evaluate_alerts(desk, now)
    rule = shipped_rules()["job_stuck"]
    write_rule(desk, replace(rule, hold_s=0), by="测试", why="立即")
    for minutes in (11, 14):
        evaluate_alerts(desk, now + minutes * MINUTE)
    assert ("job_stuck", "quality") in active(desk)
    assert ("job_stuck", "tidy") in active(desk)
    assert ("outbox_growing", "outbox") in active(desk)
    assert ("ledger_unbalanced", "ledger") not in active(desk)


def test_a_ledger_that_misses_frames_is_told(desk: Connection, database: Any) -> None:
    now = now_of(desk)
    with connect(database.url("lantian_owner"), autocommit=True) as writer:
        writer.execute(
            "insert into ledger (collector, opened_at, committed_at, received, stored, duplicate, revised, rejected,"
            " rows_stored, rows_duplicate, rows_revised) values ('c', %s, %s, 2, 2, 0, 0, 0, 2, 0, 0)",
            (now - 20 * MINUTE, now - 20 * MINUTE),
        )
    evaluate_alerts(desk, now)
    assert ("ledger_unbalanced", "ledger") in active(desk)


def test_open_findings_become_alerts_until_judged(desk: Connection) -> None:
    kinds = {"mil_on": "vehicle", "treatment_off": "plant", "constant": "stack"}
    for kind, family in kinds.items():
        desk.execute(
            "with f as (insert into integrity_finding (kind, kind_zh, family, device_id, site_id, began_at, basis)"
            " values (%s, %s, %s, 'mill-cems', 'mill-1', now(), '') returning id)"
            " insert into integrity_event (finding_id, event, ended_at, text_zh, evidence)"
            " select id, 'opened', now(), '依据', '{}' from f",
            (kind, kind, family),
        )
    assert evaluate_alerts(desk, now_of(desk))["findings"] == 3
    assert evaluate_alerts(desk, now_of(desk))["findings"] == 0
    assert [kind for kind, _ in active(desk)] == ["abnormal_operation", "integrity_finding", "obd_tampering"]
    desk.execute(
        "insert into integrity_event (finding_id, event, decided_by, why)"
        " select id, 'dismissed', '张三', '已核查' from integrity_finding where kind = 'constant'"
    )
    evaluate_alerts(desk, now_of(desk))
    assert [kind for kind, _ in active(desk)] == ["abnormal_operation", "obd_tampering"]


def test_a_micro_station_peaks_over_its_neighbours(desk: Connection) -> None:
    now = now_of(desk)
    start = (now - 70 * MINUTE).replace(minute=0, second=0, microsecond=0)
    for number, pm25 in enumerate([300, 80, 90, 100]):
        desk.execute(
            "insert into site (id, area_id, kind, name_zh, longitude, latitude) values (%s, 'x', 'micro', %s, %s, 37)",
            (f"m{number}", f"微站{number}", 111 + number / 100),
        )
        desk.execute(
            "insert into air_hour (site_id, hour, pm25, minutes, flag, edition) values (%s, %s, %s, %s, %s, 'e')",
            (f"m{number}", start, pm25, [60] * 12, "1" * 12),
        )
    write_rule(desk, replace(shipped_rules()["micro_peak"], hold_s=0), by="测试", why="立即")
    evaluate_alerts(desk, now)
    assert active(desk) == [("micro_peak", "m0")]
    [(body,)] = rows(desk, "select body_zh from alert where kind = 'micro_peak'")
    assert body == "PM2.5 小时值 300 µg/m³，为周边站点中位数的 3.3 倍"


def test_alerts_of_a_retired_device_end(desk: Connection, database: Any) -> None:
    now = now_of(desk)
    with connect(database.url("lantian_owner"), autocommit=True) as writer:
        writer.execute(
            "insert into device_state (device_id, last_received_at, last_time) values ('mill-cems', %s, %s)",
            (now - HOUR, now - HOUR),
        )
    evaluate_alerts(desk, now)
    evaluate_alerts(desk, now + 5 * MINUTE)
    assert active(desk) == [("device_offline", "mill-cems")]
    desk.execute("update device set retired_at = now() where id = 'mill-cems'")
    evaluate_alerts(desk, now + 6 * MINUTE)
    assert active(desk) == []


def test_escalation_runs_as_a_job(desk: Connection) -> None:
    assert escalate(desk, now_of(desk)) == {"escalated": 0, "answered": 0, "untold": 0, "unmuted": 0}


def note(conn: Connection, device: str, received_at: dt.datetime, time: dt.datetime) -> None:
    """Note that a device was heard, as the collector does."""
    conn.execute(
        "insert into batch_note (device_ids, received_at, times, days, messages, duplicates, rejects, readings,"
        " carried, usable) values (%s, array[%s], array[%s], '{null}', '{0}', '{0}', '{0}', '{0}', '{0}', '{0}')",
        ([device], received_at, time),
    )


def reading(conn: Connection, device: str, time: dt.datetime, pm: float, mark: str = "N") -> None:
    """Store a reading as the collector does: values, then a note, in one transaction."""
    values = dict.fromkeys(STACK.keys) | {"pm": pm, "o2": 10.0}
    columns, places = ", ".join(STACK.keys), ", ".join(["%s"] * STACK.width)
    with conn.transaction():
        conn.execute(
            f"insert into stack_reading (device_id, time, span_s, {columns}, flag, mark, received_at)"
            f" values (%s, %s, 0, {places}, %s, %s, now())".encode(),
            (device, time, *values.values(), "1" * 15, mark * 15),
        )
        note(conn, device, time, time)


def test_a_reading_over_the_limit_is_told_at_the_next_look(desk: Connection, database: Any) -> None:
    now, clock = now_of(desk), [now_of(desk)]
    watch = StackWatch(lambda: connect(database.url("lantian_app"), autocommit=True), lambda: clock[0])
    with connect(database.url("lantian_owner"), autocommit=True) as writer:
        reading(writer, "mill-cems", now - MINUTE, 99.0)
        assert watch.look(desk) == 0  # what was there before the watch began is not news
        reading(writer, "oven-cems", now, 99.0, mark="M")
        reading(writer, "mill-cems", now, 10.0)
        assert watch.look(desk) == 2
        assert active(desk) == []
        reading(writer, "mill-cems", now + dt.timedelta(seconds=1), 10.5)
        assert watch.look(desk) == 1
        assert active(desk) == [(KIND, "mill-1")]
        [(body,)] = rows(desk, "select body_zh from alert where kind = %s", KIND)
        assert "颗粒物 10.5 mg/m³，限值 10 mg/m³（1.05 倍）" in body
        assert rows(desk, "select enterprise_id from notice order by id") == [(None,), ("mill",)]
        for second in (2, 3):
            reading(writer, "mill-cems", now + dt.timedelta(seconds=second), 5.0)
            watch.look(desk)
            clock[0] += 5 * MINUTE
        assert active(desk) == []
