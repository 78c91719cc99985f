"""Dashboards, their folder and their data source in a running Grafana, over its HTTP API."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

import niquests
from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaException

from dashboards.dashboard import CONSOLE, Dashboard, dashboard_json, document_text
from dashboards.panel import Json
from dashboards.variable import PLUGIN
from domain.error import ConfigurationError, LantianError

FOLDER_UID: Final = "lantian"
FOLDER_TITLE: Final = "蓝天"
#: What each role of an organisation may do in the folder: 1 view, 2 edit (4 would be to administer).
ROLES: Final[dict[str, int]] = {"Viewer": 1, "Editor": 2}
SOURCE_UID: Final = "lantian-postgres"
SOURCE_NAME: Final = "蓝天数据库"
LEAST_VERSION: Final = (9, 4)
SSL_MODES: Final[tuple[str, ...]] = ("disable", "require", "verify-ca", "verify-full")
_TIMEOUT_S: Final = 20.0
#: What Grafana adds to a stored dashboard and what never counts as a difference.
_STORED_ONLY: Final = ("id", "version")


class GrafanaError(LantianError):
    """Grafana refuses or answers what nobody expected; the text names the address and the HTTP status."""

    code: ClassVar[str] = "grafana"


class GrafanaUnavailableError(GrafanaError):
    """Grafana cannot be reached or fails itself; trying again may help."""

    code: ClassVar[str] = "grafana_unavailable"
    retryable: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class DataSource:
    """The database as Grafana's server reaches it, with the role that may only read the views."""

    host: str
    port: int
    database: str
    user: str
    password: str
    ssl_mode: str = "disable"

    def as_json(self) -> Json:
        """As the HTTP API takes it; the password apart, as the API gives it back."""
        if self.ssl_mode not in SSL_MODES:
            raise ConfigurationError(f"sslmode {self.ssl_mode!r} is unknown; expected one of {', '.join(SSL_MODES)}")
        return {
            "access": "proxy",
            "database": self.database,
            "isDefault": False,
            "jsonData": {
                "connMaxLifetime": 14400,
                "database": self.database,
                "maxIdleConns": 10,
                "maxOpenConns": 10,
                "postgresVersion": 1500,
                "sslmode": self.ssl_mode,
                "timescaledb": True,
            },
            "name": SOURCE_NAME,
            "type": PLUGIN,
            "uid": SOURCE_UID,
            "url": f"{self.host}:{self.port}",
            "user": self.user,
        }


def data_source(url: str, *, ssl_mode: str = "disable", address: str | None = None) -> DataSource:
    """The data source for a database address.

    Parameters
    ----------
    url : str
        ``postgresql://user:password@host:port/database`` of the reading role.
    ssl_mode : str
        One of `SSL_MODES`.
    address : str, optional
        ``host:port`` under which Grafana's machine reaches the database, where it differs.

    Returns
    -------
    DataSource
        `ConfigurationError` when the address lacks a part; the password is not repeated.
    """
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port or 5432
    if address is not None:
        match = re.fullmatch(r"(?P<host>[^:\s]+|\[[0-9a-fA-F:]+\])(?::(?P<port>\d{1,5}))?", address)
        if match is None:
            raise ConfigurationError(f"database address {address!r}: expected host or host:port")
        host, port = match["host"], int(match["port"] or 5432)
    if parts.scheme not in ("postgres", "postgresql") or not host or not parts.username or not parts.path.strip("/"):
        raise ConfigurationError(
            "the reader's database address is incomplete; expected postgresql://user:...@host/name"
        )
    return DataSource(
        host, port, unquote(parts.path.strip("/")), unquote(parts.username), unquote(parts.password or ""), ssl_mode
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What a push did to one thing: ``created``, ``updated`` or ``unchanged``."""

    thing: str
    outcome: str


class Grafana:
    """A Grafana server of version 9.4 or later and a token for it; use `open_grafana`."""

    def __init__(self, url: str, api: Any, console: str = CONSOLE) -> None:
        self.url = url
        self._api = api
        self._console = console

    def version(self) -> tuple[int, int]:
        """Major and minor version; `GrafanaError` below 9.4 or when the server is not a Grafana."""
        health = self._call("read its version", lambda: self._api.client.GET("/health"))
        text = health.get("version") if isinstance(health, dict) else None
        if not text:
            settings = self._call("read its version", lambda: self._api.client.GET("/frontend/settings"))
            text = settings.get("buildInfo", {}).get("version") if isinstance(settings, dict) else None
        match = re.match(r"(\d+)\.(\d+)", str(text or ""))
        if match is None:
            raise GrafanaError(f"{self.url} does not answer as Grafana: found version {text!r}, expected 9.4 or later")
        found = int(match[1]), int(match[2])
        if found < LEAST_VERSION:
            raise GrafanaError(f"{self.url} is Grafana {text}, expected 9.4 or later")
        return found

    def push_folder(self) -> Change:
        """Create the folder, or give it its title."""
        stored = self._find(f"read folder {FOLDER_UID}", lambda: self._api.folder.get_folder(FOLDER_UID))
        thing = f"folder {FOLDER_TITLE}"
        if stored is None:
            self._call(f"create {thing}", lambda: self._api.folder.create_folder(FOLDER_TITLE, uid=FOLDER_UID))
            return Change(thing, "created")
        if stored.get("title") == FOLDER_TITLE:
            return Change(thing, "unchanged")
        self._call(
            f"rename {thing}",
            lambda: self._api.folder.update_folder(FOLDER_UID, title=FOLDER_TITLE, overwrite=True),
        )
        return Change(thing, "updated")

    def push_access(self) -> Change:
        """Let viewers view and editors edit what is in the folder; what people granted to users and teams stays."""
        what = f"access to folder {FOLDER_TITLE}"
        stored = self._call(f"read {what}", lambda: self._api.folder.get_folder_permissions(FOLDER_UID))
        own = [item for item in stored if not item.get("inherited")]
        roles = {item["role"]: item["permission"] for item in own if item.get("role")}
        if roles == ROLES:
            return Change(what, "unchanged")
        kept = [
            {key: item[key], "permission": item["permission"]}
            for item in own
            for key in ("userId", "teamId")
            if item.get(key)
        ]
        wanted = [{"role": role, "permission": permission} for role, permission in ROLES.items()]
        items = {"items": [*wanted, *kept]}
        self._call(f"set {what}", lambda: self._api.folder.update_folder_permissions(FOLDER_UID, items))
        return Change(what, "updated")

    def push_source(self, source: DataSource) -> Change:
        """Create or correct the data source.

        Grafana never shows a password, so one that equals in everything else is left alone only when Grafana says that
        it reaches the database with it.
        """
        wanted, thing = source.as_json(), f"data source {SOURCE_NAME}"
        stored = self._find(f"read {thing}", lambda: self._api.datasource.get_datasource_by_uid(SOURCE_UID))
        document = {**wanted, "secureJsonData": {"password": source.password}}
        if stored is None:
            self._call(f"create {thing}", lambda: self._api.datasource.create_datasource(document))
            return Change(thing, "created")
        if _same_source(stored, wanted) and self.source_fault() is None:
            return Change(thing, "unchanged")
        if stored.get("readOnly"):
            raise GrafanaError(f"{self.url}: {thing} is provisioned from a file and cannot be changed by push")
        self._call(
            f"update {thing}",
            lambda: self._api.datasource.update_datasource_by_uid(SOURCE_UID, document),
        )
        return Change(thing, "updated")

    def source_fault(self) -> str | None:
        """Why Grafana cannot use the data source; None when it can."""
        try:
            answer = self._call("test the data source", lambda: self._api.datasource.health(SOURCE_UID))
        except GrafanaUnavailableError:
            raise
        except GrafanaError as error:
            return str(error)
        status = answer.get("status") if isinstance(answer, dict) else None
        return None if status == "OK" else f"{self.url}: data source {SOURCE_NAME}: {answer}"

    def push_dashboard(self, dashboard: Dashboard) -> Change:
        """Create or replace one dashboard in the folder."""
        thing = f"dashboard {dashboard.title} ({dashboard.uid})"
        wanted, found = dashboard_json(dashboard, self._console), self.stored(dashboard)
        if found is not None:
            document, meta = found
            if document == wanted and meta.get("folderUid") == FOLDER_UID:
                return Change(thing, "unchanged")
            if meta.get("provisioned"):
                raise GrafanaError(f"{self.url}: {thing} is provisioned from a file and cannot be changed by push")
        body = {
            "dashboard": {**wanted, "id": None},
            "folderUid": FOLDER_UID,
            "message": "lantian dashboards push",
            "overwrite": True,
        }
        self._call(f"write {thing}", lambda: self._api.dashboard.update_dashboard(body))
        return Change(thing, "created" if found is None else "updated")

    def stored(self, dashboard: Dashboard) -> tuple[Json, Json] | None:
        """The dashboard's document and metadata as Grafana has them, without its own numbers; None when absent."""
        answer = self._find(f"read dashboard {dashboard.uid}", lambda: self._api.dashboard.get_dashboard(dashboard.uid))
        if answer is None:
            return None
        document = {key: value for key, value in answer["dashboard"].items() if key not in _STORED_ONLY}
        return document, answer.get("meta", {})

    def difference(self, dashboard: Dashboard) -> list[str]:
        """Unified diff from what Grafana has to what this version renders; empty when equal."""
        found = self.stored(dashboard)
        before = [] if found is None else document_text(found[0]).splitlines()
        after = document_text(dashboard_json(dashboard, self._console)).splitlines()
        names = f"grafana/{dashboard.uid}.json", f"rendered/{dashboard.uid}.json"
        return list(difflib.unified_diff(before, after, *names, lineterm=""))

    def _find(self, what: str, action: Callable[[], Any]) -> dict[str, Any] | None:
        """The answer to `action`, None when Grafana says that there is no such thing."""
        try:
            answer = self._call(what, action)
        except _AbsentError:
            return None
        if not isinstance(answer, dict):
            raise GrafanaError(f"{self.url}: cannot {what}: found {type(answer).__name__}, expected an object")
        return answer

    def _call(self, what: str, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except GrafanaException as error:
            status = error.status_code
            text = f"{self.url}: cannot {what}: HTTP {status}: {error.message}"
            if status in (401, 403):
                text += "; expected a service-account token with the role Admin"
            if status == 404:
                raise _AbsentError(text) from error
            raise (GrafanaUnavailableError if not status or status >= 500 else GrafanaError)(text) from error
        except niquests.exceptions.JSONDecodeError as error:
            raise GrafanaError(f"{self.url}: cannot {what}: the answer is not JSON; is this a Grafana?") from error
        except niquests.exceptions.RequestException as error:
            raise GrafanaUnavailableError(f"{self.url}: cannot {what}: no answer ({error})") from error


class _AbsentError(GrafanaError):
    """HTTP 404."""


@contextmanager
def open_grafana(url: str, token: str, console: str = CONSOLE) -> Iterator[Grafana]:
    """A connection to the Grafana at `url`, closed at the end.

    Parameters
    ----------
    url : str
        Address of the server as in a browser, a path included where it has one.
    token : str
        Token of a service account.
    console : str
        Address of the console for the dashboards' links.

    Yields
    ------
    Grafana
        Whose version has been checked.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"Grafana address {url!r}: expected http://host:port or https://host")
    if parts.username:
        raise ConfigurationError("the Grafana address carries a user name; expected an address and a token")
    # The client joins the path and "api" as they are.
    api = GrafanaApi.from_url(url.rstrip("/") + "/", credential=token, timeout=_TIMEOUT_S)
    try:
        grafana = Grafana(url.rstrip("/"), api, console)
        grafana.version()
        yield grafana
    finally:
        api.client.s.close()


def _same_source(stored: Json, wanted: Json) -> bool:
    """Whether Grafana's data source is the wanted one; it may know the plugin by its later name and add options."""
    options, found = wanted["jsonData"], stored.get("jsonData")
    if not isinstance(options, dict) or not isinstance(found, dict):
        return False
    plain = ("access", "name", "uid", "url", "user")
    return (
        all(stored.get(key) == wanted[key] for key in plain)
        and str(stored.get("type")) in (PLUGIN, "grafana-postgresql-datasource")
        and all(found.get(key) == value for key, value in options.items())
    )
