"""Rows that a collector knows: changed in order, and made again when somebody has deleted them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from batch_builder import Row, batch

from store.arrival import arrivals_of
from store.batch import write_batch
from store.block import wide_rows
from store.connection import Connection, connect
from store.device_day import day_counts
from store.device_state import state_notes
from store.known_row import _IN_ORDER
from store.receipt import Receipt, Statement
from store.registry import RegisteredDevice

Devices = Mapping[str, RegisteredDevice]


def counters(clerk: Connection) -> list[Any]:
    """Messages and readings by device; readings are of another day than their receipt."""
    return clerk.execute(
        "select device_id, sum(messages), sum(readings) from device_day group by 1 order by 1"
    ).fetchall()


def test_known_rows_are_counted_on_and_made_again_when_deleted(
    database: Any, writer: Connection, clerk: Connection, devices: Devices
) -> None:
    for minute in range(3):
        write_batch(writer, batch([Row("explicit", minute)], [Row("accept", minute)]), devices)
    assert counters(clerk) == [("accept", 3, 3), ("explicit", 3, 3)]
    with connect(database.url("lantian_owner"), autocommit=True) as owner:
        owner.execute("delete from device_day where device_id = 'accept'")
        owner.execute("delete from device_state")
    write_batch(writer, batch([Row("explicit", 3)], [Row("accept", 3)]), devices)
    assert counters(clerk) == [("accept", 1, 1), ("explicit", 4, 4)]
    assert clerk.execute("select count(*), count(last_time) from device_state").fetchone() == (2, 2)
    assert clerk.execute("select count(*), sum(rows_stored) from ledger").fetchone() == (4, 8)


def statements(devices: Devices) -> list[Statement]:
    made = batch([Row("explicit")], [Row("accept")], [Row("review")])
    arrivals = arrivals_of(made.messages)
    rows = wide_rows("air", made.readings["air"], arrivals.received_us)
    every = np.ones(len(rows.message), dtype=np.bool_)
    receipt = Receipt(made, arrivals, ["stored"] * 3, {}, [3, 0, 0])
    return [
        *state_notes(receipt, [(rows, every)], devices),
        *day_counts(arrivals, ["stored"] * 3, [(rows, every)], devices),
    ]


@pytest.mark.parametrize("held", [0, 3, 200, 5000])
@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
def test_known_rows_are_changed_in_the_order_in_which_they_are_told(
    database: Any, writer: Connection, devices: Devices, held: int, plans: str
) -> None:
    with connect(database.url("lantian_owner"), autocommit=True) as owner:
        owner.execute("insert into device_state (device_id) select 'd' || n from generate_series(1, %s) n", (held,))
        owner.execute(
            "insert into device_day (device_id, day) select 'd' || n, '2026-03-01' from generate_series(1, %s) n",
            (held,),
        )
        owner.execute("analyze device_state, device_day")
    writer.execute(_IN_ORDER)
    writer.execute("select set_config('plan_cache_mode', %s, true)", (plans,))
    for one in statements(devices):
        assert one.update is not None
        plan = " ".join(line for (line,) in writer.execute(f"explain {one.update}", one.parameters))
        assert "Nested Loop" in plan and not any(word in plan for word in ("Hash", "Merge", "Sort", "Seq Scan")), plan
