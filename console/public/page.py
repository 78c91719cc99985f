"""The public pages."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from console.chart import trend_chart
from console.public.answer import HTML, Answer, answer, response
from console.public.board import Snapshot
from console.public.desk import ROOT
from console.public.interface import NOTICE_ZH, board_of
from console.public.report import (
    TABLES,
    Row,
    advice,
    forecast_rows,
    report_row,
    value_at,
    warning_rows,
)
from console.rendering import fragment, static_url
from domain.level import LEVELS
from domain.pollutant import POLLUTANTS
from domain.publication import printed_columns
from store.overview import TrendHour
from store.public import PublicEmission, PublicSite

router: Final = APIRouter(include_in_schema=False)


def page(shown: Snapshot, template: str, **words: Any) -> Answer:
    """A page; it names no moment but that of its data, so that its tag changes with them alone."""
    given = {
        "shown": shown,
        "root": ROOT,
        "file": lambda name: ROOT + static_url(name),
        "notice_zh": NOTICE_ZH,
        "levels": LEVELS,
        "pollutants": POLLUTANTS,
        "an_hour": dt.timedelta(hours=1),
        "hour_end": shown.hour + dt.timedelta(hours=1),
    }
    return answer(fragment(template, {**given, **words}).encode(), HTML)


def _picture(shown: Snapshot, site: PublicSite) -> Row:
    """What is said of one site: its newest hour, 24 hours, 30 days."""
    hours = shown.hours.get(site.site_id, ())
    value = value_at(hours, shown.hour)
    # Bulletins name an hour by its end: the chart is given ends, and the hour after the last.
    step = dt.timedelta(hours=1)
    end = shown.hour + 2 * step
    trend = [TrendHour(one.time + step, one.aqi, one.level) for one in hours if isinstance(one.time, dt.datetime)]
    known = {one.time: one for one in shown.days.get(site.site_id, ())}
    days = [shown.today - dt.timedelta(days=back) for back in range(30, 0, -1)]
    return {
        "site": site,
        "now": report_row(site, value, "hour", shown.hour) | advice(value),
        "trend": trend_chart(trend, end),
        "days": [report_row(site, known.get(day), "day", day) | {"date": day} for day in days],
    }


def latest_emissions(shown: Snapshot) -> list[PublicEmission]:
    """Of each outlet the newest hour there is."""
    newest = {one.site_id: max(each.hour for each in shown.emissions if each.site_id == one.site_id)
              for one in shown.emissions}  # fmt: skip
    return [one for one in shown.emissions if one.hour == newest[one.site_id]]


def start_page(shown: Snapshot) -> Answer:
    """The area, its stations, the warning, forecast and emissions."""
    area = shown.site(shown.area)
    stations = [_picture(shown, site) for site in shown.sites if site.site_id != shown.area]
    return page(
        shown,
        "public_start.html",
        area=None if area is None else _picture(shown, area),
        stations=stations,
        columns=printed_columns("hour"),
        warnings=warning_rows(shown),
        forecast=forecast_rows(shown),
        emissions=latest_emissions(shown),
    )


def site_page(shown: Snapshot, site: PublicSite) -> Answer:
    """One site with every hour and day."""
    known = {one.time: one for one in shown.hours.get(site.site_id, ())}
    times = [shown.hour - dt.timedelta(hours=back) for back in range(24)]
    hours = [report_row(site, known.get(time), "hour", time) | {"time": time + dt.timedelta(hours=1)} for time in times]
    return page(
        shown,
        "public_site.html",
        picture=_picture(shown, site),
        hours=hours,
        hour_columns=printed_columns("hour"),
        day_columns=printed_columns("day"),
    )


def emission_page(shown: Snapshot) -> Answer:
    """Every outlet with its last 24 hours."""
    outlets: dict[str, list[PublicEmission]] = {}
    for one in shown.emissions:
        outlets.setdefault(one.site_id, []).append(one)
    tables = []
    for found in outlets.values():
        # In the order of the standard's table; the limit is that of the newest hour.
        ordered = sorted(found, key=lambda one: (one.position, one.hour))
        pollutants = {one.pollutant: (one.pollutant_zh, one.limit) for one in ordered}
        hours = sorted({one.hour for one in found}, reverse=True)
        cells = {(one.hour, one.pollutant): one for one in found}
        tables.append({"outlet": found[0], "pollutants": pollutants, "hours": hours, "cells": cells})
    return page(shown, "public_emission.html", tables=tables)


def about_page(shown: Snapshot) -> Answer:
    """Levels with their advice, formats, and where programs read the data."""
    tables = [(name, words) for name, (_, words) in TABLES.items()]
    return page(shown, "public_about.html", tables=tables)


@router.get("/")
async def show_start(request: Request) -> Response:
    """The start page."""
    shown = await board_of(request).snapshot()
    return response(request, shown.answer("page", start_page))


@router.get("/site/{site_id}")
async def show_site(request: Request, site_id: str) -> Response:
    """One site."""
    shown = await board_of(request).snapshot()
    site = shown.site(site_id)
    if site is None:
        raise HTTPException(404, "没有这个公开点位")
    return response(request, shown.answer(f"page/{site_id}", lambda one: site_page(one, site)))


@router.get("/emission")
async def show_emission(request: Request) -> Response:
    """Key polluters."""
    shown = await board_of(request).snapshot()
    return response(request, shown.answer("page-emission", emission_page))


@router.get("/about")
async def show_about(request: Request) -> Response:
    """Words and interface."""
    shown = await board_of(request).snapshot()
    return response(request, shown.answer("page-about", about_page))
