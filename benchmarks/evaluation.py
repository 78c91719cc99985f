"""Time and memory of the full evaluation of 300 station-years against one `np.nanmean` pass over the same array.

Six pollutants x 300 stations x 365 days x 24 hours with gaps. "Full" is: daily values with their validity, O3 daily
maxima, daily index with level and primary pollutants, days by category and good-day ratio, annual mean and percentile,
days per month and validity of month and year, compliance rate, compliance with the limits, composite index and ranks.
Run as ``python -m benchmarks.evaluation [STATIONS]``; the ratio is what to compare between machines.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.compliance import all_met, year_compliance
from analytics.composite import composite_index, ranking
from analytics.daily import EVALUATED_COLUMN, daily_values
from analytics.evaluation import (
    compliance_rate,
    day_counts,
    days_per_month,
    period_statistic,
    year_valid,
)
from analytics.index import IndexResult, daily_index
from domain.edition import HJ633_2012, LIMITS_2012
from domain.pollutant import POLLUTANTS, SIX_KEYS
from domain.ranking import index_items
from domain.standard import evaluation_items, limits, percentiles, report_items, validity

Floats = npt.NDArray[np.float64]

STATIONS: Final = 300
DAYS: Final = 365
ROUNDS: Final = 5
#: Stations evaluated at once, so that what is worked on stays in the processor's cache.
GROUP: Final = 10


def hours(stations: int) -> Floats:
    """Shape (6, stations, 365, 24); plausible concentrations, one hour in thirty missing and some whole days."""
    random = np.random.default_rng(2026)
    cube = random.gamma(2.0, 1.0, (len(SIX_KEYS), stations, DAYS, 24))
    for at, key in enumerate(SIX_KEYS):
        cube[at] = np.round(cube[at] * (0.5 if key == "co" else 35.0), POLLUTANTS[key].decimals)
    cube[random.random(cube.shape) < 1 / 30] = np.nan
    cube[random.random(cube.shape[:-1]) < 0.01] = np.nan
    return cube


def evaluate(cube: Floats) -> dict[str, object]:
    """Everything HJ 663 asks of a year, for all stations."""
    parts = [_group(cube[:, at : at + GROUP]) for at in range(0, cube.shape[1], GROUP)]
    joined = {key: np.concatenate([np.asarray(part[key]) for part in parts]) for key in parts[0]}
    joined["rank"] = ranking(joined["composite"].astype(np.float64))
    return joined


def _group(cube: Floats) -> dict[str, object]:
    rules, allowed = validity(), limits(LIMITS_2012)
    stations = cube.shape[1]
    months = (np.arange("2015-01-01", "2016-01-01", dtype="datetime64[D]").astype("datetime64[M]").astype(int) % 12) + 1
    daily = daily_values(dict(zip(SIX_KEYS, cube, strict=True)), rules=rules, o3_limit=allowed["o3", "8h"])
    values = {column: statistic.valid_values for column, statistic in daily.items()}
    columns = [item.column for item in report_items(HJ633_2012, "day")]
    index = daily_index(HJ633_2012, {column: values[column].ravel() for column in columns})
    counts = [day_counts(_rows(index, slice(at * DAYS, (at + 1) * DAYS))) for at in range(stations)]
    means, ranks, rates, valid = {}, {}, {}, {}
    for key in SIX_KEYS:
        own = values[EVALUATED_COLUMN[key]]
        found = period_statistic(own, percentiles()[key])
        means[key], ranks[key] = found.means, found.percentiles
        rates[key] = compliance_rate(own, allowed[key, "8h" if key == "o3" else "24h"], POLLUTANTS[key].decimals)
        valid[key] = year_valid(days_per_month(~np.isnan(own), months), rules)
    verdicts = [
        year_compliance(
            evaluation_items(),
            {key: float(means[key][at]) for key in SIX_KEYS},
            {key: float(ranks[key][at]) for key in SIX_KEYS},
            limits=allowed,
        )
        for at in range(stations)
    ]
    composite = composite_index(index_items("hj663-2013"), means, ranks, limits=allowed)
    return {
        "good_day_ratio": [count.good_day_ratio for count in counts],
        "by_level": [count.by_level for count in counts],
        "complies": [all_met(one.met for one in verdict.values()) for verdict in verdicts],
        "composite": composite.weighted,
        **{f"{key} mean": means[key] for key in SIX_KEYS},
        **{f"{key} rate": rates[key] for key in SIX_KEYS},
        **{f"{key} valid": valid[key] for key in SIX_KEYS},
    }


def _rows(index: IndexResult, rows: slice) -> IndexResult:
    return IndexResult(
        index.columns,
        *(getattr(index, name)[rows] for name in ("iaqi", "computed_aqi", "aqi", "level", "primary")),
    )


def timed(action: Callable[[], object]) -> float:
    """Seconds of one run."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def main() -> None:
    """Print both times, their ratio and the memory."""
    stations = int(sys.argv[1]) if len(sys.argv) > 1 else STATIONS
    cube = hours(stations)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    mean_s, full_s = [], []
    for _ in range(ROUNDS):  # in turns, so that a busy moment of the machine strikes both
        full_s.append(timed(lambda: evaluate(cube)))
        mean_s.append(timed(lambda: np.nanmean(cube)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    full, mean = statistics.median(full_s), statistics.median(mean_s)
    print(f"{stations} station-years of six pollutants, {cube.size:,} hours, {cube.nbytes / 2**20:.0f} MiB")
    print(f"evaluation {full:.3f} s, nanmean {mean:.3f} s: {full / mean:.1f} times")
    print(f"memory: {before / 1024:.0f} MiB with the array, at most {peak / 1024:.0f} MiB in both")


if __name__ == "__main__":
    main()
