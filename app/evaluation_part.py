"""One station file as a part of a larger evaluation: what a process elsewhere gets, computes and gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.evaluation_rule import Rules
from app.prsa import PrsaStation, parse_prsa
from app.year_report import StationYear, station_year
from domain.error import ConfigurationError


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file to evaluate.

    Attributes
    ----------
    name : str
        Name of the file, for errors.
    content : bytes
        The file as it is, compressed or not.
    years : sequence of int
        Calendar years; those without a measurement are left out.
    limits_edition, index_edition : str or None
        As `Rules.chosen` takes them.
    keep : bool
        Whether the hours themselves are wanted too.
    """

    name: str
    content: bytes
    years: Sequence[int]
    limits_edition: str | None
    index_edition: str | None
    keep: bool


@dataclass(frozen=True, slots=True)
class EvaluatedFile:
    """What became of a `FilePart`; `hours` are None unless they were wanted."""

    file: str
    station: str
    years: Mapping[int, StationYear]
    hours: PrsaStation | None


def evaluated_file(part: FilePart) -> EvaluatedFile:
    """Evaluate each year of a file; `ConfigurationError` names it when it is damaged or holds none of the years."""
    station = parse_prsa(part.content, part.name)
    years = {}
    for year in part.years:
        grid = station.year_grid(year)
        if not all(np.isnan(hours).all() for hours in grid.values()):
            years[year] = station_year(grid, year, Rules.chosen(year, part.limits_edition, part.index_edition))
    if not years:
        wanted = f"{part.years[0]}" if len(part.years) == 1 else f"{part.years[0]} to {part.years[-1]}"
        raise ConfigurationError(f"{part.name}: found no measurement of {wanted}, expected some")
    return EvaluatedFile(part.name, station.name, years, station if part.keep else None)
