"""Flue gas: standard state, dry gas, reference oxygen, hourly and daily means, mass emitted (HJ 212-2017 annex D).

Concentrations are mg/m³, temperatures ℃, pressures kPa, humidity and oxygen percent, flow m³/s, mass kg/h. NaN in, NaN
out. What judges the results is `analytics.emission_compliance`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.averaging import Statistic, daily_mean
from domain.emission import EmissionRules
from domain.flag import NO_MARK

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Marks = npt.NDArray[np.uint8]

_VOUCHED = [ord(mark) for mark in ("N", NO_MARK)]
_STOPPED = ord("F")


def _number(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def dry_share(humidity: npt.ArrayLike) -> Floats:
    """Share of dry gas in wet flue gas, 1 - humidity / 100; NaN for a humidity outside 0 to below 100 %."""
    wet = _number(humidity)
    with np.errstate(invalid="ignore"):
        return np.where((wet >= 0) & (wet < 100), 1.0 - wet / 100.0, np.nan)


def dry_concentration(wet: npt.ArrayLike, humidity: npt.ArrayLike) -> Floats:
    """Concentration (or oxygen percent) of the dry gas from that of the wet gas: C_dry = C_wet / (1 - Xsw)."""
    return np.asarray(_number(wet) / dry_share(humidity))


def _volume_factor(
    temperature: npt.ArrayLike, pressure: npt.ArrayLike, atmospheric: npt.ArrayLike, rules: EmissionRules
) -> Floats:
    """Volume at the standard state over volume in the duct."""
    kelvin = _number(temperature) + rules.standard_temperature
    total = _number(pressure) + _number(atmospheric)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = rules.standard_temperature / kelvin * total / rules.standard_pressure
        return np.where((kelvin > 0) & (total > 0), factor, np.nan)


def standard_concentration(
    concentrations: npt.ArrayLike,
    temperature: npt.ArrayLike,
    pressure: npt.ArrayLike,
    *,
    atmospheric: npt.ArrayLike,
    rules: EmissionRules,
) -> Floats:
    """Concentration at the standard state from that in the duct.

    Parameters
    ----------
    concentrations : array_like
        Any shape, mg per m³ of duct gas.
    temperature, pressure : array_like
        Flue gas ℃, and its static pressure in kPa above the atmosphere (negative under suction).
    atmospheric : array_like
        Air pressure, kPa.
    rules : EmissionRules
        Standard state.

    Returns
    -------
    ndarray of float64
        mg/m³; NaN where temperature or pressure is impossible. The gas stays as wet as it was.

    Notes
    -----
    HJ 212-2017 annex D: Csn = Cs * 101325 / (Ba + Ps) * (273 + ts) / 273.
    """
    return np.asarray(_number(concentrations) / _volume_factor(temperature, pressure, atmospheric, rules))


def dry_standard_flow(  # noqa: PLR0913 - the quantities of one formula
    flow: npt.ArrayLike,
    temperature: npt.ArrayLike,
    pressure: npt.ArrayLike,
    *,
    humidity: npt.ArrayLike,
    atmospheric: npt.ArrayLike,
    rules: EmissionRules,
) -> Floats:
    """Flow of dry gas at the standard state, m³/s, from the wet flow in the duct, m³/s.

    HJ 212-2017 annex D: Qsn = Qs * 273 / (273 + ts) * (Ba + Ps) / 101325 * (1 - Xsw).
    """
    return np.asarray(_number(flow) * _volume_factor(temperature, pressure, atmospheric, rules) * dry_share(humidity))


@dataclass(frozen=True, slots=True)
class Conversion:
    """Concentrations at reference oxygen; arrays of one shape.

    Attributes
    ----------
    values : ndarray of float64
        Converted, mg/m³; NaN where nothing may be converted.
    standstill : ndarray of bool
        Oxygen at or above the ceiling: nearly air, so the outlet stands still or leaks.
    impossible : ndarray of bool
        Oxygen below 0 or above that of air.
    """

    values: Floats
    standstill: Booleans
    impossible: Booleans


def conversion(
    concentrations: npt.ArrayLike, oxygen: npt.ArrayLike, reference: float | None, *, rules: EmissionRules
) -> Conversion:
    """Concentrations converted to reference oxygen (折算).

    Parameters
    ----------
    concentrations : array_like
        Any shape; dry gas at the standard state, mg/m³.
    oxygen : array_like
        Same shape; percent of the dry gas.
    reference : float or None
        Reference oxygen of the outlet, percent. None: the standard names none, values stay as they are.
    rules : EmissionRules
        Oxygen of air and the ceiling above which nothing is converted.

    Returns
    -------
    Conversion
        Near 21 % the divisor vanishes and any number could come out, so from the ceiling on there is none.

    Notes
    -----
    HJ 212-2017 annex D: C = Csn * (21 - reference) / (21 - O2). 12 mg/m³ at 13.5 % for a reference of 16 % is 8.
    """
    values, measured = np.broadcast_arrays(_number(concentrations), _number(oxygen))
    no = np.zeros(values.shape, dtype=np.bool_)
    if reference is None:
        return Conversion(values.copy(), no, no)
    with np.errstate(invalid="ignore", divide="ignore"):
        impossible = (measured < 0) | (measured > rules.oxygen_of_air)
        standstill = (measured >= rules.oxygen_ceiling) & ~impossible
        factor = (rules.oxygen_of_air - reference) / (rules.oxygen_of_air - measured)
        converted = np.where(impossible | standstill, np.nan, values * factor)
    return Conversion(converted, standstill, impossible)


def nox_as_no2(no: npt.ArrayLike, no2: npt.ArrayLike) -> Floats:
    """Nitrogen oxides as NO2 from NO and NO2, mg/m³: NO * 46 / 30 + NO2 (HJ 212-2017 annex D)."""
    return np.asarray(_number(no) * 46.0 / 30.0 + _number(no2))


def vouched(marks: Marks) -> Booleans:
    """Where the device vouches for a value; same shape (ASCII codes of the letters).

    Only N and no mark at all: what is marked as maintenance, fault, calibration, out of operation, out of range, bad
    link or set by hand is kept and not judged, and a letter whose meaning is unknown decides nothing either.
    """
    return np.isin(marks, _VOUCHED)


def stopped(marks: Marks) -> Booleans:
    """Where the mark says the outlet is out of operation (停运): such hours leave every denominator."""
    return np.asarray(marks == _STOPPED)


def day_mean(hours: npt.ArrayLike, *, rules: EmissionRules) -> Statistic:
    """Mean of a day's valid hours, shape (..., 24) -> (...); NaN = invalid hour (HJ 212-2017 annex D: 20)."""
    return daily_mean(_number(hours), minimum_hours=int(rules.hours_per_day))


def mass_rate(concentrations: npt.ArrayLike, dry_flow: npt.ArrayLike) -> Floats:
    """Mass emitted, kg/h: measured (not converted) dry standard concentration, mg/m³, times dry standard flow, m³/s.

    HJ 212-2017 annex D: G = C * Q * 1e-6 with Q in m³/h.
    """
    return np.asarray(_number(concentrations) * _number(dry_flow) * 3600.0 * 1e-6)
