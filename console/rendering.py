"""Pages from templates: words, numbers and times as the console shows them."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, RedirectResponse

from alerting.wording import measure_zh
from analytics.verification import REASONS_ZH
from console.evidence import VERDICTS_ZH, evidence_text, evidence_zh
from console.guard import desk_of, find_visit
from console.menu import menu
from console.notice import NOTICES
from console.role import ROLE_ZH
from domain.level import LEVELS
from domain.period import ZONE

FOLDER: Final = Path(__file__).parent
STATIC: Final = FOLDER / "static"
_DASH: Final = "—"


def local_text(moment: dt.datetime | None, form: str = "%m-%d %H:%M") -> str:
    """A moment in Beijing time; a dash for none."""
    return _DASH if moment is None else moment.astimezone(ZONE).strftime(form)


def figure_text(value: float | None, digits: int | None = None, unit: str = "") -> str:
    """A number as short as it is exact, or with so many decimals; a dash for none."""
    if value is None:
        return _DASH
    text = f"{value:g}" if digits is None else f"{value:.{digits}f}"
    return f"{text}{unit}"


def age_zh(seconds: float | None) -> str:
    """How long, in the largest fitting unit: 45秒, 12分钟, 3小时, 9天; 从未 for never."""
    if seconds is None:
        return "从未"
    sign, size = ("-" if seconds < 0 else ""), abs(seconds)
    for limit, unit_s, unit in ((120, 1, "秒"), (7200, 60, "分钟"), (172_800, 3600, "小时")):
        if size < limit:
            return f"{sign}{size / unit_s:.0f}{unit}"
    return f"{sign}{size / 86_400:.0f}天"


@cache
def static_url(name: str) -> str:
    """Address of a file of ours that changes when the file does, so that browsers may keep it for good."""
    content = aqi_css().encode() if name == "aqi.css" else (STATIC / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


@cache
def aqi_css() -> str:
    """Colours of the six levels (HJ 633) as classes; letters black or white, whichever reads better."""
    lines = []
    for level in LEVELS:
        ink = "#fff" if _luminance(level.rgb) < 0.18 else "#000"
        lines.append(f".aqi-{level.level}{{background:{level.hex};color:{ink};fill:{level.hex}}}")
    return "\n".join(lines) + "\n"


def _luminance(rgb: tuple[int, int, int]) -> float:
    """Relative luminance of WCAG 2, 0 to 1."""
    parts = [c / 255 / 12.92 if c / 255 <= 0.03928 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


@cache
def environment() -> Environment:
    """The templates; a name that is not there is an error, everything is escaped."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {"local": local_text, "figure": figure_text, "age": age_zh, "json_text": _json_text}
    made.globals |= {
        "measure_zh": measure_zh,
        "reasons_zh": REASONS_ZH,
        "evidence_zh": evidence_zh,
        "evidence_text": evidence_text,
        "verdicts_zh": VERDICTS_ZH,
        "static": static_url,
        "role_zh": ROLE_ZH,
        "menu": menu,
    }
    return made


def fragment(template: str, words: Mapping[str, Any]) -> str:
    """Part of a page."""
    return environment().get_template(template).render(words)


def page(
    request: Request, template: str, *, code: int = 200, faults: tuple[str, ...] = (), **words: Any
) -> HTMLResponse:
    """A whole page.

    Parameters
    ----------
    request : Request
        Whose page: menu and name follow who is signed in.
    template : str
        File below ``console/template``.
    code : int
        Status of the answer.
    faults : tuple of str
        What was wrong with the form just sent, shown above it.
    **words
        What the template needs.

    Returns
    -------
    HTMLResponse
        Never kept by browsers.
    """
    desk = desk_of(request)
    visit = find_visit(request) if request.app.state.is_ready else None
    given = {
        "visit": visit,
        "now": desk.now(),
        "county_zh": desk.county_zh,
        "path": request.url.path,
        "notice": NOTICES.get(request.query_params.get("done", "")),
        "faults": faults,
    }
    text = environment().get_template(template).render({**given, **words})
    return HTMLResponse(text, code)


def seen_other(to: str, done: str = "") -> RedirectResponse:
    """After a form: go and look; `done` is a key of `NOTICES` shown there."""
    if done and done not in NOTICES:
        raise KeyError(done)
    joint = "&" if "?" in to else "?"
    return RedirectResponse(f"{to}{joint}done={done}" if done else to, 303)


EMPTY: Final[Mapping[str, str]] = MappingProxyType({})
