"""Production lines, the facilities that treat their gas, and outlets, as a county's data set names them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from domain.emission import outlets
from domain.table import Row

LINE_KINDS: Final[tuple[str, ...]] = ("production", "treatment")
#: State of the gas that a monitor tells its values for.
BASES: Final[tuple[str, ...]] = ("dry-standard", "wet-standard", "duct")
FLOW_BASES: Final[tuple[str, ...]] = ("dry-standard", "duct")
LINE_COLUMNS: Final = (
    *("id", "enterprise", "name_zh", "kind", "treats", "outlet_site", "rated_power_kw", "meters"),
)  # fmt: skip
OUTLET_COLUMNS: Final = (
    *("site", "valid_from", "valid_to", "kind", "reference_oxygen", "basis", "flow_basis", "duct_area_m2"),
    *("atmospheric_kpa", "permitted_pm_t", "permitted_so2_t", "permitted_nox_t", "note"),
)


@dataclass(frozen=True, slots=True)
class ProductionLine:
    """A production line, or a facility that treats the gas of one, with its meters."""

    id: str
    enterprise: str
    name_zh: str
    kind: str
    treats: str | None
    outlet_site: str | None
    rated_power_kw: float | None
    meters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutletRow:
    """One outlet from `valid_from` to `valid_to` (None: until further notice), both days inside.

    Attributes
    ----------
    site : str
        Stack.
    valid_from, valid_to : date or None
        Local days.
    kind : str
        Key of `domain.emission.outlets`.
    reference_oxygen : float or None
        Percent; None: that of the kind.
    basis, flow_basis : str
        State of the gas that concentrations with oxygen, and the flow, are told for.
    duct_area_m2 : float or None
        Cross section, for a flow from the gas speed.
    atmospheric_kpa : float
        Air pressure at the site.
    permitted_pm_t, permitted_so2_t, permitted_nox_t : float or None
        Permitted totals of a calendar year.
    note : str or None
        Remark.
    """

    site: str
    valid_from: dt.date
    valid_to: dt.date | None
    kind: str
    reference_oxygen: float | None = None
    basis: str = "dry-standard"
    flow_basis: str = "dry-standard"
    duct_area_m2: float | None = None
    atmospheric_kpa: float = 101.325
    permitted_pm_t: float | None = None
    permitted_so2_t: float | None = None
    permitted_nox_t: float | None = None
    note: str | None = None

    def holds_on(self, day: dt.date) -> bool:
        """Whether it judges data of local `day`."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class LineWords:
    """What a line may name: enterprises, sites of kind stack, devices of family plant."""

    enterprises: Collection[str]
    stacks: Collection[str]
    plant_devices: Collection[str]


def line_row(row: Row, lines: dict[str, ProductionLine], known: LineWords) -> ProductionLine:
    """The line of one row; `lines` collects those above, so that none comes twice and a facility finds its line."""
    kind = row.choice("kind", LINE_KINDS)
    treatable = [line.id for line in lines.values() if line.kind == "production"]
    row.only_when("treats", kind == "treatment", f"kind is {kind}")
    meters = tuple((row.optional("meters") or "").split())
    unknown = [meter for meter in meters if meter not in known.plant_devices]
    if unknown:
        raise row.fault("meters", f"devices of family plant; {', '.join(unknown)} are none")
    line = ProductionLine(
        id=row.new_id(set(lines)),
        enterprise=row.choice("enterprise", known.enterprises),
        name_zh=row.text("name_zh"),
        kind=kind,
        treats=row.choice("treats", treatable) if row.optional("treats") else None,
        outlet_site=row.choice("outlet_site", known.stacks) if row.optional("outlet_site") else None,
        rated_power_kw=row.number("rated_power_kw", 0.1, 1e6) if row.optional("rated_power_kw") else None,
        meters=meters,
    )
    lines[line.id] = line
    return line


def outlet_row(row: Row, seen: set[tuple[str, dt.date]], stacks: Collection[str]) -> OutletRow:
    """The outlet of one row; `seen` collects stack and first day so that no pair comes twice."""

    def number(column: str, low: float, high: float) -> float | None:
        return row.number(column, low, high) if row.optional(column) else None

    outlet = OutletRow(
        site=row.choice("site", stacks),
        valid_from=row.date("valid_from"),
        valid_to=row.date("valid_to") if row.optional("valid_to") else None,
        kind=row.choice("kind", list(outlets())),
        reference_oxygen=number("reference_oxygen", 0, 20),
        basis=row.choice("basis", BASES),
        flow_basis=row.choice("flow_basis", FLOW_BASES),
        duct_area_m2=number("duct_area_m2", 0.01, 1000),
        atmospheric_kpa=row.number("atmospheric_kpa", 50, 110),
        permitted_pm_t=number("permitted_pm_t", 0, 1e7),
        permitted_so2_t=number("permitted_so2_t", 0, 1e7),
        permitted_nox_t=number("permitted_nox_t", 0, 1e7),
        note=row.optional("note"),
    )
    if (outlet.site, outlet.valid_from) in seen:
        raise row.fault("valid_from", "a day on which this stack has no other row beginning")
    seen.add((outlet.site, outlet.valid_from))
    return outlet
