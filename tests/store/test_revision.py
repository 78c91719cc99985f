"""Other values for a stored key: when they count, who decided, and what was known at a moment."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping

import pytest
from batch_builder import START, Factor, Row, batch, message

from store.batch import write_batch
from store.connection import Connection
from store.registry import RegisteredDevice
from store.revision import RevisionError, decide_revision, read_effective, read_revisions

Devices = Mapping[str, RegisteredDevice]
DAY = (START, START + dt.timedelta(days=1))


def now(conn: Connection) -> dt.datetime:
    """The database's clock."""
    row = conn.execute("select clock_timestamp()").fetchone()
    assert row is not None
    return row[0]


def effective(conn: Connection, device: str, known_at: dt.datetime | None = None) -> list[float]:
    return [one.values[0] for one in read_effective(conn, "air", [device], DAY, known_at=known_at)]


@pytest.mark.parametrize(
    ("case", "status"),
    [
        (("explicit", True), "accepted"),
        (("explicit", False), "proposed"),
        (("accept", True), "accepted"),
        (("accept", False), "accepted"),
        (("review", True), "proposed"),
        (("review", False), "proposed"),
    ],
)
def test_policy_decides_what_counts_at_once(
    writer: Connection, clerk: Connection, devices: Devices, case: tuple[str, bool], status: str
) -> None:
    device, announced = case
    write_batch(writer, batch([Row(device)]), devices)
    result = write_batch(writer, batch([Row(device, value=2, announced=announced)]), devices)
    assert (result.outcomes, result.rows_revised) == (["revised"], 1)
    [revision] = read_revisions(clerk, status=None)
    assert (revision.status, revision.announced, revision.family, revision.flag) == (status, announced, "air", "1" * 12)
    assert revision.new_values["pm25"] == 2 and revision.new_values["o3"] is None and len(revision.new_values) == 12
    assert (revision.decided_by is None) == (status == "proposed")
    assert effective(clerk, device) == [2.0 if status == "accepted" else 1.0]
    assert clerk.execute("select pm25 from air_reading").fetchall() == [(1.0,)]


def test_the_same_revision_again_is_a_duplicate(writer: Connection, clerk: Connection, devices: Devices) -> None:
    write_batch(writer, batch([Row("accept")], [Row("accept", value=2)], [Row("accept", value=2)]), devices)
    again = write_batch(writer, batch([Row("accept", value=2)], [Row("accept")]), devices)
    assert again.outcomes == ["duplicate", "duplicate"]
    assert len(read_revisions(clerk, status=None)) == 1
    assert effective(clerk, "accept") == [2.0]


def test_a_reviewer_decides_once_and_queues_the_hour(writer: Connection, clerk: Connection, devices: Devices) -> None:
    write_batch(writer, batch([Row()], [Row(value=2)], [Row(value=3)], [Factor()], [Factor(value=4)]), devices)
    clerk.execute("delete from dirty_hour")
    first, second, factor = read_revisions(clerk)
    decide_revision(clerk, first.id, False, who="张三", why="校准期间")
    decide_revision(clerk, second.id, True, who="张三", why="仪器补传")
    decide_revision(clerk, factor.id, True, who="张三", why="仪器补传")
    assert clerk.execute("select family, site_id, hour from dirty_hour").fetchall() == [("air", "s-air", START)]
    assert [one.decided_by for one in read_revisions(clerk, status="refused")] == ["张三"]
    assert effective(clerk, "explicit") == [3.0]
    assert factor.new_values == {"value": 4.0, "text": None} and factor.factor == "a05024"
    with pytest.raises(RevisionError, match="accepted by 张三"):
        decide_revision(clerk, second.id, False, who="李四", why="")
    with pytest.raises(RevisionError, match="no such revision"):
        decide_revision(clerk, 10**9, True, who="李四", why="")


def test_what_was_known_at_a_moment(writer: Connection, clerk: Connection, devices: Devices) -> None:
    before = now(clerk)
    write_batch(writer, batch([Row()]), devices)
    original = now(clerk)
    write_batch(writer, batch([Row(value=2)]), devices)
    proposed = now(clerk)
    decide_revision(clerk, read_revisions(clerk)[0].id, True, who="张三", why="补传")
    decided = now(clerk)
    write_batch(writer, batch([Row(value=3, announced=True)]), devices)
    moments = (before, original, proposed, decided, now(clerk), None)
    assert [effective(clerk, "explicit", at) for at in moments] == [[], [1.0], [1.0], [2.0], [3.0], [3.0]]


def test_a_later_correction_of_a_batch_wins(writer: Connection, clerk: Connection, devices: Devices) -> None:
    rows = [[Row(value=value, announced=True)] for value in (1, 2, 3)]
    assert write_batch(writer, batch(*rows), devices).outcomes == ["stored", "revised", "revised"]
    assert effective(clerk, "explicit") == [3.0]


def test_an_announced_return_to_the_original_counts(writer: Connection, clerk: Connection, devices: Devices) -> None:
    back = Row(announced=True)
    contents = [[Row()], [Row(value=2, announced=True)], [back]]
    assert write_batch(writer, batch(*contents), devices).outcomes == ["stored", "revised", "revised"]
    assert effective(clerk, "explicit") == [1.0]
    assert write_batch(writer, batch([back]), devices).outcomes == ["duplicate"]


def test_announcing_a_proposed_revision_does_not_decide_it(
    writer: Connection, clerk: Connection, devices: Devices
) -> None:
    contents = [[Row()], [Row(value=2)], [Row(value=2, announced=True)], [Row(announced=True)]]
    expected = ["stored", "revised", "duplicate", "duplicate"]
    assert write_batch(writer, batch(*contents), devices).outcomes == expected
    assert [one.status for one in read_revisions(clerk, status=None)] == ["proposed"]
    assert write_batch(writer, batch(*contents[2:]), devices).outcomes == ["duplicate", "duplicate"]
    assert effective(clerk, "explicit") == [1.0]


def test_a_redelivered_batch_changes_nothing(writer: Connection, clerk: Connection, devices: Devices) -> None:
    contents = [[Row(announced=True)], [Row(value=2, announced=True)]]
    messages = [message(content) for content in contents]
    write_batch(writer, batch(*contents, messages=messages), devices)
    again = write_batch(writer, batch(*contents, messages=messages), devices)
    assert again.outcomes == ["duplicate", "duplicate"]
    assert effective(clerk, "explicit") == [2.0]
    twice = write_batch(writer, batch(*contents * 2, messages=messages * 2), devices)
    assert twice.outcomes == ["duplicate"] * 4
    assert effective(clerk, "explicit") == [2.0]


def test_redelivery_of_an_early_repetition_is_no_return(
    writer: Connection, clerk: Connection, devices: Devices
) -> None:
    """A message that once repeated the original comes again after a correction: it must not undo the correction."""
    contents = [[Row()], [Row(announced=True)], [Row(value=2, announced=True)]]
    messages = [message(content) for content in contents]
    first = write_batch(writer, batch(*contents, messages=messages), devices)
    assert first.outcomes == ["stored", "duplicate", "revised"]
    again = [one._replace(received_at=one.received_at + dt.timedelta(seconds=5)) for one in messages]
    assert write_batch(writer, batch(*contents, messages=again), devices).outcomes == ["duplicate"] * 3


def test_a_value_may_become_missing_and_infinite(writer: Connection, clerk: Connection, devices: Devices) -> None:
    write_batch(writer, batch([Row()], [Row(value=math.nan, announced=True)]), devices)
    assert math.isnan(effective(clerk, "explicit")[0])
    write_batch(writer, batch([Row(value=math.inf, announced=True)]), devices)
    assert effective(clerk, "explicit") == [math.inf]
    again = write_batch(writer, batch([Row(value=math.nan)], [Row(value=math.inf)]), devices)
    assert again.outcomes == ["duplicate", "duplicate"]
