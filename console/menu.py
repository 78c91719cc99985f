"""The main menu: what each role sees, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from console.guard import Visit
from console.role import Permission


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the menu and the permission that shows it."""

    href: str
    text_zh: str
    permission: Permission

    def is_at(self, path: str) -> bool:
        """Whether a page belongs to this line."""
        return path == self.href or (self.href != "/" and path.startswith(f"{self.href}/"))


ITEMS: Final = (
    Item("/", "总览", Permission.SEE),
    Item("/alert", "告警", Permission.SEE),
    Item("/warning", "预警", Permission.SEE),
    Item("/reduction", "减排清单", Permission.SEE),
    Item("/device", "设备", Permission.SEE),
    Item("/target", "目标与填报", Permission.SEE),
    Item("/register", "台账", Permission.SEE),
    Item("/review", "数据审核", Permission.SEE),
    Item("/revision", "数据修订", Permission.SEE),
    Item("/own", "减排指令", Permission.ANSWER_ORDER),
    Item("/account", "账号", Permission.MANAGE_ACCOUNT),
    Item("/audit", "审计", Permission.READ_AUDIT),
)


def menu(visit: Visit) -> list[Item]:
    """Lines for whoever is signed in; none while a first password waits to be changed."""
    return [] if visit.person.must_change else [item for item in ITEMS if visit.may(item.permission)]
