"""Rows that the database refuses take their own message along and no other."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from batch_builder import Content, Factor, Row, batch

from store.batch import write_batch
from store.batch_note import fold_notes
from store.connection import Connection
from store.ledger import read_balance
from store.registry import RegisteredDevice
from store.reject import read_rejects

Devices = Mapping[str, RegisteredDevice]
POISON: dict[str, Content] = {
    "mark too long": [Row(minute=250, mark="NN")],
    "span beyond a day": [Row(minute=250, span_s=90_000)],
    "NUL in a text": [Row(minute=250), Factor(minute=250, text="a\x00b")],
    "NUL in a factor": [Row(minute=250), Factor(minute=250, factor="a\x00")],
    "lone surrogate": [Factor(minute=250, text="\ud800")],
    "flag of no letter": [Row(minute=250, flag=208)],
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON)
def test_one_poison_message_among_five_hundred(
    writer: Connection, clerk: Connection, devices: Devices, poison: Content
) -> None:
    contents: list[Content] = [[Row(minute=at), Factor(minute=at)] for at in range(500)]
    contents[250] = poison
    made = batch(*contents)
    result = write_batch(writer, made, devices)
    assert [at for at, outcome in enumerate(result.outcomes) if outcome != "stored"] == [250]
    assert list(result.rejections) == [250]
    [kept] = read_rejects(clerk)
    assert (kept.payload, kept.device_id, kept.reason) == (made.messages[250].payload, "explicit", "database_refused")
    assert kept.detail == result.rejections[250].detail != ""
    counts = clerk.execute(
        "select (select count(*) from air_reading), (select count(*) from factor_reading)"
    ).fetchone()
    assert counts == (499, 499)
    balance = read_balance(clerk)
    assert (balance.stored, balance.rejected, balance.balanced) == (499, 1, True)


def test_poison_beside_duplicates_and_revisions(writer: Connection, clerk: Connection, devices: Devices) -> None:
    write_batch(writer, batch([Row()], [Row(minute=1)]), devices)
    contents: list[Content] = [
        [Row()],
        [Row(minute=2), Row(minute=3, mark="NN")],
        [Row(minute=1, value=7)],
        [Row(minute=2, value=9)],
        [Row(minute=4, span_s=-1)],
    ]
    result = write_batch(writer, batch(*contents), devices)
    assert result.outcomes == ["duplicate", "rejected", "revised", "stored", "rejected"]
    assert clerk.execute("select pm25 from air_reading order by time").fetchall() == [(1.0,), (1.0,), (9.0,)]
    fold_notes(clerk)
    assert clerk.execute("select count(*) from dirty_hour").fetchone() == (1,)
    assert read_balance(clerk).balanced


def test_a_batch_of_poison_only(writer: Connection, clerk: Connection, devices: Devices) -> None:
    assert write_batch(writer, batch(*[[Row(mark="")]] * 20), devices).outcomes == ["rejected"] * 20
    assert read_balance(clerk).balanced


def test_infinite_times_and_values_do_not_crash(writer: Connection, devices: Devices) -> None:
    made = batch([Row()], [Row(minute=1)], [Row(minute=2, value=float("-inf"))])
    limits = (2**63 - 1, -(2**63))
    made.readings["air"].times_us[:2] = limits
    result = write_batch(writer, made, devices)
    assert result.outcomes == ["rejected", "rejected", "stored"]
