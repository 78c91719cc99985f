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
        "device_refused": "已列入不予登记，报文继续拒收；可以随时撤回",
        "refusal_withdrawn": "已撤回，设备重新待登记",
        "figure_reported": "填报数据已记录，目标实绩已重新计算",
        "revision_accepted": "修订已采纳，有关小时值将重新计算",
        "revision_refused": "修订已驳回，原始值继续有效",
        "review_proposed": "审核意见已提出，须由另一人确认后生效",
        "review_confirmed": "审核已生效，有关小时值将重新计算",
        "review_withdrawn": "审核已撤销，有关小时值将重新计算",
        "alert_handled": "已记录",
        "mute_ended": "静默已结束",
        "warning_stepped": "已执行",
        "external_entered": "上级指令已录入，平台在下一次研判时据此提出建议",
        "order_answered": "回执已提交",
        "register_saved": "已保存为新版本",
        "register_retired": "已注销，历史保留",
        "register_restored": "已恢复",
        "delivery_replayed": "已重新排队发送",
        "test_sent": "测试通知已排队发往每个通道",
        "saved": "已保存",
    }
)
