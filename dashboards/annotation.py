"""Spans of time marked on every graph of a dashboard: warnings, dust."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dashboards.query import load_sql, query_target
from dashboards.variable import DATASOURCE

#: Folder of the annotations' SQL files.
FOLDER: Final = "annotation"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A query that returns ``time``, ``timeend``, ``text`` and ``tags``.

    Attributes
    ----------
    name : str
        Shown as a switch at the top of the dashboard.
    sql : str
        File in ``sql/annotation/``.
    colour : str
        Of the marks.
    """

    name: str
    sql: str
    colour: str


WARNINGS: Final = Annotation("重污染预警", "warnings", "#FF7E00")
DUST: Final = Annotation("沙尘", "dust", "#B8860B")


def annotation_json(annotation: Annotation) -> dict[str, object]:
    """An annotation as Grafana stores it.

    Parameters
    ----------
    annotation : Annotation
        What to mark.

    Returns
    -------
    dict
        With the query twice: as 9.4 reads it (``rawQuery``), and as later versions do (``target``).
    """
    sql = load_sql(FOLDER, annotation.sql, {})
    return {
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": annotation.colour,
        "name": annotation.name,
        "rawQuery": sql,
        "target": query_target(sql, "table", ref_id="Anno"),
    }
