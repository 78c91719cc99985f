"""Fixtures that every room's tests share. Real PostgreSQL with TimescaleDB, real Mosquitto, never an imitation.

* ``services``: the session's `app.service.local.LocalServices` (database and broker on loopback, no flushing), for
  ``services.kill_broker()`` and ``services.restart_missing()``; what you kill you must bring back.
* ``database``: a fresh migrated database per test; ``database.url("lantian_writer")`` is the address for a role.
* ``broker``: ``broker("collector")`` is the `BrokerAddress` (host, port, username, password, tls) of an account of the
  platform: collector, simulator, replay, doctor.
* ``device_account``: ``device_account("micro-001")`` makes a device's account at the broker and returns its address.
* ``shared_data``: the folder ``../shared`` beside the checkout; the test is skipped when a plain clone has none.

The first run on a machine without PostgreSQL, TimescaleDB, Mosquitto downloads them into the cache folder. Topics and
accounts are shared by the session: use county, device and client names of your own test.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from app.service.address import BrokerAddress
from app.service.folder import cache_folder
from app.service.local import LocalServices
from app.service.progress import Lines
from app.service.unprivileged import service_user, unreachable_folder

#: How long an example takes on a busy machine says nothing about the code.
settings.register_profile("lantian", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lantian")
MEMORY = Path("/dev/shm")
MEMORY_NEEDED = 4 * 2**30
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Database:
    """A database of one test."""

    name: str
    _services: LocalServices

    def url(self, role: str = "lantian_app") -> str:
        """Address for a role: lantian_owner, lantian_writer, lantian_app, lantian_reader or postgres."""
        return self._services.database_url(role, self.name)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for services' data that an unprivileged user can reach; pytest's own is closed to others."""
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED:
        # A database per test is a thousand small files each time: thirty times as fast in memory.
        places.insert(0, MEMORY)
    place = next(place for place in places if not unreachable_folder(place / "x", service_user()))
    folder = Path(tempfile.mkdtemp(prefix="lantian-test-", dir=place))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def runtime_cache() -> Path:
    """The folder of private runtimes, the same that ``lantian up`` uses."""
    named = os.environ.get("LANTIAN_CACHE")
    return Path(named) if named else cache_folder()


@pytest.fixture(scope="session")
def services(scratch: Path, runtime_cache: Path) -> Iterator[LocalServices]:
    """The session's database and broker."""
    home = scratch / "services"
    with LocalServices(
        home, runtime_cache, reporter=Lines(), durable=False, database_port=0, broker_port=0, autosave_s=1
    ) as running:
        yield running


@pytest.fixture(scope="session")
def _template(services: LocalServices) -> str:
    """Name of a migrated database to copy."""
    name = "template_lantian"
    credentials = services.credential_file.load()
    assert services.cluster is not None
    services.cluster.create_database(credentials, name)
    if importlib.util.find_spec("store.migration") is not None:
        from store.migration import migrate  # noqa: PLC0415 - the room may not be there yet

        migrate(services.database_url("lantian_owner", name))
    return name


_numbers = itertools.count(1)


@pytest.fixture
def database(services: LocalServices, _template: str) -> Iterator[Database]:
    """A fresh migrated database, dropped afterwards."""
    credentials = services.credential_file.load()
    name = f"test_{next(_numbers)}"
    assert services.cluster is not None
    services.cluster.create_database(credentials, name, _template)
    yield Database(name, services)
    services.cluster.drop_database(credentials, name)


@pytest.fixture
def broker(services: LocalServices) -> Callable[[str], BrokerAddress]:
    """Address of the broker for an account of the platform."""
    return services.broker_for


@pytest.fixture
def device_account(services: LocalServices) -> Iterator[Callable[[str], BrokerAddress]]:
    """Makes a device's account at the broker; all made are revoked afterwards."""
    made: set[str] = set()

    def make(device: str) -> BrokerAddress:
        made.add(device)
        return services.set_device_account(device, dt.datetime.now(dt.UTC))

    yield make
    for device in made:
        services.revoke_device_account(device)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder ``../shared`` beside the checkout."""
    folder = CHECKOUT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("no ../shared beside the checkout")
    return folder
