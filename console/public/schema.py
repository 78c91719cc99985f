"""The public interface's answers, for its description."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, Field

from console.refusal import described

#: What the public interfaces answer besides what is asked for; the rate limit answers for itself, in plain text.
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    **described({400: "the question is ill-formed", 404: "no such thing is published", "default": "no answer"}),
    429: {"description": "too many requests; Retry-After says how long to wait", "content": {"text/plain": {}}},
}


class Table(BaseModel):
    """A published table: what it is and its rows; the same rows, without the head, are the CSV."""

    title_zh: str
    area_id: str
    area_zh: str
    standard: str = Field(description="HJ 633 edition of indices and formats")
    hour: str = Field(description="start of the newest finished hour, Beijing time")
    hour_end: str
    late: bool = Field(description="true while newer hours are overdue")
    provisional: bool = Field(description="true: automatic data before review")
    notice_zh: str
    rows: list[dict[str, object]] = Field(
        description="concentrations in µg/m³, CO in mg/m³; `NA` = missing, `/` = not monitored there"
    )
