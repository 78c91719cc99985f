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
        "contact.add": "登记联系人",
        "contact.change": "修改联系人",
        "contact.retire": "停用联系人",
        "contact.restore": "恢复联系人",
        "contact.test": "发送测试通知",
        "rule.change": "修改告警规则",
        "alert.acknowledge": "确认告警",
        "alert.assign": "指派告警",
        "alert.comment": "备注告警",
        "alert.mute": "静默告警",
        "alert.unmute": "结束静默",
        "alert.close": "关闭告警",
        "warning.propose": "提出预警建议",
        "warning.confirm": "确认预警",
        "warning.reject": "不采纳预警建议",
        "warning.change": "改变预警等级",
        "warning.extend": "调整预警时段",
        "warning.lift": "解除预警",
        "warning.external": "录入上级指令",
        "warning.revoke_external": "撤销上级指令",
        "warning.exclude": "录入不预警时段",
        "delivery.replay": "重发通知",
        "order.inspect": "录入现场核查",
        "order.answer": "回执减排指令",
        "notice.answer": "回执通知",
        "register.add": "登记台账",
        "register.correct": "更正台账",
        "register.retire": "注销台账",
        "register.restore": "恢复台账",
        "register.import": "导入台账",
    }
)


def deed_zh(action: str) -> str:
    """The words for an action; the action itself when it has none."""
    return DEEDS.get(action, action)
