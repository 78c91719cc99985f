"""One county's data set, read from a folder: targets, time windows, enterprises, sites, devices, lines and outlets.

Another county is another folder with the same files; every bad row of every file is reported at once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from domain.error import ConfigurationError
from domain.network import DEVICE_COLUMNS, SITE_COLUMNS, Device, Site, device_row, site_row
from domain.plan import (
    ENTERPRISE_COLUMNS,
    TARGET_COLUMNS,
    WINDOW_COLUMNS,
    Enterprise,
    Target,
    TimeWindow,
    enterprise_row,
    target_row,
    window_row,
)
from domain.production import (
    LINE_COLUMNS,
    OUTLET_COLUMNS,
    LineWords,
    OutletRow,
    ProductionLine,
    line_row,
    outlet_row,
)
from domain.table import ID, Row, load_table, load_toml

__all__ = [
    "COUNTIES",
    "County",
    "Device",
    "Enterprise",
    "Site",
    "Target",
    "TimeWindow",
    "county_folder",
    "county_names",
    "load_county",
]

T = TypeVar("T")
COUNTIES: Final = Path(__file__).parent / "counties"


@dataclass(frozen=True, slots=True)
class County:
    """A county and everything its data set says."""

    id: str
    name_zh: str
    city_zh: str
    province_zh: str
    adcode: str
    longitude: float
    latitude: float
    area_class: int
    plan_zh: str
    targets: tuple[Target, ...]
    time_windows: tuple[TimeWindow, ...]
    enterprises: tuple[Enterprise, ...]
    sites: tuple[Site, ...]
    devices: tuple[Device, ...]
    lines: tuple[ProductionLine, ...] = ()
    outlets: tuple[OutletRow, ...] = ()


def county_names() -> tuple[str, ...]:
    """Names of the shipped counties."""
    return tuple(sorted(path.name for path in COUNTIES.iterdir() if path.is_dir()))


def county_folder(name_or_path: str | Path) -> Path:
    """Folder of a shipped county's data set, or the folder itself; `ConfigurationError` when there is none."""
    if str(name_or_path) in county_names():
        return COUNTIES / name_or_path
    folder = Path(name_or_path)
    if not folder.is_dir():
        raise ConfigurationError(
            f"county {str(name_or_path)!r} is neither a shipped one ({', '.join(county_names())}) nor a folder"
        )
    return folder


def _head(folder: Path) -> dict[str, str | float | int]:
    table = load_toml(folder / "county.toml")
    kinds: dict[str, tuple[type, ...]] = dict.fromkeys(("id", "name_zh", "city_zh", "province_zh"), (str,))
    kinds |= {"adcode": (str,), "plan_zh": (str,), "area_class": (int,)}
    kinds |= dict.fromkeys(("longitude", "latitude"), (int, float))
    place = f"{folder.name}/county.toml"
    if set(table) != set(kinds):
        raise ConfigurationError(f"{place}: found keys {sorted(table)}, expected {sorted(kinds)}")
    head: dict[str, str | float | int] = {}
    for key, allowed in kinds.items():
        value = table[key]
        if not isinstance(value, allowed) or not isinstance(value, (str, int, float)):
            raise ConfigurationError(f"{place}: key {key}: found {value!r}, expected {allowed[0].__name__}")
        head[key] = value
    if ID.fullmatch(str(head["id"])) is None:
        raise ConfigurationError(f"{place}: key id: found {head['id']!r}, expected lower-case letters and digits")
    if head["area_class"] not in (1, 2):
        raise ConfigurationError(f"{place}: key area_class: found {head['area_class']!r}, expected 1 or 2")
    return head


def load_county(name_or_path: str | Path) -> County:
    """A county's data set.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a shipped county, such as ``zhongyang``, or a folder with county.toml, targets.csv, time_windows.csv,
        enterprises.csv, sites.csv, devices.csv, and if there are any lines.csv and outlets.csv.

    Returns
    -------
    County
        Everything checked. Otherwise one `ConfigurationError` lists every bad row of every file: file, line, column,
        what was found and what was expected.
    """
    folder = county_folder(name_or_path)
    faults: list[str] = []

    def rows(file: str, columns: tuple[str, ...], make: Callable[[Row], T]) -> tuple[T, ...]:
        try:
            return load_table(folder / file, columns, make)
        except ConfigurationError as error:
            faults.append(str(error))
            return ()

    def optional_rows(file: str, columns: tuple[str, ...], make: Callable[[Row], T]) -> tuple[T, ...]:
        return rows(file, columns, make) if (folder / file).exists() else ()

    head: dict[str, str | float | int] = {}
    try:
        head = _head(folder)
    except ConfigurationError as error:
        faults.append(str(error))
    target_ids: set[str] = set()
    window_ids: set[str] = set()
    enterprise_ids: set[str] = set()
    site_ids: set[str] = set()
    device_ids: set[str] = set()
    numbers: set[str] = set()
    targets = rows("targets.csv", TARGET_COLUMNS, lambda row: target_row(row, target_ids))
    windows = rows("time_windows.csv", WINDOW_COLUMNS, lambda row: window_row(row, window_ids))
    enterprises = rows("enterprises.csv", ENTERPRISE_COLUMNS, lambda row: enterprise_row(row, enterprise_ids))
    sites = rows("sites.csv", SITE_COLUMNS, lambda row: site_row(row, site_ids, sorted(enterprise_ids)))
    devices = rows("devices.csv", DEVICE_COLUMNS, lambda row: device_row(row, device_ids, sorted(site_ids), numbers))
    stacks = [site.id for site in sites if site.kind == "stack"]
    meters = [device.id for device in devices if device.family == "plant"]
    words = LineWords(sorted(enterprise_ids), stacks, meters)
    known: dict[str, ProductionLine] = {}
    begun: set[tuple[str, dt.date]] = set()
    lines = optional_rows("lines.csv", LINE_COLUMNS, lambda row: line_row(row, known, words))
    outlets = optional_rows("outlets.csv", OUTLET_COLUMNS, lambda row: outlet_row(row, begun, stacks))
    if faults:
        raise ConfigurationError("\n".join(faults))
    return County(
        id=str(head["id"]),
        name_zh=str(head["name_zh"]),
        city_zh=str(head["city_zh"]),
        province_zh=str(head["province_zh"]),
        adcode=str(head["adcode"]),
        longitude=float(head["longitude"]),
        latitude=float(head["latitude"]),
        area_class=int(head["area_class"]),
        plan_zh=str(head["plan_zh"]),
        targets=targets,
        time_windows=windows,
        enterprises=enterprises,
        sites=sites,
        devices=devices,
        lines=lines,
        outlets=outlets,
    )
