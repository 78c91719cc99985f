"""The emergency reduction list on one page: what each enterprise does at each level, totals, what the list lacks."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from alerting.plan import ordered_measures, planned_orders, reductions
from alerting.plan_check import coverage, gaps
from alerting.wording import grade_zh, measure_zh
from console.guard import Visit, allowed, desk_of
from console.rendering import page
from console.role import Permission
from domain.period import local_date
from domain.response_table import reduction_rules
from domain.warning_state import ISSUED, STATES_ZH
from store.reduction import read_area_emission, read_reduction_list

router: Final = APIRouter()
NAMES_ZH: Final = {"so2": "二氧化硫", "nox": "氮氧化物", "pm": "颗粒物", "vocs": "挥发性有机物"}


@router.get("/reduction")
def show_reduction(
    request: Request,
    visit: Annotated[Visit, Depends(allowed(Permission.SEE))],  # noqa: ARG001
) -> Response:
    """What would be ordered today at each level, against the required share, and every gap."""
    desk = desk_of(request)
    day = local_date(desk.now())
    with desk.connection("read the reduction list") as conn:
        entries = read_reduction_list(conn, desk.county)
        emission = read_area_emission(conn, desk.county)
    rules = reduction_rules(day)
    levels = []
    for level in ISSUED:
        orders = [
            (order.enterprise, grade_zh(order.enterprise.grade), order.own_plan, ordered_measures(order, entries))
            for order in planned_orders(entries, level, day, rules)
        ]
        totals = [one for one in reductions(entries, emission, rules, day=day) if one.level == level]
        levels.append((STATES_ZH[level], orders, totals))
    words: dict[str, Any] = {
        "levels": levels,
        "coverage": coverage(entries),
        "gaps": gaps(entries, rules, day=day),
        "names_zh": NAMES_ZH,
        "measure_zh": measure_zh,
        "is_empty": not entries.measures,
    }
    return page(request, "reduction.html", **words)
