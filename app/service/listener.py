"""The broker's TLS listener: where, for which names, and whether devices must show certificates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.service.authority import server_names
from domain.error import ConfigurationError

#: No certificate asked for; one needed besides the password; the certificate alone says who it is.
NONE: Final = "none"
REQUIRED: Final = "required"
IDENTITY: Final = "identity"
CERTIFICATES: Final = (NONE, REQUIRED, IDENTITY)


@dataclass(frozen=True, slots=True)
class TlsListener:
    """A listener with TLS beside the one on loopback.

    Attributes
    ----------
    address : str
        Where to listen, such as ``0.0.0.0``.
    port : int
        Port.
    certificates : str
        One of `CERTIFICATES`.
    further_names : tuple of str
        Names and addresses under which devices reach the broker.
    connections : int
        Most at once, those that have not said yet who they are included.
    """

    address: str
    port: int
    certificates: str = NONE
    further_names: tuple[str, ...] = ()
    connections: int = 10_000

    @property
    def names(self) -> list[str]:
        """Names for the broker's certificate."""
        return server_names(self.address, self.further_names)

    def configuration(self, folder: Path) -> str:
        """Lines for the broker's configuration; a session bears its account's name, so nobody takes another's over.

        Parameters
        ----------
        folder : Path
            Where certificates, key and list of revoked certificates are.

        Returns
        -------
        str
            To be put behind the other listener.
        """
        lines = [
            f"listener {self.port} {self.address}",
            f"max_connections {self.connections}",
            f"cafile {folder / 'ca.crt'}",
            f"certfile {folder / 'server.crt'}",
            f"keyfile {folder / 'server.key'}",
            "tls_version tlsv1.2",
            "use_username_as_clientid true",
        ]
        if self.certificates != NONE:
            lines += ["require_certificate true", f"crlfile {folder / 'revoked.crl'}"]
        if self.certificates == IDENTITY:
            lines.append("use_identity_as_username true")
        return "\n".join(lines) + "\n"


def parsed_listener(address: str, certificates: str, names: str) -> TlsListener:
    """The listener that settings describe.

    Parameters
    ----------
    address : str
        ``ADDRESS:PORT``, with an IPv6 address in brackets.
    certificates : str
        One of `CERTIFICATES`.
    names : str
        Further names, separated by commas.

    Returns
    -------
    TlsListener
        `ConfigurationError` says what was found and expected otherwise.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ConfigurationError(f"setting broker_tls_address: found {address!r}, expected ADDRESS:PORT")
    if certificates not in CERTIFICATES:
        raise ConfigurationError(
            f"setting broker_tls_certificates: found {certificates!r}, expected one of {', '.join(CERTIFICATES)}"
        )
    further = tuple(name.strip() for name in names.split(",") if name.strip())
    return TlsListener(host.strip("[]"), int(port), certificates, further)
