"""`lantian dashboards` as a person types it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from grafana_server import TOKEN, State, grafana_server

from app.main import main
from dashboards.render import DASHBOARDS

READER = "postgresql://lantian_reader:secret@127.0.0.1:55432/lantian"


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def url(state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A Grafana that the settings name, and a database that they name too."""
    with grafana_server(state) as address:
        monkeypatch.setenv("LANTIAN_GRAFANA_URL", address)
        monkeypatch.setenv("LANTIAN_GRAFANA_TOKEN", TOKEN)
        for role in ("OWNER", "WRITER", "APP", "READER"):
            monkeypatch.setenv(f"LANTIAN_DATABASE_{role}_URL", READER)
        yield address


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["dashboards", *arguments])


def test_list_names_every_dashboard() -> None:
    result = run("list")
    assert result.exit_code == 0
    listed = [line.split("\t")[:2] for line in result.output.splitlines()]
    assert listed == [[dashboard.uid, dashboard.title] for dashboard in DASHBOARDS]
    assert listed[:2] == [["lantian-targets", "目标与实绩"], ["lantian-air", "实时空气质量"]]


def test_render_writes_and_check_notices_a_stale_file(tmp_path: Path) -> None:
    assert run("render", "--check", "--out", str(tmp_path)).exit_code == 1
    assert run("render", "--out", str(tmp_path)).output.count("wrote") == len(DASHBOARDS)
    assert "are current" in run("render", "--out", str(tmp_path)).output
    assert run("render", "--check", "--out", str(tmp_path)).exit_code == 0
    (tmp_path / "lantian-air.json").write_text("{}", encoding="utf-8")
    stale = run("render", "--check", "--out", str(tmp_path))
    assert stale.exit_code == 1
    assert "lantian-air.json" in stale.output


def test_the_committed_files_are_current() -> None:
    assert run("render", "--check").exit_code == 0


def test_push_twice_then_diff_and_pull(url: str, state: State, tmp_path: Path) -> None:
    first = run("push")
    assert first.exit_code == 0, first.output
    assert first.output.count("created: ") == 2 + len(DASHBOARDS)
    assert f"{url}/d/lantian-air" in first.output
    assert "secret" not in first.output
    second = run("push", "--database-address", "127.0.0.1:55432")
    assert second.output.count("unchanged: ") == 3 + len(DASHBOARDS)
    assert run("diff").output == ""
    state.dashboards["lantian-air"]["dashboard"]["refresh"] = "1s"
    changed = run("diff", "lantian-air")
    assert changed.exit_code == 1
    assert '-  "refresh": "1s",' in changed.output
    assert run("diff", "lantian-targets").exit_code == 0
    assert run("pull", "--out", str(tmp_path)).output.count("wrote") == len(DASHBOARDS)
    assert json.loads((tmp_path / "lantian-air.json").read_text(encoding="utf-8"))["refresh"] == "1s"


def test_push_of_one_dashboard_leaves_the_source_alone(url: str, state: State) -> None:
    assert run("push", "--skip-source", "lantian-air").exit_code == 0
    assert set(state.dashboards) == {"lantian-air"}
    assert not state.sources


def test_push_says_when_grafana_cannot_reach_the_database(url: str, state: State) -> None:
    state.right_password = "another"
    result = run("push")
    assert result.exit_code == 1
    assert "password failed" in result.output
    assert "--database-address" in result.output


def test_pull_of_what_is_not_there(url: str, tmp_path: Path) -> None:
    assert run("pull", "--out", str(tmp_path), "lantian-air").output == ("实时空气质量 (lantian-air): not in Grafana\n")


def test_missing_address_and_token_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANTIAN_GRAFANA_URL", "LANTIAN_GRAFANA_TOKEN", "LANTIAN_GRAFANA_TOKEN_FILE", "LANTIAN_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    address = run("diff")
    assert address.exit_code == 2
    assert "grafana_url" in address.output
    token = run("diff", "--url", "http://localhost:1")
    assert token.exit_code == 2
    assert "LANTIAN_GRAFANA_TOKEN" in token.output
    assert run("diff", "nothing").exit_code == 2
