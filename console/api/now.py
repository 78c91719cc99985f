"""JSON: who a token acts for, and the overview."""

from __future__ import annotations

import datetime as dt
from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel

from console.api.word import REFUSALS, Reader
from console.guard import desk_of
from console.overview import read_overview

router: Final = APIRouter(tags=["总览"], responses=REFUSALS)


class NeedOut(BaseModel):
    """Something that waits for a person."""

    urgency: str
    title_zh: str
    detail_zh: str
    count: int


class SiteOut(BaseModel):
    """Latest finished hour of a site."""

    site_id: str
    site_zh: str
    hour: dt.datetime | None
    aqi: int | None
    aqi_available: int | None
    level: int | None
    category_zh: str | None
    primary_zh: str | None
    pm25: float | None
    pm10: float | None
    so2: float | None
    no2: float | None
    co: float | None
    o3: float | None
    age_s: float | None


class OverviewOut(BaseModel):
    """The overview."""

    at: dt.datetime
    verdict: str
    area: SiteOut | None
    stations: list[SiteOut]
    needs: list[NeedOut]


@router.get("/overview", summary="总览：空气质量与待办事项")
def show_overview(request: Request, visit: Reader) -> OverviewOut:  # noqa: ARG001
    """What needs a person now, most urgent first, and the air of the area and its stations."""
    desk = desk_of(request)
    now = desk.now()
    with desk.connection("read the overview") as conn:
        found = read_overview(conn, desk.county, now)
    return OverviewOut.model_validate(
        {
            "at": now,
            "verdict": found.verdict,
            "area": found.air,
            "stations": found.stations,
            "needs": found.needs,
        },
        from_attributes=True,
    )
