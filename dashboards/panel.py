"""A panel in one place: title, description, unit, SQL, visualisation, size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from dashboards.query import load_sql, query_target
from dashboards.variable import DATASOURCE

Json = dict[str, object]
#: Panel types that Grafana 9.4 and every later version bring along.
PANEL_TYPES: Final = frozenset(
    {"timeseries", "stat", "gauge", "bargauge", "table", "state-timeline", "geomap", "text", "row"}
)
#: The version whose options `dashboards.visualisation` writes: later ones migrate from it.
PLUGIN_VERSION: Final = "9.4.0"
#: What a panel says that neither says anything itself nor stands on a dashboard that does.
NO_VALUE: Final = "暂无数据"
#: Where there are rows, a missing value is a dash, on markers of a map too; without rows there are the words for it.
_DASH: Final[Json] = {
    "matcher": {"id": "byRegexp", "options": "/.*/"},
    "properties": [{"id": "noValue", "value": "—"}],
}


@dataclass(frozen=True, slots=True)
class Visualisation:
    """How Grafana draws a panel.

    Attributes
    ----------
    type : str
        One of `PANEL_TYPES`.
    format : str
        ``table``, ``time_series`` or, for a panel without a query, empty.
    options : dict
        Options of the panel type.
    defaults : dict
        Field options: colour, thresholds, mappings, decimals, custom.
    overrides : tuple of dict
        Field options by column or series name.
    """

    type: str
    format: str
    options: Json
    defaults: Json = field(default_factory=dict)
    overrides: tuple[Json, ...] = ()

    def with_overrides(self, *overrides: Json) -> Visualisation:
        """The same with more field options; later ones win."""
        return replace(self, overrides=(*self.overrides, *overrides))


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes
    ----------
    id : int
        Unique in its dashboard and never used again for another panel: links name it.
    sql : tuple of str
        Names of the files in ``sql/<dashboard>/``, one query each; empty for text.
    unit : str
        Unit of all numbers, or empty where columns have their own or none.
    width, height : int
        In Grafana's grid of 24 columns.
    parameters : mapping
        Words that the SQL files take at rendering, ``{{name}}``.
    interval : str
        Least width of a time bucket, such as ``1h``.
    empty : str
        What it says when there is nothing to show, and what would bring something; otherwise the dashboard's words.
    """

    id: int
    title: str
    description: str
    visualisation: Visualisation
    width: int
    height: int
    sql: tuple[str, ...] = ()
    unit: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    interval: str = ""
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    """Place of a panel in the grid."""

    x: int
    y: int
    width: int
    height: int

    def as_json(self) -> Json:
        """As Grafana's ``gridPos``."""
        return {"h": self.height, "w": self.width, "x": self.x, "y": self.y}


def panel_queries(panel: Panel, dashboard: str) -> tuple[str, ...]:
    """SQL of a panel with its parameters filled in, Grafana's macros and variables still in it."""
    return tuple(load_sql(dashboard, name, panel.parameters) for name in panel.sql)


def panel_json(panel: Panel, position: Position, dashboard: str, empty: str = NO_VALUE) -> Json:
    """A panel as Grafana stores it.

    Parameters
    ----------
    panel : Panel
        What to draw.
    position : Position
        Where.
    dashboard : str
        Folder of its SQL files.
    empty : str
        What it says without data unless it has words of its own.

    Returns
    -------
    dict
        The panel object of a dashboard.
    """
    view = panel.visualisation
    defaults: Json = {**view.defaults, "noValue": panel.empty or empty}
    overrides = [_DASH, *view.overrides] if view.format == "table" else list(view.overrides)
    if panel.unit:
        defaults["unit"] = panel.unit
    document: Json = {
        "description": panel.description,
        "gridPos": position.as_json(),
        "id": panel.id,
        "options": view.options,
        "pluginVersion": PLUGIN_VERSION,
        "title": panel.title,
        "transparent": False,
        "type": view.type,
    }
    if view.type != "text":
        document["fieldConfig"] = {"defaults": defaults, "overrides": overrides}
    if panel.sql:
        document["datasource"] = DATASOURCE
        document["targets"] = [
            query_target(sql, view.format, ref_id=chr(ord("A") + at))
            for at, sql in enumerate(panel_queries(panel, dashboard))
        ]
    if panel.interval:
        document["interval"] = panel.interval
    return document
