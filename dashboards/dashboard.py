"""A dashboard: its variables and shelves, and the document that Grafana reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from dashboards.annotation import Annotation, annotation_json
from dashboards.layout import Heading, Shelf, place
from dashboards.panel import NO_VALUE, Json, Panel, Position, panel_json
from dashboards.query import load_sql
from dashboards.variable import Variable, console_variable, datasource_variable, variable_json

#: The newest dashboard schema that Grafana 9.4 writes; later versions migrate it when they load it.
SCHEMA_VERSION: Final = 37
TIMEZONE: Final = "Asia/Shanghai"
#: Every dashboard has this tag; the links at the top of each list all that have it.
TAG: Final = "蓝天"
#: Where a console is that nobody has configured.
CONSOLE: Final = "http://127.0.0.1:8088"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard.

    Attributes
    ----------
    uid : str
        Fixed name in addresses and links.
    folder : str
        Folder of its SQL files; the rendered file is ``<uid>.json``.
    time_from, time_to : str
        Time range shown at first.
    refresh : str
        How often open pages ask again.
    annotations : tuple of Annotation
        Spans marked on its graphs; their SQL may use the variable `area`.
    empty : str
        What its panels say without data, and what would bring some.
    """

    uid: str
    folder: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    shelves: tuple[Shelf, ...]
    time_from: str
    time_to: str
    refresh: str
    annotations: tuple[Annotation, ...] = ()
    empty: str = NO_VALUE

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Its panels in reading order, headings left out."""
        return tuple(item for item, _ in place(self.shelves) if isinstance(item, Panel))

    def variable_sql(self, variable: Variable) -> str:
        """Query of one of its variables."""
        return load_sql(self.folder, variable.sql, {})


def dashboard_json(dashboard: Dashboard, console: str = CONSOLE) -> Json:
    """The document of a dashboard: the same for the same definition, whenever and wherever it is rendered.

    Parameters
    ----------
    dashboard : Dashboard
        Which.
    console : str
        Address of the console, without a slash at the end.

    Returns
    -------
    dict
        What Grafana reads.
    """
    variables = [variable_json(variable, dashboard.variable_sql(variable)) for variable in dashboard.variables]
    return {
        "annotations": {"list": [_built_in_annotations(), *map(annotation_json, dashboard.annotations)]},
        "description": dashboard.description,
        "editable": True,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "links": [_links(), _console_link()],
        "liveNow": False,
        "panels": [_item_json(item, position, dashboard) for item, position in place(dashboard.shelves)],
        "refresh": dashboard.refresh,
        "schemaVersion": SCHEMA_VERSION,
        "style": "dark",
        "tags": [TAG],
        "templating": {"list": [datasource_variable(), console_variable(console), *variables]},
        "time": {"from": dashboard.time_from, "to": dashboard.time_to},
        "timepicker": {},
        "timezone": TIMEZONE,
        "title": dashboard.title,
        "uid": dashboard.uid,
        "weekStart": "monday",
    }


def document_text(document: Json) -> str:
    """A document as text: keys sorted, two blanks of indentation, Chinese as it is, a final line end."""
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _item_json(item: Heading | Panel, position: Position, dashboard: Dashboard) -> Json:
    if isinstance(item, Panel):
        return panel_json(item, position, dashboard.folder, dashboard.empty)
    return {
        "collapsed": False,
        "gridPos": position.as_json(),
        "id": item.id,
        "panels": [],
        "title": item.title,
        "type": "row",
    }


def _built_in_annotations() -> Json:
    return {
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "target": {"limit": 100, "matchAny": False, "tags": [], "type": "dashboard"},
        "type": "dashboard",
    }


def _links() -> Json:
    return {
        "asDropdown": False,
        "icon": "external link",
        "includeVars": True,
        "keepTime": False,
        "tags": [TAG],
        "targetBlank": False,
        "title": "蓝天看板",
        "tooltip": "其他看板",
        "type": "dashboards",
        "url": "",
    }


def _console_link() -> Json:
    return {
        "asDropdown": False,
        "icon": "external link",
        "includeVars": False,
        "keepTime": False,
        "tags": [],
        "targetBlank": True,
        "title": "操作台",
        "tooltip": "处理告警、预警、审核（需登录）",
        "type": "link",
        "url": "${console:raw}/",
    }
