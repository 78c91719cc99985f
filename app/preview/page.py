"""A whole dashboard as one HTML file: every panel's SQL run once, in Grafana's grid."""

from __future__ import annotations

import datetime as dt
from html import escape
from typing import Any, Final

from app.preview.drawing import Frame, drawing
from app.preview.macro import Scope, edge, statement, title
from dashboards.dashboard import Dashboard, dashboard_json
from domain.period import ZONE
from store.connection import Connection
from store.error import translated

_STYLE: Final = """
body{margin:8px;background:#111217;color:#ccccdc;font:13px/1.4 "Noto Sans CJK SC","Microsoft YaHei",sans-serif}
h1{font-size:18px;margin:4px}.grid{display:grid;grid-template-columns:repeat(24,1fr);grid-auto-rows:30px;gap:8px}
section{background:#181b1f;border:1px solid #2c3235;display:flex;flex-direction:column;overflow:hidden;min-width:0}
h2{font-size:13px;font-weight:500;margin:4px 8px}h3{grid-column:1/-1;margin:4px;font-size:14px;align-self:end}
.scroll{overflow:auto;flex:1}table{border-collapse:collapse;width:100%}td,th{padding:2px 6px;text-align:left;
border-bottom:1px solid #2c3235;white-space:nowrap;height:31px}td.number{text-align:right}svg{flex:1;min-height:0;width:100%}
th.number{text-align:right}
path{fill:none;stroke-linecap:round;vector-effect:non-scaling-stroke}
line.grid{stroke:#2c3235}text{fill:#8e8e8e;font-size:12px}
.mark{font-size:20px;text-anchor:middle;fill:inherit}.figures{display:flex;flex-wrap:wrap;flex:1;gap:4px;padding:4px}
.figure{flex:1;font-size:24px;display:flex;flex-direction:column;align-items:center;justify-content:center;
text-align:center;border-radius:3px;min-width:90px}.figure small{font-size:12px}.figure.long{font-size:15px}
.bar,.band{display:flex;align-items:center;gap:8px;padding:1px 8px}.bar span,.band span{width:110px;flex:none}
.bar i{flex:1;background:#22252b;height:14px}.bar b{display:block;height:100%}.bar em{width:90px;text-align:right}
.band svg{height:20px}.axis{display:flex;justify-content:space-between;font-size:11px;color:#8e8e8e;padding:0 4px}
.legend{padding:2px 8px}.legend span{margin-right:12px}.legend b{display:inline-block;width:12px;height:4px;margin:3px}
.empty{margin:auto;color:#8e8e8e;font-size:16px}.words{padding:8px;white-space:pre-wrap;overflow:auto}
"""


def _frame(conn: Connection, sql: str) -> Frame:
    cursor = conn.execute(sql.encode())
    return Frame([column.name for column in cursor.description or ()], cursor.fetchall())


def preview_scope(conn: Connection, dashboard: Dashboard, now: dt.datetime) -> Scope:
    """What Grafana chooses when it opens the dashboard: stored choices that exist, all, or the first."""
    scope = Scope({}, edge(dashboard.time_from, now, end=False), edge(dashboard.time_to, now, end=True))
    for variable in dashboard.variables:
        rows = _frame(conn, statement(dashboard.variable_sql(variable), scope)).rows
        options = [str(value) for _, value in rows]
        stored = [value for _, value in variable.chosen if value in options]
        chosen = tuple(stored or options) if variable.multiple else (options[0] if options else "",)
        scope = Scope({**scope.values, variable.name: chosen}, scope.low, scope.high)
    return scope


def preview_page(conn: Connection, dashboard: Dashboard, now: dt.datetime) -> str:
    """A dashboard as HTML.

    Parameters
    ----------
    conn : Connection
        As lantian_reader, autocommit.
    dashboard : Dashboard
        Which.
    now : datetime
        End of the time ranges.

    Returns
    -------
    str
        One file without scripts or anything from elsewhere.
    """
    with translated("preview"):
        scope = preview_scope(conn, dashboard, now)
        document: Any = dashboard_json(dashboard)
        sections = [_section(conn, panel, scope) for panel in document["panels"]]
    at = f"{now.astimezone(ZONE):%Y-%m-%d %H:%M}"
    return (
        f"<!DOCTYPE html><html lang=zh-CN><meta charset=utf-8><title>{escape(dashboard.title)}</title>"
        f"<style>{_STYLE}</style><h1>{escape(dashboard.title)} <small>预览 {at}</small></h1>"
        f"<div class=grid>{''.join(sections)}</div></html>\n"
    )


def _section(conn: Connection, panel: dict[str, Any], scope: Scope) -> str:
    place = panel["gridPos"]
    style = f"grid-column:{place['x'] + 1}/span {place['w']};grid-row:{place['y'] + 1}/span {place['h']}"
    if panel["type"] == "row":
        return f"<h3 style='{style}'>{escape(panel['title'])}</h3>"
    scope = scope.at_least(panel.get("interval", ""))
    frames = [_frame(conn, statement(target["rawSql"], scope)) for target in panel.get("targets", ())]
    heading = f"<h2 title='{escape(panel['description'], quote=True)}'>{escape(title(panel['title'], scope))}</h2>"
    return f"<section style='{style}'>{heading}{drawing(panel, frames, scope)}</section>"
