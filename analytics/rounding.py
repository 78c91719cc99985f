"""Rounding of GB/T 8170 (half to even), judged on the decimal a binary float stands for.

A measured 0.45 is stored as 0.450000000000000011 and a mean of 0.15 as 0.15000000000000002. The standard rounds
decimals, so a value within `TIE_TOLERANCE` (relative) of a tie *is* the tie: the value is read at about its first
twelve significant digits. Measurements carry four digits and means of a year of hours are exact to fourteen, so
nothing real lies between.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Relative distance from a tie below which a value counts as the tie.
TIE_TOLERANCE: Final = 1e-12


def scaled_half_even(values: npt.ArrayLike, decimals: int) -> Floats:
    """Whole numbers of units of the last decimal, rounded half to even.

    Parameters
    ----------
    values : array_like
        Any shape, any unit.
    decimals : int
        Decimals kept, 0 or more.

    Returns
    -------
    ndarray of float64
        Same shape; ``values * 10**decimals`` rounded to whole numbers. NaN and infinities stay as they are.

    Notes
    -----
    GB/T 8170-2008 3.2.
    """
    if decimals < 0:
        raise ValueError(f"decimals is {decimals}, expected 0 or more")
    scaled = np.asarray(values, dtype=np.float64)
    if decimals:
        scaled = scaled * 10.0**decimals
    rounded = np.asarray(np.rint(scaled))
    if (rounded == scaled).all():
        return rounded
    with np.errstate(invalid="ignore"):
        offset = np.abs(scaled - rounded)
    # NumPy rounds half to even itself; only a value beside a tie, not on it, needs a second look.
    beside = offset > 0.499
    if beside.any():
        suspects = scaled[beside]
        near = np.abs(offset[beside] - 0.5) <= np.minimum(np.abs(suspects) * TIE_TOLERANCE, 1e-6)
        low = np.floor(suspects)
        rounded[beside] = np.where(near, low + low % 2.0, rounded[beside])
    return rounded


def half_even(values: npt.ArrayLike, decimals: int) -> Floats:
    """Values rounded half to even at `decimals` decimals.

    Parameters
    ----------
    values : array_like
        Any shape, any unit.
    decimals : int
        Decimals kept, 0 or more.

    Returns
    -------
    ndarray of float64
        Same shape and unit; each element is the double nearest to its decimal. NaN stays NaN.

    Notes
    -----
    GB/T 8170-2008 3.2. ``half_even([0.45, 0.55], 1)`` is ``[0.4, 0.6]``.
    """
    rounded = scaled_half_even(values, decimals)
    return np.asarray(rounded / 10.0**decimals + 0.0)  # adding zero turns -0.0 into 0.0


def half_even_scalar(value: float | None, decimals: int) -> float | None:
    """One value rounded as `half_even` does; None and NaN give None."""
    if value is None or np.isnan(value):
        return None
    return float(half_even(value, decimals))
