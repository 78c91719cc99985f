"""Every dashboard, and its rendered file in the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dashboards.air import AIR_DASHBOARD
from dashboards.dashboard import Dashboard, dashboard_json, document_text
from dashboards.targets import TARGETS_DASHBOARD
from domain.error import ConfigurationError

#: In the order of the list.
DASHBOARDS: Final[tuple[Dashboard, ...]] = (TARGETS_DASHBOARD, AIR_DASHBOARD)
RENDERED: Final = Path(__file__).parent / "rendered"


def dashboard_named(uid: str) -> Dashboard:
    """The dashboard with `uid`."""
    for dashboard in DASHBOARDS:
        if dashboard.uid == uid:
            return dashboard
    names = ", ".join(dashboard.uid for dashboard in DASHBOARDS)
    raise ConfigurationError(f"dashboard {uid!r} is unknown; expected one of {names}")


def rendered(dashboard: Dashboard) -> str:
    """The rendered file of a dashboard."""
    return document_text(dashboard_json(dashboard))


def write_rendered(folder: Path) -> list[Path]:
    """Write every dashboard to `folder`; returns the files whose content changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for dashboard in DASHBOARDS:
        path = folder / f"{dashboard.uid}.json"
        text = rendered(dashboard)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
