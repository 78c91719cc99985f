"""Rows per second of the hourly and daily index over a million rows, beside NumPy's nanmean over the same numbers.

The ratio is what to compare between machines: both run on the same array in the same process. Run as
``python benchmarks/aqi.py [ROWS]``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from analytics.index import report_index
from domain.edition import AQI_EDITIONS
from domain.standard import Report, report_items

ROWS = 1_000_000
REPEATS = 5


def concentrations(columns: Sequence[str], rows: int) -> dict[str, npt.NDArray[np.float64]]:
    """Plausible published values, one in fifty missing."""
    random = np.random.default_rng(20260301)
    table = {}
    for column in columns:
        scale, decimals = (0.5, 1) if column == "co" else (35.0, 0)
        values = np.round(random.gamma(2.0, scale, rows), decimals)
        values[random.random(rows) < 0.02] = np.nan
        table[column] = values
    return table


def fastest_s(action: Callable[[], object]) -> float:
    """Shortest of a few runs: the one least disturbed."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print one line per edition and report."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    reports: tuple[Report, ...] = ("hour", "day")
    for edition in AQI_EDITIONS:
        for report in reports:
            columns = [item.column for item in report_items(edition, report)]
            table = concentrations(columns, rows)
            stacked = np.column_stack(list(table.values()))
            index_s = fastest_s(lambda: report_index(edition, report, table))  # noqa: B023 - called at once
            mean_s = fastest_s(lambda: np.nanmean(stacked, axis=1))  # noqa: B023
            print(
                f"{edition} {report}: {rows / index_s / 1e6:.2f} million rows/s, "
                f"{index_s / rows * 1e9:.0f} ns per row of {len(columns)} values, "
                f"{index_s / mean_s:.2f} x the time of nanmean"
            )


if __name__ == "__main__":
    main()
