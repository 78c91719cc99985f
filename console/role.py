"""Who may do what in the console: one table of roles and permissions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Permission(StrEnum):
    """Something a role may do."""

    SEE = "see"
    HANDLE_ALERT = "handle_alert"
    DECIDE_WARNING = "decide_warning"
    KEEP_CONTACT = "keep_contact"
    CHANGE_RULE = "change_rule"
    APPROVE_DEVICE = "approve_device"
    REPORT_FIGURE = "report_figure"
    REVIEW_DATA = "review_data"
    EDIT_REGISTER = "edit_register"
    MANAGE_ACCOUNT = "manage_account"
    READ_AUDIT = "read_audit"
    ANSWER_ORDER = "answer_order"


ROLE_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {"operator": "值班员", "reviewer": "审核员", "administrator": "管理员", "enterprise": "企业"}
)

_DUTY: Final = frozenset(
    {
        Permission.SEE,
        Permission.HANDLE_ALERT,
        Permission.DECIDE_WARNING,
        Permission.KEEP_CONTACT,
        Permission.APPROVE_DEVICE,
        Permission.REPORT_FIGURE,
        Permission.EDIT_REGISTER,
    }
)
#: Reviewers judge data and run nothing, operators run and judge no data; an administrator may do both.
PERMISSIONS: Final[Mapping[str, frozenset[Permission]]] = MappingProxyType(
    {
        "operator": _DUTY,
        "reviewer": frozenset({Permission.SEE, Permission.REVIEW_DATA}),
        "administrator": _DUTY
        | {Permission.REVIEW_DATA, Permission.CHANGE_RULE, Permission.MANAGE_ACCOUNT, Permission.READ_AUDIT},
        "enterprise": frozenset({Permission.ANSWER_ORDER}),
    }
)


def may(role: str, permission: Permission) -> bool:
    """Whether a role has a permission; an unknown role has none."""
    return permission in PERMISSIONS.get(role, frozenset())
