"""The JSON interface described for people, from the same description that programs read."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from console.guard import Visit, signed_in
from console.rendering import page

router: Final = APIRouter()


@router.get("/api")
def show_interface(request: Request, visit: Annotated[Visit, Depends(signed_in)]) -> Response:  # noqa: ARG001
    """Every operation, by subject."""
    described = request.app.openapi()
    return page(
        request,
        "interface.html",
        subjects=operations(described),
        version=described["info"]["version"],
        request_base=str(request.base_url),
    )


def operations(described: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Method, way and summary of each operation, by subject."""
    subjects: dict[str, list[dict[str, str]]] = {}
    for way, methods in described["paths"].items():
        for method, one in methods.items():
            line = {"method": method.upper(), "way": way, "summary": one["summary"]}
            subjects.setdefault(one["tags"][0], []).append(line)
    return subjects
