"""`lantian enterprise`: enterprises of the plan, and what they connect to the broker with."""

from __future__ import annotations

from pathlib import Path

import click

from app.command.device import ACTIONS, change_credential
from app.registry_command import registry, registry_group, retire_command
from app.registry_table import ENTERPRISE
from app.service.account import enterprise_account
from app.service.authority import DEVICE_DAYS
from domain.error import ConfigurationError
from store.registration import read_entries

command = registry_group(ENTERPRISE)
command.add_command(retire_command(ENTERPRISE))


@command.command("credential")
@click.argument("enterprise", metavar="ID")
@click.argument("action", type=click.Choice(ACTIONS))
@click.option("--days", default=DEVICE_DAYS, show_default=True, type=click.IntRange(1), help="Life of a certificate.")
@click.option(
    "--output", default=".", type=click.Path(file_okay=False, path_type=Path), help="Folder for a certificate."
)
def credential(enterprise: str, action: str, *, days: int, output: Path) -> None:
    """Make, show, rotate or revoke what the enterprise ID connects to the broker with.

    Its user name is enterprise.ID; it reads its notices and answers them, nothing else. Otherwise as for devices.
    """
    if action in ("create", "rotate", "certificate"):
        with registry("read the enterprises") as conn:
            entry = read_entries(conn, "enterprise").get(enterprise)
        if entry is None or entry["retired_at"] is not None:
            raise ConfigurationError(f"found no enterprise {enterprise!r} in service, expected the id of one")
    change_credential(enterprise_account(enterprise), action, days, output)
