"""Answers that many people get: bytes with an entity tag."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

JSON: Final = "application/json; charset=utf-8"
CSV: Final = "text/csv; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
#: Seconds that browsers and proxies may keep an answer.
KEPT_S: Final = 60
#: The interface may be read by other sites' pages and programs; pages may not be embedded by them.
OPEN: Final = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A body, its kind and its strong entity tag."""

    body: bytes
    media: str
    tag: str


def answer(body: bytes, media: str) -> Answer:
    """An answer; its tag is that of its bytes, so it changes only when they do."""
    return Answer(body, media, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def json_answer(content: object) -> Answer:
    """An answer in JSON."""
    return answer(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), JSON)


def csv_answer(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Answer:
    """An answer in CSV, with a mark that lets spreadsheets recognise UTF-8; missing is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return answer(text.getvalue().encode("utf-8-sig"), CSV)


def response(request: Request, found: Answer, name: str = "") -> Response:
    """The answer to one request: 304 without a body when the client has it already.

    Parameters
    ----------
    request : Request
        Whose.
    found : Answer
        What there is.
    name : str
        File name offered for CSV.

    Returns
    -------
    Response
        May be kept for a minute by everybody.
    """
    headers = {"etag": found.tag, "cache-control": f"public, max-age={KEPT_S}", **(OPEN if found.media != HTML else {})}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if found.tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    if found.media == CSV:
        headers["content-disposition"] = f'inline; filename="{name or "data"}.csv"'
    return Response(found.body, media_type=None, headers={**headers, "content-type": found.media})
