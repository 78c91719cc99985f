"""Start what deploy/compose.yaml starts as plain processes: database, its first script, Lantian, in that order.

    python scripts/try_compose.py

Where there is no Docker this shows that order, environment and health checks fit together, and that Lantian works with
services that are named. Database and Lantian get folders and ports of their own, which are removed at the end. Images,
volumes and networks are not tried. Exit status 1 when a health check or `lantian doctor` fails, or when Lantian wrote
into the checkout, which is read-only in the container.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.service.account import SUPERUSER
from app.service.folder import cache_folder
from app.service.local import LocalServices
from app.service.port import free_port
from app.service.progress import Lines

ROOT = Path(__file__).resolve().parents[1]
NAME = "compose"
#: Seconds that a container has before its first health check counts, plus its repetitions.
HEALTHY_S = 120 + 4 * 30


def environment_of(service: dict[str, object], given: dict[str, str]) -> dict[str, str]:
    """A service's environment with ``${NAME:-default}`` filled in as Compose does."""

    def filled(found: re.Match[str]) -> str:
        return given.get(found[1]) or (found[2] or "")

    named = service["environment"]
    assert isinstance(named, dict)
    return {name: re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", filled, str(text)) for name, text in named.items()}


def prepare(services: LocalServices) -> dict[str, str]:
    """Run the database's first script; the passwords that .env would hold."""
    assert services.cluster is not None
    roles = services.credential_file.load().roles
    given = {f"{role.upper()}_PASSWORD": word for role, word in roles.items() if role != SUPERUSER}
    psql = next(cache_folder().glob("runtime-*/usr/lib/postgresql/*/bin/psql"), Path("/usr/bin/psql"))
    environment = {
        "PATH": f"{psql.parent}:/usr/bin:/bin", "PGHOST": "127.0.0.1", "PGPORT": str(services.cluster.port),
        "PGPASSWORD": roles[SUPERUSER], "LANTIAN_DATABASE": NAME, **given,
    }  # fmt: skip
    subprocess.run(["sh", ROOT / "deploy" / "database" / "10-lantian.sh"], env=environment, check=True)
    return given


def lantian(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """A command of Lantian as it would run in the container."""
    command = [sys.executable, "-m", "app", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=300)


def written(since: float) -> list[str]:
    """Files of the checkout that changed; what tools of development keep there is not looked at."""
    kept = {".venv", ".git", "build", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
    files = (file for file in ROOT.rglob("*") if not kept & set(file.relative_to(ROOT).parts))
    return [str(file) for file in files if file.is_file() and file.stat().st_mtime > since]


def main() -> int:
    """Start, look, stop; 0 when everything was as it should be."""
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    with tempfile.TemporaryDirectory(prefix="lantian-compose-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with LocalServices(
            folder / "database", cache_folder(), reporter=Lines(), broker=False, database_port=0
        ) as services:
            given = prepare(services)
            assert services.cluster is not None
            environment = environment_of(compose["lantian"], {**given, "LANTIAN_SIMULATOR": "true"})
            where = f"@127.0.0.1:{services.cluster.port}/{NAME}"
            environment = {key: text.replace("@database/lantian", where) for key, text in environment.items()}
            environment |= {
                "PATH": os.environ["PATH"], "HOME": name, "PYTHONDONTWRITEBYTECODE": "1",
                "LANTIAN_HOME": str(folder / "home"), "LANTIAN_CACHE": str(cache_folder()),
                "LANTIAN_BROKER_TLS_ADDRESS": f"127.0.0.1:{free_port(0)}", "LANTIAN_CONSOLE_ADDRESS": "127.0.0.1",
                "LANTIAN_CONSOLE_PORT": str(free_port(0)), "LANTIAN_METRICS_ADDRESS": "127.0.0.1",
                "LANTIAN_METRICS_PORT": str(free_port(0)),
            }  # fmt: skip
            return tried(environment, compose["lantian"]["healthcheck"]["test"][2:])


def tried(environment: dict[str, str], health: list[str]) -> int:
    """Run Lantian until it is healthy, ask the doctor, stop it."""
    began, moment = time.time(), time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "app", "up", "--foreground"], cwd=ROOT, env=environment)
    try:
        while (found := lantian(environment, *health)).returncode and process.poll() is None:
            if time.monotonic() - moment > HEALTHY_S:
                break
            time.sleep(2)
        print(found.stdout, f"healthy: {found.returncode == 0}, after {time.monotonic() - moment:.0f} s", sep="\n")
        doctor = lantian(environment, "doctor")
        print(doctor.stdout)
    finally:
        moment = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(180)
    print(f"stopped with exit status {code} after {time.monotonic() - moment:.0f} s")
    changed = written(began)
    print("written into the checkout:", ", ".join(changed) or "nothing")
    return int(bool(found.returncode or doctor.returncode or code or changed))


if __name__ == "__main__":
    sys.exit(main())
