"""A station's forecast model as bytes and back: its arrays in NumPy's npz format, without pickles."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from analytics.forecast_interval import IntervalTable
from analytics.forecast_model import ForecastModel
from analytics.forecast_rolling import RollingModel
from analytics.station_forecast import StationModel


def model_bytes(model: StationModel) -> bytes:
    """Encode a model; weights and errors keep seven digits."""
    hourly, rolling = model.hourly, model.rolling
    arrays: dict[str, Any] = {
        "names": np.array(hourly.names),
        "means": hourly.means,
        "scales": hourly.scales,
        "weights": hourly.weights.astype(np.float32),
        "least": hourly.least,
        "most": hourly.most,
        "issues": np.array(hourly.issues),
        "edition": np.array(rolling.edition),
        "o3_slopes": rolling.o3_slopes,
        "o3_offsets": rolling.o3_offsets,
        "hour_climate": model.hour_climate.astype(np.float32),
        "rolling_climate": model.rolling_climate.astype(np.float32),
    }
    for name, table in (("hour", hourly.intervals), ("rolling", rolling.intervals)):
        for part in ("levels", "low", "high"):
            arrays[f"{name}_{part}"] = getattr(table, part).astype(np.float32)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def model_from_bytes(parameters: bytes) -> StationModel:
    """Decode what `model_bytes` wrote; text kept as text, numbers as float64."""
    with np.load(io.BytesIO(parameters), allow_pickle=False) as stored:
        found = {name: stored[name] for name in stored.files}
    numbers = {name: np.asarray(array, dtype=np.float64) for name, array in found.items() if array.dtype.kind == "f"}
    tables = {
        name: IntervalTable(*(numbers[f"{name}_{part}"] for part in ("levels", "low", "high")))
        for name in ("hour", "rolling")
    }
    hourly = ForecastModel(
        names=tuple(found["names"].tolist()),
        means=numbers["means"],
        scales=numbers["scales"],
        weights=numbers["weights"],
        least=numbers["least"],
        most=numbers["most"],
        intervals=tables["hour"],
        issues=int(found["issues"]),
    )
    rolling = RollingModel(str(found["edition"]), numbers["o3_slopes"], numbers["o3_offsets"], tables["rolling"])
    return StationModel(hourly, rolling, numbers["hour_climate"], numbers["rolling_climate"])
