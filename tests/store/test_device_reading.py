"""Readings as checks and settlement see them: revisions, marks, spans, thinning, order."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from domain.family import STACK, VEHICLE, Family
from store.connection import Connection, connect
from store.device_reading import DeviceReadings, read_device_readings, read_last_time, read_subjects
from store.registry import RegisteredDevice

NOON = dt.datetime(2026, 11, 25, 4, tzinfo=dt.UTC)


@pytest.fixture
def owner(database: Any, devices: Mapping[str, RegisteredDevice]) -> Iterator[Connection]:
    with connect(database.url("lantian_owner"), autocommit=True) as conn:
        yield conn


def put(  # noqa: PLR0917 - a row
    owner: Connection,
    family: Family,
    device: str,
    second: int,
    values: dict[str, float],
    mark: str = "N",
    span_s: int = 60,
) -> None:
    names = ", ".join(values)
    flag = "".join("1" if key in values else "9" for key in family.keys)
    owner.execute(
        f"insert into {family.table} (device_id, time, span_s, {names}, flag, mark, received_at)"
        f" values (%s, %s, %s, {', '.join(['%s'] * len(values))}, %s, %s, now())",
        (device, NOON + dt.timedelta(seconds=second), span_s, *values.values(), flag, mark * family.width),
    )


def read(conn: Connection, family: Family, devices: list[str], **options: int) -> DeviceReadings:
    return read_device_readings(conn, family, devices, low=NOON, high=NOON + dt.timedelta(hours=1), **options)


def test_rows_come_by_device_and_time_with_marks(owner: Connection, clerk: Connection) -> None:
    put(owner, STACK, "chimney", 60, {"so2": 12.0, "o2": 13.5}, "M")
    put(owner, STACK, "chimney", 0, {"so2": 11.0})
    put(owner, STACK, "chimney", 0, {"so2": 10.0}, span_s=0)
    put(owner, STACK, "chimney", -60, {"so2": 9.0})
    put(owner, STACK, "chimney", 3600, {"so2": 9.0})
    found = read(clerk, STACK, ["nobody", "chimney"])
    assert found.device.tolist() == [1, 1, 1]
    assert (found.times_s - int(NOON.timestamp())).tolist() == [0, 0, 60]
    assert found.spans_s.tolist() == [0, 60, 60]
    so2, o2 = STACK.position("so2"), STACK.position("o2")
    assert found.values[:, so2].tolist() == [10.0, 11.0, 12.0]
    assert np.isnan(found.values[:2, o2]).all() and found.values[2, o2] == 13.5
    assert [bytes(row[:1]) for row in found.marks] == [b"N", b"N", b"M"]
    assert found.flags[2, [so2, STACK.position("pm")]].tolist() == [1, 9]
    assert read(clerk, STACK, ["chimney"], longest_s=0).spans_s.tolist() == [0]
    assert len(read(clerk, STACK, []).times_s) == 0


def test_an_accepted_revision_replaces_values_flags_and_marks(owner: Connection, clerk: Connection) -> None:
    put(owner, STACK, "chimney", 0, {"so2": 11.0, "o2": 13.0})
    flag = "".join("1" if key == "so2" else "9" for key in STACK.keys)
    for so2, status in ((7.0, "proposed"), (8.0, "accepted")):
        owner.execute(
            "insert into revision (family, device_id, time, span_s, new_values, flag, mark, received_at, announced,"
            " status, decided_by, decided_at) values ('stack', 'chimney', %s, 60, %s, %s, %s, now(), true, %s, %s, %s)",
            (
                NOON,
                json.dumps(dict.fromkeys(STACK.keys) | {"so2": so2}),
                flag,
                "D" * STACK.width,
                status,
                *(("审核员", NOON) if status == "accepted" else (None, None)),
            ),
        )
    found = read(clerk, STACK, ["chimney"])
    assert found.values[0, STACK.position("so2")] == 8.0
    assert np.isnan(found.values[0, STACK.position("o2")])
    assert bytes(found.marks[0]) == b"D" * STACK.width


def test_a_stream_is_thinned_but_never_loses_the_lamp(owner: Connection, clerk: Connection) -> None:
    for second in range(25):
        put(owner, VEHICLE, "truck", second, {"speed": 50.0} if second != 13 else {"mil": 1.0}, span_s=0)
    found = read(clerk, VEHICLE, ["truck"], every_s=10)
    assert (found.times_s - int(NOON.timestamp())).tolist() == [0, 10, 13, 20]
    assert read_last_time(clerk, VEHICLE, "truck", NOON + dt.timedelta(seconds=20)) == NOON + dt.timedelta(seconds=19)
    assert read_last_time(clerk, VEHICLE, "truck", NOON) is None


def test_rows_chosen_and_joined(owner: Connection, clerk: Connection) -> None:
    for second in (0, 60, 120):
        put(owner, STACK, "chimney", second, {"so2": float(second)})
    found = read(clerk, STACK, ["chimney"])
    joined = found.rows(found.times_s < found.times_s[1]).followed_by(found.rows(found.times_s > found.times_s[1]))
    assert joined.values[:, STACK.position("so2")].tolist() == [0.0, 120.0]
    assert joined.received_s.shape == (2,)


def test_subjects_are_devices_in_service(owner: Connection, clerk: Connection) -> None:
    (truck,) = read_subjects(clerk, "vehicle")
    assert (truck.device, truck.site, truck.site_kind, truck.enterprise) == ("truck", "s-truck", "vehicle", None)
    owner.execute("update device set retired_at = now() where id = 'truck'")
    assert read_subjects(clerk, "vehicle") == []
