"""Observations in the form of OGC SensorThings 1.1, read only: a site is a thing, a pollutant of it a datastream.

Of the standard's query options: $top, $skip, $count, $orderby and $filter, the last two on phenomenonTime.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from anyio import to_thread
from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response

from console.public.answer import Answer, json_answer, response
from console.public.board import LOOK_S, Snapshot
from console.public.desk import ROOT, PublicDesk
from console.public.interface import board_of
from console.public.schema import REFUSALS
from domain.pollutant import POLLUTANTS
from domain.publication import printed_columns
from store.public import PublicSite, count_observations, read_observations

BASE: Final = "/sta/v1.1"
LARGEST_PAGE: Final = 1000
FURTHEST: Final = 200_000
_KEPT: Final = 256
_INDEX: Final = "aqi"
_TYPE: Final = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
_TERM: Final = re.compile(r"\s*phenomenonTime\s+(ge|gt|le|lt)\s+'?(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
                          r"(?:Z|[+-]\d\d:\d\d))'?\s*")  # fmt: skip

router: Final = APIRouter(prefix=BASE, tags=["OGC SensorThings"], responses=REFUSALS)
Top = Annotated[int, Query(alias="$top", ge=0, le=LARGEST_PAGE)]
Skip = Annotated[int, Query(alias="$skip", ge=0, le=FURTHEST)]
Count = Annotated[bool, Query(alias="$count")]


class Kept:
    """Answers that were read from the database, for a minute; the ones asked for least recently go first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers: OrderedDict[str, tuple[float, Answer]] = OrderedDict()

    def find(self, key: str) -> Answer | None:
        """An answer that is not too old."""
        made, found = self._answers.get(key, (-LOOK_S, None))
        return found if self._clock() - made < LOOK_S else None

    def keep(self, key: str, found: Answer) -> Answer:
        """Keep an answer."""
        self._answers.pop(key, None)
        self._answers[key] = (self._clock(), found)
        if len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class Span:
    """Hours from `since` to before `before`; None = open."""

    since: dt.datetime | None = None
    before: dt.datetime | None = None


def parse_filter(text: str | None) -> Span:
    """A $filter such as ``phenomenonTime ge 2026-11-01T00:00:00Z and phenomenonTime lt ...`` as a span of hours."""
    since: dt.datetime | None = None
    before: dt.datetime | None = None
    for part in [] if text is None else re.split(r"\s+and\s+", text.strip()):
        found = _TERM.fullmatch(part)
        if found is None:
            raise HTTPException(
                400, f"$filter: found {part[:100]!r}, expected phenomenonTime ge|gt|le|lt MOMENT, joined by and"
            )
        try:
            # In a query, + means a blank unless it is written %2B.
            moment = dt.datetime.fromisoformat(found[2])
        except ValueError as error:
            raise HTTPException(400, f"$filter: found {found[2]!r}, expected a moment") from error
        edge = moment + dt.timedelta(microseconds=1) if found[1] in ("gt", "le") else moment
        if found[1] in ("ge", "gt"):
            since = edge if since is None else max(since, edge)
        else:
            before = edge if before is None else min(before, edge)
    return Span(since, before)


def _host(request: Request) -> str:
    desk: PublicDesk = request.app.state.desk
    return (desk.url or str(request.base_url)).rstrip("/")


def _base(request: Request) -> str:
    return f"{_host(request)}{ROOT}{BASE}"


def _link(base: str, kind: str, key: str, further: str = "") -> str:
    return f"{base}/{kind}('{key}'){further}"


def thing(base: str, site: PublicSite) -> dict[str, Any]:
    """A site as a thing."""
    return {
        "@iot.id": site.site_id,
        "@iot.selfLink": _link(base, "Things", site.site_id),
        "name": site.site_zh,
        "description": site.kind_zh,
        "properties": {"kind": site.kind, "longitude": site.longitude, "latitude": site.latitude},
        "Datastreams@iot.navigationLink": _link(base, "Things", site.site_id, "/Datastreams"),
    }


def datastream(base: str, site: PublicSite, column: str) -> dict[str, Any]:
    """One pollutant, or the index, of a site as a datastream."""
    key = f"{site.site_id}:{column}"
    pollutant = POLLUTANTS.get(column)
    title = "空气质量指数(AQI)" if pollutant is None else pollutant.title_zh
    unit = "" if pollutant is None else pollutant.unit
    return {
        "@iot.id": key,
        "@iot.selfLink": _link(base, "Datastreams", key),
        "name": f"{site.site_zh}{title}小时值",
        "description": "小时平均，自动监测数据，未经审核",
        "observationType": _TYPE,
        "unitOfMeasurement": {"name": unit or "1", "symbol": unit, "definition": ""},
        "ObservedProperty": {"name": title, "definition": column, "description": ""},
        "Thing@iot.navigationLink": _link(base, "Datastreams", key, "/Thing"),
        "Observations@iot.navigationLink": _link(base, "Datastreams", key, "/Observations"),
    }


def columns_of(site: PublicSite) -> list[str]:
    """Datastreams of a site: the index and what it monitors."""
    return [_INDEX, *(each.column for each in printed_columns("hour") if each.pollutant in site.monitored)]


def _site(shown: Snapshot, key: str) -> PublicSite:
    site = shown.site(key)
    if site is None:
        raise HTTPException(404, f"Things: found no {key!r}")
    return site


def _stream(shown: Snapshot, key: str) -> tuple[PublicSite, str]:
    site_id, _, column = key.rpartition(":")
    site = _site(shown, site_id)
    if column not in columns_of(site):
        raise HTTPException(404, f"Datastreams: found no {key!r}, expected SITE:COLUMN with one of {columns_of(site)}")
    return site, column


def _listing(request: Request, entities: list[dict[str, Any]], top: int, skip: int, count: bool) -> Response:
    content: dict[str, Any] = {"@iot.count": len(entities)} if count else {}
    content["value"] = entities[skip : skip + top]
    if skip + top < len(entities) and top:
        content["@iot.nextLink"] = _next(request, top, skip)
    return response(request, json_answer(content))


def _next(request: Request, top: int, skip: int) -> str:
    asked = dict(request.query_params) | {"$top": str(top), "$skip": str(skip + top)}
    return f"{_host(request)}{request.url.path}?{urlencode(asked)}"


@router.get("", summary="服务入口", include_in_schema=False)
@router.get("/", summary="服务入口")
async def show_root(request: Request) -> Response:
    """Where the collections are."""
    sets = [{"name": name, "url": f"{_base(request)}/{name}"} for name in ("Things", "Datastreams")]
    return response(request, json_answer({"value": sets}))


@router.get("/Things", summary="点位")
async def list_things(request: Request, top: Top = 100, skip: Skip = 0, count: Count = False) -> Response:
    """Sites."""
    shown = await board_of(request).snapshot()
    return _listing(request, [thing(_base(request), site) for site in shown.sites], top, skip, count)


@router.get("/Datastreams", summary="各点位各项目的小时值")
async def list_datastreams(request: Request, top: Top = 100, skip: Skip = 0, count: Count = False) -> Response:
    """Pollutants and index of every site."""
    shown, base = await board_of(request).snapshot(), _base(request)
    found = [datastream(base, site, column) for site in shown.sites for column in columns_of(site)]
    return _listing(request, found, top, skip, count)


@router.get("/Things('{key}')", summary="一个点位")
async def show_thing(request: Request, key: str) -> Response:
    """One site."""
    site = _site(await board_of(request).snapshot(), key)
    return response(request, json_answer(thing(_base(request), site)))


@router.get("/Things('{key}')/Datastreams", summary="一个点位的项目")
async def list_streams_of(request: Request, key: str, top: Top = 100, skip: Skip = 0, count: Count = False) -> Response:
    """Datastreams of one site."""
    site = _site(await board_of(request).snapshot(), key)
    found = [datastream(_base(request), site, column) for column in columns_of(site)]
    return _listing(request, found, top, skip, count)


@router.get("/Datastreams('{key}')", summary="一个项目")
async def show_datastream(request: Request, key: str) -> Response:
    """One datastream."""
    site, column = _stream(await board_of(request).snapshot(), key)
    return response(request, json_answer(datastream(_base(request), site, column)))


@router.get("/Datastreams('{key}')/Thing", summary="项目所属点位")
async def show_thing_of(request: Request, key: str) -> Response:
    """The site of a datastream."""
    site, _ = _stream(await board_of(request).snapshot(), key)
    return response(request, json_answer(thing(_base(request), site)))


@router.get("/Datastreams('{key}')/Observations", summary="小时观测值")
async def list_observations(  # noqa: PLR0913, PLR0917 - the standard's query options
    request: Request, key: str, top: Top = 100, skip: Skip = 0, count: Count = False,
    chosen: Annotated[str | None, Query(alias="$filter", max_length=200)] = None,
    order: Annotated[str, Query(alias="$orderby", pattern=r"^phenomenonTime( asc| desc)?$")] = "phenomenonTime desc",
) -> Response:  # fmt: skip
    """Hours of a datastream, newest first unless asked otherwise."""
    site, column = _stream(await board_of(request).snapshot(), key)
    span, kept = parse_filter(chosen), request.app.state.things
    name = f"{_host(request)}|{key}|{top}|{skip}|{count}|{span}|{order}"
    if (found := kept.find(name)) is None:
        base, newest = _base(request), order.endswith("desc")

        def read() -> dict[str, Any]:
            return _observations(request.app.state.desk, site, column, span=span, newest_first=newest, top=top,
                                 skip=skip, count=count, link=_link(base, "Datastreams", key))  # fmt: skip

        content = await to_thread.run_sync(read)
        if content.pop("more"):
            content["@iot.nextLink"] = _next(request, top, skip)
        found = kept.keep(name, json_answer(content))
    return response(request, found)


def _observations(  # noqa: PLR0913 - everything behind the star is named by its caller
    desk: PublicDesk, site: PublicSite, column: str, *, span: Span, newest_first: bool, top: int, skip: int,
    count: bool, link: str,
) -> dict[str, Any]:  # fmt: skip
    with desk.pool.connection("read observations") as conn:
        rows = read_observations(conn, site.site_id, column, since=span.since, before=span.before,
                                 newest_first=newest_first, limit=top + 1, offset=skip)  # fmt: skip
        total = {"@iot.count": count_observations(conn, site.site_id, column, span.since, span.before)} if count else {}
    value = [
        {
            "@iot.id": f"{site.site_id}:{column}:{_moment(hour)}",
            "phenomenonTime": f"{_moment(hour)}/{_moment(hour + dt.timedelta(hours=1))}",
            "resultTime": _moment(settled),
            "result": int(result) if result.is_integer() else result,
            "Datastream@iot.navigationLink": link,
        }
        for hour, result, settled in rows[:top]
    ]
    return {**total, "value": value, "more": bool(top) and len(rows) > top}


def _moment(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
