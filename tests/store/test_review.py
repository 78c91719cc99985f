"""Two persons review data: who may take which step, which flags count, what is queued, what was known at a moment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import psycopg
import pytest
from batch_builder import START, Row, batch

from store.batch import write_batch
from store.connection import Connection
from store.registry import RegisteredDevice
from store.review import (
    Proposal,
    ReviewError,
    confirm_review,
    count_values,
    propose_review,
    read_review,
    read_reviews,
    withdraw_review,
)
from store.revision import decide_revision, read_effective, read_revisions

Devices = Mapping[str, RegisteredDevice]
HOUR = dt.timedelta(hours=1)
DAY = (START, START + dt.timedelta(days=1))
CLEANED = Proposal("explicit", ("pm25",), START, START + 2 * HOUR, "invalid", "张三", "采样头被喷水")


def now(conn: Connection) -> dt.datetime:
    row = conn.execute("select clock_timestamp()").fetchone()
    assert row is not None
    return row[0]


def flags(conn: Connection, known_at: dt.datetime | None = None) -> list[str]:
    """Flag of the first column, reading by reading."""
    return [one.flag[0] for one in read_effective(conn, "air", ["explicit"], DAY, known_at=known_at)]


@pytest.fixture
def stored(writer: Connection, clerk: Connection, devices: Devices) -> Connection:
    """Readings at minutes 0, 59, 119, 120; nothing is queued."""
    write_batch(writer, batch([Row(minute=at) for at in (0, 59, 119, 120)]), devices)
    writer.commit()
    clerk.execute("delete from dirty_hour")
    return clerk


def queued(conn: Connection) -> list[tuple[str, str, dt.datetime]]:
    return conn.execute("select family, site_id, hour from dirty_hour order by hour").fetchall()


def test_a_proposal_changes_nothing_and_a_second_person_lets_it_count(stored: Connection) -> None:
    review = propose_review(stored, CLEANED)
    assert flags(stored) == ["1", "1", "1", "1"] and queued(stored) == []
    assert [one.id for one in read_reviews(stored)] == [review]
    assert confirm_review(stored, review, who="李四", why="现场核实") == 2
    assert flags(stored) == ["4", "4", "4", "1"]
    assert queued(stored) == [("air", "s-air", START), ("air", "s-air", START + HOUR)]
    found = read_review(stored, review)
    assert (found.status, found.proposed_by, found.confirmed_by, found.why) == (
        "confirmed",
        "张三",
        "李四",
        "采样头被喷水",
    )
    assert read_reviews(stored) == [] and read_reviews(stored, status="confirmed", device_id="explicit") == [found]
    assert stored.execute("select distinct flag from air_reading").fetchall() == [("1" * 12,)]  # the original stays


@pytest.mark.parametrize("who", ["张三", " 张三 "])
def test_one_person_cannot_do_both(stored: Connection, who: str) -> None:
    review = propose_review(stored, CLEANED)
    with pytest.raises(ReviewError, match="another person"):
        confirm_review(stored, review, who=who, why="是")
    with pytest.raises(psycopg.errors.CheckViolation, match="two_persons"):
        stored.execute("insert into review_step values (%s, 'confirm', '张三', '张三', now(), '是')", (review,))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        stored.execute("insert into review_step values (%s, 'confirm', '王五', '张三', now(), '是')", (review,))
    assert flags(stored) == ["1"] * 4


def test_withdrawing(stored: Connection) -> None:
    first = propose_review(stored, CLEANED)
    assert withdraw_review(stored, first, who="张三", why="看错时间") == 0
    with pytest.raises(ReviewError, match="no reason"):
        confirm_review(stored, first, who="李四", why="")
    with pytest.raises(ReviewError, match="withdrawn by 张三, expected a proposed"):
        confirm_review(stored, first, who="李四", why="核实")
    second = propose_review(stored, CLEANED)
    confirm_review(stored, second, who="李四", why="核实")
    with pytest.raises(ReviewError, match="confirmed by 李四"):
        confirm_review(stored, second, who="王五", why="核实")
    with pytest.raises(ReviewError, match="another person than the proposer"):
        withdraw_review(stored, second, who="张三", why="后悔")
    stored.execute("delete from dirty_hour")
    assert withdraw_review(stored, second, who="李四", why="录像表明无喷水") == 2
    assert flags(stored) == ["1"] * 4 and len(queued(stored)) == 2
    with pytest.raises(ReviewError, match="not withdrawn"):
        withdraw_review(stored, second, who="王五", why="再撤")
    assert [one.status for one in read_reviews(stored, status=None)] == ["withdrawn", "withdrawn"]


def test_a_person_may_overrule_flags_both_ways_and_the_last_confirmed_wins(
    writer: Connection, clerk: Connection, devices: Devices
) -> None:
    write_batch(writer, batch([Row(flag=4, mark="D")]), devices)
    writer.commit()
    good = propose_review(clerk, replace(CLEANED, verdict="valid"))
    bad = propose_review(clerk, CLEANED)
    confirm_review(clerk, bad, who="李四", why="核实")
    assert flags(clerk) == ["4"]
    confirm_review(clerk, good, who="李四", why="标记有误")
    [reading] = read_effective(clerk, "air", ["explicit"], DAY)
    assert reading.flag == "1" + "4" * 11  # the other columns keep theirs
    withdraw_review(clerk, good, who="李四", why="标记无误")
    assert flags(clerk) == ["4"]


def test_a_missing_value_stays_missing(writer: Connection, clerk: Connection, devices: Devices) -> None:
    write_batch(writer, batch([Row(flag=9, value=float("nan"))], [Row(minute=1)]), devices)
    writer.commit()
    confirm_review(clerk, propose_review(clerk, replace(CLEANED, verdict="valid")), who="李四", why="核实")
    assert flags(clerk) == ["9", "1"]


def test_a_review_outlives_a_revision(stored: Connection, writer: Connection, devices: Devices) -> None:
    confirm_review(stored, propose_review(stored, CLEANED), who="李四", why="核实")
    write_batch(writer, batch([Row(value=7)]), devices)
    writer.commit()
    decide_revision(stored, read_revisions(stored)[0].id, True, who="张三", why="补传")
    [first, *_] = read_effective(stored, "air", ["explicit"], DAY)
    assert (first.values[0], first.flag[0]) == (7.0, "4")


def test_what_was_known_at_a_moment(stored: Connection) -> None:
    before = now(stored)
    review = propose_review(stored, CLEANED)
    proposed = now(stored)
    confirm_review(stored, review, who="李四", why="核实")
    confirmed = now(stored)
    withdraw_review(stored, review, who="王五", why="撤回")
    moments = (before, proposed, confirmed, now(stored), None)
    assert [flags(stored, at)[0] for at in moments] == ["1", "1", "4", "1", "1"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"device_id": "nobody"}, "no such device"),
        ({"columns": ("pm25", "nox")}, "columns nox"),
        ({"columns": ()}, "columns none"),
        ({"verdict": "good"}, "expected one of valid, invalid"),
        ({"high": START}, "more than 0"),
        ({"high": START + dt.timedelta(days=367)}, "up to 366 days"),
        ({"who": " "}, "no person"),
        ({"why": ""}, "no reason"),
        ({"columns": ("o3",)}, "found no value"),
        ({"low": START + dt.timedelta(days=3), "high": START + dt.timedelta(days=4)}, "found no value"),
    ],
)
def test_what_cannot_be_proposed(stored: Connection, change: dict[str, object], message: str) -> None:
    with pytest.raises(ReviewError, match=message):
        propose_review(stored, replace(CLEANED, **change))  # type: ignore[arg-type]
    assert read_reviews(stored, status=None) == []


def test_what_comes_is_not_reviewed_yet(stored: Connection) -> None:
    ahead = now(stored) + dt.timedelta(days=2)
    with pytest.raises(ReviewError, match="a day ahead"):
        propose_review(stored, replace(CLEANED, low=ahead - dt.timedelta(days=3), high=ahead))


def test_unknown_reviews_and_counts(stored: Connection) -> None:
    for act in (confirm_review, withdraw_review):
        with pytest.raises(ReviewError, match="no such review"):
            act(stored, 10**12, who="李四", why="核实")
    assert count_values(stored, "explicit", ("pm25", "o3"), (START, START + HOUR)) == 2
    assert count_values(stored, "nobody", ("pm25",), DAY) == 0
