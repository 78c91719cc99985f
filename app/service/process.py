"""Starting, watching and ending the service processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from app.service.unprivileged import ServiceUser
from domain.error import ServiceError

_MAX_LOG = 20_000_000


def _environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"}


def _identity(user: ServiceUser) -> dict[str, object]:
    return {"user": user.uid, "group": user.gid, "extra_groups": []} if user.dropped else {}


def run_as(user: ServiceUser, command: Sequence[str | Path], folder: Path) -> str:
    """Run a program to its end and return what it printed; a failure is a `ServiceError` with its last words.

    Parameters
    ----------
    user : ServiceUser
        Who runs it.
    command : sequence of str or Path
        Program and arguments.
    folder : Path
        Working folder.

    Returns
    -------
    str
        Standard output and standard error.
    """
    result = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        **_identity(user),  # type: ignore[call-overload]
    )
    if result.returncode:
        raise ServiceError(f"{Path(command[0]).name} failed ({result.returncode}): {result.stdout.strip()[-600:]}")
    return str(result.stdout)


def start_process(  # noqa: PLR0913 - everything behind the star is named by its caller
    user: ServiceUser,
    command: Sequence[str | Path],
    *,
    folder: Path,
    log: Path,
    dies_by: signal.Signals,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a service in its own session, its output appended to `log`.

    Parameters
    ----------
    user : ServiceUser
        Who runs it.
    command : sequence of str or Path
        Program and arguments.
    folder : Path
        Working folder.
    log : Path
        Log file; see `trim_log`.
    dies_by : signal.Signals
        Signal that the kernel sends it when the process that started it dies.
    environment : mapping of str to str, optional
        Its environment; by default a bare one.

    Returns
    -------
    subprocess.Popen
        The running process.
    """
    trim_log(log)
    log.touch(mode=0o600)
    log.chmod(0o600)
    setpriv = shutil.which("setpriv")
    leash = [setpriv, "--pdeathsig", dies_by.name.removeprefix("SIG"), "--"] if setpriv else []
    with log.open("ab") as output:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [*leash, *(str(part) for part in command)],
            cwd=folder,
            env=_environment(folder) if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **_identity(user),  # type: ignore[call-overload]
        )
    return process


def end_process(process: subprocess.Popen[bytes], *signals: signal.Signals, timeout_s: float = 20.0) -> None:
    """Send the signals one after the other, each after `timeout_s`, until the process has ended; SIGKILL is last.

    Parameters
    ----------
    process : subprocess.Popen
        The process.
    *signals : signal.Signals
        What to send.
    timeout_s : float
        How long to wait after each.
    """
    for number in (*signals, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            continue


def trim_log(log: Path) -> None:
    """Set a log above 20 MB aside as ``.1`` and empty it; whoever appends to it goes on undisturbed."""
    if log.exists() and log.stat().st_size > _MAX_LOG:
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)


def log_tail(log: Path, lines: int = 6) -> str:
    """Last lines of a log file, for error messages."""
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def wait_until(ready: Callable[[], bool], alive: Callable[[], bool], timeout_s: float) -> bool:
    """Poll `ready` every 20 ms while `alive`; False when the process ended or the time is over.

    Parameters
    ----------
    ready : callable
        What is waited for.
    alive : callable
        Whether waiting still makes sense.
    timeout_s : float
        How long at most.

    Returns
    -------
    bool
        Whether it became ready.
    """
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if ready():
            return True
        if not alive():
            return False
        time.sleep(0.02)
    return False
