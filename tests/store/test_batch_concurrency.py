"""Two collectors that receive the same readings: nobody waits in a circle, every row is counted once."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from batch_builder import Factor, Row, batch

from domain.error import ServiceError
from store.batch import BatchResult, write_batch
from store.connection import Connection, connect
from store.ledger import read_balance
from store.registry import RegisteredDevice

Devices = Mapping[str, RegisteredDevice]
ROUNDS = 6
KEYS = 300


def _contents(seed: int, round_: int, value: float) -> list[list[Row | Factor]]:
    """The same keys for every writer, in another order for each."""
    owners = [("explicit", "air"), ("accept", "air"), ("chimney", "stack")]
    rows: list[list[Row | Factor]] = []
    for at in range(KEYS):
        device, family = owners[at % 3]
        minute = round_ * KEYS + at // 3
        rows.append([Row(device, minute, value, family=family), Factor(device, minute, value)])
    random.Random(seed + round_).shuffle(rows)
    return rows


def _run(database: Any, devices: Devices, values: tuple[float, float]) -> list[BatchResult]:
    barrier = threading.Barrier(2)

    def work(number: int) -> list[BatchResult]:
        results = []
        with connect(database.url("lantian_writer")) as conn:
            for round_ in range(ROUNDS):
                made = batch(*_contents(number, round_, values[number]))
                barrier.wait(30)
                results.append(write_batch(conn, made, devices))
        return results

    with ThreadPoolExecutor(2) as pool:
        return [result for results in pool.map(work, range(2)) for result in results]


def test_equal_rows_are_stored_once(database: Any, clerk: Connection, devices: Devices) -> None:
    results = _run(database, devices, (1.0, 1.0))
    balance = read_balance(clerk)
    assert balance.balanced and balance.received == 2 * ROUNDS * KEYS
    assert (balance.stored, balance.duplicate, balance.revised) == (ROUNDS * KEYS, ROUNDS * KEYS, 0)
    assert sum(result.rows_stored for result in results) == 2 * ROUNDS * KEYS
    counts = clerk.execute(
        "select (select count(*) from air_reading) + (select count(*) from stack_reading),"
        " (select count(*) from factor_reading)"
    ).fetchone()
    assert counts == (ROUNDS * KEYS, ROUNDS * KEYS)


def test_different_values_for_one_key_are_one_original_and_one_revision(
    database: Any, clerk: Connection, devices: Devices
) -> None:
    _run(database, devices, (1.0, 2.0))
    balance = read_balance(clerk)
    assert (balance.rows_stored, balance.rows_revised, balance.rows_duplicate) == (
        2 * ROUNDS * KEYS,
        2 * ROUNDS * KEYS,
        0,
    )
    assert clerk.execute("select count(*) from revision").fetchone() == (2 * ROUNDS * KEYS,)


def test_a_cut_connection_writes_nothing_and_may_be_tried_again(
    database: Any, clerk: Connection, devices: Devices
) -> None:
    made = batch([Row()], [Row(minute=1)])
    with connect(database.url("lantian_writer")) as conn:
        with connect(database.url("postgres"), autocommit=True) as executioner:
            executioner.execute("select pg_terminate_backend(%s)", (conn.info.backend_pid,))
        try:
            write_batch(conn, made, devices)
            raise AssertionError("found a batch written through a dead connection")
        except ServiceError as error:
            assert error.retryable
    assert read_balance(clerk).received == 0
    with connect(database.url("lantian_writer")) as conn:
        assert write_batch(conn, made, devices).outcomes == ["stored", "stored"]


def test_a_locked_table_is_a_transient_error(database: Any, devices: Devices) -> None:
    with connect(database.url("lantian_owner")) as blocker:
        blocker.execute("lock table air_reading in access exclusive mode")
        with connect(database.url("lantian_writer"), statement_timeout_s=0.2) as conn:
            try:
                write_batch(conn, batch([Row()]), devices)
                raise AssertionError("found a batch written into a locked table")
            except ServiceError as error:
                assert "57014" in str(error)
            blocker.rollback()
            assert write_batch(conn, batch([Row()]), devices).outcomes == ["stored"]
