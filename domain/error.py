"""The one base error of the house and the errors every room may raise."""

from __future__ import annotations

from typing import ClassVar


class LantianError(Exception):
    """Base of every error raised on purpose.

    Attributes
    ----------
    code : str
        Stable name, shown in reject rows, logs and on the device's error topic.
    retryable : bool
        Whether the same action may succeed later without anybody changing anything.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False


class ConfigurationError(LantianError):
    """A setting, data file or command line is wrong; the text names what was found and what was expected."""

    code = "configuration"


class PrerequisiteError(LantianError):
    """Something this machine must provide is missing; the text says what and how to get it."""

    code = "prerequisite"


class ServiceError(LantianError):
    """The database or the broker cannot be reached or answers wrongly; trying again may help."""

    code = "service"
    retryable = True


class RejectError(LantianError):
    """A message cannot become readings. `reason` is one of `REASONS` and goes to the reject table.

    Parameters
    ----------
    reason : str
        A key of `REASONS`.
    detail : str
        What was found and what was expected, for the field engineer.
    """

    code = "reject"

    def __init__(self, reason: str, detail: str) -> None:
        if reason not in REASONS:
            raise ConfigurationError(f"reject reason {reason!r} is not one of {sorted(REASONS)}")
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


#: Why a message may be rejected: reason code -> Chinese text for screens.
REASONS: dict[str, str] = {
    "unknown_topic": "主题不符合约定",
    "unknown_protocol": "协议未支持",
    "unknown_device": "设备未登记",
    "retired_device": "设备已停用",
    "malformed": "报文结构错误",
    "length_mismatch": "长度不符",
    "crc_mismatch": "CRC 校验错误",
    "too_large": "报文超长",
    "too_fast": "发送过快",
    "unsupported_command": "命令不支持",
    "identity_mismatch": "报文编号与设备不符",
    "encrypted": "加密报文无密钥",
    "wrong_key": "密钥不符",
    "incomplete": "分包不全",
    "bad_field": "字段错误",
    "bad_value": "数值错误",
    "bad_time": "时间无法识别",
    "impossible_time": "时间不合理",
    "unit_unregistered": "因子单位未登记",
    "empty": "没有数据",
    "database_refused": "数据库拒收",
}

#: Reasons that lie in the message itself: whatever a person registers or sets right, the same bytes are never taken.
HOPELESS: frozenset[str] = frozenset(
    {"bad_field", "bad_value", "bad_time", "impossible_time", "empty", "database_refused"}
)
