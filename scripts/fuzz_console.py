"""Ask the console what its OpenAPI description allows, and what it does not: no answer may be a fault of the server.

    python scripts/fuzz_console.py [--seconds 120] [--program schemathesis] [--checks not_a_server_error]

Runs schemathesis (no dependency of this project: install it into an environment of its own, for example
``python3 -m venv build/fuzz && build/fuzz/bin/pip install schemathesis==4.32.5``, and name its program) with the token
of an administrator against a console, a database and a county of their own. What it prints is schemathesis's; the exit
code too.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.service.port import free_port
from app.service.process import end_process
from app.service.progress import Silence
from app.service.schema import prepare_database
from app.settings import load_settings
from benchmarks.scratch import scratch_services
from store.account import NewAccount, add_account, set_password
from store.connection import connect
from store.session import add_token

CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance,ignored_auth"


def administrator_token(url: str) -> str:
    """Make an account with a token that holds for a day."""
    now, token = dt.datetime.now(dt.UTC), f"lt_{secrets.token_hex(16)}"
    with connect(url) as conn:
        # Nobody signs in with a password here, so its hash is one that no password has.
        add_account(conn, NewAccount("fuzz", "试验", "administrator", None, "none", "fuzz"))
        set_password(conn, "fuzz", "none", must_change=False, now=now)
        add_token(conn, "fuzz", "fuzz", token, expires_at=now + dt.timedelta(days=1))
    return token


def wait_for(url: str, console: subprocess.Popen[bytes]) -> None:
    """Wait until the console answers."""
    end = time.monotonic() + 60
    while time.monotonic() < end and console.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"the console does not answer at {url}")


def main() -> int:
    """Run schemathesis against a console; its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--program", default="schemathesis")
    parser.add_argument("--checks", default=CHECKS)
    options = parser.parse_args()
    program = shutil.which(options.program)
    if program is None:
        parser.error(f"found no program {options.program}; expected schemathesis, see --help")
    with scratch_services(broker=False) as services:
        os.environ["LANTIAN_HOME"] = str(services.folder)
        prepare_database(load_settings(), Silence())
        port = free_port(0)
        environment = {**os.environ, "LANTIAN_CONSOLE_PORT": str(port)}
        token = administrator_token(services.database_url("lantian_app"))
        console = subprocess.Popen([sys.executable, "-m", "app", "console"], env=environment)
        try:
            where = f"http://127.0.0.1:{port}/api/v1/openapi.json"
            wait_for(where, console)
            words = [program, "run", where, "--header", f"Authorization: Bearer {token}", "--checks", options.checks]
            words += ["--max-time", str(options.seconds), "--phases", "examples,coverage,fuzzing"]
            return subprocess.run([*words, "--continue-on-failure", "--rate-limit", "50/s"], check=False).returncode
        finally:
            end_process(console)


if __name__ == "__main__":
    sys.exit(main())
