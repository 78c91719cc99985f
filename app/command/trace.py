"""`lantian trace`: who lay upwind of a station's peak."""

from __future__ import annotations

import datetime as dt
import json

import click
import numpy as np
from rich.table import Table

from app.output import table_console
from app.service.address import app_database_url
from app.source_trace import Trace, read_trace, span
from domain.pollutant import POLLUTANTS, SIX_KEYS
from store.connection import connect
from store.error import translated

_MOMENT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d"])


@click.command("trace")
@click.option("--site", required=True, help="Station with the peak.")
@click.option("--from", "first", required=True, type=_MOMENT, help="First hour, local time: 2026-01-10T05.")
@click.option("--to", "last", required=True, type=_MOMENT, help="Where the span ends, outside of it.")
@click.option("--pollutant", default="pm25", show_default=True, type=click.Choice(SIX_KEYS))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(site: str, first: dt.datetime, last: dt.datetime, *, pollutant: str, as_json: bool) -> None:
    """Name the enterprises and sites upwind of a station while its concentration was high.

    The excess of each hour over what is usual at the station is laid along the wind of that hour; places within the
    plume that reached the station share it, nearer ones more. This is a hint for an inspection, not proof.
    """
    low, high = span(first, last)
    with (
        translated("trace a peak"),
        connect(app_database_url(), autocommit=True, application_name="lantian trace") as conn,
    ):
        found = read_trace(conn, site, pollutant, low=low, high=high)
    if as_json:
        click.echo(json.dumps(trace_json(found), ensure_ascii=False, indent=2))
        return
    unit = POLLUTANTS[pollutant].unit
    peak = max(found.hours, key=lambda row: row[1])
    click.echo(f"{found.station.name_zh} ({site}): {pollutant} up to {peak[1]:.0f} {unit} at {peak[0]:%m-%d %H:00}")
    click.echo(f"usual {found.usual:.0f} {unit}; {found.counted} of {len(found.hours)} hours above it with wind")
    if not found.suspects:
        click.echo("no registered place lay upwind, or no wind was measured")
        return
    table = Table("site", "name", "enterprise", "kind", "km", "direction", "hours upwind", "score", box=None)
    for one in found.suspects:
        place = one.place
        table.add_row(
            *(place.id, place.name_zh, place.enterprise_zh or "", place.kind, f"{one.distance_km:.1f}"),
            *(f"{one.bearing:.0f}°", str(one.hours), f"{one.score:.2f}"),
        )
    table_console().print(table)


def trace_json(found: Trace) -> dict[str, object]:
    """A trace as plain values; what does not exist is None."""
    rose = found.rose

    def plain(values: np.ndarray) -> list[float | None]:
        return [None if np.isnan(value) else round(float(value), 3) for value in values]

    return {
        "site": found.station.id,
        "pollutant": found.pollutant,
        "usual": found.usual,
        "hours_counted": found.counted,
        "hours": [
            {"hour": hour.isoformat(), "value": value, "wind_direction": direction, "wind_speed": speed}
            for hour, value, direction, speed in found.hours
        ],
        "rose": {
            "sectors_from_north": 16,
            "hours": rose.hours.tolist(),
            "means": plain(rose.means),
            "probabilities": plain(rose.probabilities),
            "threshold": None if np.isnan(rose.threshold) else rose.threshold,
        },
        "upwind": [
            {
                "site": one.place.id,
                "name_zh": one.place.name_zh,
                "enterprise_zh": one.place.enterprise_zh,
                "kind": one.place.kind,
                "distance_km": round(one.distance_km, 2),
                "bearing": round(one.bearing, 1),
                "hours": one.hours,
                "score": round(one.score, 4),
            }
            for one in found.suspects
        ],
    }
