"""Rules of alerts: what holds, since when and why; changed by the administrator, every version is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.fault import fault_zh
from console.guard import Visit, allowed, desk_of, form_of
from console.rendering import page, seen_other
from console.role import Permission
from domain.alert import AUDIENCES, changed_rule, rule_cells, severities
from domain.error import ConfigurationError
from store.alert_rule import read_rule, read_rule_history, read_rule_versions, write_rule
from store.audit import add_deed

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
Reader = Annotated[Visit, Depends(allowed(Permission.SEE))]
Changer = Annotated[Visit, Depends(allowed(Permission.CHANGE_RULE))]
#: What the form changes, with the words for it.
FIELDS_ZH: Final[Mapping[str, str]] = {
    "threshold": "阈值",
    "clear_threshold": "解除阈值",
    "hold_s": "持续时间（秒）",
    "clear_hold_s": "解除须持续（秒）",
    "severity": "等级",
    "tells": "通知谁",
    "tells_clear": "解除时也通知",
    "respond_min": "回执时限（分钟）",
    "enabled": "启用",
}
AUDIENCES_ZH: Final[Mapping[str, str]] = {"operator": "值班人员", "enterprise": "企业"}
_MEASURED: Final = ("threshold", "clear_threshold", "hold_s", "clear_hold_s")


def value_zh(name: str, value: Any) -> str:
    """A field of a rule in words."""
    if name == "severity":
        return severities()[value].name_zh
    if name == "tells":
        return "、".join(AUDIENCES_ZH[one] for one in AUDIENCES if one in value) or "不通知"
    if isinstance(value, bool):
        return "是" if value else "否"
    if value is None:
        return "按等级" if name == "respond_min" else "—"
    return f"{value:.10g}"


def _fault_zh(error: ConfigurationError) -> str:
    text = fault_zh(str(error)).removeprefix("第1行")
    name = next((name for name in FIELDS_ZH if f"“{name}”" in text), "")
    return text.replace(f"“{name}”", f"“{FIELDS_ZH[name]}”") if name else text


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (words, value_zh(name, before[name]), value_zh(name, after[name]))
        for name, words in FIELDS_ZH.items()
        if before[name] != after[name]
    ]


@router.get("/alert-rule")
def show_rules(request: Request, visit: Reader) -> Response:  # noqa: ARG001
    """The rules that hold."""
    with desk_of(request).connection("read the alert rules") as conn:
        rules = read_rule_versions(conn)
    return page(request, "alert_rule.html", rules=rules, value_zh=value_zh)


def _rule_page(
    request: Request, kind: str, *, faults: tuple[str, ...] = (), given: Mapping[str, str] | None = None
) -> Response:
    with desk_of(request).connection("read the alert rule") as conn:
        rule, history = read_rule(conn, kind), read_rule_history(conn, kind)
    if rule is None:
        raise HTTPException(404, "没有这种告警")
    pairs = zip((None, *history), history, strict=False)
    versions = [(one, [] if before is None else _changes(before, one)) for before, one in pairs]
    words: dict[str, Any] = {
        "rule": rule,
        "given": rule_cells(rule) if given is None else {**rule_cells(rule), **given},
        "versions": versions[::-1],
        "levels": [(str(level), one.name_zh) for level, one in severities().items()],
        "audiences": AUDIENCES_ZH,
        "value_zh": value_zh,
    }
    return page(request, "alert_rule_one.html", code=422 if faults else 200, faults=faults, **words)


@router.get("/alert-rule/{kind}")
def show_rule(request: Request, kind: str, visit: Reader) -> Response:  # noqa: ARG001
    """One rule with every version of it."""
    return _rule_page(request, kind)


@router.post("/alert-rule/{kind}")
async def change_rule(request: Request, kind: str, form: Form, visit: Changer) -> Response:
    """A new version of a rule, with a reason."""
    told = [text for text in (await request.form()).getlist("tells") if isinstance(text, str)]
    return await to_thread.run_sync(_change, request, kind, {**form, "tells": " ".join(told)}, visit)


def _change(request: Request, kind: str, form: Mapping[str, str], visit: Visit) -> Response:
    given = {name: form[name] for name in ("severity", "tells", "respond_min", *_MEASURED) if name in form}
    given |= {name: "true" if form.get(name) == "true" else "false" for name in ("enabled", "tells_clear")}
    fault = ""
    try:
        with desk_of(request).connection("change the alert rule") as conn:
            rule, history = read_rule(conn, kind), read_rule_history(conn, kind)
            if rule is None:
                raise HTTPException(404, "没有这种告警")
            changed = changed_rule(rule, given)
            if form.get("version") != str(history[-1]["version"]):
                fault = "这条规则刚被别人改过，请看下面的最新版本后再改"
            elif changed == rule:
                fault = "没有改变任何一项"
            elif not form.get("why"):
                fault = "请填写理由"
            else:
                version = write_rule(conn, changed, by=visit.person.name_zh, why=form["why"])
                deed = visit.deed("rule.change", f"alert_rule/{kind}", version=version, why=form["why"], **given)
                add_deed(conn, deed)
    except ConfigurationError as error:
        fault = _fault_zh(error)
    if fault:
        return _rule_page(request, kind, faults=(fault,), given={**given, "why": form.get("why", "")})
    return seen_other(f"/alert-rule/{kind}", "register_saved")
