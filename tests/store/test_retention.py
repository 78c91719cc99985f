"""Dropping old raw frames: the ledger balances before and after, and a frame really missing is still noticed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import psycopg
import pytest
from batch_builder import Row, batch, message

from app.job.schedule import job_named
from store.alert_measure import read_measure
from store.batch import Rejection, write_batch
from store.connection import Connection, connect
from store.ledger import Balance, read_balance
from store.registry import RegisteredDevice
from store.retention import drop_oldest_chunk

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
#: Days ago that each batch of three messages came; the boundary of 40 days lies between.
AGES = (90, 60, 41, 31, 0)


@pytest.fixture
def batches(writer: Connection, devices: Mapping[str, RegisteredDevice]) -> list[int]:
    """Ledger numbers of a batch for each of `AGES`: two stored messages of the day, one rejected."""
    numbers = []
    for at, age in enumerate(AGES):
        contents = ([Row(minute=2 * at)], [Row(minute=2 * at + 1)], Rejection("bad_time", "found 0, expected a time"))
        came = NOW - age * DAY
        made = batch(*contents, messages=[message(each, device="explicit", received_at=came) for each in contents])
        numbers.append(write_batch(writer, made, devices).batch_id)
    return numbers


def frames(conn: Connection) -> int:
    row = conn.execute("select count(*) from raw_frame").fetchone()
    assert row is not None
    return int(row[0])


def drop_all(conn: Connection, before: dt.datetime) -> list[int]:
    held = []
    while (rows := drop_oldest_chunk(conn, "raw_frame", before)) is not None:
        held.append(rows)
    return held


def kept(balance: Balance) -> tuple[int, int, int, bool]:
    return balance.received, balance.frames, balance.dropped, balance.balanced


def test_the_ledger_balances_before_and_after_dropping(clerk: Connection, batches: list[int]) -> None:
    assert kept(read_balance(clerk)) == (15, 10, 0, True)
    assert drop_all(clerk, NOW - 40 * DAY) == [2, 2, 2]
    assert kept(read_balance(clerk)) == (15, 4, 6, True)
    assert drop_all(clerk, NOW - 40 * DAY) == []
    assert kept(read_balance(clerk, after_batch=batches[0])) == (12, 4, 4, True)
    assert kept(read_balance(clerk, after_batch=batches[2])) == (6, 4, 0, True)
    recorded = clerk.execute("select first_batch, last_batch, rows_dropped from retention_drop order by id").fetchall()
    assert recorded == [(number, number, 2) for number in batches[:3]]


@pytest.mark.parametrize("lost", [0, 4])
def test_a_missing_frame_is_noticed_before_and_after(
    database: Any, clerk: Connection, batches: list[int], lost: int
) -> None:
    with connect(database.url("lantian_owner")) as owner:
        owner.execute(
            "delete from raw_frame where ctid = (select min(ctid) from raw_frame where batch_id = %(batch)s)"
            " and batch_id = %(batch)s",
            {"batch": batches[lost]},
        )
    assert kept(read_balance(clerk)) == (15, 9, 0, False)
    drop_all(clerk, NOW - 40 * DAY)
    assert not read_balance(clerk).balanced
    assert read_balance(clerk, after_batch=batches[0]).balanced == (lost == 0)


def test_a_drop_that_is_not_committed_drops_and_counts_nothing(clerk: Connection, batches: list[int]) -> None:
    with clerk.transaction(force_rollback=True):
        assert drop_oldest_chunk(clerk, "raw_frame", NOW - 40 * DAY) == 2
        assert read_balance(clerk).balanced
    assert kept(read_balance(clerk)) == (15, 10, 0, True)


def test_a_chunk_that_is_being_read_stays_until_next_time(database: Any, clerk: Connection, batches: list[int]) -> None:
    with connect(database.url("lantian_owner")) as reader:
        assert frames(reader) == 10
        with pytest.raises(psycopg.errors.LockNotAvailable):
            drop_oldest_chunk(clerk, "raw_frame", NOW - 40 * DAY)
        assert kept(read_balance(clerk)) == (15, 10, 0, True)
    assert drop_all(clerk, NOW - 40 * DAY) == [2, 2, 2]


def test_the_alert_on_the_ledger_sees_no_gap_but_a_frame_missing_today(
    database: Any, clerk: Connection, batches: list[int]
) -> None:
    def gap() -> list[float]:
        return list(read_measure(clerk, "ledger_gap", now=NOW + dt.timedelta(minutes=20)).values)

    with connect(database.url("lantian_owner"), autocommit=True) as owner:
        for number, age in zip(batches, AGES, strict=True):
            owner.execute("update ledger set committed_at = %s where id = %s", (NOW - age * DAY, number))
        assert gap() == [0.0]
        assert drop_all(clerk, NOW - 40 * DAY) == [2, 2, 2]
        assert gap() == [0.0]
        owner.execute(
            "delete from raw_frame where payload = (select payload from raw_frame where batch_id = %s limit 1)",
            (batches[-1],),
        )
    assert gap() == [1.0]
    assert not read_balance(clerk).balanced


def test_nothing_younger_than_thirty_days_goes(clerk: Connection, batches: list[int]) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="at least 30 days ago"):
        drop_oldest_chunk(clerk, "raw_frame", NOW - 30 * DAY + dt.timedelta(hours=1))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="expected raw_frame or quality_result"):
        drop_oldest_chunk(clerk, "air_reading", NOW - 60 * DAY)
    assert frames(clerk) == 10


def test_the_job_drops_what_the_settings_say_and_nothing_without(
    clerk: Connection, batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = job_named("retention").load()
    nothing = {"raw_frame_chunks": 0, "raw_frame_rows": 0, "quality_result_chunks": 0, "quality_result_rows": 0}
    assert run(clerk, NOW) == nothing
    monkeypatch.setenv("LANTIAN_RETENTION_RAW_FRAME_DAYS", "50")
    assert run(clerk, NOW) == {**nothing, "raw_frame_chunks": 2, "raw_frame_rows": 4}
    assert frames(clerk) == 6
    assert clerk.execute("select count(*) from air_reading").fetchone() == (10,)


def test_old_quality_results_go_with_their_chunk(clerk: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    clerk.cursor().executemany(
        "insert into quality_result (device_id, time, level, span_s, failed, flag)"
        " values ('explicit', %s, 'hour', 3600, array_fill(0, array[12]), repeat('2', 12))",
        [(NOW - 100 * DAY,), (NOW,)],
    )
    monkeypatch.setenv("LANTIAN_RETENTION_QUALITY_RESULT_DAYS", "60")
    counts = job_named("retention").load()(clerk, NOW)
    assert (counts["quality_result_chunks"], counts["quality_result_rows"]) == (1, 1)
    assert clerk.execute("select time from quality_result").fetchall() == [(NOW,)]
    assert read_balance(clerk).balanced


@pytest.mark.parametrize(("restored", "outcome"), [(True, "duplicate"), (False, "revised")])
def test_an_old_message_is_known_again_once_its_frame_is_restored(
    writer: Connection, clerk: Connection, devices: Mapping[str, RegisteredDevice], restored: bool, outcome: str
) -> None:
    """A repetition of the original, then a correction; the repetition comes again when all frames have been dropped."""
    contents = [[Row()], [Row(announced=True)], [Row(value=2, announced=True)]]
    came = NOW - 60 * DAY
    messages = [message(content, device="explicit", received_at=came) for content in contents]
    first = write_batch(writer, batch(*contents, messages=messages), devices)
    assert first.outcomes == ["stored", "duplicate", "revised"]
    if restored:
        clerk.execute("insert into restored_frame select * from raw_frame")
    assert drop_all(clerk, NOW - 40 * DAY) == [3]
    again = batch(contents[1], messages=[messages[1]._replace(received_at=NOW)])
    assert write_batch(writer, again, devices).outcomes == [outcome]
    assert read_balance(clerk).balanced
