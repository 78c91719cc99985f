"""Air quality index of a million rows: rates per row beside the packages `aqi-hub` and `python-aqi`, in one run.

The packages are an optional extra (``pip install -e .[bench]``) and work row by row, so they get a sample of the rows.
Beside the times stands in which share of the rows both give the same AQI. Run as ``python -m benchmarks.aqi [ROWS]``.
"""

from __future__ import annotations

import importlib
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analytics.index import Index, iaqi, report_index
from domain.edition import HJ633_2026
from domain.standard import report_items

Floats = npt.NDArray[np.float64]

ROWS: Final = 1_000_000
ROUNDS: Final = 5
BLOCK: Final = 16_384
#: Rows of the same table that the packages get, because they take micro- to milliseconds for each.
SAMPLES: Final[Mapping[str, int]] = {"aqi-hub": 20_000, "aqi-hub, AQI alone": 20_000, "python-aqi": 2_000}


def concentrations(columns: Sequence[str], rows: int) -> dict[str, Floats]:
    """Plausible published values without gaps: the packages know no missing values."""
    random = np.random.default_rng(20260301)
    table = {}
    for column in columns:
        scale, decimals = (0.5, 1) if column == "co" else (35.0, 0)
        table[column] = np.round(random.gamma(2.0, scale, rows), decimals)
    return table


def timed(action: Callable[[], object]) -> float:
    """Seconds of one run."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def bare(table: Mapping[str, Floats]) -> Index:
    """AQI of each row by ours and nothing else, in blocks that stay in the processor's cache."""
    items = report_items(HJ633_2026, "day")
    rows = len(table[items[0].column])
    result = np.empty(rows, dtype=np.int16)
    for start in range(0, rows, BLOCK):
        block = slice(start, start + BLOCK)
        np.maximum.reduce([iaqi(HJ633_2026, item.item, table[item.column][block]) for item in items], out=result[block])
    return result


def aqi_hub_bare(table: Mapping[str, Floats]) -> list[Any]:
    """AQI of each row by aqi-hub's `cal_aqi_cn` and nothing else (it gives the individual indices too)."""
    index = importlib.import_module("aqi_hub.aqi_cn.aqi").cal_aqi_cn
    names = ("pm25", "pm10", "so2", "no2", "co", "o3_8h")
    return [index(*row, data_type="daily")[0] for row in zip(*(table[name].tolist() for name in names), strict=True)]


def aqi_hub(table: Mapping[str, Floats]) -> list[Any]:
    """AQI of each row by aqi-hub's daily report; level and primary pollutants too, as ours gives them."""
    module = importlib.import_module("aqi_hub.aqi_cn.aqi")
    index, primary, level = module.cal_aqi_cn, module.cal_primary_pollutant, module.get_aqi_level
    names = ("pm25", "pm10", "so2", "no2", "co", "o3_8h")
    rows = zip(*(table[name].tolist() for name in names), strict=True)
    found = []
    for row in rows:
        overall, indices = index(*row, data_type="daily")
        primary(indices)
        level(overall)
        found.append(overall)
    return found


def python_aqi(table: Mapping[str, Floats]) -> list[Any]:
    """AQI of each row by python-aqi, algorithm of China; its values go in as text."""
    package = importlib.import_module("aqi")
    known = importlib.import_module("aqi.constants")
    columns = {
        "pm25": known.POLLUTANT_PM25,
        "pm10": known.POLLUTANT_PM10,
        "so2": known.POLLUTANT_SO2_24H,
        "no2": known.POLLUTANT_NO2_24H,
        "co": known.POLLUTANT_CO_24H,
        "o3_8h": known.POLLUTANT_O3_8H,
    }
    texts = {name: [f"{value:g}" for value in table[name].tolist()] for name in columns}
    count = len(texts["pm25"])
    rows = [[(code, texts[name][at]) for name, code in columns.items()] for at in range(count)]
    return [int(package.to_aqi(row, algo=known.ALGO_MEP)) for row in rows]


def main() -> None:
    """Print nanoseconds per row of each, and how many times faster ours is."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    columns = [item.column for item in report_items(HJ633_2026, "day")]
    table = concentrations(columns, rows)
    result = report_index(HJ633_2026, "day", table)
    stacked = np.column_stack(list(table.values()))
    ours_s, bare_s, mean_s = [], [], []
    others: dict[str, list[float]] = {name: [] for name in SAMPLES}
    agreement = {}
    actions = {"aqi-hub": aqi_hub, "aqi-hub, AQI alone": aqi_hub_bare, "python-aqi": python_aqi}
    assert np.array_equal(bare(table), result.computed_aqi)
    samples = {name: {key: values[:count] for key, values in table.items()} for name, count in SAMPLES.items()}
    for name, action in actions.items():
        found = np.array(action(samples[name]))
        agreement[name] = float(np.mean(found == result.computed_aqi[: len(found)]))
    for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine strikes all
        ours_s.append(timed(lambda: report_index(HJ633_2026, "day", table)))
        bare_s.append(timed(lambda: bare(table)))
        mean_s.append(timed(lambda: np.nanmean(stacked, axis=1)))
        for name, action in actions.items():
            others[name].append(timed(lambda name=name, action=action: action(samples[name])))  # type: ignore[misc]
    ours = statistics.median(ours_s) / rows
    alone, mean = statistics.median(bare_s) / rows, statistics.median(mean_s) / rows
    print(
        f"lantian: {rows:,} rows of {len(columns)} values, {ours * 1e9:.0f} ns a row with level and primary pollutants"
    )
    print(f"lantian, AQI alone: {alone * 1e9:.0f} ns a row")
    print(f"np.nanmean of the same rows: {mean * 1e9:.0f} ns a row, ratio {ours / mean:.1f}")
    for name, seconds in others.items():
        each = statistics.median(seconds) / len(samples[name]["pm25"])
        beside = alone if name.endswith("AQI alone") else ours
        print(f"{name}: {each * 1e9:,.0f} ns a row, {each / beside:.0f} times ours; same AQI in {agreement[name]:.2%}")
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
