"""Panels placed in Grafana's grid: shelves from left to right, top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.panel import Panel, Position
from domain.error import ConfigurationError

#: Columns of the grid. One is about 54 pixels wide on a screen of 1366 and 78 on one of 1920; a unit of height is 38.
COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of text between shelves (Grafana's row); `id` as of a panel."""

    id: int
    title: str


Shelf = Heading | tuple[Panel, ...]


def place(shelves: Sequence[Shelf]) -> list[tuple[Heading | Panel, Position]]:
    """Positions of all panels.

    Parameters
    ----------
    shelves : sequence of Heading or tuple of Panel
        The panels of a shelf have one height and fill the 24 columns; otherwise a `ConfigurationError` names them.

    Returns
    -------
    list of (Heading or Panel, Position)
        In reading order.
    """
    placed: list[tuple[Heading | Panel, Position]] = []
    y = 0
    for shelf in shelves:
        if isinstance(shelf, Heading):
            placed.append((shelf, Position(0, y, COLUMNS, 1)))
            y += 1
            continue
        titles = "、".join(panel.title for panel in shelf)
        heights = {panel.height for panel in shelf}
        if len(heights) != 1 or sum(panel.width for panel in shelf) != COLUMNS:
            raise ConfigurationError(
                f"shelf {titles}: found heights {sorted(heights)} and widths {[panel.width for panel in shelf]},"
                f" expected one height and {COLUMNS} columns"
            )
        x = 0
        for panel in shelf:
            placed.append((panel, Position(x, y, panel.width, panel.height)))
            x += panel.width
        y += heights.pop()
    return placed
