"""The demonstration county's works: the shipped scenario speaks for the devices that the data set registers."""

from __future__ import annotations

import time
from typing import Any

import pytest

from app.scenario import identity, register
from app.service.supervisor import WORKS
from domain.county import County
from domain.county import load_county as county_data
from firmware_sim.device import KINDS
from firmware_sim.scenario_file import Scenario, load_scenario, scenario_path
from firmware_sim.troupe import RECALLED
from firmware_sim.works import OUTLETS
from store.connection import connect
from store.line import read_lines
from store.outlet import read_outlets
from store.registry import load_county


@pytest.fixture(scope="module")
def county() -> County:
    return county_data("zhongyang")


@pytest.fixture(scope="module")
def scenario(county: County) -> Scenario:
    return load_scenario(scenario_path(WORKS), county, time.time())


def test_the_scenario_plays_every_device_of_the_county_that_is_no_station(county: County, scenario: Scenario) -> None:
    stations = {site.id for site in county.sites if site.kind in ("ambient", "micro", "park")}
    registered = {
        device.id: (device.protocol, device.family, device.mn)
        for device in county.devices
        if device.site not in stations
    }
    played = {one.id: (one.protocol, KINDS[one.kind].family, identity(one)) for one in scenario.own}
    assert played == registered


def test_playing_it_registers_nothing(database: Any, county: County, scenario: Scenario) -> None:
    with connect(database.url("lantian_owner")) as conn:
        load_county(conn, county)
    assert register(scenario, county, database.url("lantian_app")) == 0


def test_every_line_has_its_treatment_its_outlet_and_meters_that_are_simulated(
    database: Any, county: County, scenario: Scenario
) -> None:
    with connect(database.url("lantian_owner")) as conn:
        load_county(conn, county)
        lines, outlets = read_lines(conn), {row.site: row for row in read_outlets(conn)}
    production = {name: line for name, line in lines.items() if line.kind == "production"}
    assert {line.treats for line in lines.values() if line.kind == "treatment"} == set(production)
    assert {line.outlet_site for line in production.values()} == set(outlets)
    kinds = {one.id: one.kind for one in scenario.own}
    assert all(kinds[meter] in RECALLED for line in lines.values() for meter in line.meters)
    oxygen = {row.site: row for row in outlets.values()}
    for one in scenario.own:
        if one.kind == "cems":
            site = next(device.site for device in county.devices if device.id == one.id)
            assert oxygen[site].duct_area_m2 == OUTLETS[one.outlet].area


def test_what_people_changed_of_lines_and_outlets_stays(database: Any, county: County) -> None:
    with connect(database.url("lantian_owner")) as conn:
        load_county(conn, county)
        conn.execute("update production_line set rated_power_kw = 1 where line_id = 'steel-sinter'")
        conn.execute("delete from line_meter where line_id = 'steel-sinter'")
        conn.execute("update outlet set permitted_pm_t = 7 where site_id = 'steel-sinter'")
        load_county(conn, county)
        line = read_lines(conn)["steel-sinter"]
        assert (line.rated_power_kw, dict(line.meters)) == (1, {})
        assert [row.permitted_pm_t for row in read_outlets(conn, ["steel-sinter"])] == [7]
