"""When the simulated devices of this home folder were played for the first time."""

from __future__ import annotations

import os
from typing import Final

from app.settings import Settings

NAME: Final = "first-played"


def first_played(settings: Settings, now_s: float) -> int:
    """Unix second of the first play, noted when there was none.

    Parameters
    ----------
    settings : Settings
        Whose home folder.
    now_s : float
        The present Unix time.

    Returns
    -------
    int
        Zero where devices were played before this was noted: what they did is not known.
    """
    path = settings.home / "simulator" / NAME
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        first_s = 0 if any(path.parent.glob("*.sqlite")) else int(now_s)
        own = path.with_name(f"{NAME}.{os.getpid()}")
        own.write_text(f"{first_s}\n", encoding="ascii")
        try:
            # Whole or not at all: several simulators start together.
            os.link(own, path)
        except FileExistsError:
            pass
        finally:
            own.unlink()
    return int(path.read_text(encoding="ascii"))


def played_since(settings: Settings) -> int | None:
    """Unix second of the first play; None where nothing was played, or before that was noted."""
    path = settings.home / "simulator" / NAME
    return (int(path.read_text(encoding="ascii")) or None) if path.exists() else None
