"""One HTTP POST: never following a redirection, certificates checked, only the beginning of the answer read."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from domain.error import ServiceError

_READ: Final = 4096


def posted(url: str, content: bytes, headers: Mapping[str, str], timeout_s: float) -> tuple[int, str]:
    """Status and beginning of the answer.

    Parameters
    ----------
    url : str
        http or https.
    content : bytes
        The body.
    headers : mapping of str to str
        Further headers.
    timeout_s : float
        Longest wait.

    Returns
    -------
    tuple of (int, str)
        `ServiceError` when there is no answer; its text holds nothing of the address.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    connection = (
        http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout_s, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)
    )
    try:
        connection.request(
            "POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), content, dict(headers)
        )
        answer = connection.getresponse()
        return answer.status, answer.read(_READ).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise ServiceError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()
