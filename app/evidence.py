"""The evidence report of an episode: one page for the whole of it and one per enterprise, each a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Final

from alerting.achievement import Hours, hours_of, saved
from alerting.wording import KINDS_ZH, grade_zh, measure_zh, moment_zh
from analytics.verification import REASONS_ZH
from app.evidence_page import VERDICTS_ZH, document, table
from app.evidence_plot import power_plot
from domain.error import ConfigurationError
from domain.period import ZONE
from domain.warning import BY_KEY
from domain.warning_state import ACTIONS_ZH, STATES_ZH
from store.acknowledgement import read_receipts
from store.connection import Connection
from store.order import (
    Inspection,
    Order,
    OrderMeasure,
    Verification,
    read_inspections,
    read_order_measures,
    read_orders,
    read_verifications,
)
from store.reduction import ReductionList, read_reduction_list
from store.registration import read_areas
from store.warning import AreaWarning, WarningEvent, read_events, read_warning

_POLLUTANTS_ZH: Final = {"so2": "二氧化硫", "nox": "氮氧化物", "pm": "颗粒物", "vocs": "挥发性有机物"}
_RESULTS_ZH: Final = {"violation": "属实", "no_violation": "不属实", "inconclusive": "无法认定"}
#: Longest list of suspected hours on a page.
_LISTED: Final = 200
_FAIR: Final = (
    "“涉嫌未落实”是由监控数据提出的疑点，不是处罚依据；是否违反以现场核查为准。"
    "计量缺失、失效、时钟偏差或缺少可比历史时为“无法判定”，不作为疑点。"
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the report shows, read at once."""

    area_zh: str
    warning: AreaWarning
    events: Sequence[WarningEvent]
    orders: Sequence[Order]
    measures: Sequence[OrderMeasure]
    rows: dict[int, list[Verification]]
    inspections: Sequence[Inspection]
    receipts: dict[str, list[dict[str, Any]]]
    listed: ReductionList

    def measures_of(self, orders: Sequence[Order]) -> list[OrderMeasure]:
        """Measures of some orders."""
        wanted = {order.id for order in orders}
        return [each for each in self.measures if each.order_id in wanted]

    def hours(self, measures: Sequence[OrderMeasure]) -> Hours:
        """Hours by verdict of some measures."""
        return hours_of(row for each in measures for row in self.rows.get(each.id, ()))


def read_evidence(conn: Connection, warning_id: int) -> Evidence:
    """What is known of a warning, its orders and their verification.

    Parameters
    ----------
    conn : Connection
        As role lantian_app.
    warning_id : int
        A warning that was issued; otherwise a `ConfigurationError`.

    Returns
    -------
    Evidence
        Emission of lines is that of the list as it stands.
    """
    warning = read_warning(conn, warning_id)
    if warning.issued_at is None:
        raise ConfigurationError(f"warning {warning_id} was never issued, expected one with orders")
    orders = read_orders(conn, warning_id=warning_id)
    measures = read_order_measures(conn, [order.id for order in orders])
    rows: dict[int, list[Verification]] = {}
    for row in read_verifications(conn, [each.id for each in measures]):
        rows.setdefault(row.order_measure_id, []).append(row)
    receipts = {f"order:{order.id}": read_receipts(conn, reference=f"order:{order.id}") for order in orders}
    return Evidence(
        read_areas(conn)[warning.area_id],
        warning,
        read_events(conn, warning_id),
        orders,
        measures,
        rows,
        read_inspections(conn, [order.id for order in orders]),
        receipts,
        read_reduction_list(conn, warning.area_id),
    )


def write_reports(conn: Connection, warning_id: int, folder: Path) -> list[Path]:
    """Write the report of a warning into a folder: `episode.html` and one page per enterprise; returns the files."""
    evidence = read_evidence(conn, warning_id)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for stem, text in episode_pages(evidence).items():
        path = folder / f"{stem}.html"
        path.write_text(text, encoding="utf-8")
        files.append(path)
    return files


def episode_pages(evidence: Evidence) -> dict[str, str]:
    """Every page of the report by the name of its file without ending: the episode, then each enterprise."""
    enterprises = dict.fromkeys(order.enterprise_id for order in evidence.orders)
    return {"episode": episode_page(evidence)} | {each: enterprise_page(evidence, each) for each in enterprises}


def episode_page(evidence: Evidence) -> str:
    """The page of the whole episode, a complete HTML document."""
    warning = evidence.warning
    level = BY_KEY[warning.highest_level or "none"].name_zh
    closed = moment_zh(warning.closed_at) if warning.closed_at else "尚未解除"
    title = f"{evidence.area_zh}重污染天气应急响应执行情况报告"
    head = table(
        ("项目", "内容"),
        [
            ("预警编号", str(warning.id)),
            ("最高等级", level),
            ("启动", moment_zh(warning.issued_at) if warning.issued_at else ""),
            ("解除", closed),
            ("判定规则", warning.rules),
            ("下达指令", f"{len(evidence.orders)}份，涉及企业{len({o.enterprise_id for o in evidence.orders})}家"),
        ],
    )
    parts = [
        f"<h1>{escape(title)}</h1>{head}<p class=note>{_FAIR}</p>",
        f"<h2>预警过程</h2>{_events(evidence.events)}",
        f"<h2>通知与回执</h2>{_receipts(evidence, evidence.orders)}",
        f"<h2>执行情况</h2>{_enterprises(evidence)}",
        f"<h2>减排效果</h2>{_saved(evidence, evidence.orders)}",
    ]
    return document(title, "".join(parts))


def enterprise_page(evidence: Evidence, enterprise_id: str) -> str:
    """The page of one enterprise: nothing on it is about another one."""
    orders = [order for order in evidence.orders if order.enterprise_id == enterprise_id]
    name = orders[0].enterprise_zh
    title = f"{name}：应急减排执行情况"
    parts = [f"<h1>{escape(title)}</h1><p class=note>{_FAIR}</p>", f"<h2>通知与回执</h2>{_receipts(evidence, orders)}"]
    for order in orders:
        ended = moment_zh(order.ended_at) if order.ended_at else "执行中"
        plan = "按自主减排方案" if order.own_plan else "按应急减排清单"
        words = f"{moment_zh(order.starts_at)}起，{ended}止；绩效等级{grade_zh(order.grade)}，{plan}核验。"
        parts.append(f"<h2>指令{order.id}：{BY_KEY[order.level].name_zh}</h2><p>{escape(words)}</p>")
        parts += [_measure(evidence, measure) for measure in evidence.measures_of([order])]
        if not evidence.measures_of([order]):
            parts.append("<p class=empty>清单中没有申报可核验的措施。</p>")
    parts.append(f"<h2>减排效果</h2>{_saved(evidence, orders)}<h2>现场核查</h2>{_inspections(evidence, orders)}")
    return document(title, "".join(parts))


def _events(events: Sequence[WarningEvent]) -> str:
    rows = [
        (
            f"{event.at.astimezone(ZONE):%Y-%m-%d %H:%M}",
            ACTIONS_ZH[event.action] + (f"（{STATES_ZH[event.proposed_level]}）" if event.proposed_level else ""),
            STATES_ZH[event.after],
            event.by_whom,
            event.why,
        )
        for event in events
    ]
    return table(("时间", "事件", "此后状态", "何人", "依据"), rows)


def _receipts(evidence: Evidence, orders: Sequence[Order]) -> str:
    rows = []
    for order in orders:
        answers = [each for each in evidence.receipts[f"order:{order.id}"] if each.get("at") is not None]
        first = min(answers, key=lambda each: each["at"], default=None)
        answered = "未回执" if first is None else f"{moment_zh(first['at'])}，{first['by']}"
        in_time = "" if first is None or first.get("respond_by") is None else (
            "按时" if first["at"] <= first["respond_by"] else "逾期"
        )  # fmt: skip
        level = BY_KEY[order.level].name_zh
        rows.append((order.enterprise_zh, f"{order.id}（{level}）", moment_zh(order.issued_at), answered, in_time))
    return table(("企业", "指令", "下达", "首次回执", "时限"), rows)


def _enterprises(evidence: Evidence) -> str:
    rows = []
    for enterprise_id in dict.fromkeys(order.enterprise_id for order in evidence.orders):
        orders = [order for order in evidence.orders if order.enterprise_id == enterprise_id]
        hours = evidence.hours(evidence.measures_of(orders))
        percent = "—" if hours.percent is None else f"{hours.percent:.1f}"
        link = f"<a href='{escape(enterprise_id)}.html'>{escape(orders[0].enterprise_zh)}</a>"
        cells = (hours.total, hours.fulfilled, hours.suspected, hours.undetermined)
        rows.append(
            f"<tr><td>{link}</td>{''.join(f'<td class=n>{cell}</td>' for cell in cells)}<td class=n>{percent}</td></tr>"
        )
    head = "".join(f"<th class=n>{text}</th>" for text in ("核验小时", "已落实", "涉嫌未落实", "无法判定", "落实率 %"))
    return (
        f"<table><tr><th>企业</th>{head}</tr>{''.join(rows)}</table>"
        "<p class=note>每项措施每小时为一个核验小时；落实率只计能够判定的小时。</p>"
    )


def _saved(evidence: Evidence, orders: Sequence[Order]) -> str:
    found = saved(evidence.measures_of(orders), evidence.rows, evidence.listed.lines)
    rows = [
        (_POLLUTANTS_ZH[each.pollutant], f"{each.planned:.2f}", f"{each.shown:.2f}", f"{each.unknown:.2f}")
        for each in found
    ]
    return table(("污染物", "计划减排 t", "用电显示 t", "其中无法判定的计划量 t"), rows, numbers=(1, 2, 3)) + (
        "<p class=note>按清单日排放量和用电比常态下降的比例估算；无法判定的小时不计入“用电显示”。</p>"
    )


def _measure(evidence: Evidence, measure: OrderMeasure) -> str:
    rows = evidence.rows.get(measure.id, [])
    hours = hours_of(rows)
    words = f"已落实{hours.fulfilled}小时，涉嫌未落实{hours.suspected}小时，无法判定{hours.undetermined}小时"
    suspected = [row for row in rows if row.verdict == "suspected"]
    reasons = sorted({(row.verdict, REASONS_ZH[row.reason]) for row in rows})
    listed = table(
        ("时间", "实际 kW", "允许 kW", "常态 kW", "理由"),
        [
            (
                f"{row.hour.astimezone(ZONE):%m-%d %H:%M}",
                *(_figure(value) for value in (row.power_kw, row.allowed_kw, row.baseline_kw)),
                REASONS_ZH[row.reason],
            )
            for row in suspected[:_LISTED]
        ],
        numbers=(1, 2, 3),
    )
    told = "；".join(f"{VERDICTS_ZH[verdict]}：{reason}" for verdict, reason in reasons)
    return f"<h3>{escape(measure_zh(measure))}</h3><p>{escape(words)}。{escape(told)}</p>{power_plot(rows)}" + (
        f"<details><summary>涉嫌未落实的小时</summary>{listed}</details>" if suspected else ""
    )


def _figure(value: float | None) -> str:
    return "—" if value is None else f"{value:,.0f}"


def _inspections(evidence: Evidence, orders: Sequence[Order]) -> str:
    wanted = {order.id for order in orders}
    kinds = {each.id: f"{each.line_zh or '全厂'}{KINDS_ZH[each.kind]}" for each in evidence.measures}
    rows = [
        (
            f"{each.inspected_at.astimezone(ZONE):%Y-%m-%d %H:%M}",
            str(each.order_id),
            kinds.get(each.order_measure_id or 0, "整份指令"),
            each.inspected_by,
            _RESULTS_ZH[each.result],
            each.note,
        )
        for each in evidence.inspections
        if each.order_id in wanted
    ]
    return table(("时间", "指令", "措施", "核查人", "疑点是否属实", "说明"), rows)
