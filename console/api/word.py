"""What every module of the JSON interface needs: who asks, and refusals in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, HTTPException

from console.guard import Visit, token_allowed
from console.refusal import described
from console.role import Permission
from domain.error import ConfigurationError

Reader: TypeAlias = Annotated[Visit, Depends(token_allowed(Permission.SEE))]
Handler: TypeAlias = Annotated[Visit, Depends(token_allowed(Permission.HANDLE_ALERT))]
Decider: TypeAlias = Annotated[Visit, Depends(token_allowed(Permission.DECIDE_WARNING))]
Approver: TypeAlias = Annotated[Visit, Depends(token_allowed(Permission.APPROVE_DEVICE))]
Reporter: TypeAlias = Annotated[Visit, Depends(token_allowed(Permission.REPORT_FIGURE))]
Reviewer: TypeAlias = Annotated[Visit, Depends(token_allowed(Permission.REVIEW_DATA))]
Enterprise: TypeAlias = Annotated[Visit, Depends(token_allowed(Permission.ANSWER_ORDER))]
#: A row of a view, as its columns are called there.
Row: TypeAlias = dict[str, Any]
REFUSALS: Final[dict[int | str, dict[str, Any]]] = described(
    {
        401: "令牌缺失、未知、过期或已吊销",
        403: "令牌的角色没有这项权限",
        404: "没有这个对象，或它属于别的企业",
        409: "对象的状态不允许这样处理",
        422: "填写有误：哪一项，应为什么",
        429: "请求过于频繁；Retry-After 是应等的秒数",
        "default": "没有完成",
    }
)


@contextmanager
def conflicts() -> Iterator[None]:
    """Turn a refusal of the house into status 409."""
    try:
        yield
    except ConfigurationError as error:
        raise HTTPException(409, str(error)) from error
