"""JSON and CSV of everything published; each table once with its name, once with ``.csv``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from console.public.answer import CSV, Answer, csv_answer, json_answer, response
from console.public.board import Board, Snapshot
from console.public.report import TABLES, Row, moment_text
from console.public.schema import REFUSALS, Table

NOTICE_ZH: Final = "自动监测数据实时上传，未经审核，仅供参考；审核后的数据以生态环境主管部门正式发布为准。"
STANDARD: Final = "HJ 633-2026"
_API: Final = "/api/v1"
#: Columns of an empty CSV table, whose rows cannot tell them.
_EMPTY: Final = {
    "warnings": "area_id area_zh level level_zh issued_at starts_at ends_at effect_zh advice_zh",
    "forecast": "day aqi aqi_low aqi_high level category_zh primary_zh issuer_zh issued_at",
    "emissions": "enterprise_id enterprise_zh site_id site_zh hour pollutant pollutant_zh measured converted limit unit"
    " state_zh verdict_zh",
    "sites": "site_id site_zh kind kind_zh longitude latitude monitored",
}
#: Tables whose rows belong to one site each.
_OF_SITES: Final = frozenset({"now", "hours", "days", "emissions", "sites"})

router: Final = APIRouter(tags=["公开数据"], responses=REFUSALS)


def board_of(request: Request) -> Board:
    """The board of the application."""
    board = request.app.state.board
    assert isinstance(board, Board)
    return board


def table_rows(shown: Snapshot, name: str, site: str | None) -> list[Row]:
    """Rows of a table, of one site when one is named; 404 for a site that has none."""
    rows = TABLES[name][0](shown)
    if site is None or name not in _OF_SITES:
        return rows
    rows = [row for row in rows if row["site_id"] == site]
    if not rows:
        raise HTTPException(404, f"site {site!r} has nothing in {name}; sites: {_API}/sites")
    return rows


def table_json(shown: Snapshot, name: str, site: str | None) -> Answer:
    """A table in JSON."""
    return json_answer(
        {
            "title_zh": TABLES[name][1],
            "area_id": shown.area,
            "area_zh": shown.area_zh,
            "standard": STANDARD,
            "hour": moment_text(shown.hour),
            "hour_end": moment_text(shown.hour + dt.timedelta(hours=1)),
            "late": shown.late,
            "provisional": True,
            "notice_zh": NOTICE_ZH,
            "rows": table_rows(shown, name, site),
        }
    )


def table_csv(shown: Snapshot, name: str, site: str | None) -> Answer:
    """A table in CSV; lists such as sensitive groups are in JSON only."""
    rows = table_rows(shown, name, site)
    columns = [key for key, value in rows[0].items() if not isinstance(value, list)] if rows else _EMPTY[name].split()
    return csv_answer(columns, rows)


def _add(name: str) -> None:
    summary = TABLES[name][1]

    def endpoint(suffix: str, make: Callable[[Snapshot, str, str | None], Answer]) -> Callable[..., object]:
        async def plain(request: Request) -> Response:
            shown = await board_of(request).snapshot()
            return response(request, shown.answer(f"{name}{suffix}", lambda one: make(one, name, None)), name)

        async def of_site(request: Request, site: str | None = None) -> Response:
            shown = await board_of(request).snapshot()
            if site is not None and len(site) > 64:
                raise HTTPException(404, "site: found more than 64 characters")
            if site is not None:
                table_rows(shown, name, site)  # before anything is kept under a name that does not exist
            key = f"{name}{suffix}?{site or ''}"
            return response(request, shown.answer(key, lambda one: make(one, name, site)), name)

        return of_site if name in _OF_SITES else plain

    router.add_api_route(
        f"{_API}/{name}", endpoint("", table_json), response_model=Table, summary=summary, name=name,
        responses={304: {"description": "unchanged"}},
    )  # fmt: skip
    router.add_api_route(
        f"{_API}/{name}.csv", endpoint(".csv", table_csv), summary=f"{summary}，CSV", name=f"{name}_csv",
        response_class=Response, responses={200: {"content": {CSV.partition(";")[0]: {}}}},
    )  # fmt: skip


for _name in TABLES:
    _add(_name)
