"""The web application: routers of pages and of the JSON interface behind one shield."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from console.api import API_ROUTERS
from console.desk import Desk
from console.guard import Genuine, SignInNeeded
from console.live import Pulse
from console.pace import Pace, paced
from console.page import LINK_ROUTERS, PAGE_ROUTERS
from console.rendering import STATIC, aqi_css, page
from console.shield import Shield
from domain.error import LantianError

API: Final = "/api/v1"
_FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
_WORDS: Final = {
    400: "请求有误",
    403: "没有权限",
    404: "没有这个页面",
    405: "不支持这种操作",
    413: "请求过大",
    422: "填写有误",
    429: "操作过于频繁",
    500: "系统出错",
    503: "服务暂时不可用",
}
#: Requests a second in the long run and at once: of a token, and of an address that opens signed links.
API_PACE: Final = (20.0, 200)
LINK_PACE: Final = (1.0, 60)
#: Only for the description; `console.guard.token_allowed` looks at the token.
_BEARER: Final = Depends(HTTPBearer(scheme_name="令牌", auto_error=False))
_log = logging.getLogger(__name__)


class _KeptFiles(StaticFiles):
    """Files of ours; their addresses carry their content's hash, so browsers keep them."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        answer: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        answer.headers.update(_FOREVER)
        return answer


def console_app(desk: Desk) -> FastAPI:
    """The application.

    Parameters
    ----------
    desk : Desk
        What it works with; its pool is opened and closed with the application.

    Returns
    -------
    FastAPI
        To be served by an ASGI server.
    """

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        desk.pool.open()
        app.state.is_ready = True
        yield
        app.state.is_ready = False
        app.state.pulse.stop()
        desk.pool.close()

    app = FastAPI(
        title="Lantian 蓝天",
        summary="操作台的数据接口；请求头 Authorization: Bearer 令牌，令牌在操作台“接口令牌”页生成",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
        lifespan=living,
    )
    app.state.desk = desk
    app.state.is_ready = False
    app.state.pulse = Pulse(desk)
    for router in PAGE_ROUTERS:
        app.include_router(router, dependencies=[Genuine], include_in_schema=False)
    slow, quick = Depends(paced(Pace(*LINK_PACE))), Depends(paced(Pace(*API_PACE)))
    for router in LINK_ROUTERS:
        app.include_router(router, include_in_schema=False, dependencies=[slow])
    for router in API_ROUTERS:
        app.include_router(router, prefix=API, dependencies=[quick, _BEARER])
    app.include_router(_plain)
    app.mount("/static", _KeptFiles(directory=STATIC), name="static")
    app.add_exception_handler(SignInNeeded, _sign_in_needed)
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _ill_formed)
    app.add_exception_handler(LantianError, _failed)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Shield, secure=desk.secure)
    return app


_plain: Final = APIRouter(include_in_schema=False)


@_plain.get("/static/aqi.css")
def show_aqi_css() -> Response:
    """Colours of the levels, from the standard's table."""
    return Response(aqi_css(), media_type="text/css", headers=_FOREVER)


@_plain.get("/alive")
def show_alive(request: Request) -> Response:
    """Whether the console answers and reaches the database; for `lantian doctor` and watchdogs."""
    with request.app.state.desk.connection("answer") as conn:
        conn.execute("select 1")
    return PlainTextResponse("ok")


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith("/api/")


def _answer(request: Request, status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    if _wants_json(request):
        return JSONResponse({"status": status, "detail": detail}, status, headers=headers)
    answer = page(request, "error.html", code=status, title=_WORDS.get(status, "出错了"), detail=detail)
    answer.headers.update(headers or {})
    return answer


def _sign_in_needed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SignInNeeded)
    return RedirectResponse(error.to, 303)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    standard = HTTPException(error.status_code).detail
    detail = "" if error.detail == standard and not _wants_json(request) else error.detail
    return _answer(request, error.status_code, detail, dict(error.headers or {}))


def _ill_formed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    # A way whose number is no number leads nowhere.
    status = 404 if all(each["loc"][0] == "path" for each in error.errors()) else 422
    return _answer(request, status, faults)


def _broken(request: Request, error: Exception) -> Response:
    _log.error("%s %s: %r", request.method, request.url.path, error)
    return _answer(request, 500, "这次操作没有完成，详情已记入操作台日志")


def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, LantianError)
    if error.retryable:
        _log.error("%s %s: %s", request.method, request.url.path, error)
        return _answer(request, 503, "数据库暂时无法访问，请稍后重试")
    if error.code == "unstorable":
        return _answer(request, 422, f"填写的内容无法保存：{error}")
    if error.code in ("store", "migration"):
        _log.error("%s %s: %s", request.method, request.url.path, error)
        return _answer(request, 500, "数据库拒绝了这一操作，详见操作台日志")
    return _answer(request, 422, str(error))
