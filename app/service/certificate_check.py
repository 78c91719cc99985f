"""Checks of certificates: how many days the authority's, the broker's and the devices' certificates still hold."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography import x509

from app.service.authority import Authority
from app.service.finding import Finding, judged
from app.settings import Settings
from domain.error import ServiceError

#: Fewer days left than this are worth a warning: a trusted authority reaches devices slowly, the rest is one command.
WARN_DAYS: Final = 30
_AUTHORITY_WARN_DAYS: Final = 180
_ANSWER_S: Final = 5.0
_NAMED: Final = 5


def certificate_findings(settings: Settings, now: dt.datetime) -> Iterator[Finding]:
    """Findings about the certificates of the local broker; none without its TLS listener.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    now : datetime
        The clock.

    Yields
    ------
    Finding
        What has ended is a failure, what ends soon a warning; revoked certificates of devices are left out.
    """
    if not settings.broker_is_local or settings.tls_listener() is None:
        return
    authority = Authority(settings.home / "tls")
    if not authority.exists:
        yield Finding("warn", "certificates", "not made yet", "./lantian up, or lantian tls create")
        return
    advice = "lantian tls rotate --authority; every device needs the new ca.crt"
    yield _lasting("authority", authority.certificate().not_valid_after_utc, now, advice, _AUTHORITY_WARN_DAYS)
    advice = "lantian tls rotate, or start again: ./lantian up renews it"
    yield _lasting("broker certificate", authority.server_certificate().not_valid_after_utc, now, advice)
    yield from _devices(authority, now)


def served_findings(settings: Settings, now: dt.datetime) -> Iterator[Finding]:
    """Findings about the certificate that a broker elsewhere shows; none for one without TLS.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    now : datetime
        The clock.

    Yields
    ------
    Finding
        And one for each certificate of `broker_ca_file`.
    """
    if settings.broker_is_local or settings.broker_ca_file is None or settings.broker_host is None:
        return
    trusted = x509.load_pem_x509_certificates(settings.broker_ca_file.read_bytes())
    ends = min(one.not_valid_after_utc for one in trusted)
    yield _lasting("authority", ends, now, f"get the broker's new authority into {settings.broker_ca_file}")
    where = (settings.broker_host, settings.broker_port)
    try:
        text = ssl.get_server_certificate(where, ca_certs=str(settings.broker_ca_file), timeout=_ANSWER_S)
    except (OSError, ValueError) as error:
        raise ServiceError(f"broker {where[0]}:{where[1]} shows no certificate that holds: {error}") from error
    shown = x509.load_pem_x509_certificate(text.encode("ascii"))
    yield _lasting("broker certificate", shown.not_valid_after_utc, now, "have it renewed where the broker is kept")


def _devices(authority: Authority, now: dt.datetime) -> Iterator[Finding]:
    """The last certificate of each device counts: an earlier one was replaced by it."""
    last: dict[str, dt.datetime] = {}
    for each in authority.issued():
        if each.revoked_at is None:
            ends = dt.datetime.fromisoformat(each.expires_at)
            last[each.device] = max(ends, last.get(each.device, ends))
    if not last:
        return
    soon = sorted((ends, name) for name, ends in last.items() if _days(ends, now) < WARN_DAYS)
    if not soon:
        first = min(_days(ends, now) for ends in last.values())
        yield Finding("ok", "device certs", f"{len(last)} hold, the first ends in {first} days")
        return
    text = f"{len(soon)} of {len(last)} end soon or have ended: {_named(soon, now)}"
    advice = "lantian device credential ID certificate, and bring it to the device"
    yield Finding("warn", "device certs", text, advice)


def _named(soon: Iterable[tuple[dt.datetime, str]], now: dt.datetime) -> str:
    texts = [f"{name} ({_days(ends, now)} days)" for ends, name in soon]
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return ", ".join(texts[:_NAMED]) + more


def _lasting(subject: str, ends: dt.datetime, now: dt.datetime, advice: str, warn_days: int = WARN_DAYS) -> Finding:
    days = _days(ends, now)
    text = f"{days} days left, until {ends:%Y-%m-%d}" if ends > now else f"ended on {ends:%Y-%m-%d}"
    return judged(days >= warn_days, subject, text, advice, otherwise="warn" if ends > now else "fail")


def _days(ends: dt.datetime, now: dt.datetime) -> int:
    """Whole days left, rounded down; below 0 when it has ended."""
    return (ends - now) // dt.timedelta(days=1)
