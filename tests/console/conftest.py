"""The console on a real socket with a real database, and people who sign in to it."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from app.console_desk import ApplicationActs
from app.settings import Settings
from console.desk import Desk
from console.server import console_server
from domain.alert import shipped_rules
from domain.county import load_county
from store.account import NewAccount, add_account, set_password
from store.alert_rule import load_rules
from store.connection import connect
from store.pool import Pool
from store.reference import load_reference
from store.registry import load_county as store_county

PASSWORD = "correct horse 7"
#: One hash for everybody, made with little work: hashing as the console does costs a tenth of a second and 64 MiB.
HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
#: One for all clients: reading the machine's certificates for each of them costs more than most requests.
TRUST = ssl.create_default_context()
CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')
FIRST_ENTERPRISE, SECOND_ENTERPRISE = "test-works", "test-foundry"


_numbers = itertools.count(1)


@dataclass(frozen=True)
class CountyDatabase:
    """A database of one test."""

    name: str
    _services: Any

    def url(self, role: str) -> str:
        """Address for a role."""
        return str(self._services.database_url(role, self.name))


@dataclass
class Clock:
    """A clock that the test moves."""

    ahead: dt.timedelta = field(default_factory=dt.timedelta)

    def __call__(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.ahead


@dataclass
class Browser:
    """Somebody's browser: keeps cookies, follows redirects, sends forms with their secret."""

    client: httpx.Client
    _secrets: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def get(self, way: str) -> httpx.Response:
        return self.client.get(way)

    def csrf(self, way: str = "/me") -> str:
        found = CSRF.search(self.client.get(way).text)
        return found[1] if found else ""

    def post(self, way: str, fields: Mapping[str, Any] | None = None, **more: Any) -> httpx.Response:
        session = tuple(self.client.cookies.items())
        if not self._secrets.get(session):
            self._secrets[session] = self.csrf()
        given = {"csrf": self._secrets[session], **(fields or {})}
        return self.client.post(way, data=given, **more)

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return self.client.post(
            "/sign-in", data={"csrf": self.csrf("/sign-in"), "name": name, "password": password, "next": "/"}
        )


@dataclass
class Console:
    """A running console."""

    url: str
    database: Any
    clock: Clock
    desk: Desk
    browsers: list[httpx.Client]

    def browser(self, **headers: str) -> Browser:
        client = httpx.Client(base_url=self.url, follow_redirects=True, headers=headers, timeout=30, verify=TRUST)
        self.browsers.append(client)
        return Browser(client)

    def person(self, name: str, role: str, enterprise: str | None = None) -> Browser:
        """A new account, signed in."""
        self.account(name, role, enterprise)
        browser = self.browser()
        assert browser.sign_in(name).status_code == 200
        return browser

    def account(self, name: str, role: str, enterprise: str | None = None, *, must_change: bool = False) -> None:
        with connect(self.database.url("lantian_app")) as conn:
            add_account(conn, NewAccount(name, f"{name}先生", role, enterprise, HASH, "test"))
            set_password(conn, name, HASH, must_change=must_change, now=dt.datetime.now(dt.UTC))

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with connect(self.database.url("lantian_owner")) as conn:
            cursor = conn.execute(statement, parameters)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def _county_template(services: Any, _template: str) -> str:
    """Name of a database to copy, with the shipped county and two enterprises of the tests."""
    name, credentials = "template_console", services.credential_file.load()
    services.cluster.drop_database(credentials, name)
    services.cluster.create_database(credentials, name, _template)
    with connect(services.database_url("lantian_owner", name)) as conn:
        load_reference(conn)
        load_rules(conn, shipped_rules())
        store_county(conn, load_county("zhongyang"))
        for enterprise, title in ((FIRST_ENTERPRISE, "测试钢铁厂"), (SECOND_ENTERPRISE, "测试铸造厂")):
            conn.execute(
                "insert into enterprise (id, area_id, name_zh, industry) values (%s, 'zhongyang', %s, '钢铁')",
                (enterprise, title),
            )
    return name


@pytest.fixture
def seeded(services: Any, _county_template: str) -> Iterator[Any]:
    """A database of one test with the county."""
    credentials, name = services.credential_file.load(), f"test_console_{next(_numbers)}"
    services.cluster.create_database(credentials, name, _county_template)
    yield CountyDatabase(name, services)
    services.cluster.drop_database(credentials, name)


@pytest.fixture
def console(seeded: Any, tmp_path: Any) -> Iterator[Console]:
    """A console on a port of its own."""
    with running_console(seeded, tmp_path) as found:
        yield found


class running_console:  # noqa: N801 - a context manager
    """Serves the console until the block ends."""

    def __init__(self, database: Any, home: Any, *, serving: Mapping[str, Any] | None = None, **changes: Any) -> None:
        self.clock = Clock()
        desk = Desk(
            pool=Pool(database.url("lantian_app"), size=4),
            now=self.clock,
            county="zhongyang",
            county_zh="中阳县",
            acts=ApplicationActs(Settings(home=home)),
            look_s=0.2,
        )
        self.desk = replace(desk, **changes)
        self.database = database
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.server = console_server(self.desk, "127.0.0.1", port, **(serving or {}))
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],))
        self.browsers: list[httpx.Client] = []

    def __enter__(self) -> Console:
        self.thread.start()
        end = time.monotonic() + 20
        while not self.server.started and self.thread.is_alive() and time.monotonic() < end:
            self.thread.join(0.01)
        assert self.server.started
        return Console(self.url, self.database, self.clock, self.desk, self.browsers)

    def __exit__(self, *_: object) -> None:
        for client in self.browsers:
            client.close()
        self.server.should_exit = True
        self.thread.join(20)
        self.socket.close()
        assert not self.thread.is_alive()


Make = Callable[[str, str], Browser]
