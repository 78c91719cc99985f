"""Sites and the devices at them: what a county registers before a reading is accepted."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from domain.factor import preset_names
from domain.family import FAMILIES, SPANS_ZH
from domain.table import ID, Row

SITE_KINDS: Final[tuple[str, ...]] = (
    *("ambient", "micro", "park", "stack", "plant", "vehicle"),
    *("mobile", "odour", "construction", "video"),
)
PROTOCOLS: Final[tuple[str, ...]] = ("json", "hj212", "gb17691", "straw_fire", "link")
LABELS: Final[tuple[str, ...]] = ("start", "end")
#: When other values for a stored time count: announced corrections at once, all at once, none before a person decided.
#: Which HJ 212 checksum a device may send: as annex A says; that or its bytes exchanged; that or the Modbus one.
CRC_POLICIES: Final[tuple[str, ...]] = ("exact", "swapped", "modbus")
REVISION_POLICIES: Final[tuple[str, ...]] = ("explicit", "accept", "review")


_MN: Final = re.compile(r"[0-9A-Za-z_-]{1,24}")

SITE_COLUMNS: Final = (
    *("id", "name_zh", "kind", "township", "longitude", "latitude", "evaluated", "area", "enterprise", "note"),
)
DEVICE_COLUMNS: Final = (
    *("id", "site", "family", "protocol", "mn", "span_s", "interval_s", "label", "unit_preset", "revision_policy"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """A place where something is measured; an evaluated one enters the mean of `area`."""

    id: str
    name_zh: str
    kind: str
    township: str
    longitude: float
    latitude: float
    evaluated: bool
    area: str
    enterprise: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Device:
    """An instrument at a site and what was agreed with it: protocol, units, time label, span, corrections."""

    id: str
    site: str
    family: str
    protocol: str
    mn: str | None
    span_s: int
    interval_s: int
    label: str
    unit_preset: str
    revision_policy: str


def site_row(row: Row, seen: set[str], enterprises: Collection[str]) -> Site:
    """The site of one row; `seen` collects the ids so that none comes twice, `enterprises` are the known ones."""
    name = row.new_id(seen)
    kind = row.choice("kind", SITE_KINDS)
    if kind in ("stack", "plant"):
        row.choice("enterprise", enterprises)
    if row.truth("evaluated") and kind != "ambient":
        raise row.fault("evaluated", f"false because kind is {kind}: only ambient stations are evaluated")
    return Site(
        id=name,
        name_zh=row.text("name_zh"),
        kind=kind,
        township=row.text("township"),
        longitude=row.number("longitude", 73, 136),
        latitude=row.number("latitude", 3, 54),
        evaluated=row.truth("evaluated"),
        area=row.matched("area", ID, "the id of an area").group(),
        enterprise=row.choice("enterprise", enterprises) if row.optional("enterprise") else None,
        note=row.optional("note"),
    )


def device_row(row: Row, seen: set[str], sites: Collection[str], numbers: set[str]) -> Device:
    """The device of one row; `seen` and `numbers` collect ids and MNs so that none comes twice."""
    name = row.new_id(seen)
    protocol = row.choice("protocol", PROTOCOLS)
    row.only_when("mn", protocol != "json", f"protocol is {protocol}")
    if number := row.optional("mn"):
        row.matched("mn", _MN, "1 to 24 letters or digits")
        if number in numbers:
            raise row.fault("mn", "an MN that no earlier device has")
        numbers.add(number)
    if row.integer("span_s") not in SPANS_ZH:
        raise row.fault("span_s", f"one of {', '.join(map(str, SPANS_ZH))}")
    return Device(
        id=name,
        site=row.choice("site", sites),
        family=row.choice("family", FAMILIES),
        protocol=protocol,
        mn=number,
        span_s=row.integer("span_s"),
        interval_s=row.integer("interval_s", 1, 86400),
        label=row.choice("label", LABELS),
        unit_preset=row.choice("unit_preset", preset_names()),
        revision_policy=row.choice("revision_policy", REVISION_POLICIES),
    )
