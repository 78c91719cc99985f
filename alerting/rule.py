"""Deciding from numbers: which sources go over a threshold long enough, which come back, which stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.alert import AlertRule
from domain.error import ConfigurationError

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int8]

#: What a source is waiting for: nothing, an alert, the end of one.
CALM, RISING, FALLING = np.int8(0), np.int8(1), np.int8(2)
_LEAST_NEIGHBOURS: Final = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of n sources before a decision.

    Attributes
    ----------
    active : ndarray of bool
        Shape (n,); an alert is active.
    pending : ndarray of int8
        Shape (n,); `CALM`, `RISING` or `FALLING`.
    since_s : ndarray of float64
        Shape (n,); Unix time since when it is pending, NaN when it is not.
    """

    active: Booleans
    pending: Codes
    since_s: Floats


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do: alerts to raise and to end (shape (n,)), and what is pending afterwards."""

    raised: Booleans
    cleared: Booleans
    pending: Codes
    since_s: Floats


def decided(rule: AlertRule, values: npt.ArrayLike, standing: Standing, now_s: float) -> Decision:
    """Judge one value per source by a rule.

    Parameters
    ----------
    rule : AlertRule
        With a threshold, its calm side, and how long each must last.
    values : array_like
        Shape (n,); NaN = not known, which decides nothing and leaves what is pending as it is.
    standing : Standing
        What is known of the sources.
    now_s : float
        Unix time.

    Returns
    -------
    Decision
        An alert is raised when none is active and the value has been beyond the threshold for `hold_s`; it ends when
        the value has been on the calm side for `clear_hold_s`. Between both thresholds everything stays.
    """
    if rule.threshold is None or rule.clear_threshold is None:
        raise ConfigurationError(f"rule {rule.kind}: found no threshold, expected one to judge values by")
    numbers = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(numbers)
    with np.errstate(invalid="ignore"):
        if rule.comparator == "<=":
            beyond, calm = numbers <= rule.threshold, numbers >= rule.clear_threshold
        else:
            beyond, calm = numbers >= rule.threshold, numbers <= rule.clear_threshold
    wanted = np.where(standing.active, np.where(calm & ~beyond, FALLING, CALM), np.where(beyond, RISING, CALM))
    pending = np.where(known, wanted, standing.pending).astype(np.int8)
    with np.errstate(invalid="ignore"):
        # What has been pending since a moment to come has been since a clock was set back.
        begun = (pending != CALM) & ((pending != standing.pending) | (standing.since_s > now_s))
    since = np.where(pending == CALM, np.nan, np.where(begun, now_s, standing.since_s))
    with np.errstate(invalid="ignore"):
        lasted = now_s - since
        raised = known & (pending == RISING) & (lasted >= rule.hold_s)
        cleared = known & (pending == FALLING) & (lasted >= rule.clear_hold_s)
    done = raised | cleared
    return Decision(raised, cleared, np.where(done, CALM, pending).astype(np.int8), np.where(done, np.nan, since))


def excess_over_neighbours(
    values: npt.ArrayLike, longitudes: npt.ArrayLike, latitudes: npt.ArrayLike, count: int = 5
) -> Floats:
    """How many times the median of its nearest neighbours each station measures.

    Parameters
    ----------
    values : array_like
        Shape (n,); NaN = missing: such a station is no neighbour.
    longitudes, latitudes : array_like
        Shape (n,); degrees, NaN = not known.
    count : int
        Neighbours that are compared with.

    Returns
    -------
    ndarray of float64
        Shape (n,); NaN where the value, the place or three neighbours are missing, or where their median is 0.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if np.isnan(np.asarray(latitudes, dtype=np.float64)).all():
        return np.full(numbers.shape, np.nan)
    north = np.radians(np.asarray(latitudes, dtype=np.float64))
    east = np.radians(np.asarray(longitudes, dtype=np.float64)) * np.cos(north[~np.isnan(north)].mean())
    distance = np.hypot(east[:, None] - east[None, :], north[:, None] - north[None, :])
    usable = ~np.isnan(numbers) & ~np.isnan(distance).all(axis=0)
    distance = np.where(usable[None, :] & ~np.isnan(distance), distance, np.inf)
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :count]
    near = np.where(np.isinf(np.take_along_axis(distance, nearest, axis=1)), np.nan, numbers[nearest])
    enough = usable & ((~np.isnan(near)).sum(axis=1) >= _LEAST_NEIGHBOURS)
    middle = np.full(numbers.shape, np.nan)
    if enough.any():
        middle[enough] = np.nanmedian(near[enough], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios: Floats = np.where(middle > 0, numbers / middle, np.nan)
    return ratios
