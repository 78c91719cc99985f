"""Push, diff and pull against a server that behaves as Grafana's endpoints do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from grafana_server import TOKEN, State, grafana_server

from dashboards.grafana import (
    SOURCE_UID,
    DataSource,
    Grafana,
    GrafanaError,
    GrafanaUnavailableError,
    data_source,
    open_grafana,
)
from dashboards.render import DASHBOARDS
from domain.error import ConfigurationError

SOURCE = DataSource("db.example", 5432, "lantian", "lantian_reader", "secret")
PROVISIONING = Path(__file__).parents[2] / "dashboards" / "provisioning"


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def grafana(state: State) -> Iterator[Grafana]:
    with grafana_server(state) as url, open_grafana(url, TOKEN) as connected:
        yield connected


def push_all(grafana: Grafana, source: DataSource = SOURCE) -> list[str]:
    """Outcomes of one push of everything."""
    changes = [grafana.push_folder(), grafana.push_source(source)]
    return [change.outcome for change in (*changes, *map(grafana.push_dashboard, DASHBOARDS))]


def test_first_push_creates_and_the_second_writes_nothing(grafana: Grafana, state: State) -> None:
    assert push_all(grafana) == ["created"] * (2 + len(DASHBOARDS))
    writes = len(state.writes)
    assert push_all(grafana) == ["unchanged"] * (2 + len(DASHBOARDS))
    assert len(state.writes) == writes
    assert set(state.dashboards) == {dashboard.uid for dashboard in DASHBOARDS}
    assert {entry["meta"]["folderUid"] for entry in state.dashboards.values()} == {"lantian"}
    assert state.folders["lantian"]["title"] == "蓝天"


def test_viewers_view_editors_edit_and_what_people_granted_stays(grafana: Grafana, state: State) -> None:
    grafana.push_folder()
    assert grafana.push_access().outcome == "updated"
    granted = [
        {"role": "Viewer", "permission": 1},
        {"role": "Editor", "permission": 2},
        {"teamId": 5, "permission": 4},
    ]
    assert state.access == granted
    assert grafana.push_access().outcome == "unchanged"
    assert state.access == granted


def test_source_has_what_the_panels_need(grafana: Grafana, state: State) -> None:
    push_all(grafana)
    source = state.sources[SOURCE_UID]
    assert source["type"] == "postgres"
    assert source["url"] == "db.example:5432"
    assert source["user"] == "lantian_reader"
    assert source["jsonData"]["timescaledb"] is True
    assert source["jsonData"]["sslmode"] == "disable"
    assert "secret" not in str(source)
    assert state.passwords[SOURCE_UID] == "secret"


def test_only_what_changed_is_written(grafana: Grafana, state: State) -> None:
    push_all(grafana)
    state.dashboards["lantian-air"]["dashboard"]["title"] = "别的"
    state.folders["lantian"]["title"] = "旧名"
    state.sources[SOURCE_UID]["url"] = "old:5432"
    assert push_all(grafana)[:4] == ["updated", "updated", "unchanged", "updated"]
    assert state.dashboards["lantian-air"]["dashboard"]["title"] == "实时空气质量"
    assert state.dashboards["lantian-air"]["dashboard"]["version"] == 2
    assert push_all(grafana) == ["unchanged"] * (2 + len(DASHBOARDS))


def test_a_new_password_is_noticed_because_the_old_one_fails(grafana: Grafana, state: State) -> None:
    push_all(grafana)
    state.right_password = "new"
    assert "password failed" in str(grafana.source_fault())
    assert push_all(grafana, dataclasses.replace(SOURCE, password="new"))[1] == "updated"
    assert grafana.source_fault() is None


def test_later_name_of_the_plugin_is_the_same_source(grafana: Grafana, state: State) -> None:
    push_all(grafana)
    state.sources[SOURCE_UID]["type"] = "grafana-postgresql-datasource"
    state.sources[SOURCE_UID]["jsonData"]["somethingNew"] = 1
    assert push_all(grafana)[1] == "unchanged"


def test_a_dashboard_in_another_folder_is_moved(grafana: Grafana, state: State) -> None:
    push_all(grafana)
    state.dashboards["lantian-air"]["meta"]["folderUid"] = "general"
    assert push_all(grafana)[3] == "updated"
    assert state.dashboards["lantian-air"]["meta"]["folderUid"] == "lantian"


def test_provisioned_things_are_not_fought_over(grafana: Grafana, state: State) -> None:
    push_all(grafana)
    state.dashboards["lantian-air"]["meta"]["provisioned"] = True
    state.dashboards["lantian-air"]["dashboard"]["title"] = "别的"
    with pytest.raises(GrafanaError, match="provisioned"):
        grafana.push_dashboard(DASHBOARDS[1])
    state.sources[SOURCE_UID] |= {"readOnly": True, "url": "old:5432"}
    with pytest.raises(GrafanaError, match="provisioned"):
        grafana.push_source(SOURCE)


def test_difference_names_what_differs(grafana: Grafana, state: State) -> None:
    missing = grafana.difference(DASHBOARDS[0])
    assert missing[0] == "--- grafana/lantian-targets.json"
    assert not any(line.startswith("-") for line in missing[2:])
    push_all(grafana)
    assert grafana.difference(DASHBOARDS[0]) == []
    state.dashboards["lantian-targets"]["dashboard"]["refresh"] = "1s"
    lines = grafana.difference(DASHBOARDS[0])
    assert '-  "refresh": "1s",' in lines
    assert '+  "refresh": "5m",' in lines


def test_stored_document_is_what_was_pushed(grafana: Grafana) -> None:
    assert grafana.stored(DASHBOARDS[0]) is None
    push_all(grafana)
    found = grafana.stored(DASHBOARDS[0])
    assert found is not None
    assert "version" not in found[0]
    assert found[0]["uid"] == "lantian-targets"


def test_wrong_token_names_address_and_status(state: State) -> None:
    with (
        grafana_server(state) as url,
        open_grafana(url, "wrong") as grafana,
        pytest.raises(GrafanaError, match=rf"{url}.*HTTP 401.*role Admin"),
    ):
        grafana.push_folder()


def test_failing_server_is_worth_another_try(grafana: Grafana, state: State) -> None:
    state.broken = True
    with pytest.raises(GrafanaUnavailableError, match=r"HTTP 500.*database is locked") as caught:
        grafana.push_folder()
    assert caught.value.retryable
    with pytest.raises(GrafanaUnavailableError):
        grafana.source_fault()


def test_nobody_at_the_address(state: State) -> None:
    with grafana_server(state) as url:
        pass
    with pytest.raises(GrafanaUnavailableError, match=url), open_grafana(url, TOKEN):
        pass


@pytest.mark.parametrize("version", ["8.5.27", "9.3.16"])
def test_old_grafana_is_refused(state: State, version: str) -> None:
    state.version = version
    with grafana_server(state) as url, pytest.raises(GrafanaError, match=f"{version}, expected 9.4"):
        open_grafana(url, TOKEN).__enter__()


@pytest.mark.parametrize(
    ("version", "found"), [("9.4.0", (9, 4)), ("10.0.3", (10, 0)), ("12.1.0-93210", (12, 1)), ("", (11, 2))]
)
def test_later_grafana_is_accepted(state: State, version: str, found: tuple[int, int]) -> None:
    state.version = version
    with grafana_server(state) as url, open_grafana(url, TOKEN) as grafana:
        assert grafana.version() == found


def test_grafana_below_a_path(state: State) -> None:
    state.prefix = "/monitor/grafana"
    with grafana_server(state) as url, open_grafana(url, TOKEN) as grafana:
        assert push_all(grafana) == ["created"] * (2 + len(DASHBOARDS))
        assert grafana.url.endswith("/monitor/grafana")


def test_another_service_at_the_address(state: State) -> None:
    state.prefix = "/grafana"
    with grafana_server(state) as url, pytest.raises(GrafanaError, match="is this a Grafana"):
        open_grafana(url.removesuffix("/grafana"), TOKEN).__enter__()


@pytest.mark.parametrize("url", ["localhost:3000", "ftp://x", "http://", "http://admin:admin@localhost:3000"])
def test_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="Grafana address"):
        open_grafana(url, TOKEN).__enter__()


def test_source_from_the_reader_address() -> None:
    url = "postgresql://lantian_reader:p%40ss@127.0.0.1:55432/lantian"
    assert data_source(url) == DataSource("127.0.0.1", 55432, "lantian", "lantian_reader", "p@ss")
    elsewhere = data_source(url, address="db.bureau", ssl_mode="require")
    assert (elsewhere.host, elsewhere.port, elsewhere.ssl_mode) == ("db.bureau", 5432, "require")
    assert data_source(url, address="[::1]:6000").as_json()["url"] == "[::1]:6000"
    with pytest.raises(ConfigurationError, match="host or host:port"):
        data_source(url, address="http://db:1")
    with pytest.raises(ConfigurationError, match="incomplete") as caught:
        data_source("postgresql://:p%40ss@127.0.0.1/lantian")
    assert "p%40ss" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="sslmode"):
        data_source(url, ssl_mode="maybe").as_json()


def test_provisioning_files_agree_with_push() -> None:
    source = (PROVISIONING / "datasources" / "lantian.yaml").read_text(encoding="utf-8")
    wanted = SOURCE.as_json()
    for key in ("name", "uid", "type", "access", "user"):
        assert f" {key}: {wanted[key]}\n" in source
    options = wanted["jsonData"]
    assert isinstance(options, dict)
    for key in ("timescaledb", "postgresVersion", "maxOpenConns", "maxIdleConns", "connMaxLifetime"):
        assert f" {key}: {str(options[key]).lower()}\n" in source
    assert "password: ${GRAFANA_LANTIAN_READER_PASSWORD}\n" in source
    folder = (PROVISIONING / "dashboards" / "lantian.yaml").read_text(encoding="utf-8")
    assert " folder: 蓝天\n" in folder
    assert " folderUid: lantian\n" in folder
