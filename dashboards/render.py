"""Every dashboard, and its rendered file in the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dashboards.air import AIR_DASHBOARD
from dashboards.dashboard import CONSOLE, Dashboard, dashboard_json, document_text
from dashboards.enterprise import ENTERPRISE_DASHBOARD
from dashboards.micro import MICRO_DASHBOARD
from dashboards.quality import QUALITY_DASHBOARD
from dashboards.system import SYSTEM_DASHBOARD
from dashboards.targets import TARGETS_DASHBOARD
from dashboards.vehicle import VEHICLE_DASHBOARD
from dashboards.warning import WARNING_DASHBOARD
from domain.error import ConfigurationError

#: In the order of the list.
DASHBOARDS: Final[tuple[Dashboard, ...]] = (
    TARGETS_DASHBOARD,
    AIR_DASHBOARD,
    WARNING_DASHBOARD,
    ENTERPRISE_DASHBOARD,
    VEHICLE_DASHBOARD,
    MICRO_DASHBOARD,
    QUALITY_DASHBOARD,
    SYSTEM_DASHBOARD,
)
RENDERED: Final = Path(__file__).parent / "rendered"


def dashboard_named(uid: str) -> Dashboard:
    """The dashboard with `uid`."""
    for dashboard in DASHBOARDS:
        if dashboard.uid == uid:
            return dashboard
    names = ", ".join(dashboard.uid for dashboard in DASHBOARDS)
    raise ConfigurationError(f"dashboard {uid!r} is unknown; expected one of {names}")


def rendered(dashboard: Dashboard, console: str = CONSOLE) -> str:
    """The rendered file of a dashboard, with the address of the console."""
    return document_text(dashboard_json(dashboard, console))


def stale_files(folder: Path, console: str = CONSOLE) -> list[Path]:
    """Files of `folder` that are absent or not what would be rendered."""
    wanted = {folder / f"{dashboard.uid}.json": rendered(dashboard, console) for dashboard in DASHBOARDS}
    return [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def write_rendered(folder: Path, console: str = CONSOLE) -> list[Path]:
    """Write every dashboard to `folder`; returns the files whose content changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = stale_files(folder, console)
    for dashboard in DASHBOARDS:
        path = folder / f"{dashboard.uid}.json"
        if path in changed:
            path.write_text(rendered(dashboard, console), encoding="utf-8")
    return changed
