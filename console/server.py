"""The console on a socket."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Final

import uvicorn

from console.app import console_app
from console.desk import Desk

#: Seconds that requests under way may take when the console is stopped; open live pages are ended then.
_PATIENCE_S: Final = 2
#: Ticks of the server, ten a second, between two looks at the files of the certificate.
_LOOK_TICKS: Final = 50
_log = logging.getLogger(__name__)


class RenewingServer(uvicorn.Server):
    """Shows a renewed certificate to new connections without a start; what is connected stays so.

    Parameters
    ----------
    config : uvicorn.Config
        Of the server.
    certificate : (Path or None, Path or None)
        Files of certificate and key; looked at every five seconds.
    """

    def __init__(self, config: uvicorn.Config, certificate: tuple[Path | None, Path | None]) -> None:
        super().__init__(config)
        self._certificate = certificate
        self._seen = _moments(certificate)

    async def on_tick(self, counter: int) -> bool:
        """Look at the files now and then; whether to stop."""
        if counter % _LOOK_TICKS == 0 and (found := _moments(self._certificate)) != self._seen:
            self._seen = found
            self.renew()
        return await super().on_tick(counter)

    def renew(self) -> None:
        """Take the files over; a pair that does not hold (half written, key of another) leaves the old one in use."""
        certificate, key = self._certificate
        if certificate is None or self.config.ssl is None:
            return
        try:
            # First where it does no harm: a failed attempt leaves a context with a certificate without its key.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
            self.config.ssl.load_cert_chain(certificate, key)
        except OSError as error:
            _log.warning("certificate %s is not taken over, the one before stays: %s", certificate, error)


def _moments(files: tuple[Path | None, ...]) -> list[int]:
    """When each file was changed; 0 for one that is not there."""
    return [file.stat().st_mtime_ns if file is not None and file.exists() else 0 for file in files]


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
    return RenewingServer(config, certificate)
