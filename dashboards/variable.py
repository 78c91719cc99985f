"""Template variables: the data source, and lists that come from the screen views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: Every panel asks the data source that the variable names; `postgres` is what 9.4 calls the plugin and what later
#: versions accept for `grafana-postgresql-datasource`.
PLUGIN: Final = "postgres"
DATASOURCE: Final[dict[str, object]] = {"type": PLUGIN, "uid": "${datasource}"}
_ALL: Final = "$__all"


@dataclass(frozen=True, slots=True)
class Variable:
    """A list to choose from, filled by a query that returns ``__text`` and ``__value``.

    Attributes
    ----------
    name, label : str
        As SQL and as people name it.
    sql : str
        File in the dashboard's SQL folder.
    multiple : bool
        Several at once, with an entry for all.
    chosen : tuple of (str, str)
        Text and value chosen at first; empty: the first of the list, or all of a multiple one.
    """

    name: str
    label: str
    sql: str
    multiple: bool = False
    chosen: tuple[tuple[str, str], ...] = ()


#: Every dashboard about a county begins with it.
AREA: Final = Variable("area", "区域", "area")
#: Narrows the lists of stations or enterprises that follow it; links between dashboards carry it along.
TOWNSHIP: Final = Variable("township", "乡镇", "township", multiple=True)


def datasource_variable() -> dict[str, object]:
    """The choice of data source; Grafana takes its default PostgreSQL source, or the first."""
    return {
        "current": {},
        "hide": 0,
        "includeAll": False,
        "label": "数据源",
        "multi": False,
        "name": "datasource",
        "options": [],
        "query": PLUGIN,
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "type": "datasource",
    }


def console_variable(address: str) -> dict[str, object]:
    """Where the console is, for links to its pages: a constant that nobody sees."""
    option = {"selected": True, "text": address, "value": address}
    return {
        "current": option,
        "hide": 2,
        "label": "操作台",
        "name": "console",
        "options": [option],
        "query": address,
        "skipUrlSync": True,
        "type": "constant",
    }


def variable_json(variable: Variable, sql: str) -> dict[str, object]:
    """A query variable as Grafana stores it; `sql` is its query."""
    current: dict[str, object] = {}
    if variable.chosen:
        texts, values = ([pair[at] for pair in variable.chosen] for at in (0, 1))
        current = {"selected": True, "text": texts, "value": values}
    elif variable.multiple:
        current = {"selected": True, "text": ["All"], "value": [_ALL]}
    return {
        "current": current,
        "datasource": DATASOURCE,
        "definition": sql,
        "hide": 0,
        "includeAll": variable.multiple,
        "label": variable.label,
        "multi": variable.multiple,
        "name": variable.name,
        "options": [],
        "query": sql,
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "sort": 0,
        "type": "query",
    }
