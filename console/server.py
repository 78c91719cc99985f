"""The console on a socket."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import uvicorn

from console.app import console_app
from console.desk import Desk

#: Seconds that requests under way may take when the console is stopped; open live pages are ended then.
_PATIENCE_S: Final = 2


def console_server(
    desk: Desk,
    address: str,
    port: int,
    *,
    certificate: tuple[Path | None, Path | None] = (None, None),
    proxies: str | None = None,
) -> uvicorn.Server:
    """A server that is not running yet.

    Parameters
    ----------
    desk : Desk
        What the console works with.
    address : str
        Where to listen.
    port : int
        Its port.
    certificate : (Path or None, Path or None)
        Files of certificate and key; None for plain HTTP.
    proxies : str, optional
        Addresses and networks of proxies in front, separated by commas.

    Returns
    -------
    uvicorn.Server
        Believes what `proxies` say of their clients and nobody else, for without one a client can make it up.
    """
    config = uvicorn.Config(
        console_app(desk),
        host=address,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=proxies is not None,
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=_PATIENCE_S,
        ssl_certfile=certificate[0],
        ssl_keyfile=certificate[1],
    )
    return uvicorn.Server(config)
