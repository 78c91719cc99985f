"""A database and a broker of a benchmark's own, and the machine that its figures come from."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.service.folder import cache_folder
from app.service.local import LocalServices
from app.service.progress import Lines
from store.connection import connect
from store.migration import migrate
from store.reference import load_reference

TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def scratch_services(*, broker: bool = True) -> Iterator[LocalServices]:
    """Durable services in a folder of their own with a migrated, empty database; removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="lantian-bench-"))
    folder.chmod(0o755)
    try:
        with LocalServices(
            folder / "home", cache_folder(), reporter=Lines(), database_port=0, broker_port=0, broker=broker
        ) as services:
            url = services.database_url("lantian_owner")
            migrate(url)
            with connect(url) as conn:
                load_reference(conn)
            yield services
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def machine() -> dict[str, object]:
    """Processor, cores, memory, system and load when asked."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = {line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")}
    memory_kib = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1])
    return {
        "processor": ", ".join(sorted(models)) or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory_kib / 2**20, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def processor_s(pid: int) -> float:
    """Processor seconds that a process and its children, ended ones too, have used; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS + sum(processor_s(int(child)) for child in children)


def peak_mib(pid: int) -> float:
    """Largest resident memory of a process so far, in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0
