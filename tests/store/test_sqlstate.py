"""What a database error asks for."""

from __future__ import annotations

import psycopg
import pytest

from domain.error import ServiceError
from store.error import StoreError, kind, translated
from store.sqlstate import Kind, kind_of


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("22021", Kind.POISON),
        ("23514", Kind.POISON),
        ("08006", Kind.TRANSIENT),
        ("40P01", Kind.TRANSIENT),
        ("55P03", Kind.TRANSIENT),
        ("57P01", Kind.TRANSIENT),
        ("53100", Kind.STANDING),
        ("42501", Kind.STANDING),
        ("XX000", Kind.STANDING),
        (None, Kind.TRANSIENT),
    ],
)
def test_kind_of_a_state(state: str | None, expected: Kind) -> None:
    assert kind_of(state) is expected


def test_errors_without_state_are_transient_only_when_the_connection_broke() -> None:
    assert kind(psycopg.OperationalError("the connection is lost")) is Kind.TRANSIENT
    assert kind(psycopg.ProgrammingError("the query has 1 placeholder")) is Kind.STANDING


@pytest.mark.parametrize(
    ("error", "expected"),
    [(psycopg.errors.DeadlockDetected("x"), ServiceError), (psycopg.errors.UndefinedColumn("y"), StoreError)],
)
def test_translation_keeps_the_cause(error: psycopg.Error, expected: type[Exception]) -> None:
    with pytest.raises(expected, match=r"count sheep: .*SQLSTATE") as caught, translated("count sheep"):
        raise error
    assert caught.value.__cause__ is error
