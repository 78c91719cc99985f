"""`lantian backup`: everything that cannot be made again, in one folder."""

from __future__ import annotations

import datetime as dt
import os
from contextlib import nullcontext
from pathlib import Path

import click

from app.service.backup import write_backup
from app.service.progress import Bar, Lines, is_terminal
from app.settings import load_settings
from domain.period import ZONE


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--jobs", type=click.IntRange(1, 32), default=min(4, os.cpu_count() or 1), show_default=True)
def command(folder: Path | None, jobs: int) -> None:
    """Write a backup into FOLDER, a new folder [backup-DATE-TIME here].

    Holds one snapshot of the database, the credentials, certificates and the settings file. The services go on
    meanwhile. It contains every password: it is made with mode 700, keep it so. Read it back with: lantian restore
    """
    now = dt.datetime.now(dt.UTC)
    target = (folder or Path(f"backup-{now.astimezone(ZONE):%Y%m%d-%H%M%S}")).absolute()
    display: Bar | nullcontext[Lines] = Bar() if is_terminal() else nullcontext(Lines())
    with display as reporter:
        manifest = write_backup(load_settings(), target, reporter, jobs=jobs, now=now)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    click.echo(f"{target}: {sum(manifest.rows.values()):,} rows of {len(manifest.rows)} tables, {size / 1e6:,.1f} MB")
