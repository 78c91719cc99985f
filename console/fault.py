"""Faults of entries and sheets in Chinese: where, what was found, what was expected."""

from __future__ import annotations

import re
from typing import Final

_FAULT: Final = re.compile(
    r"^(?:.*? line (?P<line>\d+)|[^,]*), column (?P<column>.*?)(?: \((?P<key>\w+)\))?: found (?P<found>'.*?'), "
    r"expected (?P<expected>.*)$",
    re.DOTALL,
)
_EXPECTED: Final = (
    (re.compile(r"an? (?:number|integer|whole number) from (\S+) to (\S+)"), r"\1 至 \2 的数"),
    (re.compile(r"a number on the calm side of the threshold (.*)"), r"阈值 \1 以内的数"),
    (re.compile(r"a number.*"), "数字"),
    (re.compile(r"a date.*"), "日期，如 2026-01-31"),
    (re.compile(r"a (?:time|moment).*"), "时间，如 2026-01-31 08:00"),
    (re.compile(r"one of (.*)"), r"以下之一：\1"),
    (re.compile(r"letters, digits and (.*), at most (\d+)"), r"字母、数字和 \1，最多 \2 个"),
    (re.compile(r"lower-case letters, digits.*"), "小写字母、数字、- 和 _"),
    (re.compile(r"at least one address.*"), "至少一个通道的地址"),
    (re.compile(r"two different times.*"), "两个不同的时刻，全天则留空"),
    (re.compile(r"mail addresses.*"), "邮箱地址"),
    (re.compile(r"kinds of notices.*"), "通知类别，以空格分隔"),
    (re.compile(r"gateway:number"), "网关:号码"),
    (re.compile(r"an address (https:.*)"), r"\1 形式的网址"),
    (re.compile(r"the id of the contact's enterprise.*"), "所属企业的编号"),
    (re.compile(r"nothing because a contact of an enterprise.*"), "留空：企业联系人只属于企业"),
    (re.compile(r"a decimal number"), "数字"),
    (re.compile(r"a whole number"), "整数"),
    (re.compile(r"(?:a text|a choice|a reference|a truth)"), "填写"),
)


def fault_zh(text: str) -> str:
    """A fault in Chinese as far as it has the usual form; else as it is.

    Parameters
    ----------
    text : str
        As the checks of registers say it: ``sheet line 3, column 负荷上限 (limit_percent): found 'x', expected ...``.

    Returns
    -------
    str
        ``第3行“负荷上限”：填的是“x”，应为…``.
    """
    found = _FAULT.match(text)
    if found is None:
        return text
    where = f"第{found['line']}行" if found["line"] else ""
    said = found["found"][1:-1]
    expected = found["expected"]
    for pattern, words in _EXPECTED:
        if pattern.fullmatch(expected):
            expected = pattern.sub(words, expected)
            break
    return f"{where}“{found['column']}”：{f'填的是“{said}”' if said else '没有填写'}，应为{expected}"
