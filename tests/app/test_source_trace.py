"""`lantian trace` and the job of roses in the real database."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from click.testing import CliRunner

from app.command.trace import command
from app.job.source_hint import settle_hints
from domain.error import ConfigurationError
from domain.period import midnight
from store.connection import Connection, connect

DAY = dt.date(2026, 1, 10)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def owner(database: Any) -> Any:
    with connect(database.url("lantian_owner"), autocommit=True) as conn:
        conn.execute("insert into area (id, name_zh) values ('x', '县')")
        conn.execute("insert into enterprise (id, area_id, name_zh, industry) values ('coke', 'x', '焦化厂', '焦化')")
        conn.execute("insert into pollutant values ('pm25', 'PM2.5', '细颗粒物', 'µg/m³', 0, 1)")
        conn.execute(
            "insert into site (id, area_id, enterprise_id, kind, name_zh, longitude, latitude) values"
            " ('x', 'x', null, 'area', '县', null, null), ('micro', 'x', null, 'micro', '微站', 111.0, 37.0),"
            " ('chimney', 'x', 'coke', 'stack', '焦炉', 111.0, 37.04), ('mill', 'x', null, 'plant', '磨', 111.1, 37.0)"
        )
        yield conn


def hour(conn: Connection, site: str, at: int, **values: float) -> None:
    conn.execute(
        f"insert into air_hour (site_id, hour, {', '.join(values)}, minutes, flag, edition)"
        f" values (%s, %s, {', '.join(['%s'] * len(values))}, %s, '111111111111', 'hj633-2026')",
        (site, midnight(DAY) + at * HOUR, *values.values(), [60] * 12),
    )


def ran(database: Any, monkeypatch: Any, *arguments: str) -> str:
    for role in ("owner", "writer", "reader", "app"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_works_upwind_of_a_peak_are_named(owner: Connection, database: Any, monkeypatch: Any) -> None:
    for at in range(48):
        high = 30 <= at < 34
        hour(owner, "micro", at, pm25=300.0 if high else 40.0)
        # The micro station has no wind of its own: the area's blows from the north during the peak.
        hour(owner, "x", at, wind_speed=2.0, wind_direction=5.0 if high else 90.0)
    span = ("--site", "micro", "--from", "2026-01-11T00", "--to", "2026-01-12T00")
    found = json.loads(ran(database, monkeypatch, *span, "--json"))
    assert (found["usual"], found["hours_counted"]) == (40.0, 4)
    assert [one["site"] for one in found["upwind"]] == ["chimney"]
    assert found["upwind"][0]["enterprise_zh"] == "焦化厂" and found["upwind"][0]["hours"] == 4
    assert found["rose"]["hours"][0] == 4 and found["rose"]["hours"][4] == 44
    assert "焦化厂" in ran(database, monkeypatch, *span)
    with pytest.raises(ConfigurationError, match="no hour of o3"):
        ran(database, monkeypatch, *span, "--pollutant", "o3")
    with pytest.raises(ConfigurationError, match="no site 'nowhere'"):
        ran(database, monkeypatch, "--site", "nowhere", *span[2:])
    with pytest.raises(ConfigurationError, match="expected 1 to 744 hours"):
        ran(database, monkeypatch, *span[:4], "--to", "2026-01-11T00")

    with connect(database.url("lantian_app"), autocommit=True) as conn:
        now = midnight(DAY) + 49 * HOUR
        assert settle_hints(conn, now) == {"written": 2}
        assert settle_hints(conn, now) == {"written": 2}
    with connect(database.url("lantian_reader")) as conn:
        rows = conn.execute(
            "select direction_zh, hours, mean, probability_percent from screen.pollution_rose"
            " where days = 7 and hours > 0 order by sector"
        ).fetchall()
        assert rows[0][:3] == ("北", 4, 300.0) and rows[1] == ("东", 44, 40.0, 0.0)
        surface = conn.execute(
            "select max(mean) from screen.polar_surface where direction = 90 and days = 7"
        ).fetchone()
        assert surface is not None and surface[0] == pytest.approx(40.0, abs=30)
