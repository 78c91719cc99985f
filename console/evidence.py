"""Words for what evidence is made of; a key without one is shown as it is."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.integrity_table import kinds
from domain.period import ZONE

_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aqi": "AQI",
        "area_id": "行政区",
        "called": "判定",
        "cause_zh": "成因",
        "causes": "成因",
        "comparator": "比较",
        "count": "次数",
        "days": "日",
        "device": "设备",
        "device_id": "设备",
        "edition": "标准版本",
        "end": "止",
        "episode": "污染过程",
        "finding_id": "问题编号",
        "first": "起始",
        "forecast": "预报",
        "hour": "小时",
        "hours": "小时数",
        "issued_at": "发布时间",
        "kind": "种类",
        "last_time": "最近数据",
        "level": "等级",
        "limit": "限值",
        "measure": "指标",
        "observed": "实测",
        "outlook_zh": "展望",
        "peak": "峰值",
        "pollutant": "污染物",
        "proposal": "建议编号",
        "reason": "原因",
        "rules": "判定规则",
        "since": "开始于",
        "site_id": "点位",
        "start": "起",
        "threshold": "阈值",
        "time": "时间",
        "unit": "单位",
        "value": "数值",
        "values": "数值",
    }
)
VERDICTS_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {"fulfilled": "已落实", "suspected": "涉嫌未落实", "undetermined": "无法判定"}
)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d|Z)")


def evidence_zh(key: object) -> str:
    """The word for a key."""
    return _WORDS.get(str(key), str(key))


def evidence_text(text: str) -> str:
    """A text of the evidence: a moment in Beijing time, a kind of finding by its name."""
    if _MOMENT.fullmatch(text) is None:
        found = kinds().get(text)
        return text if found is None else found.name_zh
    return dt.datetime.fromisoformat(text).astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
