"""The registers of the plan, to read: entries and their whole history. They are kept with `lantian register`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.guard import Visit, allowed, desk_of
from console.rendering import local_text, page
from console.role import Permission
from domain.register import ACTIONS, Field, Register
from domain.register_table import REGISTERS
from store.register import read_history, read_register

router: Final = APIRouter()
Reader = Annotated[Visit, Depends(allowed(Permission.SEE))]


def cell_zh(field: Field, value: object) -> str:
    """A field's value in the words of the register."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dt.datetime):
        return local_text(value, "%Y-%m-%d %H:%M")
    if isinstance(value, float):
        return f"{value:g}"
    return next((word for word, meaning in field.words.items() if meaning == value), str(value))


def known_register(name: str) -> Register:
    """The register of that name; 404 when there is none."""
    register = REGISTERS.get(name)
    if register is None:
        raise HTTPException(404)
    return register


@router.get("/register")
def show_registers(request: Request, visit: Reader) -> Response:  # noqa: ARG001
    """The registers, how many entries each has and when it changed last."""
    rows = []
    with desk_of(request).connection("read the registers") as conn:
        for register in REGISTERS.values():
            entries = read_register(conn, register).values()
            serving = sum(entry["retired_at"] is None for entry in entries)
            rows.append((register, serving, max((entry["changed_at"] for entry in entries), default=None)))
    return page(request, "register.html", rows=rows)


@router.get("/register/{name}")
def show_register(request: Request, name: str, visit: Reader, text: str = "", everything: bool = False) -> Response:  # noqa: ARG001
    """Entries of one register."""
    register = known_register(name)
    with desk_of(request).connection("read the register") as conn:
        entries = list(read_register(conn, register).values())
    fields = [field for field in register.fields if field.key in register.listed]
    shown = [entry for entry in entries if everything or entry["retired_at"] is None]
    rows = [(entry, [cell_zh(field, entry[field.key]) for field in fields]) for entry in shown]
    if text.strip():
        rows = [row for row in rows if text.strip().lower() in " ".join([row[0]["id"], *row[1]]).lower()]
    words: dict[str, Any] = {
        "register": register,
        "fields": fields,
        "rows": rows,
        "text": text,
        "everything": everything,
    }
    return page(request, "register_list.html", **words)


@router.get("/register/{name}/{entry}")
def show_entry(request: Request, name: str, entry: str, visit: Reader) -> Response:  # noqa: ARG001
    """One entry with every version."""
    register = known_register(name)
    with desk_of(request).connection("read the history") as conn:
        versions = read_history(conn, register, entry)
    if not versions:
        raise HTTPException(404)
    newest = [(field.heading_zh, cell_zh(field, versions[-1][field.key]), field.unit) for field in register.fields]
    words: dict[str, Any] = {
        "register": register,
        "entry": entry,
        "newest": newest,
        "history": entry_history(register, versions),
    }
    return page(request, "register_entry.html", **words)


def entry_history(register: Register, versions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Versions, the newest first: when, who, what was done and why, and each field that changed with both values."""
    history: list[dict[str, Any]] = []
    before: dict[str, Any] | None = None
    for version in versions:
        changes = [
            (field.heading_zh, cell_zh(field, before[field.key]), cell_zh(field, version[field.key]))
            for field in register.fields
            if before is not None and before[field.key] != version[field.key]
        ]
        history.append({**version, "action_zh": ACTIONS[version["action"]], "changes": changes})
        before = version
    return history[::-1]
