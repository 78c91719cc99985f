"""The public application: read-only, without accounts, cookies or scripts."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from console.public import interface, page, things
from console.public.answer import OPEN
from console.public.board import Board
from console.public.desk import ROOT, PublicDesk
from console.public.rate import Buckets, RateLimit
from console.rendering import STATIC, aqi_css, fragment, static_url
from console.shield import Shield
from domain.error import LantianError

_FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
#: Files of the console that the public pages share; nothing else of it is served here.
_FILES: Final = frozenset({"console.css", "public.css", "icon.svg"})
_log = logging.getLogger(__name__)


def public_app(desk: PublicDesk, clock: Callable[[], float] = time.monotonic) -> FastAPI:
    """The application.

    Parameters
    ----------
    desk : PublicDesk
        What it works with; its pool is opened and closed with the application.
    clock : callable
        Seconds that only grow, for what is kept and who asks how often.

    Returns
    -------
    FastAPI
        Everything lies below ``/public``.
    """

    @asynccontextmanager
    async def living(_app: FastAPI) -> AsyncIterator[None]:
        desk.pool.open()
        yield
        desk.pool.close()

    app = FastAPI(
        title=f"{desk.county_zh}空气质量公开数据",
        summary="无需登录的只读接口：JSON、CSV，以及 OGC SensorThings 形式的观测值",
        description=interface.NOTICE_ZH,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{ROOT}/api/v1/openapi.json",
        lifespan=living,
    )
    app.state.desk = desk
    app.state.board = Board(desk, clock)
    app.state.things = things.Kept(clock)
    for router in (page.router, interface.router, things.router):
        app.include_router(router, prefix=ROOT)
    app.add_api_route("/", _to_start, include_in_schema=False)
    app.add_api_route(ROOT, _to_start, include_in_schema=False)
    app.add_api_route(f"{ROOT}/alive", _alive, include_in_schema=False)
    app.add_api_route(f"{ROOT}/static/aqi.css", _aqi_css, include_in_schema=False)
    app.add_api_route(f"{ROOT}/static/{{name}}", _shared_file, include_in_schema=False)
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _ill_formed)
    app.add_exception_handler(LantianError, _failed)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET"], expose_headers=["ETag"])
    app.add_middleware(RateLimit, buckets=Buckets(desk.per_minute, clock), proxy=desk.proxy)
    app.add_middleware(Shield, secure=False)
    return app


def _to_start() -> Response:
    return RedirectResponse(f"{ROOT}/", 308)


async def _alive(request: Request) -> Response:
    await interface.board_of(request).snapshot()
    return PlainTextResponse("ok")


def _aqi_css() -> Response:
    return Response(aqi_css(), media_type="text/css", headers=_FOREVER)


def _shared_file(name: str) -> Response:
    if name not in _FILES:
        raise StarletteHTTPException(404)
    return FileResponse(STATIC / name, headers=_FOREVER)


def _fault(request: Request, status: int, detail: str) -> Response:
    if request.url.path.startswith((f"{ROOT}/api/", f"{ROOT}/sta/")):
        return JSONResponse({"status": status, "detail": detail}, status, headers=OPEN)
    words = {"root": ROOT, "file": lambda name: ROOT + static_url(name), "detail": detail, "shown": None}
    words["area_zh"] = request.app.state.desk.county_zh
    return HTMLResponse(fragment("public_fault.html", words), status)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    detail = "没有这个页面" if error.status_code == 404 and error.detail == "Not Found" else str(error.detail)
    return _fault(request, error.status_code, detail)


def _ill_formed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _fault(request, 400, "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors()))


def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, LantianError)
    if error.code in ("configuration", "unstorable"):
        return _fault(request, 400, str(error))
    _log.error("%s %s: %s", request.method, request.url.path, error)
    return _fault(request, 503, "数据暂时无法读取，请稍后再试")


def _broken(request: Request, error: Exception) -> Response:
    _log.error("%s %s: %r", request.method, request.url.path, error)
    return _fault(request, 500, "系统出错")
