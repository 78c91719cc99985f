"""Compression where the edition has none: said clearly; the statements run in benchmarks/compression.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from app.main import main
from domain.error import ConfigurationError
from store.compression import LAYOUTS, apply, outstanding
from store.connection import connect
from store.storage import read_storage


@pytest.fixture
def cli(database: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    for role in ("owner", "writer", "app", "reader"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    return lambda *arguments: CliRunner().invoke(main, arguments)


def test_the_apache_edition_is_told_apart_and_nothing_is_wanted_without_settings(database: Any) -> None:
    with connect(database.url("lantian_owner")) as conn:
        assert apply(conn, {"reading": 0, "raw_frame": 0}) == []
        with pytest.raises(
            ConfigurationError, match=r"compress_raw_frame_days = 30: the database has the Apache edition"
        ):
            outstanding(conn, {"reading": 0, "raw_frame": 30})


def test_every_key_is_in_its_layout_so_that_duplicates_are_recognised(database: Any) -> None:
    with connect(database.url("lantian_app")) as conn:
        hypertables = {name for (name,) in conn.execute(
            "select hypertable_name from timescaledb_information.hypertables where hypertable_schema = 'lantian'"
        )}  # fmt: skip
        keys: dict[str, set[str]] = {}
        for table, column in conn.execute(
            "select indrelid::regclass::text, attname from pg_index join pg_attribute on attrelid = indrelid"
            " and attnum = any (indkey) where indisunique"
        ):
            keys.setdefault(table, set()).add(column)
    assert {layout.table for layout in LAYOUTS} == hypertables - {"quality_result"}
    for layout in LAYOUTS:
        assert keys.get(layout.table, set()) <= set(f"{layout.segment_by}, {layout.order_by}".split(", ")), layout


def test_sizes_are_shown_for_every_hypertable(database: Any, cli: Callable[..., Result]) -> None:
    with connect(database.url("lantian_owner")) as conn:
        conn.execute(
            "insert into raw_frame (received_at, topic, payload, outcome, batch_id)"
            " select '2026-03-01'::timestamptz + n * interval '1 day', 't', 'p', 'stored', 1"
            " from generate_series(1, 3) n"
        )
    with connect(database.url("lantian_app")) as conn:
        found = read_storage(conn)
    assert found[0].table == "raw_frame"
    assert (found[0].chunks, found[0].compressed, found[0].size_bytes > 0) == (3, 0, True)
    assert len(found) == len(LAYOUTS) + 1
    told = cli("storage", "show")
    assert (told.exit_code, "raw_frame" in told.output) == (0, True)


def test_settings_that_the_edition_cannot_follow_stop_apply_and_migrate(
    cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "compression is as the settings say" in cli("storage", "apply").output
    monkeypatch.setenv("LANTIAN_COMPRESS_READING_DAYS", "14")
    for command in (["storage", "apply"], ["migrate"]):
        told = cli(*command)
        assert (told.exit_code, "Apache edition of TimescaleDB" in told.output) == (2, True)


def test_statements_can_be_printed_for_an_administrator(cli: Callable[..., Result]) -> None:
    lines = cli("storage", "statements", "--days", "20").output.splitlines()
    assert len(lines) == 3 * len(LAYOUTS)
    assert "select add_compression_policy('lantian.raw_frame', interval '20 days');" in lines
