"""Stack readings against the limits in force, reading by reading: what a fast warning needs, not yet a verdict."""

from __future__ import annotations

import datetime as dt
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.emission import conversion, vouched
from analytics.emission_state import dry_standard_rows
from domain.emission import emission_limits, emission_rules, outlets
from domain.family import STACK
from domain.flag import FAIL, MISSING
from domain.production import OutletRow

Floats = npt.NDArray[np.float64]
#: Pollutants with a limit, in the order of every array here.
POLLUTANTS: Final[tuple[str, ...]] = ("pm", "so2", "nox", "co", "nh3")
_MEASURED: Final = [STACK.position(key) for key in POLLUTANTS]
_SENT: Final = [STACK.position(f"{key}_converted") for key in POLLUTANTS[:4]]
_OXYGEN: Final = STACK.position("o2")
_UNUSABLE: Final = (ord(str(int(FAIL))), ord(str(int(MISSING))))


def limits_on(outlet: OutletRow, day: dt.date) -> Floats:
    """Limits of an outlet on a local day, shape (5,), mg/m³; NaN = none."""
    known = emission_limits(outlet.kind, day)
    return np.array([known[key].limit if key in known else np.nan for key in POLLUTANTS])


def judged_values(
    outlet: OutletRow, values: Floats, *, flags: npt.NDArray[np.uint8], marks: npt.NDArray[np.uint8]
) -> Floats:
    """What is compared with the limits.

    Parameters
    ----------
    outlet : OutletRow
        How the stack is judged.
    values : ndarray of float64
        Shape (n, 15) in the order of family stack.
    flags, marks : ndarray of uint8
        Same shape; ASCII codes of the letters.

    Returns
    -------
    ndarray of float64
        Shape (n, 5) in the order of `POLLUTANTS`, mg/m³: converted to reference oxygen by us, or as the monitor
        converted it where it sends no oxygen. NaN: not vouched for by the device, failed or missing, or oxygen near
        that of air.
    """
    rules = emission_rules()
    usable = vouched(marks) & ~np.isin(flags, _UNUSABLE)
    rows = dry_standard_rows(
        np.where(usable, values, np.nan),
        basis=outlet.basis,
        flow_basis=outlet.flow_basis,
        duct_area_m2=outlet.duct_area_m2,
        atmospheric_kpa=outlet.atmospheric_kpa,
        rules=rules,
    )
    reference = outlet.reference_oxygen
    if reference is None:
        reference = outlets()[outlet.kind].reference_oxygen
    oxygen = rows[:, [_OXYGEN]]
    ours = conversion(rows[:, _MEASURED], oxygen, reference, rules=rules).values
    sent = np.column_stack([rows[:, _SENT], np.full(len(rows), np.nan)])
    return np.where(np.isnan(oxygen) & np.isnan(ours), sent, ours)
