"""What a page says after something has been done."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NOTICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "signed_out": "已退出登录",
        "password_changed": "口令已修改",
        "account_added": "账号已建立",
        "account_changed": "账号已修改",
        "token_revoked": "令牌已吊销",
        "device_approved": "设备已登记；此前拒收的报文可用 lantian reject replay 重新入库",
        "figure_reported": "填报数据已记录，目标实绩已重新计算",
        "revision_accepted": "修订已采纳，有关小时值将重新计算",
        "revision_refused": "修订已驳回，原始值继续有效",
        "saved": "已保存",
    }
)
