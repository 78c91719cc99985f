"""A county with a small reduction list and somebody to tell at each enterprise; a smaller one for alerts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from alert_scene import furnish
from receiver import Receiver

from domain.county import load_county
from domain.reduction_register import REDUCTION_LINE, REDUCTION_MEASURE
from domain.register import Register
from store.connection import Connection, connect
from store.register import Author, Change, write_changes
from store.registry import load_county as enter_county


@pytest.fixture
def desk(database: Any) -> Iterator[Connection]:
    """A connection of the jobs, in a database furnished for alerts."""
    furnish(database)
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        yield conn


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook's receiver."""
    one = Receiver()
    yield one
    one.close()


def enter(conn: Connection, register: Register, *entries: dict[str, Any]) -> None:
    """Add entries as they are, what they do not tell is None."""
    empty = {field.key: None for field in register.fields}
    changes = [Change("add", {"area_id": "zhongyang", **empty, **entry}, 0) for entry in entries]
    write_changes(conn, register, changes, Author("测试", ""))


def line(name: str, enterprise: str, process: str, **emission: float) -> dict[str, Any]:
    return {"id": name, "enterprise_id": enterprise, "name_zh": f"{name}线", "process": process, **emission}


def measure(name: str, enterprise: str | None, level: str, kind: str, **more: Any) -> dict[str, Any]:
    scope = {"scope": "enterprise" if enterprise else "industry", "enterprise_id": enterprise}
    return {"id": name, **scope, "level": level, "kind": kind, "detail": "按方案执行", **more}


@pytest.fixture
def county(database: Any) -> Iterator[Connection]:
    """The five enterprises: steel B with sinter and blast furnace, coking C, a cement works A, the others ungraded."""
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        enter_county(conn, load_county("zhongyang"))
        for enterprise, grade in {"zhongyang-steel": "B", "fuyu-coking": "C", "taoyuan-cement": "A"}.items():
            conn.execute("update enterprise set grade = %s, permit = true where id = %s", (grade, enterprise))
        enter(
            conn,
            REDUCTION_LINE,
            line("sinter-1", "zhongyang-steel", "sinter", so2_t_d=2.0, nox_t_d=4.0, pm_t_d=1.0),
            line("furnace-1", "zhongyang-steel", "blast_furnace", so2_t_d=1.0, nox_t_d=2.0, pm_t_d=2.0),
            line("oven-1", "fuyu-coking", "coke_oven", so2_t_d=1.0, nox_t_d=2.0, pm_t_d=1.0, vocs_t_d=0.5),
            line("kiln-1", "taoyuan-cement", "cement_kiln", nox_t_d=2.0, pm_t_d=1.0),
        )
        enter(
            conn,
            REDUCTION_MEASURE,
            measure("m1", "zhongyang-steel", "yellow", "limit", line_id="sinter-1", limit_percent=50.0),
            measure("m2", "zhongyang-steel", "orange", "stop", line_id="sinter-1"),
            measure("m3", "zhongyang-steel", "red", "stop", line_id="sinter-1"),
            measure("m4", "zhongyang-steel", "red", "stop", line_id="furnace-1"),
            measure("m5", "fuyu-coking", "orange", "process", line_id="oven-1", reduction_percent=30.0),
            measure("m6", "fuyu-coking", "red", "limit", line_id="oven-1", limit_percent=40.0),
            measure("m7", None, "orange", "transport", industry="水泥", stage="stage4", months="11-01..03-31"),
            measure("m8", "taoyuan-cement", "red", "self", line_id="kiln-1", reduction_percent=35.0),
        )
        for enterprise in ("zhongyang-steel", "fuyu-coking", "taoyuan-cement", None):
            name = f"contact-{enterprise or 'duty'}"
            conn.execute("insert into contact (id, enterprise_id, name_zh) values (%s, %s, '值班')", (name, enterprise))
            conn.execute("insert into contact_channel values (%s, 'mail', %s)", (name, f"{name}@localhost"))
        yield conn


NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
