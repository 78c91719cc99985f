"""Databases of earlier versions: the schema up to a migration, filled with plain SQL of that time (earlier_*.sql)."""

from __future__ import annotations

import shutil
from pathlib import Path

from store.connection import connect
from store.migration import MIGRATIONS, migrate


def build(owner_url: str, version: int, folder: Path) -> Path:
    """Bring an empty database to migration `version` and fill it; the folder of the migrations of that time."""
    folder.mkdir()
    for path in MIGRATIONS.glob("*.sql"):
        if int(path.name[:4]) <= version:
            shutil.copy(path, folder)
    migrate(owner_url, folder=folder)
    with connect(owner_url) as conn:
        for path in sorted(Path(__file__).parent.glob("earlier_*.sql")):
            if int(path.stem[-4:]) <= version:
                conn.execute(path.read_bytes())
    return folder
