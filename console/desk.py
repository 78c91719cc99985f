"""What the console is given when it starts: database, clock, county, and what only the application can do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from store.connection import Connection
from store.pool import Pool
from store.registration import Pending
from store.session import Term

SHIFT: Final = Term(idle=dt.timedelta(hours=2), absolute=dt.timedelta(hours=12))


@dataclass(frozen=True, slots=True)
class Stranger:
    """A device that speaks without being registered, and what its last frame says about itself."""

    pending: Pending
    mn: str | None
    system_type_zh: str


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who keeps which register, why and when."""

    register: str
    who: str
    why: str
    now: dt.datetime


@dataclass(frozen=True, slots=True)
class SheetOutcome:
    """What an import wrote: nothing when there are faults, each of which names its line."""

    added: int
    changed: int
    unchanged: int
    faults: tuple[str, ...]


class Acts(Protocol):
    """What the console asks of the application, which knows all other rooms."""

    def strangers(self, conn: Connection) -> list[Stranger]:
        """Devices that wait for approval, the one heard last first."""

    def approve_device(self, conn: Connection, device: str, cells: Mapping[str, str], protocol: str) -> dict[str, Any]:
        """Register a stranger; the caller commits. `ConfigurationError` says what does not fit."""

    def evaluate_targets(self, conn: Connection, now: dt.datetime) -> None:
        """Bring the targets' actuals up to date after a reported figure."""

    def write_register(self, conn: Connection, keeper: Keeper, cells: Mapping[str, str], *, new: bool) -> str:
        """Add an entry of a register or correct one; its id. The caller commits."""

    def retire_register(self, conn: Connection, keeper: Keeper, name: str, *, undo: bool) -> None:
        """Take an entry out of service or bring it back. The caller commits."""

    def import_register(self, conn: Connection, keeper: Keeper, name: str, content: bytes) -> SheetOutcome:
        """Enter a CSV file or workbook: every row, or none."""

    def export_register(self, conn: Connection, register: str) -> bytes:
        """A workbook of the entries in service."""

    def contact_cells(self, contact: Mapping[str, Any]) -> dict[str, str]:
        """A contact as the fields of its form."""

    def write_contact(self, conn: Connection, cells: Mapping[str, str]) -> None:
        """Add a contact or change it. The caller commits. `ConfigurationError` names the field that is wrong."""

    def password_changed(self, account: str) -> None:
        """Somebody chose a password: the one that was generated for the first use is of no use any more."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a request needs besides itself.

    Attributes
    ----------
    pool : Pool
        Connections as role lantian_app.
    now : callable
        The clock.
    county, county_zh : str
        Area that the console serves and its name.
    acts : Acts
        What only the application can do.
    term : Term
        How long sessions hold.
    public_url : str or None
        Address under which people reach the console; ``https://`` makes cookies secure.
    link_key : bytes or None
        Signs the links that answer notices; None: no link holds.
    look_s : float
        Seconds between two looks at the database while somebody has the overview open.
    """

    pool: Pool
    now: Callable[[], dt.datetime]
    county: str
    county_zh: str
    acts: Acts
    term: Term = SHIFT
    public_url: str | None = None
    link_key: bytes | None = None
    look_s: float = 4.0

    @property
    def secure(self) -> bool:
        """Whether people come by TLS."""
        return self.public_url is not None and self.public_url.startswith("https://")

    @contextmanager
    def connection(self, action: str) -> Iterator[Connection]:
        """A connection in a transaction of its own; see `Pool.connection`."""
        with self.pool.connection(action) as conn:
            yield conn
