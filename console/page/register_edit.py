"""Keeping a register: add, correct, retire, import, export. Every change is a version with who and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import Response

from console.desk import Desk, Keeper
from console.fault import fault_zh
from console.guard import Visit, allowed, desk_of, form_of, upload_of
from console.page.register import cell_zh, known_register
from console.rendering import page, seen_other
from console.role import Permission
from domain.error import ConfigurationError
from domain.register import Field, Register
from domain.register_table import REGISTERS
from store.audit import add_deed
from store.connection import Connection
from store.register import read_register
from store.registration import read_entries

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
Editor = Annotated[Visit, Depends(allowed(Permission.EDIT_REGISTER))]
_WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SHOWN_FAULTS: Final = 50


def _keeper(desk: Desk, register: Register, visit: Visit, why: str) -> Keeper:
    return Keeper(register.name, visit.person.name_zh, why, desk.now())


def field_choices(conn: Connection, field: Field) -> list[tuple[str, str]]:
    """What a choice or a reference may hold: value and words."""
    if field.type == "truth":
        return [("true", "是"), ("false", "否")]
    if field.type == "choice":
        return [(value, cell_zh(field, value)) for value in field.allowed]
    if field.type != "reference":
        return []
    register = REGISTERS.get(field.refers)
    entries = read_entries(conn, field.refers) if register is None else read_register(conn, register)
    return [
        (key, f"{entry.get('name_zh') or key}（{key}）")
        for key, entry in entries.items()
        if entry["retired_at"] is None
    ]


def field_value(field: Field, value: object) -> str:
    """A stored value as a form's field takes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is not None and field.type in ("choice", "reference"):
        return str(value)
    return cell_zh(field, value)


def _form_page(
    request: Request, register: Register, entry: str, *, faults: tuple[str, ...] = (), given: Any = None
) -> Response:
    with desk_of(request).connection("read the register") as conn:
        before = read_register(conn, register).get(entry) if entry else None
        if entry and before is None:
            raise HTTPException(404)
        choices = {field.key: field_choices(conn, field) for field in register.fields}
    if given is None:
        given = {} if before is None else {one.key: field_value(one, before[one.key]) for one in register.fields}
    words = {"register": register, "entry": entry, "choices": choices, "given": given}
    return page(request, "register_form.html", code=422 if faults else 200, faults=faults, **words)


@router.get("/register-form/{name}")
def show_new(request: Request, name: str, visit: Editor) -> Response:  # noqa: ARG001
    """The form of a new entry."""
    return _form_page(request, known_register(name), "")


@router.get("/register-form/{name}/{entry}")
def show_correction(request: Request, name: str, entry: str, visit: Editor) -> Response:  # noqa: ARG001
    """The form that corrects an entry."""
    return _form_page(request, known_register(name), entry)


@router.post("/register-form/{name}")
def add(request: Request, name: str, form: Form, visit: Editor) -> Response:
    """Add an entry."""
    return _write(request, known_register(name), "", form, visit)


@router.post("/register-form/{name}/{entry}")
def correct(request: Request, name: str, entry: str, form: Form, visit: Editor) -> Response:
    """Correct an entry."""
    return _write(request, known_register(name), entry, form, visit)


def _write(request: Request, register: Register, entry: str, form: Mapping[str, str], visit: Visit) -> Response:
    desk, why = desk_of(request), form.get("why", "")
    cells = {field.key: form[field.key] for field in register.fields if field.key in form}
    if entry:
        cells["id"] = entry
    elif form.get("id"):
        cells["id"] = form["id"]
    if entry and not why:
        return _form_page(request, register, entry, faults=("请填写更正理由",), given=form)
    try:
        with desk.connection("write the register") as conn:
            keeper = _keeper(desk, register, visit, why)
            kept = desk.acts.write_register(conn, keeper, cells, new=not entry)
            action = "register.correct" if entry else "register.add"
            add_deed(conn, visit.deed(action, f"register/{register.name}/{kept}", why=why))
    except ConfigurationError as error:
        return _form_page(request, register, entry, faults=(fault_zh(str(error)),), given=form)
    return seen_other(f"/register/{register.name}/{quote(kept, safe='')}", "register_saved")


@router.post("/register-form/{name}/{entry}/{action}")
def retire(  # noqa: PLR0913, PLR0917 - parts of the way, and who sends what
    request: Request, name: str, entry: str, action: str, form: Form, visit: Editor
) -> Response:
    """Take an entry out of service or bring it back; its history stays."""
    desk, register, why = desk_of(request), known_register(name), form.get("why", "")
    if action not in ("retire", "restore"):
        raise HTTPException(404)
    if not why:
        raise HTTPException(422, "请填写理由")
    try:
        with desk.connection("retire the entry") as conn:
            keeper = _keeper(desk, register, visit, why)
            desk.acts.retire_register(conn, keeper, entry, undo=action == "restore")
            add_deed(conn, visit.deed(f"register.{action}", f"register/{register.name}/{entry}", why=why))
    except ConfigurationError as error:
        raise HTTPException(422, fault_zh(str(error))) from error
    done = "register_retired" if action == "retire" else "register_restored"
    return seen_other(f"/register/{register.name}/{quote(entry, safe='')}", done)


@router.get("/register-sheet/{name}")
def export(request: Request, name: str, visit: Editor) -> Response:  # noqa: ARG001
    """The register as a workbook; of an empty one a form to fill in."""
    register, desk = known_register(name), desk_of(request)
    with desk.connection("read the register") as conn:
        content = desk.acts.export_register(conn, register.name)
    named = f"attachment; filename={register.name}.xlsx; filename*=UTF-8''{quote(register.title_zh)}.xlsx"
    return Response(content, media_type=_WORKBOOK, headers={"content-disposition": named})


@router.get("/register-import/{name}")
def show_import(request: Request, name: str, visit: Editor) -> Response:  # noqa: ARG001
    """The form that takes a sheet."""
    return page(request, "register_import.html", register=known_register(name), lines=(), outcome=None)


@router.post("/register-import/{name}")
async def take_import(request: Request, name: str, form: Form, visit: Editor) -> Response:
    """Enter a sheet: every line, or none when one is bad, and then each bad line is named."""
    upload = await upload_of(request)
    return await to_thread.run_sync(_take_import, request, known_register(name), form, visit, upload)


def _take_import(
    request: Request, register: Register, form: Mapping[str, str], visit: Visit, upload: tuple[str, bytes] | None
) -> Response:
    desk = desk_of(request)
    words: dict[str, Any] = {"register": register, "lines": (), "outcome": None}
    if upload is None:
        return page(request, "register_import.html", code=422, faults=("请选择文件",), **words)
    why = form.get("why") or f"导入 {upload[0]}"
    try:
        with desk.connection("import the register") as conn:
            outcome = desk.acts.import_register(conn, _keeper(desk, register, visit, why), *upload)
            if not outcome.faults:
                detail: dict[str, Any] = {"added": outcome.added, "changed": outcome.changed, "file": upload[0]}
                add_deed(conn, visit.deed("register.import", f"register/{register.name}", **detail))
    except ConfigurationError as error:
        return page(request, "register_import.html", code=422, faults=(fault_zh(str(error)),), **words)
    if outcome.faults:
        words["lines"] = [fault_zh(fault) for fault in outcome.faults[:_SHOWN_FAULTS]]
        faults = (f"有 {len(outcome.faults)} 处问题，一行也没有写入",)
        return page(request, "register_import.html", code=422, faults=faults, **words)
    words["outcome"] = outcome
    return page(request, "register_import.html", **words)
