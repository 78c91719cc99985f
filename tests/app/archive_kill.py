"""Archives and drops the oldest chunk, killed in the middle: for test_frame_archive.py.

Usage: python archive_kill.py URL FOLDER. Each line of standard input is a number n: a child of this process begins the
work and is killed by SIGKILL before the n-th time it opens, renames, links or removes a file; answered with its status.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
from pathlib import Path

from app.frame_archive import drop_oldest_archived, writing
from store.connection import connect

STEPS = ("open", "os.rename", "os.link", "os.remove", "os.chmod", "fcntl.flock")


def work(url: str, folder: Path, fatal: int) -> None:
    """Everything that the job does with raw frames, until none is older than forty days."""
    now = dt.datetime.now(dt.UTC)
    with connect(url, autocommit=True) as conn:
        left = fatal

        def strike(event: str, _: object) -> None:
            nonlocal left
            if event in STEPS:
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(strike)
        with writing(folder):
            while drop_oldest_archived(conn, now - dt.timedelta(days=40), folder, now=now) is not None:
                pass


for line in sys.stdin:
    child = os.fork()
    if not child:
        work(sys.argv[1], Path(sys.argv[2]), int(line))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201 - the answer
