"""Contacts: whom notices go to, added, changed, retired, and told something to see that it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.fault import fault_zh
from console.guard import Visit, allowed, desk_of, form_of
from console.rendering import page, seen_other
from console.role import Permission
from domain.alert import CHANNELS, channel_policies, severities
from domain.error import ConfigurationError
from store.audit import add_deed
from store.connection import Connection
from store.contact import announce_test, read_contacts, retire_contact
from store.registration import read_areas, read_entries

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
Keeper = Annotated[Visit, Depends(allowed(Permission.KEEP_CONTACT))]
#: Fields of the form besides the channels, which have a field each.
FIELDS: Final = ("name_zh", "enterprise_id", "area_id", "step", "severity_floor", "kinds", "hours", "note")


def _severities_zh() -> dict[int, str]:
    return {level: one.name_zh for level, one in severities().items()}


@router.get("/contact")
def show_contacts(request: Request, visit: Keeper, everything: bool = False) -> Response:  # noqa: ARG001
    """Operators first, then by enterprise and step."""
    with desk_of(request).connection("read the contacts") as conn:
        contacts = [one for one in read_contacts(conn).values() if everything or one["retired_at"] is None]
        enterprises = {key: str(one["name_zh"]) for key, one in read_entries(conn, "enterprise").items()}
    words: dict[str, Any] = {"contacts": contacts, "enterprises": enterprises, "everything": everything}
    channels = {key: policy.name_zh for key, policy in channel_policies().items()}
    return page(request, "contact.html", channels_zh=channels, severities_zh=_severities_zh(), **words)


def found_contact(conn: Connection, name: str) -> dict[str, Any]:
    """The contact; 404 when there is none."""
    found = read_contacts(conn).get(name)
    if found is None:
        raise HTTPException(404, "没有这个联系人")
    return found


def _form_page(
    request: Request, name: str, *, faults: tuple[str, ...] = (), given: Mapping[str, str] | None = None
) -> Response:
    desk = desk_of(request)
    with desk.connection("read the contact") as conn:
        contact = found_contact(conn, name) if name else None
        enterprises = [
            (key, str(one["name_zh"]))
            for key, one in read_entries(conn, "enterprise").items()
            if one["retired_at"] is None
        ]
        areas = list(read_areas(conn).items())
    if given is None:
        given = {} if contact is None else desk.acts.contact_cells(contact)
    words: dict[str, Any] = {
        "contact": contact,
        "given": given,
        "enterprises": enterprises,
        "areas": areas,
        "levels": [(str(level), text) for level, text in _severities_zh().items()],
        "channels": [(key, channel_policies()[key].name_zh) for key in CHANNELS],
    }
    return page(request, "contact_form.html", code=422 if faults else 200, faults=faults, **words)


@router.get("/contact-form")
def show_new(request: Request, visit: Keeper) -> Response:  # noqa: ARG001
    """The form of a new contact."""
    return _form_page(request, "")


@router.get("/contact/{name}")
def show_contact(request: Request, name: str, visit: Keeper) -> Response:  # noqa: ARG001
    """A contact, to be changed, retired or tested."""
    return _form_page(request, name)


@router.post("/contact-form")
def add(request: Request, form: Form, visit: Keeper) -> Response:
    """Add a contact."""
    return _write(request, "", form, visit)


@router.post("/contact/{name}")
def change(request: Request, name: str, form: Form, visit: Keeper) -> Response:
    """Change a contact."""
    return _write(request, name, form, visit)


def _write(request: Request, name: str, form: Mapping[str, str], visit: Visit) -> Response:
    desk = desk_of(request)
    cells = {key: form.get(key, "") for key in (*FIELDS, *CHANNELS)} | {"id": name or form.get("id", "")}
    try:
        with desk.connection("write the contact") as conn:
            known = read_contacts(conn)
            if name:
                before = desk.acts.contact_cells(found_contact(conn, name))
            elif cells["id"] in known:
                raise ConfigurationError(f"编号 {cells['id']} 已经存在")
            else:
                before = {}
            desk.acts.write_contact(conn, cells)
            changed = {key: value for key, value in cells.items() if value != before.get(key, "")}
            action = "contact.change" if name else "contact.add"
            add_deed(conn, visit.deed(action, f"contact/{cells['id']}", **changed))
    except ConfigurationError as error:
        return _form_page(request, name, faults=(fault_zh(str(error)),), given=form)
    return seen_other(f"/contact/{cells['id']}", "saved")


@router.post("/contact/{name}/{action}")
def act(request: Request, name: str, action: str, visit: Keeper) -> Response:
    """Retire a contact, bring it back, or send it a test notice over every channel."""
    desk, now = desk_of(request), desk_of(request).now()
    if action not in ("retire", "restore", "test"):
        raise HTTPException(404)
    try:
        with desk.connection(f"{action} the contact") as conn:
            found_contact(conn, name)
            if action == "test":
                announce_test(conn, name, by=visit.person.name_zh, now=now)
            else:
                retire_contact(conn, name, now if action == "retire" else None)
            add_deed(conn, visit.deed(f"contact.{action}", f"contact/{name}"))
    except ConfigurationError:
        return _form_page(request, name, faults=("这个联系人的状态已经改变，不能再这样处理",))
    return seen_other(f"/contact/{name}", "test_sent" if action == "test" else "saved")
