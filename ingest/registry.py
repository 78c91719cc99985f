"""The devices a collector knows, re-read when somebody unknown speaks up and every now and then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Final

from domain.error import RejectError
from domain.family import FAMILIES
from ingest.gateway.identity import check_refused
from ingest.topic import Topic
from ingest.wire.codec import CODECS
from ingest.wire.reading import Source
from store.connection import Connection
from store.error import translated
from store.registry import RegisteredDevice, read_devices

#: Seconds between two readings of the registry.
REFRESH_S: Final = 30.0
#: The same when a device is unknown: registering it works at once, a stranger cannot make us read all the time.
UNKNOWN_REFRESH_S: Final = 1.0


class Registry:
    """Registered devices by id, and what decoders need to know about each."""

    def __init__(self) -> None:
        self.devices: Mapping[str, RegisteredDevice] = {}
        self._sources: dict[str, Source] = {}
        self._read_at_s: float | None = None

    def refresh(self, conn: Connection, now_s: float, speakers: Collection[str] = ()) -> bool:
        """Read the registry again when it is old, or when one of `speakers` is unknown.

        Parameters
        ----------
        conn : Connection
            Connection to read through; its transaction is ended.
        now_s : float
            Monotonic clock in seconds.
        speakers : collection of str
            Device ids that are about to be looked up.

        Returns
        -------
        bool
            Whether it was read.
        """
        if self._read_at_s is not None:
            surprising = any(speaker not in self._sources for speaker in speakers)
            if now_s - self._read_at_s < (UNKNOWN_REFRESH_S if surprising else REFRESH_S):
                return False
        with translated("read the registry"):
            known = read_devices(conn)
            conn.rollback()
        self.take(known)
        self._read_at_s = now_s
        return True

    def take(self, known: Mapping[str, RegisteredDevice]) -> None:
        """Know these devices; what decoders remember of an unchanged one is kept."""
        self._sources = {
            device_id: self._sources[device_id] if self.devices.get(device_id) == device else _source(device)
            for device_id, device in known.items()
        }
        self.devices = known

    def source(self, topic: Topic, at: dt.datetime) -> Source:
        """The device that speaks on `topic`.

        Parameters
        ----------
        topic : Topic
            Where the message came from.
        at : datetime
            When it was received.

        Returns
        -------
        Source
            What its decoder must know.

        Raises
        ------
        RejectError
            ``unknown_protocol``, ``unknown_device``, ``retired_device`` or ``identity_mismatch``.
        """
        check_refused(topic.protocol, topic.device_id)
        if topic.protocol not in CODECS:
            raise RejectError("unknown_protocol", f"protocol {topic.protocol!r}; expected one of {', '.join(CODECS)}")
        device = self.devices.get(topic.device_id)
        if device is None:
            raise RejectError("unknown_device", f"device {topic.device_id!r} is not registered")
        if device.retired_at is not None and device.retired_at <= at:
            raise RejectError(
                "retired_device", f"{device.id} was retired {device.retired_at:%Y-%m-%d}, received {at:%Y-%m-%d}"
            )
        if (topic.county, topic.protocol) != (device.area_id, device.protocol):
            registered = f"registered in {device.area_id} with protocol {device.protocol}"
            raise RejectError(
                "identity_mismatch", f"topic says {topic.county}, {topic.protocol}; {device.id} is {registered}"
            )
        return self._sources[device.id]


def _source(device: RegisteredDevice) -> Source:
    return Source(
        device_id=device.id,
        family=FAMILIES[device.family],
        mn=device.mn,
        label_end=device.label == "end",
        zone_offset_s=device.zone_offset_s,
        span_s=device.span_s,
        units=device.units,
        crc_policy=device.crc_policy,
        columns=device.factor_columns,
    )
