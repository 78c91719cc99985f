"""The body of every answer that refuses, and its place in the descriptions of the JSON interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel


class Fault(BaseModel):
    """Why there is no answer."""

    status: int
    detail: str


def described(words: Mapping[int | str, str]) -> dict[int | str, dict[str, Any]]:
    """Status or ``default`` -> description and body, as FastAPI takes them."""
    return {status: {"description": text, "model": Fault} for status, text in words.items()}
