"""What the console asks of the application: approving devices, evaluating targets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.console_register import export_sheet, import_sheet, retire_entry, write_form
from app.contact_sheet import COLUMNS, contact_cells, contact_places, contact_row
from app.job.target import evaluate_targets
from app.registry_sheet import SheetRow
from app.service.address import database_url
from app.service.console_check import console_url
from app.service.first_account import FIRST, first_password_file
from app.service.post import link_key
from app.settings import Settings
from app.stranger import approve, claim, system_type_zh
from console.desk import Desk, Keeper, SheetOutcome, Stranger
from domain.county import load_county
from store.connection import Connection
from store.contact import write_contacts
from store.pool import Pool
from store.registration import read_pending


class ApplicationActs:
    """See `console.desk.Acts`.

    Parameters
    ----------
    settings : Settings
        Where the home folder is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def strangers(self, conn: Connection) -> list[Stranger]:
        """Devices that wait for approval, the one heard last first."""
        waiting = [one for one in read_pending(conn) if not one.registered]
        claims = [claim(one) for one in waiting]
        return [
            Stranger(one, said.mn, system_type_zh(said.system_type)) for one, said in zip(waiting, claims, strict=True)
        ]

    def approve_device(self, conn: Connection, device: str, cells: Mapping[str, str], protocol: str) -> dict[str, Any]:
        """Register a stranger; the caller commits."""
        entry, _ = approve(conn, device, cells, {key: key for key in cells}, protocol)
        return entry

    def evaluate_targets(self, conn: Connection, now: dt.datetime) -> None:
        """Bring the targets' actuals up to date."""
        evaluate_targets(conn, now=now)

    def write_register(self, conn: Connection, keeper: Keeper, cells: Mapping[str, str], *, new: bool) -> str:
        """Add an entry of a register or correct one."""
        return write_form(conn, keeper, cells, new=new)

    def retire_register(self, conn: Connection, keeper: Keeper, name: str, *, undo: bool) -> None:
        """Take an entry out of service or bring it back."""
        retire_entry(conn, keeper, name, undo=undo)

    def import_register(self, conn: Connection, keeper: Keeper, name: str, content: bytes) -> SheetOutcome:
        """Enter a CSV file or workbook."""
        return import_sheet(conn, keeper, name, content)

    def export_register(self, conn: Connection, register: str) -> bytes:
        """A workbook of the entries in service."""
        return export_sheet(conn, register)

    def contact_cells(self, contact: Mapping[str, Any]) -> dict[str, str]:
        """A contact as the fields of its form."""
        return contact_cells(contact)

    def write_contact(self, conn: Connection, cells: Mapping[str, str]) -> None:
        """Add a contact or change it; the caller commits."""
        headings = {column.key: column.heading_zh for column in COLUMNS}
        stripped = {column.key: cells[column.key].strip() for column in COLUMNS}
        row = SheetRow(Path("contact"), 1, stripped, "contact", headings)
        write_contacts(conn, [contact_row(row, contact_places(conn))])

    def password_changed(self, account: str) -> None:
        """Forget the first password once it is of no use."""
        if account == FIRST:
            first_password_file(self._settings).unlink(missing_ok=True)


def console_desk(settings: Settings) -> Desk:
    """The console's desk as the settings say; its pool is opened by the console."""
    county = load_county(settings.county)
    own = console_url(settings, settings.console_address, settings.console_port)
    return Desk(
        pool=Pool(database_url(settings)),
        now=lambda: dt.datetime.now(dt.UTC),
        county=county.id,
        county_zh=county.name_zh,
        acts=ApplicationActs(settings),
        public_url=settings.console_public_url or (own if settings.console_tls_certificate else None),
        link_key=link_key(settings.home),
    )
