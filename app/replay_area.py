"""The area, sites and devices under which replayed PRSA measurements enter the system, and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import numpy as np

from app.prsa import PrsaStation
from domain.county import County, Device, Site
from domain.error import ConfigurationError
from domain.family import AIR
from domain.period import HOUR_S, OFFSET_S
from firmware_sim.link import topic
from firmware_sim.playback import Track

#: Area of a replay unless another is named, and its name.
AREA: Final = "prsa"
AREA_NAME_ZH: Final = "北京PRSA回放"
#: The twelve stations of the data set: Chinese name, longitude, latitude (positions to about a kilometre).
STATIONS: Final = MappingProxyType(
    {
        "Aotizhongxin": ("奥体中心", 116.40, 39.98),
        "Changping": ("昌平镇", 116.23, 40.22),
        "Dingling": ("定陵", 116.22, 40.29),
        "Dongsi": ("东四", 116.42, 39.93),
        "Guanyuan": ("官园", 116.34, 39.93),
        "Gucheng": ("古城", 116.18, 39.91),
        "Huairou": ("怀柔镇", 116.63, 40.33),
        "Nongzhanguan": ("农展馆", 116.46, 39.94),
        "Shunyi": ("顺义新城", 116.66, 40.13),
        "Tiantan": ("天坛", 116.41, 39.89),
        "Wanliu": ("万柳", 116.29, 39.99),
        "Wanshouxigong": ("万寿西宫", 116.35, 39.88),
    }
)


def station_id(area: str, name: str) -> str:
    """Site and device id of a station: area and station name, in lower case."""
    return f"{area}-{name.lower()}"


def replay_area(area: str, names: Sequence[str]) -> County:
    """The area as a data set of its own: one evaluated ambient site with one JSON device per station.

    Parameters
    ----------
    area : str
        Id of the area; ``prsa`` is named 北京PRSA回放, another after its id.
    names : sequence of str
        Stations as the files name them.

    Returns
    -------
    County
        Ready for `store.registry.load_county`.
    """
    places = {name: STATIONS.get(name, (name, 116.40, 39.90)) for name in names}
    sites = tuple(
        Site(station_id(area, name), title, "ambient", "", longitude, latitude, True, area, None, None)
        for name, (title, longitude, latitude) in places.items()
    )
    devices = tuple(
        Device(site.id, site.id, AIR.key, "json", None, HOUR_S, HOUR_S, "start", "canonical", "review")
        for site in sites
    )
    return County(
        id=area,
        name_zh=AREA_NAME_ZH if area == AREA else f"{area}回放",
        city_zh="北京市",
        province_zh="北京市",
        adcode="110000",
        longitude=116.40,
        latitude=39.90,
        area_class=2,
        plan_zh="",
        targets=(),
        time_windows=(),
        enterprises=(),
        sites=sites,
        devices=devices,
    )


def replay_track(area: str, station: PrsaStation, year: int | None) -> Track:
    """Rows of one station's file that hold at least one value, of one local year or of all years.

    Parameters
    ----------
    area : str
        Area that the station belongs to.
    station : PrsaStation
        Its hours.
    year : int or None
        Local year; None for all.

    Returns
    -------
    Track
        Hours in order of time, values in the columns of the air family.

    Raises
    ------
    ConfigurationError
        When no row is left.
    """
    local_years = (station.times_s + OFFSET_S).astype("datetime64[s]").astype("datetime64[Y]").astype(np.int64) + 1970
    wanted = np.isfinite(station.values).any(axis=1) & (True if year is None else local_years == year)
    if not wanted.any():
        found = f"{local_years.min()} to {local_years.max()}" if local_years.size else "no year"
        expected = "at least one value" if year is None else f"a value in {year}"
        raise ConfigurationError(f"station {station.name}: found rows of {found}, expected {expected}")
    device = station_id(area, station.name)
    rows = (station.times_s[wanted], station.values[wanted])
    return Track(device, topic(area, "json", device, "data"), AIR.keys, *rows, HOUR_S)
