"""Devices: their health, and strangers that wait to be registered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.desk import Desk, Stranger
from console.guard import Visit, allowed, desk_of, form_of
from console.rendering import page, seen_other
from console.role import Permission
from domain.error import ConfigurationError
from domain.family import FAMILIES
from store.audit import add_deed
from store.connection import Connection
from store.health import DeviceHealth, read_health
from store.registration import read_entries
from store.stranger import Refusal, read_refusals, refuse_stranger, withdraw_refusal

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
Reader = Annotated[Visit, Depends(allowed(Permission.SEE))]
Approver = Annotated[Visit, Depends(allowed(Permission.APPROVE_DEVICE))]
STATES: Final = {"online": "正常", "late": "迟报", "silent": "中断", "never": "未上报"}
#: What a form may say about a device; the rest follows from its protocol, or is set with `lantian device change`.
FIELDS: Final = ("site_id", "family", "mn", "span_s", "interval_s", "unit_preset")


def chosen_health(found: list[DeviceHealth], state: str, family: str, text: str) -> list[DeviceHealth]:
    """Devices of a state and family whose id or site has a text in it."""
    return [
        one
        for one in found
        if (not state or one.state_zh == STATES.get(state))
        and (not family or one.family == family)
        and (not text or text.lower() in f"{one.device_id} {one.site_zh}".lower())
    ]


@router.get("/device")
def show_devices(request: Request, visit: Reader, state: str = "", family: str = "", text: str = "") -> Response:  # noqa: ARG001
    """Health of every device in service, the worst month first."""
    with desk_of(request).connection("read the health of devices") as conn:
        found = read_health(conn)
        waiting = len(waiting_strangers(desk_of(request), conn)[0])
    words: dict[str, Any] = {
        "devices": chosen_health(found, state, family, text.strip()),
        "total": len(found),
        "waiting": waiting,
        "states": STATES.items(),
        "families": [(one.key, one.name_zh) for one in FAMILIES.values()],
        "given": {"state": state, "family": family, "text": text},
    }
    return page(request, "device.html", **words)


def waiting_strangers(desk: Desk, conn: Connection) -> tuple[list[Stranger], list[Refusal]]:
    """Strangers that wait, and the standing refusals of others."""
    refusals = read_refusals(conn)
    refused = {(one.device_id, one.protocol, one.county) for one in refusals}
    strangers = [
        one
        for one in desk.acts.strangers(conn)
        if (one.pending.device_id, one.pending.protocol, one.pending.county) not in refused
    ]
    return strangers, refusals


@router.get("/device/pending")
def show_pending(request: Request, visit: Reader) -> Response:  # noqa: ARG001
    """Devices that speak without being registered."""
    desk = desk_of(request)
    with desk.connection("read the strangers") as conn:
        strangers, refusals = waiting_strangers(desk, conn)
    return page(request, "device_pending.html", strangers=strangers, refusals=refusals)


def _stranger(desk: Desk, conn: Connection, protocol: str, name: str) -> Stranger:
    for one in waiting_strangers(desk, conn)[0]:
        if (one.pending.device_id, one.pending.protocol) == (name, protocol):
            return one
    raise HTTPException(404, "这台设备不在待登记之列，可能已经登记")


def _approval_page(
    request: Request, protocol: str, name: str, *, given: Mapping[str, str], faults: tuple[str, ...] = ()
) -> Response:
    desk = desk_of(request)
    with desk.connection("read the stranger") as conn:
        stranger = _stranger(desk, conn, protocol, name)
        sites = read_entries(conn, "site")
    choices = [
        (key, f"{site['name_zh']}（{key}）")
        for key, site in sites.items()
        if site["area_id"] == stranger.pending.county and site["retired_at"] is None
    ]
    words: dict[str, Any] = {
        "one": stranger,
        "payload": stranger.pending.payload[:2000].decode("utf-8", "backslashreplace"),
        "sites": choices,
        "families": [(each.key, each.name_zh) for each in FAMILIES.values()],
        "given": {"span_s": "60", "interval_s": "60", "family": "air", "mn": stranger.mn or "", **given},
    }
    return page(request, "device_approve.html", code=422 if faults else 200, faults=faults, **words)


@router.get("/device/pending/{protocol}/{name}")
def show_approval(request: Request, protocol: str, name: str, visit: Approver) -> Response:  # noqa: ARG001
    """The form that registers a stranger or refuses it."""
    return _approval_page(request, protocol, name, given={})


@router.post("/device/pending/{protocol}/{name}/approve")
def approve(request: Request, protocol: str, name: str, form: Form, visit: Approver) -> Response:
    """Register it."""
    desk = desk_of(request)
    cells = {key: form[key] for key in FIELDS if form.get(key)}
    faults = tuple(approval_faults(cells))
    if not faults:
        try:
            with desk.connection("register the device") as conn:
                _stranger(desk, conn, protocol, name)
                desk.acts.approve_device(conn, name, cells, protocol)
                add_deed(conn, visit.deed("device.approve", f"device/{name}", protocol=protocol, **cells))
        except ConfigurationError as error:
            faults = (f"登记没有通过检查：{error}",)
    if faults:
        return _approval_page(request, protocol, name, given=form, faults=faults)
    return seen_other("/device/pending", "device_approved")


def approval_faults(cells: Mapping[str, str]) -> list[str]:
    """What a person can mend at once, in Chinese; the registry's own check follows."""
    faults = [] if cells.get("site_id") else ["请选择点位"]
    for key, heading, low in (("span_s", "覆盖时长", 0), ("interval_s", "上报间隔", 1)):
        text = cells.get(key, "")
        if text and (not text.isdecimal() or not low <= int(text) <= 86_400):
            faults.append(f"{heading}填写为“{text}”，应为 {low} 至 86400 的整数秒")
    return faults


@router.post("/device/pending/{protocol}/{name}/refuse")
def refuse(request: Request, protocol: str, name: str, form: Form, visit: Approver) -> Response:
    """Take it off the list; its messages stay rejected."""
    desk, why = desk_of(request), form.get("why", "")
    if not why:
        return _approval_page(request, protocol, name, given=form, faults=("请填写不予登记的理由",))
    with desk.connection("refuse the device") as conn:
        county = _stranger(desk, conn, protocol, name).pending.county
        refuse_stranger(conn, Refusal(county, protocol, name, visit.person.account_id, desk.now(), why))
        add_deed(conn, visit.deed("device.refuse", f"device/{name}", protocol=protocol, why=why))
    return seen_other("/device/pending", "device_refused")


@router.post("/device/pending/{protocol}/{name}/restore")
def restore(request: Request, protocol: str, name: str, visit: Approver) -> Response:
    """Let a refused device wait again."""
    desk = desk_of(request)
    with desk.connection("withdraw the refusal") as conn:
        if not withdraw_refusal(conn, name, protocol, who=visit.person.account_id, now=desk.now()):
            raise HTTPException(404)
        add_deed(conn, visit.deed("device.restore", f"device/{name}", protocol=protocol))
    return seen_other("/device/pending", "refusal_withdrawn")
