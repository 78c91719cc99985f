"""Year-end budget of the plan's measured targets in the real database: by hand, and as the command shows it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from app.job.budget import settle_budgets
from app.main import main
from store.connection import Connection, connect

NOW = dt.datetime(2025, 6, 30, 20, tzinfo=dt.UTC)  # 1 July, local


@pytest.fixture
def county(database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Connection:
    """PM2.5 35 in the first and 60 in the second half of 2023 and 2024; 40 so far in 2025, four days of January not
    valid. O3 100, but 170 on 20 days of June."""
    for role in ("writer", "app", "reader", "owner"):
        monkeypatch.setenv(f"LANTIAN_DATABASE_{role.upper()}_URL", database.url(f"lantian_{role}"))
    monkeypatch.setenv("LANTIAN_HOME", str(tmp_path / "home"))
    with connect(database.url("lantian_owner")) as owner:
        owner.execute("insert into area (id, name_zh) values ('county', '县')")
        owner.execute("insert into site (id, area_id, kind, name_zh) values ('county', 'county', 'area', '县')")
        for at, (name, value, comparator, pollutant, statistic) in enumerate(
            (
                ("pm25", 50, "<=", "pm25", "mean"),
                ("o3", 160, "<=", "o3", "p90"),
                ("co", 4, "<=", "co", "p95"),  # no day: no budget
                ("more", 10, ">=", "pm25", "mean"),  # no limit from above: no budget
            )
        ):
            owner.execute(
                "insert into target (id, area_id, clause, indicator_zh, indicator_en, comparator, value, unit,"
                " averaging, due_on, due_text, period, actual_kind, pollutant, statistic, responsible_zh, position)"
                " values (%s, 'county', '6', %s, '', %s, %s, 'µg/m³', 'calendar year', '2025-12-31', '', 'year',"
                " 'measured', %s, %s, '分局', %s)",
                (name, name.upper(), comparator, value, pollutant, statistic, at),
            )
        owner.execute(
            "insert into air_day (site_id, day, pm25, o3_8h, hours, edition)"
            " select 'county', d, case when d between '2025-01-01' and '2025-01-04' then null"
            "   when extract(month from d) > 6 then 60 when d < '2025-01-01' then 35 else 40 end,"
            "   case when d between '2025-06-01' and '2025-06-20' then 170 else 100 end,"
            "   array[24, 24, 24, 24, 24, 24]::smallint[], 'hj633-2012'"
            " from generate_series('2023-01-01'::date, '2025-06-30', '1 day') as days (d)"
        )
    return connect(database.url("lantian_app"), autocommit=True)


def test_budgets_by_hand(county: Connection, database: Any) -> None:
    with county as conn:
        assert settle_budgets(conn, NOW) == {"written": 2}
        assert settle_budgets(conn, NOW) == {"written": 2}  # again: the same two rows
    with connect(database.url("lantian_reader")) as conn:
        pm25, o3 = conn.execute("select * from screen.target_budget order by position").fetchall()
        names = [column.name for column in conn.execute("select * from screen.target_budget").description or ()]
    found = dict(zip(names, pm25, strict=True))
    assert (found["as_of"], found["valid_days"], found["days"], found["remaining_days"]) == (
        dt.date(2025, 6, 30),
        177,
        181,
        184,
    )
    assert found["value"] == 40 and found["further_days_above"] is None
    assert found["remaining_mean"] == pytest.approx((50 * 361 - 40 * 177) / 184)
    rest = 60 * (40 / 35) ** 0.25  # a quarter of this year's excess lasts
    expected = (40 * 177 + rest * 184) / 361
    assert [found[key] for key in ("projected", "low", "high")] == pytest.approx([expected] * 3)
    assert found["completeness_percent"] == pytest.approx(100 * 177 / 181)
    assert (found["past_years"], found["invalid_days_allowed"], found["can_be_valid"]) == (2, 22, True)
    assert found["outlook_zh"] == "预计年终超过目标"
    found = dict(zip(names, o3, strict=True))
    # 365 days: rank 328.6, so the 36 days above rank 329 may exceed 160; 20 have.
    assert (found["value"], found["further_days_above"], found["remaining_mean"]) == (170.0, 16, None)
    assert found["outlook_zh"] == "预计年终达到目标"


def test_the_command_shows_them(county: Connection) -> None:
    empty = CliRunner().invoke(main, ["target", "budget", "--year", "2025"])
    assert "no budget of 2025" in empty.stdout
    with county as conn:
        settle_budgets(conn, NOW)
    shown = CliRunner(env={"COLUMNS": "220"}).invoke(main, ["target", "budget", "--year", "2025"]).stdout
    assert "年终预算（截至 2025-06-30）" in shown and "59.6" in shown and "预计年终达到目标" in shown
