"""A small registry and connections of the roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from store.connection import Connection, connect
from store.registry import NewDevice, NewSite, RegisteredDevice, read_devices, upsert_device, upsert_site

#: Device -> family; the first three are named after their revision policy and share site `s-air` but for `accept`.
DEVICES = {"explicit": "air", "accept": "air", "review": "air", "chimney": "stack", "truck": "vehicle", "mill": "plant"}


@pytest.fixture
def devices(database: Any) -> Mapping[str, RegisteredDevice]:
    """Six registered devices at five sites of area x."""
    with connect(database.url("lantian_app")) as conn:
        conn.execute("insert into area (id, name_zh) values ('x', '测试县')")
        for site, kind in {
            "s-air": "ambient", "s-accept": "micro", "s-stack": "stack", "s-truck": "vehicle", "s-mill": "plant"
        }.items():  # fmt: skip
            upsert_site(conn, NewSite(site, "x", kind, site))
        sites = ("s-air", "s-accept", "s-air", "s-stack", "s-truck", "s-mill")
        for (device, family), site in zip(DEVICES.items(), sites, strict=True):
            policy = device if device in ("accept", "review") else "explicit"
            upsert_device(conn, NewDevice(device, site, "json", family, revision_policy=policy))
        return read_devices(conn)


@pytest.fixture
def writer(database: Any) -> Iterator[Connection]:
    """A collector's connection."""
    with connect(database.url("lantian_writer")) as conn:
        yield conn


@pytest.fixture
def clerk(database: Any) -> Iterator[Connection]:
    """A connection of the jobs and the console; every statement commits."""
    with connect(database.url("lantian_app"), autocommit=True) as conn:
        yield conn
