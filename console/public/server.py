"""The public pages on a socket."""

from __future__ import annotations

from typing import Final

import uvicorn

from console.public.app import public_app
from console.public.desk import PublicDesk

#: Connections served at once; further ones are told to come back (503).
_AT_ONCE: Final = 400
_PATIENCE_S: Final = 2


def public_server(desk: PublicDesk, address: str, port: int) -> uvicorn.Server:
    """A server that is not running yet; who asks is judged by `console.public.rate`, never by headers alone.

    Parameters
    ----------
    desk : PublicDesk
        What is published.
    address : str
        Where to listen.
    port : int
        Its port.

    Returns
    -------
    uvicorn.Server
        Speaks plain HTTP; TLS is a proxy's.
    """
    config = uvicorn.Config(
        public_app(desk), host=address, port=port, access_log=False, log_config=None, server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=_PATIENCE_S, limit_concurrency=_AT_ONCE,
    )  # fmt: skip
    return uvicorn.Server(config)
