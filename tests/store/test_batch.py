"""What becomes of messages: stored, duplicate, revised, rejected; and what a batch leaves behind."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from batch_builder import START, Content, Factor, Row, batch, message

from store.batch import Batch, BatchResult, Message, Rejection, write_batch
from store.batch_note import fold_notes
from store.connection import Connection, connect
from store.error import StoreError
from store.ledger import read_balance
from store.registry import RegisteredDevice
from store.reject import mark_replayed, read_rejects

Devices = Mapping[str, RegisteredDevice]


def outcomes(conn: Connection, devices: Devices, *contents: Content) -> list[str]:
    return write_batch(conn, batch(*contents), devices).outcomes


def dirty(conn: Connection) -> list[tuple[str, str, int]]:
    """Queued (family, site, hour since START)."""
    fold_notes(conn)
    rows = conn.execute("select family, site_id, hour from dirty_hour order by 1, 2, 3, id").fetchall()
    return [(family, site, round((hour - START).total_seconds() / 3600)) for family, site, hour in rows]


def test_new_rows_are_stored_as_sent(writer: Connection, clerk: Connection, devices: Devices) -> None:
    made = batch([Row(minute=3, value=35.1, mark="T", flag=3)])
    made.readings["air"].values[0, 4] = math.inf
    result = write_batch(writer, made, devices)
    assert (result.outcomes, result.rows_stored, result.rejections) == (["stored"], 1, {})
    row = clerk.execute(
        "select time, span_s, pm25, pm10, co, wind_direction, flag, mark, received_at from air_reading"
    ).fetchone()
    received = made.messages[0].received_at
    expected = (START + dt.timedelta(minutes=3), 60, 35.1, None, math.inf, None, "3" * 12, "T" + "-" * 11, received)
    assert row == expected


def test_every_family_and_factors_reach_their_tables(writer: Connection, clerk: Connection, devices: Devices) -> None:
    owners = {"air": "explicit", "stack": "chimney", "vehicle": "truck", "plant": "mill"}
    rows: list[Row | Factor] = [Row(device=device, family=family) for family, device in owners.items()]
    rows += [Factor(value=2.5), Factor(field="Info", text="温度 正常"), Factor(factor="x", value=math.nan)]
    result = write_batch(writer, batch(rows), devices)
    assert (result.outcomes, result.rows_stored) == (["stored"], 7)
    for family, owner in owners.items():
        assert clerk.execute(f"select device_id from {family}_reading").fetchall() == [(owner,)]
    found = clerk.execute("select factor, field, value, text, mark from factor_reading order by 1, 2").fetchall()
    assert found == [
        ("a05024", "Info", None, "温度 正常", "N"),
        ("a05024", "Min", 2.5, None, "N"),
        ("x", "Min", None, None, "N"),
    ]
    sites = [("air", "s-air", 0), ("plant", "s-mill", 0), ("stack", "s-stack", 0), ("vehicle", "s-truck", 0)]
    assert dirty(clerk) == sites


def test_duplicates_in_a_batch_and_across_batches(writer: Connection, clerk: Connection, devices: Devices) -> None:
    first = outcomes(writer, devices, [Row()], [Row()], [Row(), Row(minute=1)])
    assert first == ["stored", "duplicate", "stored"]
    again = outcomes(writer, devices, [Row(), Row(minute=1)], [Row(minute=2)], [Factor()], [Factor()])
    assert again == ["duplicate", "stored", "stored", "duplicate"]
    assert clerk.execute("select count(*) from air_reading").fetchone() == (3,)
    balance = read_balance(clerk)
    assert (balance.received, balance.stored, balance.duplicate, balance.batches) == (7, 4, 3, 2)
    assert (balance.rows_stored, balance.rows_duplicate, balance.frames, balance.balanced) == (4, 5, 7, True)


def test_a_flag_of_ours_makes_no_difference_but_a_mark_does(writer: Connection, devices: Devices) -> None:
    assert outcomes(writer, devices, [Row(flag=1)]) == ["stored"]
    assert outcomes(writer, devices, [Row(flag=4)], [Row(mark="D")]) == ["duplicate", "revised"]


def test_spans_are_keys_of_their_own(writer: Connection, devices: Devices) -> None:
    assert outcomes(writer, devices, [Row(span_s=0)], [Row(span_s=60)], [Row(span_s=3600)]) == ["stored"] * 3


def test_the_earliest_message_of_a_batch_is_the_original(
    writer: Connection, clerk: Connection, devices: Devices
) -> None:
    assert outcomes(writer, devices, [Row(value=2)], [Row(value=1)], [Row(value=2)]) == [
        "stored",
        "revised",
        "duplicate",
    ]
    assert clerk.execute("select pm25 from air_reading").fetchall() == [(2.0,)]


def test_messages_without_rows_and_rejected_ones(writer: Connection, clerk: Connection, devices: Devices) -> None:
    refused = Rejection("bad_time", "found \x00 \ud800, expected a time")
    messages = [
        message(refused, device="explicit"),
        message([], device="explicit"),
        message(refused, device="stran\x00ger"),
    ]
    result = write_batch(writer, batch(refused, [], refused, messages=messages), devices)
    assert result.outcomes == ["rejected", "stored", "rejected"]
    frames = clerk.execute("select device_id, topic, payload, outcome, batch_id from raw_frame").fetchall()
    assert frames == [("explicit", messages[1].topic, messages[1].payload, "stored", result.batch_id)]
    kept = read_rejects(clerk, reason="bad_time")
    assert [(one.payload, one.device_id, one.detail) for one in kept] == [
        (messages[0].payload, "explicit", "found \ufffd ?, expected a time"),
        (messages[2].payload, "stran\ufffdger", "found \ufffd ?, expected a time"),
    ]
    assert mark_replayed(clerk, [kept[0].id], "stored") == 1
    assert mark_replayed(clerk, [kept[0].id], "stored") == 0
    assert [one.id for one in read_rejects(clerk)] == [kept[1].id]
    assert read_balance(clerk).balanced


def test_hours_are_queued_once_per_batch_and_only_where_something_changed(
    writer: Connection, clerk: Connection, devices: Devices
) -> None:
    rows = [Row(minute=minute) for minute in (0, 59, 60, 119)]
    outcomes(writer, devices, rows, [Row(minute=300, span_s=86400), Row("accept", 30), Row("review", 30)])
    assert dirty(clerk) == [("air", "s-accept", 0), ("air", "s-air", 0), ("air", "s-air", 1)]
    clerk.execute("delete from dirty_hour")
    outcomes(writer, devices, rows, [Row(minute=0, value=5)], [Row(minute=120, span_s=3600)])
    assert dirty(clerk) == [("air", "s-air", 2)]
    clerk.execute("delete from dirty_hour")
    outcomes(writer, devices, [Row(minute=60, value=6, announced=True)], [Row("accept", 30, 7)], [Row("review", 30, 8)])
    assert dirty(clerk) == [("air", "s-accept", 0), ("air", "s-air", 1)]


def test_hours_before_1970_and_negative_offsets_fall_into_their_hour(
    writer: Connection, clerk: Connection, devices: Devices
) -> None:
    outcomes(writer, devices, [Row(minute=-1)])
    assert dirty(clerk) == [("air", "s-air", -1)]


def test_device_state_follows_data_errors_and_link(writer: Connection, clerk: Connection, devices: Devices) -> None:
    noon, later = START + dt.timedelta(hours=12), START + dt.timedelta(hours=13)

    def states() -> list[Any]:
        fold_notes(clerk)
        return clerk.execute(
            "select device_id, last_received_at, last_time, last_error, last_error_at, link, link_at from device_state"
        ).fetchall()

    refused = Rejection("bad_time", "x")
    messages = [
        message([Row(minute=5)], received_at=later),
        message([Row(minute=1)], received_at=noon),
        message(refused, device="explicit", received_at=noon),
        message(refused, device="unknown", received_at=noon),
    ]
    write_batch(writer, batch([Row(minute=5)], [Row(minute=1)], refused, refused, messages=messages), devices)
    newest = START + dt.timedelta(minutes=5)
    assert states() == [("explicit", later, newest, "bad_time: x", noon, None, None)]
    night = START + dt.timedelta(hours=20)
    will = Message("lt/v1/x/json/explicit/state", b"", night, "explicit", None, "offline")
    made = Batch([will], {}, None, "test", night)
    assert write_batch(writer, made, devices).outcomes == ["stored"]
    assert states() == [("explicit", later, newest, "bad_time: x", noon, "offline", night)]


def test_the_caller_is_told_of_its_own_faults(writer: Connection, devices: Devices) -> None:
    with pytest.raises(StoreError, match="stranger"):
        write_batch(writer, batch([Row("stranger")]), devices)
    wrong = batch([Row()])
    wrong.readings["stack"] = wrong.readings.pop("air")
    with pytest.raises(StoreError, match="expected"):
        write_batch(writer, wrong, devices)
    writer.execute("select 1")
    with pytest.raises(StoreError, match="INTRANS"):
        write_batch(writer, batch([Row()]), devices)


def test_a_missing_privilege_stops_loudly_and_writes_nothing(
    database: Any, clerk: Connection, devices: Devices
) -> None:
    with connect(database.url("lantian_app")) as conn, pytest.raises(StoreError, match="permission denied"):
        write_batch(conn, batch([Row()]), devices)
    assert read_balance(clerk).batches == 0


def test_a_large_batch(writer: Connection, clerk: Connection, devices: Devices) -> None:
    names = ("explicit", "accept", "review")
    rows = [[Row(names[at % 3], at // 3, at % 97)] for at in range(12_000)]
    made = batch(*rows)
    made.readings["air"].values[:, 1:] = np.random.default_rng(1).random((12_000, 11))
    assert write_batch(writer, made, devices).rows_stored == 12_000
    result: BatchResult = write_batch(writer, made, devices)
    assert (result.rows_stored, result.rows_duplicate) == (0, 12_000)
    assert clerk.execute("select count(*), sum(pm25) from air_reading").fetchone() == (
        12_000,
        sum(a % 97 for a in range(12_000)),
    )
    stored = clerk.execute(
        "select pm10, wind_direction from air_reading where device_id = 'accept' order by time"
    ).fetchall()
    assert np.array_equal(np.array(stored), made.readings["air"].values[1::3][:, [1, 11]])
