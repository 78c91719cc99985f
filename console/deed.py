"""What people did, in Chinese, by the action of the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DEEDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "session.begin": "登录",
        "session.end": "退出",
        "session.locked": "登录被锁定",
        "account.add": "建立账号",
        "account.password": "修改口令",
        "account.reset_password": "重置口令",
        "account.role": "改变角色",
        "account.disable": "停用账号",
        "account.enable": "启用账号",
        "token.add": "生成接口令牌",
        "token.revoke": "吊销接口令牌",
        "device.approve": "登记设备",
        "device.refuse": "不予登记设备",
        "device.restore": "撤回不予登记",
        "target.report": "填报目标数据",
        "revision.accept": "采纳修订",
        "revision.refuse": "驳回修订",
        "review.propose": "提出数据审核",
        "review.confirm": "确认数据审核",
        "review.withdraw": "撤销数据审核",
    }
)


def deed_zh(action: str) -> str:
    """The words for an action; the action itself when it has none."""
    return DEEDS.get(action, action)
