"""A province re-evaluated over several years: here, in processes, and on a Dask cluster of this machine.

Usage: python -m benchmarks.province [--stations 24] [--years 5] [--rounds 3] [--workers 1 2] [-o FILE]

Writes station files with hours of six pollutants and evaluates them as `lantian evaluate --to-year` does, in turns.
Prints JSON: seconds, how many times as fast as in one process, station-years a second, and what it costs to send a
file to a worker and its result back (a part that only sends them), as a share of the time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.evaluation_part import EvaluatedFile, FilePart, evaluated_file
from app.executor import Executor, opened
from benchmarks.scratch import machine

_HEADER = "No,year,month,day,hour,PM2.5,PM10,SO2,NO2,CO,O3,TEMP,PRES,DEWP,RAIN,wd,WSPM,station"
_FIRST = 2013


def station_file(folder: Path, number: int, years: int) -> bytes:
    """A compressed file of one station."""
    random = np.random.default_rng(number)
    start = dt.datetime(_FIRST, 1, 1)  # noqa: DTZ001 - local hours of the file
    hours = (dt.datetime(_FIRST + years, 1, 1) - start).days * 24  # noqa: DTZ001
    values = np.round(random.gamma(2.0, 30.0, (hours, 6)) * (1, 1.4, 0.2, 0.6, 12, 1), 1).clip(0.1, 900)
    lines = [_HEADER]
    for at, row in enumerate(values.tolist()):
        hour = start + dt.timedelta(hours=at)
        cells = ",".join(map(str, row))
        lines.append(f"{at},{hour.year},{hour.month},{hour.day},{hour.hour},{cells},1.5,880,NA,0,NW,2,站{number}")
    path = folder / f"{number}.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode(), compresslevel=1))
    return path.read_bytes()


def returned(sent: tuple[FilePart, EvaluatedFile]) -> EvaluatedFile:
    """A part that computes nothing: what is sent comes back."""
    return sent[1]


def seconds(place: Executor, parts: Sequence[FilePart]) -> tuple[float, list[EvaluatedFile]]:
    """Time of an evaluation, and the result."""
    began = time.perf_counter()
    found = list(place.map(evaluated_file, parts))
    return time.perf_counter() - began, found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stations", type=int, default=24)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("-o", "--output", type=Path)
    chosen = parser.parse_args()
    years = range(_FIRST, _FIRST + chosen.years)
    with tempfile.TemporaryDirectory() as folder:
        contents = [station_file(Path(folder), number, chosen.years) for number in range(chosen.stations)]
    parts = [FilePart(f"{at}.csv.gz", content, years, None, None, keep=False) for at, content in enumerate(contents)]
    urls = ["serial", *(f"{kind}/{number}" for kind in ("processes:/", "dask://local") for number in chosen.workers)]
    taken: dict[str, list[float]] = {}
    sending: dict[str, list[float]] = {}
    for _ in range(chosen.rounds):
        for url in urls:
            with opened(url) as place:
                list(place.map(evaluated_file, parts[:2]))  # workers have imported everything
                took, found = seconds(place, parts)
                taken.setdefault(url, []).append(took)
                began = time.perf_counter()
                list(place.map(returned, list(zip(parts, found, strict=True))))
                sending.setdefault(url, []).append(time.perf_counter() - began)
    serial = statistics.median(taken["serial"])
    figures = {
        "machine": machine(),
        "stations": chosen.stations,
        "years": chosen.years,
        "file_kib": round(sum(map(len, contents)) / len(contents) / 1024),
        "by_executor": {
            url: {
                "seconds": round(statistics.median(took), 2),
                "times_serial": round(serial / statistics.median(took), 2),
                "station_years_per_s": round(chosen.stations * chosen.years / statistics.median(took), 1),
                "sending_share": round(statistics.median(sending[url]) / statistics.median(took), 3),
            }
            for url, took in taken.items()
        },
    }
    text = json.dumps(figures, ensure_ascii=False, indent=1)
    print(text)
    if chosen.output:
        chosen.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
