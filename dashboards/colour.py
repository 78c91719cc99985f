"""Colours, thresholds and value mappings: levels of HJ 633 as `domain.level` has them, status of targets."""

from __future__ import annotations

from typing import Final

from domain.level import LEVELS

Json = dict[str, object]

GREEN: Final = "#37872D"
BLUE: Final = "#1F60C4"
ORANGE: Final = "#FA6400"
RED: Final = "#C4162A"
PURPLE: Final = "#8F3BB8"
GREY: Final = "#8E8E8E"
#: Status of a target, best first: code of the database, word, colour.
STATUSES: Final[tuple[tuple[str, str, str], ...]] = (
    ("met", "已达标", GREEN),
    ("on_track", "进度正常", BLUE),
    ("at_risk", "有风险", ORANGE),
    ("missed", "未达标", RED),
    ("awaiting_report", "待填报", PURPLE),
    ("no_data", "暂无数据", GREY),
)
#: State of a device.
STATES: Final[tuple[tuple[str, str], ...]] = (("正常", GREEN), ("迟报", ORANGE), ("中断", RED), ("未上报", GREY))
#: Verdict on a pollutant or a year.
VERDICTS: Final[tuple[tuple[str, str], ...]] = (("达标", GREEN), ("超标", RED), ("天数不足", GREY))


def steps(*pairs: tuple[float | None, str]) -> Json:
    """Absolute thresholds: each colour from its value upward; None is below every value."""
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for value, colour in pairs]}


def aqi_steps() -> Json:
    """Thresholds at the lower bounds of the AQI levels."""
    return steps(*((None if level.level == 1 else level.aqi_low, level.hex) for level in LEVELS))


def word_mapping(*pairs: tuple[str, str]) -> Json:
    """Words to colours; the words stay."""
    options = {word: {"color": colour, "index": at, "text": word} for at, (word, colour) in enumerate(pairs)}
    return {"options": options, "type": "value"}


def category_mapping() -> Json:
    """Category names of the AQI levels in their colours."""
    return word_mapping(*((level.category_zh, level.hex) for level in LEVELS))


def level_mapping() -> Json:
    """Level numbers shown as category names in their colours."""
    options = {
        str(level.level): {"color": level.hex, "index": level.level - 1, "text": level.category_zh} for level in LEVELS
    }
    return {"options": options, "type": "value"}


def status_mapping() -> Json:
    """Words for the status of a target in their colours."""
    return word_mapping(*((word, colour) for _, word, colour in STATUSES))
