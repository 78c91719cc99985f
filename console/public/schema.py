"""The public interface's answers, for its description."""

from __future__ import annotations

from pydantic import BaseModel, Field


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


class Fault(BaseModel):
    """Why there is no answer."""

    status: int
    detail: str
