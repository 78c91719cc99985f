"""The registry, county data sets and reference tables."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import psycopg
import pytest

from domain.county import load_county as county_from
from domain.document import editions
from domain.error import REASONS, ConfigurationError
from domain.factor import unit_preset
from domain.standard import limit_rows
from store.connection import Connection, connect
from store.reference import load_reference
from store.registry import (
    NewDevice,
    RegisteredDevice,
    load_county,
    read_devices,
    retire_device,
    set_units,
    upsert_device,
)


def test_a_county_is_loaded_twice_without_a_difference(clerk: Connection) -> None:
    county = county_from("zhongyang")
    counts = []
    for _ in range(2):
        load_county(clerk, county)
        counts.append(
            clerk.execute(
                "select (select count(*) from enterprise), (select count(*) from site), (select count(*) from device),"
                " (select count(*) from target), (select count(*) from time_window), (select count(*) from device_unit)"
            ).fetchone()
        )
    assert counts[0] == counts[1]
    sizes = [
        len(part) for part in (county.enterprises, county.sites, county.devices, county.targets, county.time_windows)
    ]
    assert counts[0] is not None
    assert list(counts[0][:5]) == [sizes[0], sizes[1] + 1, *sizes[2:]]
    area = clerk.execute("select id, kind, evaluated, longitude from site where kind = 'area'").fetchall()
    assert area == [(county.id, "area", False, county.longitude)]
    devices = read_devices(clerk)
    for device in county.devices:
        found = devices[device.id]
        assert (found.site_id, found.mn, found.revision_policy) == (device.site, device.mn, device.revision_policy)
        assert found.units == dict(unit_preset(device.unit_preset, device.family))
    targets = {
        row[0]: row[1:] for row in clerk.execute("select id, statistic, due_on, position from target").fetchall()
    }
    assert targets["o3_8h_p90"][:2] == ("p90", dt.date(2025, 12, 31))
    assert targets["monitor_online"][:2] == ("transmission", None)
    assert [targets[target.id][2] for target in county.targets] == list(range(1, len(county.targets) + 1))


def test_loading_again_keeps_what_people_entered_and_takes_what_the_data_set_says(clerk: Connection) -> None:
    county = county_from("zhongyang")
    load_county(clerk, county)
    first = county.enterprises[0]
    clerk.execute(
        "update enterprise set grade = 'B', permit_number = '91140000', name_zh = '' where id = %s", (first.id,)
    )
    load_county(clerk, county)
    row = clerk.execute("select grade, permit_number, name_zh from enterprise where id = %s", (first.id,)).fetchone()
    assert row == (first.grade or "B", "91140000", first.name_zh)
    graded = dataclasses.replace(first, grade="C")
    load_county(clerk, dataclasses.replace(county, enterprises=(graded, *county.enterprises[1:])))
    assert clerk.execute("select grade from enterprise where id = %s", (first.id,)).fetchone() == ("C",)


def test_a_device_is_changed_retired_and_brought_back(clerk: Connection, devices: dict[str, RegisteredDevice]) -> None:
    before = devices["explicit"]
    retired = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    retire_device(clerk, "explicit", retired)
    assert read_devices(clerk)["explicit"].retired_at == retired
    with pytest.raises(ConfigurationError, match="'explicit'"):
        retire_device(clerk, "explicit", retired)
    upsert_device(clerk, NewDevice("explicit", "s-air", "hj212", "air", mn="1", label="end"))
    after = read_devices(clerk)["explicit"]
    assert (after.protocol, after.label, after.mn, after.retired_at) == ("hj212", "end", "1", None)
    assert after.registered_at == before.registered_at
    with pytest.raises(psycopg.errors.UniqueViolation):
        upsert_device(clerk, NewDevice("accept", "s-air", "hj212", "air", mn="1"))


def test_units_are_replaced_as_a_whole(clerk: Connection, devices: dict[str, RegisteredDevice]) -> None:
    assert devices["explicit"].units == {}
    set_units(clerk, "explicit", {"a34004": "mg/m³", "a21026": "ppb"})
    set_units(clerk, "explicit", {"a34004": "µg/m³"})
    assert read_devices(clerk)["explicit"].units == {"a34004": "µg/m³"}


def test_reference_tables_say_what_domain_says(clerk: Connection, database: Any) -> None:
    for _ in range(2):
        with connect(database.url("lantian_app")) as conn:
            load_reference(conn)
    found = clerk.execute(
        "select edition, area_class, pollutant, averaging, value, valid_from, valid_to from limit_value"
    )
    expected = {
        (edition.id, row.area_class, row.pollutant, row.averaging, row.value, edition.valid_from, edition.valid_to)
        for edition in editions("limits")
        for row in limit_rows(edition.id)
    }
    assert set(found.fetchall()) == expected
    assert dict(clerk.execute("select code, name_zh from reason").fetchall()) == REASONS
    levels = clerk.execute("select edition, count(*), max(aqi_high) from aqi_level group by 1 order by 1").fetchall()
    assert levels == [("hj633-2012", 6, 500), ("hj633-2026", 6, 500)]
    keys = clerk.execute("select key from pollutant order by position").fetchall()
    assert [key for (key,) in keys] == ["pm25", "pm10", "so2", "no2", "co", "o3"]
