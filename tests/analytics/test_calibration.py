"""Calibration of micro stations: exact on exact data, unmoved by outliers on either side, careful outside its range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from analytics.calibration import CALIBRATION_LIMITS, Inputs, Model, corrected, fit_calibration, robust_fit
from domain.calibration_table import calibration_terms

NAN = float("nan")


def hours(n: int = 600, seed: int = 3) -> tuple[Inputs, np.ndarray]:
    """A device that reads 1.3 times as much plus 4, and the truth."""
    chance = np.random.default_rng(seed)
    truth = chance.uniform(10, 120, n)
    return Inputs(1.3 * truth + 4, chance.uniform(20, 95, n), chance.uniform(-10, 35, n)), truth


def test_an_exact_relation_is_found_exactly() -> None:
    inputs, truth = hours()
    fit = fit_calibration("no2", inputs, truth)
    assert fit.model is not None and fit.accepted and fit.n == 600
    assert fit.model.terms == ("constant", "measured", "humidity", "temperature")
    assert fit.model.coefficients == pytest.approx((-4 / 1.3, 1 / 1.3, 0, 0), abs=1e-9)
    assert (fit.r, fit.rmse, fit.bias) == pytest.approx((1, 0, 0), abs=1e-9)
    raw = 0.3 * truth + 4
    assert (fit.rmse_raw, fit.bias_raw) == pytest.approx((np.sqrt(np.mean(raw**2)), raw.mean()))
    assert corrected(fit.model, inputs).values == pytest.approx(truth)


@pytest.mark.parametrize("at_reference", [False, True])
def test_plumes_at_one_place_do_not_tilt_the_line(at_reference: bool) -> None:
    inputs, truth = hours()
    chance = np.random.default_rng(9)
    inputs = replace(inputs, measured=inputs.measured + chance.normal(0, 3, 600))
    clean = fit_calibration("no2", inputs, truth)
    (truth if at_reference else inputs.measured)[::4] += 300
    fit = fit_calibration("no2", inputs, truth)
    assert fit.model is not None and clean.model is not None
    assert fit.model.coefficients[1] == pytest.approx(clean.model.coefficients[1], rel=0.02)
    plain = np.linalg.lstsq(np.column_stack((np.ones(600), inputs.measured)), truth, rcond=None)[0]
    moved = abs(plain - clean.model.coefficients[:2])
    assert moved[1] > 0.3 or moved[0] > 50  # what least squares makes of it


def bisquare_loss(x: np.ndarray, y: np.ndarray, found: np.ndarray, scale: float) -> float:
    share = np.minimum(np.abs(y - x @ found) / (4.685 * scale), 1)
    return float((1 - (1 - share**2) ** 3).sum())


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_the_fit_is_a_minimum_of_tukeys_loss(seed: int) -> None:
    chance = np.random.default_rng(seed)
    x = np.column_stack((np.ones(80), chance.uniform(0, 10, 80)))
    y = x @ np.array([2.0, 0.7]) + chance.standard_t(2, 80)
    found, scale = robust_fit(x, y)
    near = minimize(lambda c: bisquare_loss(x, y, c, scale), found + 0.02, method="Nelder-Mead",
                    options={"xatol": 1e-10, "fatol": 1e-14, "maxiter": 4000})  # fmt: skip
    assert bisquare_loss(x, y, found, scale) <= near.fun + 1e-8
    assert found == pytest.approx(near.x, abs=1e-3)
    assert robust_fit(x, y)[0].tolist() == found.tolist()


def test_water_on_particles_is_taken_off() -> None:
    chance = np.random.default_rng(5)
    truth, humidity = chance.uniform(10, 120, 800), chance.uniform(20, 98, 800)
    wet = 1 + 0.5 * np.clip((humidity - 70) / 30, 0, 1) ** 2  # another law than that of the term
    measured = 0.9 * truth * wet * chance.normal(1, 0.06, 800)
    fit = fit_calibration("pm25", Inputs(measured, humidity, chance.uniform(-5, 30, 800)), truth)
    assert fit.accepted and fit.rmse < 0.7 * fit.rmse_raw
    assert abs(fit.bias) < 0.5
    assert fit.model is not None and "dry" in fit.model.terms


def test_terms_without_inputs_are_left_out() -> None:
    inputs, truth = hours()
    fit = fit_calibration("no2", replace(inputs, humidity=np.full(600, NAN)), truth)
    assert fit.model is not None and fit.model.terms == ("constant", "measured", "temperature")
    assert np.isnan(fit.model.lows[1])
    holes = inputs.humidity.copy()
    holes[:60] = NAN
    partly = fit_calibration("no2", replace(inputs, humidity=holes), truth)
    assert (partly.n, len(partly.model.terms if partly.model else ())) == (540, 4)
    assert np.isnan(corrected(partly.model, replace(inputs, humidity=holes)).values[:60]).all()  # type: ignore[arg-type]


def test_what_must_not_be_used_says_why() -> None:
    inputs, truth = hours()
    few = fit_calibration("no2", inputs.rows(np.arange(100)), truth[:100])
    assert few.model is None and few.reason == "100 hours in common, expected 120 or more" and np.isnan(few.r)
    missing = truth.copy()
    missing[: 600 - 167] = NAN
    assert fit_calibration("no2", inputs, missing).n == 167
    chance = np.random.default_rng(1)
    noise = fit_calibration("no2", replace(inputs, measured=chance.uniform(10, 120, 600)), truth)
    assert noise.reason.startswith("correlation")
    assert fit_calibration("no2", inputs, np.full(600, 30.0)).reason.startswith("correlation nan")
    turned = fit_calibration("no2", replace(inputs, measured=200 - truth), truth)
    assert turned.reason == "slope -1.00, expected 0.2 to 5"
    same = fit_calibration("no2", replace(inputs, measured=truth), truth)
    assert same.reason.startswith("error") and not same.accepted


MODEL = Model(("constant", "measured", "humidity"), (1.0, 0.5, 0.1), (10.0, 20.0, NAN), (110.0, 80.0, NAN))


def one(measured: float, humidity: float) -> tuple[float, bool]:
    found = corrected(MODEL, Inputs(np.array([measured]), np.array([humidity]), np.array([NAN])))
    return float(found.values[0]), bool(found.extrapolated[0])


def test_outside_the_range_of_the_training() -> None:
    assert one(50, 50) == (26.0, False)
    assert one(110, 80) == (pytest.approx(59.0), False)
    assert one(160, 50) == (81.0, True)  # half the range beyond it
    assert np.isnan(one(160.1, 50)[0]) and not one(160.1, 50)[1]
    assert one(50, 99) == (pytest.approx(29.0), True)  # as at 80 %
    assert one(-39, 50) == (0.0, True)  # never negative
    assert np.isnan(one(NAN, 50)[0]) and np.isnan(one(50, NAN)[0])


def test_tables() -> None:
    assert calibration_terms()["pm25"] == ("constant", "measured", "dry", "temperature")
    assert CALIBRATION_LIMITS.window_days == 28
    with pytest.raises(KeyError):
        fit_calibration("tsp", *hours())
