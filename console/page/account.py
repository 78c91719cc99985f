"""Accounts, for the administrator: make, change the role, give a new password, disable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.guard import Visit, allowed, desk_of, form_of
from console.password import generated_password, hashed_password
from console.rendering import page, seen_other
from console.role import Permission
from domain.error import ConfigurationError
from store.account import (
    NewAccount,
    add_account,
    disable_account,
    enable_account,
    read_account,
    read_accounts,
    set_password,
    set_role,
)
from store.audit import add_deed
from store.registration import read_entries

router: Final = APIRouter()
Form = Annotated[Mapping[str, str], Depends(form_of)]
Manager = Annotated[Visit, Depends(allowed(Permission.MANAGE_ACCOUNT))]


def _list_page(request: Request, *, faults: tuple[str, ...] = (), given: Mapping[str, str] | None = None) -> Response:
    with desk_of(request).connection("read the accounts") as conn:
        accounts = read_accounts(conn)
        enterprises = [
            (key, str(entry["name_zh"]))
            for key, entry in read_entries(conn, "enterprise").items()
            if entry["retired_at"] is None
        ]
    words = {"accounts": accounts, "enterprises": enterprises, "given": given or {}}
    return page(request, "account.html", code=422 if faults else 200, faults=faults, **words)


def _password_page(request: Request, account: str, password: str) -> Response:
    return page(request, "account_password.html", account=account, password=password)


@router.get("/account")
def show_accounts(request: Request, visit: Manager) -> Response:  # noqa: ARG001
    """Every account, and the form that makes one."""
    return _list_page(request)


@router.post("/account")
def make_account(request: Request, form: Form, visit: Manager) -> Response:
    """Make an account; its password is shown once."""
    password, name, role = generated_password(), form.get("id", "").lower(), form.get("role", "")
    enterprise = form.get("enterprise_id") or None if role == "enterprise" else None
    fault = _account_fault(role, enterprise)
    if not fault:
        new = NewAccount(
            name, form.get("name_zh", ""), role, enterprise, hashed_password(password), visit.person.account_id
        )
        try:
            with desk_of(request).connection("make the account") as conn:
                taken = read_account(conn, name) is not None
                fault = f"用户名 {name} 已经存在" if taken else ""
                if not taken:
                    add_account(conn, new)
                    add_deed(conn, visit.deed("account.add", f"account/{name}", role=role, enterprise=enterprise))
        except ConfigurationError:
            fault = "用户名应为 2 至 32 个小写字母、数字或 . _ -，并填写姓名"
    return _list_page(request, faults=(fault,), given=form) if fault else _password_page(request, name, password)


def _account_fault(role: str, enterprise: str | None) -> str:
    if role not in ("operator", "reviewer", "administrator", "enterprise"):
        return "请选择角色"
    return "企业账号应选择所属企业" if role == "enterprise" and enterprise is None else ""


@router.post("/account/{name}/password")
def give_password(request: Request, name: str, visit: Manager) -> Response:
    """A new password, shown once; every session of the account ends."""
    password, desk = generated_password(), desk_of(request)
    hashed = hashed_password(password)
    with desk.connection("give a new password") as conn:
        set_password(conn, name, hashed, must_change=True, now=desk.now())
        add_deed(conn, visit.deed("account.reset_password", f"account/{name}"))
    return _password_page(request, name, password)


@router.post("/account/{name}/role")
def change_role(request: Request, name: str, form: Form, visit: Manager) -> Response:
    """Another role among those of the bureau; an enterprise's account stays one."""
    role = form.get("role", "")
    if role not in ("operator", "reviewer", "administrator"):
        return _list_page(request, faults=("请选择角色",))
    try:
        with desk_of(request).connection("change the role") as conn:
            set_role(conn, name, role, None)
            add_deed(conn, visit.deed("account.role", f"account/{name}", role=role))
    except ConfigurationError:
        return _list_page(request, faults=(f"不能改变 {name} 的角色：至少应有一个在用的管理员",))
    return seen_other("/account", "account_changed")


@router.post("/account/{name}/disable")
def disable(request: Request, name: str, visit: Manager) -> Response:
    """Nobody signs in with it any more."""
    desk = desk_of(request)
    try:
        with desk.connection("disable the account") as conn:
            disable_account(conn, name, desk.now())
            add_deed(conn, visit.deed("account.disable", f"account/{name}"))
    except ConfigurationError:
        return _list_page(request, faults=(f"不能停用 {name}：至少应有一个在用的管理员",))
    return seen_other("/account", "account_changed")


@router.post("/account/{name}/enable")
def enable(request: Request, name: str, visit: Manager) -> Response:
    """Bring it back."""
    with desk_of(request).connection("enable the account") as conn:
        enable_account(conn, name)
        add_deed(conn, visit.deed("account.enable", f"account/{name}"))
    return seen_other("/account", "account_changed")
