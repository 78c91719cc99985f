"""`lantian restore`: an installation from a backup."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from app.service.backup import load_manifest, restore_backup
from app.service.progress import Bar, Lines, is_terminal
from app.settings import load_settings


@click.command("restore")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--check", is_flag=True, help="Only check that the backup is complete and unchanged.")
def command(folder: Path, check: bool) -> None:
    """Make the installation of this home folder from the backup FOLDER.

    The home folder must hold no database yet and the services must not run. Every table is compared with the backup
    afterwards. Then: lantian up
    """
    if check:
        manifest = load_manifest(folder)
        click.echo(
            f"{folder}: complete; made {manifest.made_at} by Lantian {manifest.lantian}, schema {manifest.migration}, "
            f"PostgreSQL {manifest.postgres} with TimescaleDB {manifest.timescaledb}, "
            f"{sum(manifest.rows.values()):,} rows"
        )
        return
    settings = load_settings()
    display: Bar | nullcontext[Lines] = Bar() if is_terminal() else nullcontext(Lines())
    with display as reporter:
        manifest = restore_backup(settings, folder, reporter)
    click.echo(
        f"restored into {settings.home}: {sum(manifest.rows.values()):,} rows of {len(manifest.rows)} tables, "
        f"as of {manifest.made_at}; start with: ./lantian up"
    )
