"""Notes of batches: folded whenever and by whomever, they come to what was received."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from batch_builder import START, Content, Row, batch, message

from store.batch import Batch, Message, Rejection, write_batch
from store.batch_note import fold_notes
from store.connection import Connection, connect
from store.registry import RegisteredDevice

Devices = Mapping[str, RegisteredDevice]
OWNERS = ("explicit", "accept", "review")

#: The same from what was kept: messages by day of receipt, readings by their own day, UTC+8.
COUNTED = """
select device_id, (at at time zone interval '8 hours')::date, sum(messages)::int, sum(duplicates)::int,
    sum(rejects)::int, sum(readings)::int
from (
    select device_id, received_at as at, 1 as messages, (outcome = 'duplicate')::int as duplicates, 0 as rejects,
        0 as readings
    from raw_frame where topic like '%/data'
    union all select device_id, received_at, 1, 0, 1, 0 from reject
    union all select device_id, time, 0, 0, 0, 1 from air_reading
) x group by 1, 2 order by 1, 2
"""
HEARD = """
select d.id, (select max(received_at) from raw_frame f where f.device_id = d.id and topic like '%/data'),
    (select max(time) from air_reading r where r.device_id = d.id),
    (select max(received_at) from reject r where r.device_id = d.id),
    (select max(received_at) from raw_frame f where f.device_id = d.id and topic like '%/state')
from device d where d.id in ('accept', 'explicit', 'review') order by 1
"""


def state_of(device: str, link: str, at: dt.datetime) -> Message:
    return Message(f"lt/v1/x/json/{device}/state", link.encode(), at, device, None, link)


def random_batch(dice: random.Random, number: int) -> Batch:
    """New, repeated and refused messages and statements about links, over three days."""
    contents: list[Content] = []
    messages: list[Message] = []
    for minute in sorted(dice.choices(range(4000), k=dice.randrange(1, 12))):
        device, at = dice.choice(OWNERS), START + dt.timedelta(minutes=minute)
        kind = dice.choice("rrrxl")
        content: Content = Rejection("bad_time", str(number)) if kind == "x" else []
        if kind == "r":
            content = [Row(device, dice.randrange(4000)) for _ in range(dice.randrange(1, 4))]
        contents.append(content)
        made = state_of(device, dice.choice(["online", "offline"]), at)
        messages.append(made if kind == "l" else message(content, device=device, received_at=at))
    return batch(*contents, messages=messages)


def counters(conn: Connection) -> list[Any]:
    return conn.execute(
        "select device_id, day, messages, duplicates, rejects, readings from device_day order by 1, 2"
    ).fetchall()


def heard(conn: Connection) -> list[Any]:
    return conn.execute(
        "select device_id, last_received_at, last_time, last_error_at, link_at from device_state order by 1"
    ).fetchall()


@pytest.mark.parametrize("seed", range(4))
def test_notes_come_to_what_was_received_whenever_they_are_folded(
    writer: Connection, clerk: Connection, devices: Devices, seed: int
) -> None:
    dice = random.Random(seed)
    for number in range(25):
        made = random_batch(dice, number)
        write_batch(writer, made, devices)
        if dice.random() < 0.2:
            write_batch(writer, made, devices)  # again: nothing but duplicates and refusals
        if dice.random() < 0.3:
            fold_notes(clerk)
    fold_notes(clerk)
    assert counters(clerk) == clerk.execute(COUNTED).fetchall() != []
    assert heard(clerk) == clerk.execute(HEARD).fetchall()
    hours = "select distinct device_id, date_trunc('hour', time) from air_reading"
    queued = "select distinct site_id, hour from dirty_hour order by 1, 2"
    expected = {(devices[device].site_id, hour) for device, hour in clerk.execute(hours).fetchall()}
    assert clerk.execute(queued).fetchall() == sorted(expected)
    assert clerk.execute("select count(*) from batch_note").fetchone() == (0,)


def test_the_later_of_two_notes_counts_where_their_moments_are_equal(
    writer: Connection, clerk: Connection, devices: Devices
) -> None:
    for link in ("online", "offline"):
        write_batch(writer, Batch([state_of("explicit", link, START)], {}, None, "test", START), devices)
    earlier = state_of("explicit", "online", START - dt.timedelta(hours=1))
    write_batch(writer, Batch([earlier], {}, None, "test", START), devices)
    fold_notes(clerk)
    assert clerk.execute("select link, link_at, last_received_at from device_state").fetchall() == [
        ("offline", START, None)
    ]


def test_what_nobody_folded_is_folded_by_a_later_batch(writer: Connection, clerk: Connection, devices: Devices) -> None:
    numbers: list[int] = []
    while not numbers or numbers[-1] % 32:
        numbers.append(write_batch(writer, batch([Row(minute=len(numbers))]), devices).batch_id)
        waiting = clerk.execute("select count(*) from batch_note").fetchone()
        assert waiting == (len(numbers) if numbers[-1] % 32 else 0,)
    assert clerk.execute("select sum(messages), sum(readings) from device_day").fetchone() == (len(numbers),) * 2


def test_nothing_is_noted_of_a_batch_that_is_not_written(
    database: Any, writer: Connection, clerk: Connection, devices: Devices
) -> None:
    with connect(database.url("lantian_owner"), autocommit=True) as owner:
        owner.execute("alter table batch_note add constraint refused check (false) not valid")
        with pytest.raises(Exception, match="refused"):
            write_batch(writer, batch([Row()]), devices)
        owner.execute("alter table batch_note drop constraint refused")
    counts = (
        "select (select count(*) from ledger), (select count(*) from air_reading), (select count(*) from raw_frame)"
    )
    assert clerk.execute(counts).fetchone() == (0, 0, 0)
    assert write_batch(writer, batch([Row()]), devices).outcomes == ["stored"]
    assert clerk.execute(counts).fetchone() == (1, 1, 1)


def test_collectors_and_others_that_fold_at_once_count_everything_once(
    database: Any, clerk: Connection, devices: Devices
) -> None:
    done = threading.Event()

    def collect(number: int) -> None:
        with connect(database.url("lantian_writer")) as conn:
            for at in range(100):
                first = (number * 100 + at) * 3
                rows = [[Row(device, first + place)] for place, device in enumerate(OWNERS)]
                write_batch(conn, batch(*rows), devices)

    def fold() -> None:
        with connect(database.url("lantian_app"), autocommit=True) as conn:
            while not done.is_set():
                fold_notes(conn)

    with ThreadPoolExecutor(4) as pool:
        folding = [pool.submit(fold) for _ in range(2)]
        collecting = [pool.submit(collect, number) for number in range(2)]
        for one in collecting:
            one.result(60)
        done.set()
        for one in folding:
            one.result(60)
    fold_notes(clerk)
    totals = "select device_id, sum(messages)::int, sum(readings)::int from device_day group by 1 order by 1"
    assert clerk.execute(totals).fetchall() == [(device, 200, 200) for device in sorted(OWNERS)]
