"""Words of warning notices and orders, filled into the templates of domain/response/notice.toml. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from alerting.plan import PlannedOrder
from domain.period import ZONE
from domain.reduction_register import MEASURE_KINDS, TRANSPORT_STAGES
from domain.response_table import notice_words
from domain.warning import BY_KEY
from store.order import Measure

_GRADES_ZH: Final = {
    "A": "A级",
    "B": "B级",
    "C": "C级",
    "D": "D级",
    "leading": "引领性",
    "not-leading": "非引领性",
    None: "未定级",
}


def _first_words(words: Mapping[str, str]) -> dict[str, str]:
    """Program's word -> the word that people write first."""
    found: dict[str, str] = {}
    for word, meaning in words.items():
        found.setdefault(meaning, word)
    return found


KINDS_ZH: Final = _first_words(MEASURE_KINDS)
_STAGES_ZH: Final = _first_words(TRANSPORT_STAGES)


def moment_zh(moment: dt.datetime) -> str:
    """Local time as notices print it: ``11月25日20时``, with minutes where there are any."""
    local = moment.astimezone(ZONE)
    return f"{local.month}月{local.day}日{local.hour}时" + (f"{local.minute}分" if local.minute else "")


def grade_zh(grade: str | None) -> str:
    """Performance grade in Chinese."""
    return _GRADES_ZH[grade]


def measure_zh(measure: Measure) -> str:
    """One measure on one line."""
    bounds = ""
    if measure.limit_percent is not None:
        bounds = f"，负荷不超过{measure.limit_percent:g}%"
    elif measure.stage is not None:
        bounds = f"，禁止{_STAGES_ZH[measure.stage]}车辆进出"
    elif measure.reduction_percent is not None and measure.kind in ("process", "self"):
        bounds = f"，减排{measure.reduction_percent:g}%"
    return f"{measure.line_zh or '全厂'}：{KINDS_ZH[measure.kind]}{bounds}。{measure.detail}"


def measures_zh(measures: Sequence[Measure]) -> str:
    """The measures of an order, numbered."""
    lines = [f"{number}. {measure_zh(measure)}" for number, measure in enumerate(measures, 1)]
    return "\n".join(lines) or "1. 按本单位自主减排方案执行。"


def orders_zh(orders: Sequence[PlannedOrder]) -> str:
    """How many enterprises are ordered what, for the notice of the warning itself."""
    if not orders:
        return "减排清单中没有该等级的措施。"
    own = sum(order.own_plan for order in orders)
    names = "、".join(order.enterprise.name_zh for order in orders)
    return f"向{len(orders)}家企业下达减排指令" + (f"（其中自主减排{own}家）" if own else "") + f"：{names}。"


def notice_text(kind: str, values: Mapping[str, str]) -> tuple[str, str]:
    """Subject and body of a notice.

    Parameters
    ----------
    kind : str
        A template: ``confirm``, ``upgrade``, ``downgrade``, ``extend``, ``lift``, ``propose``, ``order``,
        ``order_extend`` or ``order_lift``.
    values : mapping of str to str
        What stands in braces.

    Returns
    -------
    (str, str)
        Chinese texts.
    """
    words = notice_words()[kind]
    return words["subject"].format_map(values), words["body"].format_map(values)


def level_values(level: str) -> dict[str, str]:
    """Name, response and advice of a level, for templates."""
    known = BY_KEY[level]
    return {
        "level": known.name_zh,
        "response": known.response_zh,
        "public": notice_words()["public"].get(level, ""),
    }


def plan_zh(order: PlannedOrder) -> str:
    """Sentence about the grade's own plan, empty for an enterprise of the list; ends its line."""
    text = notice_words()["plan"]["own" if order.own_plan else "listed"]
    return text.format(grade=grade_zh(order.enterprise.grade)) + "\n" if text else ""
