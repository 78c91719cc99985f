"""Devices that speak without being registered: what their frames say, and how an operator approves one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.registration import write_options
from app.registry_table import DEVICE, Entry
from domain.error import ConfigurationError, RejectError
from domain.protocol import codes
from ingest.wire.hj212 import decode_frame
from store.connection import Connection
from store.registration import Pending, read_entries, read_pending


@dataclass(frozen=True, slots=True)
class Claim:
    """What the last frame of a stranger says about itself; None where it does not say or cannot be read."""

    mn: str | None
    system_type: str | None


def claim(pending: Pending) -> Claim:
    """MN and ST of an HJ 212 frame; nothing for other protocols or a frame that cannot be decoded."""
    if pending.protocol != "hj212":
        return Claim(None, None)
    try:
        header = decode_frame(pending.payload).header
    except RejectError:
        return Claim(None, None)
    return Claim(header.get("MN") or None, header.get("ST") or None)


def system_type_zh(code: str | None) -> str:
    """A system type with its Chinese name."""
    known = codes("system_types")
    return "" if code is None else f"{code} {known[code].name_zh}" if code in known else code


def approve(
    conn: Connection, device: str, cells: Mapping[str, str], headings: Mapping[str, str], protocol: str | None = None
) -> tuple[Entry, Pending]:
    """Register a stranger with the protocol of its topic and, for HJ 212, the MN of its frame.

    Parameters
    ----------
    conn : Connection
        As role lantian_app; the caller commits.
    device : str
        Its id.
    cells : mapping of str to str
        What the operator says, by column; it goes before what the frame says.
    headings : mapping of str to str
        Name of the option of each cell.
    protocol : str, optional
        Which branch is meant when it speaks on several.

    Returns
    -------
    dict and Pending
        The entry, and the stranger it was; `ConfigurationError` when it is none, or its topic names another area.
    """
    found = chosen(read_pending(conn, device=device), device, protocol)
    said = claim(found)
    given = {"id": device, "protocol": found.protocol, **({"mn": said.mn} if said.mn else {}), **cells}
    entry = write_options(conn, DEVICE, given, headings, new=True)
    area = read_entries(conn, "site")[entry["site_id"]]["area_id"]
    if area != found.county:
        raise ConfigurationError(
            f"device {device!r} speaks on lt/v1/{found.county}/..., but site {entry['site_id']!r} is in area {area!r}; "
            "expected a site of the area in the topic"
        )
    return entry, found


def chosen(pending: Sequence[Pending], device: str, protocol: str | None) -> Pending:
    """The one stranger that is meant."""
    waiting = [one for one in pending if not one.registered]
    named = [one for one in waiting if protocol in (None, one.protocol)]
    if len(named) == 1:
        return named[0]
    if not waiting:
        state = "is registered already" if pending else "has sent nothing that was rejected as unknown"
        raise ConfigurationError(f"device {device!r} {state}; expected one of: lantian device pending")
    branches = ", ".join(f"{one.county}/{one.protocol}" for one in waiting)
    raise ConfigurationError(f"device {device!r} speaks on {branches}; name one with --protocol")
