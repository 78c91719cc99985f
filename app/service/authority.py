"""A certificate authority of our own: the broker's certificate, certificates of devices, the list of revoked ones.

Everything is in one folder that only its owner reads; what the broker needs is copied to the broker's folder.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.service.unprivileged import ServiceUser, make_folder, write_file
from domain.error import ConfigurationError

_AUTHORITY_DAYS: Final = 3650
_SERVER_DAYS: Final = 820
#: A server certificate with fewer days left is replaced when the broker starts.
_RENEW_DAYS: Final = 60
DEVICE_DAYS: Final = 1095
#: Certificates begin a day early: clocks of loggers are not always right.
_EARLY: Final = dt.timedelta(days=1)
_SERVER: Final = (ExtendedKeyUsageOID.SERVER_AUTH,)
_CLIENT: Final = (ExtendedKeyUsageOID.CLIENT_AUTH,)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate given to a device; `revoked_at` None while it holds. Times are ISO 8601."""

    serial: int
    device: str
    issued_at: str
    expires_at: str
    revoked_at: str | None = None


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Certificate and private key in PEM."""

    certificate: str
    key: str


class Authority:
    """The authority of one home folder.

    Parameters
    ----------
    folder : Path
        Its folder, made on first use with mode 700.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate_file = folder / "ca.crt"

    @property
    def exists(self) -> bool:
        """Whether the authority has been made."""
        return self.certificate_file.exists()

    def ensure(self, names: Sequence[str], now: dt.datetime) -> None:
        """Make what is missing; renew the server's certificate when it ends soon or lacks a name.

        Parameters
        ----------
        names : sequence of str
            Host names and addresses under which devices reach the broker.
        now : datetime
            The moment.
        """
        make_folder(self.folder, mode=0o700)
        if not self.exists:
            self._make_authority(now)
        if not self._serves(names, now):
            self.renew_server(names, now)
        if not (self.folder / "revoked.crl").exists():
            self._write_revoked(now)

    def rotate(self, names: Sequence[str], now: dt.datetime) -> None:
        """Replace the authority itself: every device needs the new ca.crt, every device certificate is void.

        Parameters
        ----------
        names : sequence of str
            As in `ensure`.
        now : datetime
            The moment.
        """
        make_folder(self.folder, mode=0o700)
        self._make_authority(now)
        self._save_issued([])
        self.renew_server(names, now)
        self._write_revoked(now)

    def renew_server(self, names: Sequence[str], now: dt.datetime) -> None:
        """Give the broker a new key and certificate; devices that trust the authority need nothing new.

        Parameters
        ----------
        names : sequence of str
            As in `ensure`.
        now : datetime
            The moment.
        """
        pair, _ = self._signed(names[0], now, days=_SERVER_DAYS, usage=_SERVER, names=names)
        write_file(self.folder / "server.key", pair.key)
        write_file(self.folder / "server.crt", pair.certificate)

    def issue(self, device: str, now: dt.datetime, days: int = DEVICE_DAYS) -> KeyPair:
        """A certificate with its key for a device; the key is kept nowhere.

        Parameters
        ----------
        device : str
            Its id, which becomes the common name.
        now : datetime
            The moment.
        days : int
            How long it holds.

        Returns
        -------
        KeyPair
            To be installed on the device.
        """
        pair, certificate = self._signed(device, now, days=days, usage=_CLIENT, names=())
        times = (now, certificate.not_valid_after_utc)
        record = Issued(certificate.serial_number, device, *(time.isoformat(timespec="seconds") for time in times))
        self._save_issued([*self.issued(), record])
        return pair

    def issued(self) -> list[Issued]:
        """Certificates given to devices, in order."""
        path = self.folder / "issued.json"
        if not path.exists():
            return []
        try:
            return [Issued(**each) for each in json.loads(path.read_text(encoding="utf-8"))]
        except (ValueError, TypeError) as error:
            raise ConfigurationError(f"{path}: found {error!r}, expected the list that lantian wrote") from error

    def revoke(self, device: str, now: dt.datetime) -> int:
        """Revoke every certificate of a device and write the list; returns how many held.

        Parameters
        ----------
        device : str
            Its id.
        now : datetime
            The moment.
        """
        stamp = now.isoformat(timespec="seconds")
        before = self.issued()
        after = [
            replace(each, revoked_at=stamp) if each.device == device and each.revoked_at is None else each
            for each in before
        ]
        if after != before:
            self._save_issued(after)
            self._write_revoked(now)
        return sum(one != other for one, other in zip(before, after, strict=True))

    def server_certificate(self) -> x509.Certificate:
        """The broker's certificate."""
        return x509.load_pem_x509_certificate((self.folder / "server.crt").read_bytes())

    def certificate(self) -> x509.Certificate:
        """The authority's own certificate."""
        return x509.load_pem_x509_certificate(self.certificate_file.read_bytes())

    def hand_over(self, folder: Path, user: ServiceUser) -> None:
        """Copy what the broker needs into its folder, readable by it alone.

        Parameters
        ----------
        folder : Path
            The broker's folder.
        user : ServiceUser
            Who runs the broker.
        """
        for name in ("ca.crt", "server.crt", "server.key", "revoked.crl"):
            write_file(folder / name, (self.folder / name).read_text(encoding="ascii"), user=user)

    def _make_authority(self, now: dt.datetime) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Lantian CA {now:%Y-%m-%d %H:%M:%S}")])
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            _begun(name, name, key.public_key(), now, _AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_file(self.folder / "ca.key", _key_text(key))
        write_file(self.certificate_file, _text(certificate))

    def _key(self) -> ec.EllipticCurvePrivateKey:
        path = self.folder / "ca.key"
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path}: {error}; expected the authority's key; run: lantian tls show") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigurationError(f"{path}: found a key of another kind, expected an elliptic curve key")
        return key

    def _signed(
        self, name: str, now: dt.datetime, *, days: int, usage: Sequence[x509.ObjectIdentifier], names: Sequence[str]
    ) -> tuple[KeyPair, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            _begun(subject, self.certificate().subject, key.public_key(), now, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key().public_key()), critical=False)
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general_name(each) for each in names]), critical=False
            )
        certificate = builder.sign(self._key(), hashes.SHA256())
        return KeyPair(_text(certificate), _key_text(key)), certificate

    def _serves(self, names: Sequence[str], now: dt.datetime) -> bool:
        """Whether there is a server certificate for these names that holds long enough."""
        if not (self.folder / "server.crt").exists():
            return False
        certificate = self.server_certificate()
        known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        enough = certificate.not_valid_after_utc - now > dt.timedelta(days=_RENEW_DAYS)
        return enough and {_general_name(name) for name in names} <= set(known)

    def _save_issued(self, records: Sequence[Issued]) -> None:
        text = json.dumps([asdict(each) for each in records], indent=1) + "\n"
        write_file(self.folder / "issued.json", text)

    def _write_revoked(self, now: dt.datetime) -> None:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate().subject)
            .last_update(now - _EARLY)
            .next_update(now + dt.timedelta(days=_AUTHORITY_DAYS))
        )
        for each in self.issued():
            if each.revoked_at is not None:
                revoked = x509.RevokedCertificateBuilder().serial_number(each.serial)
                builder = builder.add_revoked_certificate(
                    revoked.revocation_date(dt.datetime.fromisoformat(each.revoked_at)).build()
                )
        signed = builder.sign(self._key(), hashes.SHA256())
        write_file(self.folder / "revoked.crl", signed.public_bytes(serialization.Encoding.PEM).decode("ascii"))


def server_names(address: str, further: Sequence[str]) -> list[str]:
    """Names for the broker's certificate: those given first, the address listened on, this machine's name, loopback.

    Parameters
    ----------
    address : str
        Address listened on; ``0.0.0.0`` and ``::`` stand for all and name none.
    further : sequence of str
        Names under which devices reach it.

    Returns
    -------
    list of str
        Without repetitions.
    """
    own = [] if address in ("0.0.0.0", "::", "") else [address]  # noqa: S104 - compared, not listened on
    return list(dict.fromkeys([*further, *own, socket.gethostname(), "localhost", "127.0.0.1", "::1"]))


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLY)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")
