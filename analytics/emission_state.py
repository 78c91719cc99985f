"""Readings of a stack brought to dry gas at the standard state, whatever state their monitor tells them for."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.emission import dry_concentration, dry_standard_flow, standard_concentration
from domain.emission import EmissionRules
from domain.family import STACK

Floats = npt.NDArray[np.float64]

_CONCENTRATIONS: Final = [STACK.position(key) for key in ("pm", "so2", "nox", "co", "nh3")]
_O2, _FLOW, _VELOCITY = (STACK.position(key) for key in ("o2", "flow", "velocity"))
_TEMPERATURE, _PRESSURE, _HUMIDITY = (
    STACK.position(key) for key in ("flue_temperature", "flue_pressure", "flue_humidity")
)


def dry_standard_rows(  # noqa: PLR0913 - keyword-only
    values: Floats,
    *,
    basis: str,
    flow_basis: str,
    duct_area_m2: float | None,
    atmospheric_kpa: float,
    rules: EmissionRules,
) -> Floats:
    """Stack readings with concentrations, oxygen and flow of dry gas at the standard state.

    Parameters
    ----------
    values : ndarray of float64
        Shape (n, 15) in the order of family stack.
    basis : str
        What concentrations and oxygen are told for: ``dry-standard``, ``wet-standard`` or ``duct``.
    flow_basis : str
        What the flow is told for: ``dry-standard`` or ``duct``.
    duct_area_m2 : float or None
        Cross section of the duct: where no flow is told, it is gas speed times this.
    atmospheric_kpa : float
        Air pressure at the site.
    rules : EmissionRules
        Standard state.

    Returns
    -------
    ndarray of float64
        A new array; NaN where the state of the gas is needed and missing or impossible. Values converted to reference
        oxygen by the monitor stay as sent.

    Notes
    -----
    HJ 212-2017 annex D 2.1 and 2.4.
    """
    rows = values.copy()
    temperature, pressure, humidity = (values[:, at] for at in (_TEMPERATURE, _PRESSURE, _HUMIDITY))
    if basis != "dry-standard":
        wet = values[:, _CONCENTRATIONS]
        if basis == "duct":
            wet = standard_concentration(
                wet, temperature[:, None], pressure[:, None], atmospheric=atmospheric_kpa, rules=rules
            )
        rows[:, _CONCENTRATIONS] = dry_concentration(wet, humidity[:, None])
        rows[:, _O2] = dry_concentration(values[:, _O2], humidity)

    def dried(flow: Floats) -> Floats:
        return dry_standard_flow(
            flow, temperature, pressure, humidity=humidity, atmospheric=atmospheric_kpa, rules=rules
        )

    if flow_basis == "duct":
        rows[:, _FLOW] = dried(values[:, _FLOW])
    if duct_area_m2 is not None:
        by_speed = dried(values[:, _VELOCITY] * duct_area_m2)
        rows[:, _FLOW] = np.where(np.isnan(values[:, _FLOW]), by_speed, rows[:, _FLOW])
    return rows
