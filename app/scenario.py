"""Playing a scenario file: its devices enter the registry, and a troupe of simulated devices lives them."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from app.scenario_link import wire
from app.service.access import local_access
from app.service.address import database_url
from app.service.device_key import device_keys, generated_key
from app.settings import Settings
from domain.county import County, Site, load_county
from domain.county import Device as CountyDevice
from domain.factor import unit_preset
from firmware_sim.device import KINDS, Device, World
from firmware_sim.fleet import Tally
from firmware_sim.outbox import Outbox
from firmware_sim.scenario_file import Scenario
from firmware_sim.troupe import Troupe
from firmware_sim.weather import Sky
from store.connection import connect
from store.error import translated
from store.registry import RegisteredDevice, read_devices, restore_simulated, retire_simulated, set_columns, set_units
from store.registry import load_county as enter_county

#: Codes that a simulated meter or monitor of operating conditions calls its own: code -> (plant column, unit).
PLANT_CODES: Final = {
    "P": ("power", "kW"),
    "PF": ("power_factor", "1"),
    "running": ("running", "1"),
    **{f"U{phase}": (f"voltage_{phase}", "V") for phase in "abc"},
    **{f"I{phase}": (f"current_{phase}", "A") for phase in "abc"},
}
#: The collector reads the registry again for an unknown device, at most once a second.
REGISTRY_S: Final = 1.5


def scenario_county(scenario: Scenario, county: County) -> County:
    """The county with the scenario's own sites and devices in place of its own."""
    sites = tuple(
        Site(
            device.site, device.name_zh, KINDS[device.kind].site_kind, scenario.townships.get(device.id, ""),
            device.longitude, device.latitude, False, county.id, device.enterprise or None,
            f"模拟设备，场景 {scenario.name}",
        )
        for device in scenario.own
    )  # fmt: skip
    devices = tuple(
        CountyDevice(
            device.id, device.site, KINDS[device.kind].family, device.protocol, identity(device), device.span_s,
            device.interval_s, "start", preset(device), "explicit",
        )
        for device in scenario.own
    )  # fmt: skip
    return replace(county, sites=sites, devices=devices, lines=(), outlets=())


def identity(device: Device) -> str | None:
    """What the registry knows the device by beside its id: MN, VIN or nothing."""
    return {"hj212": device.mn, "gb17691": device.vin}.get(device.protocol)


def preset(device: Device) -> str:
    """Units in which it sends its factors."""
    return KINDS[device.kind].unit_preset if device.protocol == "hj212" else "canonical"


def register(scenario: Scenario, county: County, url: str) -> int:
    """Enter the scenario's sites and devices into the registry; how many devices were new or changed.

    What is registered already as the scenario has it is left alone, so that playing again is quick.
    """
    wanted = scenario_county(scenario, county)
    with translated("register the scenario's devices"), connect(url, application_name="lantian simulate") as conn:
        known = read_devices(conn)
        changed = tuple(one for one in wanted.devices if not _same(one, known.get(one.id)))
        if changed:
            places = {one.site for one in changed}
            sites = tuple(one for one in wanted.sites if one.id in places)
            enter_county(conn, replace(wanted, sites=sites, devices=changed))
            restore_simulated(conn, [one.id for one in sites])
            for device in changed:
                if device.family == "plant" and device.protocol == "hj212":
                    units = {code: unit for code, (_, unit) in PLANT_CODES.items()}
                    set_units(conn, device.id, {**unit_preset(device.unit_preset, device.family), **units})
                    set_columns(conn, device.id, {code: column for code, (column, _) in PLANT_CODES.items()})
        conn.commit()
    return len(changed)


def _same(device: CountyDevice, known: RegisteredDevice | None) -> bool:
    names = ("protocol", "family", "mn", "span_s", "interval_s")
    return (
        known is not None
        and known.retired_at is None
        and all(getattr(device, name) == getattr(known, name) for name in names)
    )


def register_and_wait(scenario: Scenario, county: County, settings: Settings) -> None:
    """Register, and give the collector time to look again when there are new devices; those that encrypt get a key."""
    keys = device_keys(settings)
    for name in sorted({one.id for one in scenario.own if one.encrypted} - set(keys.load())):
        keys.add(name, generated_key())
    if register(scenario, county, database_url(settings)):
        time.sleep(REGISTRY_S)


def retire(scenario: Scenario, settings: Settings, at: dt.datetime) -> int:
    """Take the scenario's devices and sites out of the registry, their keys and credentials away.

    Parameters
    ----------
    scenario : Scenario
        Only what its file declares and what is registered as simulated is touched; readings stay.
    settings : Settings
        Where database and broker are.
    at : datetime
        The moment.

    Returns
    -------
    int
        Devices retired.
    """
    wanted = scenario_county(scenario, load_county(settings.county))
    notes = {one.id: one.note or "" for one in wanted.sites}
    with (
        translated("retire the scenario's devices"),
        connect(database_url(settings), application_name="lantian simulate") as conn,
    ):
        gone = retire_simulated(conn, notes, at)
        conn.commit()
    keys = device_keys(settings)
    for name in sorted(set(gone) & set(keys.load())):
        keys.remove(name)
    if settings.broker_is_local:
        access = local_access(settings)
        for name in sorted(set(gone) & set(access.home.credential_file.load().devices)):
            access.revoke(name, at)
    return len(gone)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario is played: the devices' memory, the weather, the clock, and who is told what happened."""

    outbox: Outbox
    sky: Sky
    time_s: Callable[[float], float]
    report: Callable[[Troupe, Tally, float], None]


def play(scenario: Scenario, settings: Settings, stage: Stage, stopped: Callable[[], bool]) -> None:
    """Let the scenario's devices live until `stopped`; they say goodbye, and what is unanswered is kept.

    Parameters
    ----------
    scenario : Scenario
        What to play; its devices are registered.
    settings : Settings
        Where the broker is.
    stage : Stage
        Outbox, weather and clock.
    stopped : callable
        Asked all the time.
    """
    keys = device_keys(settings).load() if any(one.encrypted for one in scenario.devices) else {}
    devices = [replace(one, key=keys[one.id][0]) if one.encrypted else one for one in scenario.devices]
    began_s = stage.time_s(time.time())
    wiring = wire(scenario, settings, began_s)
    world = World(stage.sky, scenario.bypasses, scenario.curtailments)
    troupe = Troupe(world, devices, stage.outbox, links=wiring.links, inbox=wiring.inbox, from_s=scenario.start_s)
    troupe.recall(scenario.history_s)
    troupe.start()
    next_report = time.monotonic() + 5.0
    try:
        while not stopped():
            now_s = stage.time_s(time.time())
            troupe.step(now_s)
            if time.monotonic() >= next_report:
                next_report = time.monotonic() + 60.0
                tally, troupe.tally = troupe.tally, Tally()
                stage.report(troupe, tally, now_s)
    finally:
        now_s = stage.time_s(time.time())
        troupe.stop(now_s)
        wiring.close()
        stage.report(troupe, troupe.tally, now_s)
