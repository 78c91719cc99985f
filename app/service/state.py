"""What the supervisor says about itself in a file, for `lantian up`, `status` and `doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from app.service.home import Home
from app.service.unprivileged import write_file
from domain.error import ConfigurationError

STARTING: Final = "starting"
RUNNING: Final = "running"
STOPPING: Final = "stopping"
FAILED: Final = "failed"
STOPPED: Final = "stopped"


@dataclass(slots=True)
class ProcessState:
    """One supervised process; `pid` None while it waits for its next start."""

    name: str
    pid: int | None = None
    started_at: str | None = None
    restarts: int = 0
    last_exit: int | None = None


@dataclass(slots=True)
class State:
    """Phase of the supervisor, the step it is at, its remarks and its processes."""

    phase: str = STOPPED
    step: str = ""
    error: str | None = None
    began_at: str | None = None
    remarks: list[str] = field(default_factory=list)
    processes: list[ProcessState] = field(default_factory=list)


def _path(home: Home) -> Path:
    return home.folder / "state.json"


def write_state(home: Home, state: State) -> None:
    """Replace the file."""
    write_file(_path(home), json.dumps(asdict(state), ensure_ascii=False, indent=1) + "\n", mode=0o644)


def clear_state(home: Home) -> None:
    """Forget what an earlier supervisor said."""
    _path(home).unlink(missing_ok=True)


def read_state(home: Home) -> State:
    """What the file says; phase stopped when nobody runs the services, whatever was last written.

    Parameters
    ----------
    home : Home
        The home folder.

    Returns
    -------
    State
        Of a supervisor that was killed only its error and its remarks remain.
    """
    path = _path(home)
    if not path.exists():
        return State()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        processes = [ProcessState(**each) for each in content.pop("processes")]
        state = State(**content, processes=processes)
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path}: found {error!r}, expected the state that lantian wrote") from error
    if home.keeper() is None:
        state.processes = []
        if state.phase != FAILED:
            state.phase = STOPPED
    return state
