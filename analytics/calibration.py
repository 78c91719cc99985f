"""Calibration of a micro station by a reference station near it: robust regression with humidity and temperature.

The corrected value is a sum of few terms, fitted by an MM-estimate: of many small subsets of hours the one whose line
leaves the smallest median residual, then Tukey's bisquare from there. A plume that reaches the micro station only is an
outlier in the measured value; least squares and Huber's loss bend to such leverage points, the median of slopes
(Theil-Sen) does not but knows one term only. Up to half of the hours may be wrong. How good the fit is, is told by
hours that were not used: each block of time is predicted from the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.calibration_table import BASIC, calibration_terms
from domain.quality_table import FOLDER, numbers

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

_MAD_SCALE: Final = 1.4826
_ROUNDS: Final = 100
_HUMIDITY_TERMS: Final = frozenset({"dry", "humidity"})


@dataclass(frozen=True, slots=True)
class CalibrationLimits:
    """Numbers of `domain/screening/calibration.csv`, which explains them."""

    window_days: float
    refit_days: float
    retry_days: float
    least_pairs: float
    least_r: float
    least_slope: float
    most_slope: float
    reach_m: float
    bisquare: float
    subsets: float
    blocks: float
    inputs_share: float
    beyond: float
    dry_growth: float
    wettest: float


CALIBRATION_LIMITS: Final = CalibrationLimits(
    **numbers(FOLDER / "calibration.csv", tuple(CalibrationLimits.__dataclass_fields__))
)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a micro station shows in n hours: pollutant, relative humidity (%), temperature (℃); NaN = missing."""

    measured: Floats
    humidity: Floats
    temperature: Floats

    def rows(self, kept: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Inputs:
        """The chosen hours."""
        return Inputs(self.measured[kept], self.humidity[kept], self.temperature[kept])


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted calibration.

    Attributes
    ----------
    terms : tuple of str
        Of `domain.calibration_table.TERMS`.
    coefficients : tuple of float
        One per term.
    lows, highs : tuple of float
        Range of measured value, humidity and temperature in the training; NaN for what is not a term.
    """

    terms: tuple[str, ...]
    coefficients: tuple[float, ...]
    lows: tuple[float, float, float]
    highs: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Fit:
    """A model with what is known of its quality.

    Attributes
    ----------
    model : Model or None
        None when there are too few hours to fit anything.
    n : int
        Hours with everything the model needs.
    r, rmse, bias : float
        Correlation, root of the mean square and mean of the error of hours predicted from other blocks of time; NaN
        without a model.
    rmse_raw, bias_raw : float
        The same of the values as measured.
    reason : str
        Why the model must not be used; empty when it may.
    """

    model: Model | None
    n: int
    r: float
    rmse: float
    bias: float
    rmse_raw: float
    bias_raw: float
    reason: str

    @property
    def accepted(self) -> bool:
        """Whether the model may be used."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Corrected:
    """Corrected values of n hours, NaN = not corrected; `extrapolated`: outside the range of the training."""

    values: Floats
    extrapolated: Booleans


def robust_fit(
    design: npt.ArrayLike, target: npt.ArrayLike, *, limits: CalibrationLimits = CALIBRATION_LIMITS
) -> tuple[Floats, float]:
    """MM-estimate of a linear model.

    Parameters
    ----------
    design : array_like
        Shape (n, k), no NaN, n above k.
    target : array_like
        Shape (n,), no NaN.
    limits : CalibrationLimits, optional
        ``subsets`` tried and the tuning constant ``bisquare``.

    Returns
    -------
    coefficients : ndarray of float64
        Shape (k,); the same for the same data.
    scale : float
        Spread of the residuals of the first step, which stays fixed; 0 when the model is exact for half of the data.
    """
    matrix, wanted = np.asarray(design, dtype=np.float64), np.asarray(target, dtype=np.float64)
    size = np.maximum(np.abs(matrix).max(axis=0), 1e-12)  # comparable columns keep the equations well conditioned
    scaled = matrix / size
    found, scale = _smallest_median(scaled, wanted, int(limits.subsets))
    exact = 1e-9 * max(float(np.abs(wanted).max()), 1e-12)
    if scale <= exact:
        inside = np.abs(wanted - scaled @ found) <= exact
        return np.asarray(np.linalg.lstsq(scaled[inside], wanted[inside], rcond=None)[0] / size), 0.0
    for _ in range(_ROUNDS):
        share = np.abs(wanted - scaled @ found) / (limits.bisquare * scale)
        root = np.where(share < 1, 1 - share**2, 0.0)  # square root of the bisquare weight
        better = np.linalg.lstsq(scaled * root[:, None], wanted * root, rcond=None)[0]
        settled = np.allclose(better, found, rtol=1e-10, atol=1e-12)
        found = better
        if settled:
            break
    return np.asarray(found / size), scale


def _smallest_median(matrix: Floats, wanted: Floats, subsets: int) -> tuple[Floats, float]:
    """Of exact fits to small subsets the one with the smallest median of absolute residuals, and that as a scale."""
    n, k = matrix.shape
    chosen = np.random.default_rng(0).integers(0, n, (subsets, k))
    fits = np.stack([np.linalg.lstsq(matrix[rows], wanted[rows], rcond=None)[0] for rows in chosen])
    medians = np.median(np.abs(wanted[None, :] - fits @ matrix.T), axis=1)
    best = int(np.argmin(medians))
    return fits[best], float(_MAD_SCALE * (1 + 5 / (n - k)) * medians[best])


def fit_calibration(
    column: str, inputs: Inputs, reference: npt.ArrayLike, *, limits: CalibrationLimits = CALIBRATION_LIMITS
) -> Fit:
    """Fit the calibration of one pollutant of one device.

    Parameters
    ----------
    column : str
        One of the six pollutants.
    inputs : Inputs
        n hours of the device, in order of time.
    reference : array_like
        Shape (n,); the reference station's hours, NaN = missing.
    limits : CalibrationLimits, optional
        Thresholds.

    Returns
    -------
    Fit
        Terms of humidity and temperature are left out when the device measures them in too few hours.
    """
    wanted = np.asarray(reference, dtype=np.float64)
    paired = ~np.isnan(inputs.measured) & ~np.isnan(wanted)
    terms = _usable_terms(column, inputs.rows(paired), limits)
    used = paired & _complete(terms, inputs)
    rows, truth = inputs.rows(used), wanted[used]
    n = int(used.sum())
    if n < limits.least_pairs:
        reason = f"{n} hours in common, expected {limits.least_pairs:g} or more"
        return Fit(None, n, np.nan, np.nan, np.nan, np.nan, np.nan, reason)
    model = _model(terms, rows, truth, limits)
    predicted = np.empty(n)
    for block in np.array_split(np.arange(n), int(limits.blocks)):
        others = np.setdiff1d(np.arange(n), block)
        predicted[block] = _applied(_model(terms, rows.rows(others), truth[others], limits), rows.rows(block), limits)
    error, raw = predicted - truth, rows.measured - truth
    r = _correlation(predicted, truth)
    rmse, rmse_raw = (float(np.sqrt(np.mean(each**2))) for each in (error, raw))
    fit = Fit(model, n, r, rmse, float(error.mean()), rmse_raw, float(raw.mean()), "")
    return Fit(fit.model, n, r, rmse, fit.bias, rmse_raw, fit.bias_raw, _objection(fit, rows, limits))


def corrected(model: Model, inputs: Inputs, *, limits: CalibrationLimits = CALIBRATION_LIMITS) -> Corrected:
    """Apply a calibration.

    Parameters
    ----------
    model : Model
        The calibration.
    inputs : Inputs
        n hours.
    limits : CalibrationLimits, optional
        ``beyond`` says how far outside the trained range a measured value is still corrected.

    Returns
    -------
    Corrected
        Humidity and temperature outside their range count as its end. Negative results become 0. A value is missing
        where an input is, or where the measured value is too far outside its range.
    """
    low, high = model.lows[0], model.highs[0]
    room = limits.beyond * (high - low)
    outside = (inputs.measured < low) | (inputs.measured > high)
    too_far = (inputs.measured < low - room) | (inputs.measured > high + room)
    held = [inputs.measured]
    for at, given in ((1, inputs.humidity), (2, inputs.temperature)):
        if np.isnan(model.lows[at]):
            held.append(given)
            continue
        outside = outside | (given < model.lows[at]) | (given > model.highs[at])
        held.append(np.clip(given, model.lows[at], model.highs[at]))
    values = _applied(model, Inputs(*held), limits)
    values[too_far | ~_complete(model.terms, inputs) | np.isnan(inputs.measured)] = np.nan
    return Corrected(values, outside & ~np.isnan(values))


def _usable_terms(column: str, inputs: Inputs, limits: CalibrationLimits) -> tuple[str, ...]:
    enough = limits.inputs_share * max(len(inputs.measured), 1)
    humid, warm = (int((~np.isnan(each)).sum()) >= enough for each in (inputs.humidity, inputs.temperature))
    known = {"temperature": warm, **dict.fromkeys(_HUMIDITY_TERMS, humid)}
    return tuple(term for term in calibration_terms()[column] if term in BASIC or known[term])


def _complete(terms: Sequence[str], inputs: Inputs) -> Booleans:
    """Hours in which every input of the terms is there."""
    known = ~np.isnan(inputs.measured)
    if _HUMIDITY_TERMS.intersection(terms):
        known &= ~np.isnan(inputs.humidity)
    return known & ~np.isnan(inputs.temperature) if "temperature" in terms else known


def _design(terms: Sequence[str], inputs: Inputs, limits: CalibrationLimits) -> Floats:
    wet = np.clip(inputs.humidity / 100, 0.0, limits.wettest)
    columns = {
        "constant": np.ones_like(inputs.measured),
        "measured": inputs.measured,
        "dry": inputs.measured / (1 + limits.dry_growth * wet / (1 - wet)),
        "humidity": inputs.humidity - 50,
        "temperature": inputs.temperature - 20,
    }
    return np.column_stack([columns[term] for term in terms])


def _model(terms: tuple[str, ...], rows: Inputs, truth: Floats, limits: CalibrationLimits) -> Model:
    coefficients, _ = robust_fit(_design(terms, rows, limits), truth, limits=limits)
    needed = (True, bool(_HUMIDITY_TERMS.intersection(terms)), "temperature" in terms)
    given = (rows.measured, rows.humidity, rows.temperature)
    lows = [float(each.min()) if wanted else np.nan for each, wanted in zip(given, needed, strict=True)]
    highs = [float(each.max()) if wanted else np.nan for each, wanted in zip(given, needed, strict=True)]
    return Model(terms, tuple(coefficients.tolist()), (lows[0], lows[1], lows[2]), (highs[0], highs[1], highs[2]))


def _applied(model: Model, inputs: Inputs, limits: CalibrationLimits) -> Floats:
    return np.asarray(np.maximum(_design(model.terms, inputs, limits) @ np.array(model.coefficients), 0.0))


def _correlation(first: Floats, second: Floats) -> float:
    if first.std() == 0 or second.std() == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _objection(fit: Fit, rows: Inputs, limits: CalibrationLimits) -> str:
    """Why a fit must not be used; empty when it may."""
    assert fit.model is not None
    middle = Inputs(*(np.full(2, np.median(each)) for each in (rows.measured, rows.humidity, rows.temperature)))
    middle.measured[1] += 1
    ends = _design(fit.model.terms, middle, limits) @ np.array(fit.model.coefficients)
    slope = float(ends[1] - ends[0])
    if not fit.r >= limits.least_r:
        return f"correlation {fit.r:.2f}, expected {limits.least_r:g} or more"
    if not limits.least_slope <= slope <= limits.most_slope:
        return f"slope {slope:.2f}, expected {limits.least_slope:g} to {limits.most_slope:g}"
    if not fit.rmse < fit.rmse_raw:
        return f"error {fit.rmse:.3g} after correction, {fit.rmse_raw:.3g} before it"
    return ""
