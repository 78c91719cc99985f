"""The panel types with the options that Grafana 9.4 knows, each with the defaults of this house."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dashboards.colour import GREY, steps
from dashboards.panel import Json, Visualisation

_MOST_ROWS: Final = 100
_VISIBLE: Json = {"legend": False, "tooltip": False, "viz": False}


def override(name: str, **properties: object) -> Json:
    """Field options of one column or series.

    Parameters
    ----------
    name : str
        Column or series.
    **properties : object
        Option -> value; ``custom_width`` stands for ``custom.width``.

    Returns
    -------
    dict
        An override.
    """
    named = [{"id": key.replace("custom_", "custom."), "value": value} for key, value in sorted(properties.items())]
    return {"matcher": {"id": "byName", "options": name}, "properties": named}


def console_link(title: str, path: str) -> Json:
    """A link of a column's cells to a page of the console; `path` begins with a slash and may name other columns."""
    return {"targetBlank": True, "title": title, "url": f"${{console:raw}}{path}"}


def fixed(colour: str) -> Json:
    """One colour whatever the value."""
    return {"fixedColor": colour, "mode": "fixed"}


def _reduce(fields: str, *, rows: bool = False) -> Json:
    # Of rows Grafana shows twenty-five unless told otherwise.
    limit: Json = {"limit": _MOST_ROWS} if rows else {}
    return {"calcs": ["lastNotNull"], "fields": fields, "values": rows, **limit}


def stat(
    *,
    fields: str = "",
    thresholds: Json | None = None,
    mappings: Sequence[Json] = (),
    decimals: int | None = None,
    background: bool = True,
) -> Visualisation:
    """Big figures, one per column of a single row.

    Parameters
    ----------
    fields : str
        Empty: numbers only; ``/.*/``: text too.
    thresholds : dict, optional
        Colours by value.
    mappings : sequence of dict
        Words and colours for values.
    decimals : int, optional
        Decimals shown.
    background : bool
        Colour the panel rather than the figure.

    Returns
    -------
    Visualisation
        Of type ``stat``.
    """
    defaults: Json = {"color": {"mode": "thresholds"}, "mappings": list(mappings)}
    defaults["thresholds"] = thresholds or steps((None, GREY if background else "text"))
    if decimals is not None:
        defaults["decimals"] = decimals
    options: Json = {
        "colorMode": "background" if background else "value",
        "graphMode": "none",
        "justifyMode": "center",
        "orientation": "auto",
        "reduceOptions": _reduce(fields),
        "textMode": "auto",
    }
    return Visualisation("stat", "table", options, defaults)


def gauge(thresholds: Json, *, low: float, high: float, decimals: int) -> Visualisation:
    """A dial of one figure between `low` and `high`."""
    defaults: Json = {
        "color": {"mode": "thresholds"},
        "decimals": decimals,
        "mappings": [],
        "max": high,
        "min": low,
        "thresholds": thresholds,
    }
    options: Json = {
        "orientation": "auto",
        "reduceOptions": _reduce(""),
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
    }
    return Visualisation("gauge", "table", options, defaults)


def bargauge(
    thresholds: Json, *, rows: bool, decimals: int, high: float | None = None, horizontal: bool = True
) -> Visualisation:
    """Bars: one per row (named by the row's text column), or one per column of a single row."""
    defaults: Json = {
        "color": {"mode": "thresholds"},
        "decimals": decimals,
        "mappings": [],
        "min": 0,
        "thresholds": thresholds,
    }
    if high is not None:
        defaults["max"] = high
    options: Json = {
        "displayMode": "gradient" if rows else "basic",
        "minVizHeight": 10,
        "minVizWidth": 0,
        "orientation": "horizontal" if horizontal else "vertical",
        "reduceOptions": _reduce("", rows=rows),
        "showUnfilled": True,
    }
    return Visualisation("bargauge", "table", options, defaults)


def table(*columns: Json, sort: str = "", descending: bool = False) -> Visualisation:
    """Rows and columns; `columns` are overrides, `sort` names the column that orders the rows at first."""
    defaults: Json = {
        "color": {"mode": "thresholds"},
        # Present even where every column overrides it: the migration to `cellOptions` of later versions needs it.
        "custom": {"align": "auto", "displayMode": "auto", "filterable": False, "inspect": False},
        "mappings": [],
        "thresholds": steps((None, "text")),
    }
    options: Json = {
        "footer": {"countRows": False, "enablePagination": False, "fields": "", "reducer": ["sum"], "show": False},
        "frameIndex": 0,
        "showHeader": True,
        "sortBy": [{"desc": descending, "displayName": sort}] if sort else [],
    }
    return Visualisation("table", "table", options, defaults, tuple(columns))


def timeseries(*, decimals: int, bars: bool = False, low: float | None = 0) -> Visualisation:
    """Lines over time, or stacked bars; `low` is where the axis starts unless values lie below."""
    custom: Json = {
        "axisCenteredZero": False,
        "axisColorMode": "text",
        "axisLabel": "",
        "axisPlacement": "auto",
        "barAlignment": 0,
        "drawStyle": "bars" if bars else "line",
        "fillOpacity": 70 if bars else 0,
        "gradientMode": "none",
        "hideFrom": _VISIBLE,
        "lineInterpolation": "linear",
        "lineWidth": 1 if bars else 2,
        "pointSize": 4,
        "scaleDistribution": {"type": "linear"},
        "showPoints": "never" if bars else "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if bars else "none"},
        "thresholdsStyle": {"mode": "off"},
    }
    if low is not None:
        custom["axisSoftMin"] = low
    defaults: Json = {
        "color": {"mode": "palette-classic"},
        "custom": custom,
        "decimals": decimals,
        "mappings": [],
        "thresholds": steps((None, "green")),
    }
    options: Json = {
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Visualisation("timeseries", "time_series", options, defaults)


def state_timeline(mapping: Json) -> Visualisation:
    """One band per series whose colour and word follow `mapping`."""
    defaults: Json = {
        "color": fixed(GREY),
        "custom": {"fillOpacity": 85, "hideFrom": _VISIBLE, "lineWidth": 0, "spanNulls": False},
        "mappings": [mapping],
        "thresholds": steps((None, GREY)),
    }
    options: Json = {
        "alignValue": "center",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "mergeValues": True,
        "rowHeight": 0.85,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Visualisation("state-timeline", "time_series", options, defaults)


def geomap(thresholds: Json, *, latitude: str, longitude: str, value: str) -> Visualisation:
    """Markers at the columns `latitude` and `longitude`, coloured and labelled by `value`; the view fits them."""
    style: Json = {
        "color": {"field": value, "fixed": GREY},
        "opacity": 0.85,
        "rotation": {"fixed": 0, "max": 360, "min": -360, "mode": "mod"},
        "size": {"fixed": 14, "max": 15, "min": 2},
        "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
        "text": {"field": value, "fixed": "", "mode": "field"},
        "textConfig": {
            "fontSize": 12,
            "offsetX": 0,
            "offsetY": 0,
            "textAlign": "center",
            "textBaseline": "middle",
        },
    }
    layer: Json = {
        "config": {"showLegend": False, "style": style},
        "location": {"latitude": latitude, "longitude": longitude, "mode": "coords"},
        "name": "站点",
        "tooltip": True,
        "type": "markers",
    }
    options: Json = {
        "basemap": {"config": {}, "name": "底图", "type": "default"},
        "controls": {
            "mouseWheelZoom": False,
            "showAttribution": True,
            "showDebug": False,
            "showMeasure": False,
            "showScale": True,
            "showZoom": True,
        },
        "layers": [layer],
        "tooltip": {"mode": "details"},
        "view": {"allLayers": True, "id": "fit", "lat": 0, "lon": 0, "padding": 20, "zoom": 12},
    }
    defaults: Json = {
        "color": {"mode": "thresholds"},
        "custom": {"hideFrom": _VISIBLE},
        "mappings": [],
        "thresholds": thresholds,
    }
    return Visualisation("geomap", "table", options, defaults)


def text(markdown: str) -> Visualisation:
    """Words, in Markdown."""
    options: Json = {
        "code": {"language": "plaintext", "showLineNumbers": False, "showMiniMap": False},
        "content": markdown,
        "mode": "markdown",
    }
    return Visualisation("text", "", options)
