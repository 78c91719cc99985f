"""What every module of the JSON interface needs: who asks, and refusals in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends, HTTPException

from console.guard import Visit, token_allowed
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
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "令牌缺失、未知、过期或已吊销"},
    403: {"description": "令牌的角色没有这项权限"},
    404: {"description": "没有这个对象，或它属于别的企业"},
    409: {"description": "对象的状态不允许这样处理"},
}


@contextmanager
def conflicts() -> Iterator[None]:
    """Turn a refusal of the house into status 409."""
    try:
        yield
    except ConfigurationError as error:
        raise HTTPException(409, str(error)) from error
