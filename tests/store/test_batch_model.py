"""Random batches against a model of a few lines: a dictionary that handles one row after the other."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from batch_builder import START, Factor, Row, batch, message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.error import REASONS
from store.batch import Rejection, write_batch
from store.connection import Connection
from store.ledger import read_balance
from store.registry import RegisteredDevice
from store.revision import read_effective

Devices = Mapping[str, RegisteredDevice]
VALUES = st.sampled_from([0.0, 1.5, math.nan])
OWNERS = st.sampled_from(["explicit", "accept", "review"])
ROWS = st.builds(Row, OWNERS, st.integers(0, 2), VALUES, st.sampled_from("ND"), st.booleans())
FACTORS = st.builds(Factor, OWNERS, st.integers(0, 1), VALUES, st.sampled_from([None, "x"]), announced=st.booleans())
#: A row that the database refuses.
POISON = st.builds(Row, OWNERS, st.integers(0, 2), VALUES, st.just("NN"))
CONTENTS = st.one_of(
    st.lists(ROWS, max_size=3),
    st.lists(st.one_of(ROWS, FACTORS), min_size=1, max_size=4),
    st.tuples(ROWS, POISON),
    st.builds(Rejection, st.sampled_from(sorted(REASONS)), st.text(max_size=5)),
)


@dataclass
class Model:
    """What the database should hold. A content is (value, text, mark) as comparable texts."""

    originals: dict[tuple[object, ...], tuple[str, ...]] = field(default_factory=dict)
    revisions: dict[tuple[object, ...], dict[tuple[str, ...], bool]] = field(default_factory=dict)
    seen: set[bytes] = field(default_factory=set)

    def write(self, rows: list[Row | Factor], payload: bytes, counts: Counter[str]) -> str:
        known = payload in self.seen
        self.seen.add(payload)
        if any(isinstance(row, Row) and row.mark == "NN" for row in rows):
            return "rejected"
        became = [self._row(row, known) for row in rows]
        counts.update(became)
        if "revised" in became:
            return "revised"
        return "duplicate" if became and "stored" not in became else "stored"

    def _row(self, row: Row | Factor, known: bool) -> str:
        if isinstance(row, Row):
            key: tuple[object, ...] = ("air", row.device, row.minute)
            content = (str(row.value), "", row.mark)
        else:
            key = ("factor", row.device, row.minute)
            content = ("nan" if row.text else str(row.value), str(row.text), row.mark)
        if key not in self.originals:
            self.originals[key] = content
            return "stored"
        revisions = self.revisions.setdefault(key, {})
        going_back = row.announced and any(revisions.values()) and not known
        if content in revisions or (content == self.originals[key] and not going_back):
            return "duplicate"
        revisions[content] = row.device == "accept" or (row.device == "explicit" and row.announced)
        return "revised"

    def effective(self, key: tuple[object, ...]) -> tuple[str, ...]:
        accepted = [content for content, counted in self.revisions.get(key, {}).items() if counted]
        return accepted[-1] if accepted else self.originals[key]


@pytest.mark.timeout(120)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(CONTENTS, st.booleans()), min_size=1, max_size=8), min_size=1, max_size=4))
def test_random_batches_agree_with_the_model(
    writer: Connection, clerk: Connection, devices: Devices, batches: list[list[tuple[Any, bool]]]
) -> None:
    hour, before = next(_hours), _last_batch(clerk)
    model, counts, past = Model(), Counter[str](), []
    for drawn in batches:
        contents, messages = [], []
        for content, again in drawn:
            if again and past:
                one = past[len(past) // 2]
            else:
                shifted = content if isinstance(content, Rejection) else [_at(row, hour) for row in content]
                one = (shifted, message(shifted))
            past.append(one)
            contents.append(one[0])
            messages.append(one[1])
        result = write_batch(writer, batch(*contents, messages=messages), devices)
        expected = [
            "rejected" if isinstance(content, Rejection) else model.write(content, one.payload, counts)
            for content, one in zip(contents, messages, strict=True)
        ]
        assert result.outcomes == expected
    balance = read_balance(clerk, after_batch=before)
    assert balance.balanced and balance.received == len(past)
    rows = (balance.rows_stored, balance.rows_duplicate, balance.rows_revised)
    assert rows == (counts["stored"], counts["duplicate"], counts["revised"])
    start = START + dt.timedelta(hours=hour)
    found = read_effective(clerk, "air", ["explicit", "accept", "review"], (start, start + dt.timedelta(hours=1)))
    stored = {
        ("air", one.device_id, (one.time - START) // dt.timedelta(minutes=1)): (str(one.values[0]), "", one.mark[0])
        for one in found
    }
    assert stored == {key: model.effective(key) for key in model.originals if key[0] == "air"}


#: Every example has an hour of its own, so that none needs an empty database.
_hours = itertools.count()


def _at(row: Row | Factor, hour: int) -> Row | Factor:
    return replace(row, minute=row.minute + 60 * hour)


def _last_batch(clerk: Connection) -> int:
    row = clerk.execute("select coalesce(max(id), 0) from ledger").fetchone()
    assert row is not None
    return row[0]
