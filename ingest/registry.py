"""The devices a collector knows, re-read when somebody unknown speaks up and every now and then."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Final, TypeAlias

from domain.error import ConfigurationError, RejectError
from domain.family import FAMILIES
from ingest.gateway.identity import check_refused
from ingest.plain import Channel, channel_of
from ingest.topic import Topic, parse_topic
from ingest.wire.codec import CODECS
from ingest.wire.reading import Source
from store.connection import Connection
from store.error import translated
from store.registry import RegisteredDevice, read_devices

_log = logging.getLogger(__name__)
#: Device id -> its SM4 keys, the newest first.
Keys: TypeAlias = Mapping[str, tuple[bytes, ...]]
#: Seconds between two readings of the registry.
REFRESH_S: Final = 30.0
#: The same when a device is unknown: registering it works at once, a stranger cannot make us read all the time.
UNKNOWN_REFRESH_S: Final = 1.0


class Registry:
    """Registered devices by id, and what decoders need to know about each.

    Parameters
    ----------
    read_keys : callable
        Reads the SM4 keys of devices by id; asked as often as the registry is read.
    """

    def __init__(self, read_keys: Callable[[], Keys] = dict) -> None:
        self.devices: Mapping[str, RegisteredDevice] = {}
        self._read_keys = read_keys
        self._keys: Keys = {}
        self._sources: dict[str, Source] = {}
        self._channels: dict[str, Channel | None] = {}
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
        if not self.is_due(now_s, speakers):
            return False
        with translated("read the registry"):
            known = read_devices(conn)
            conn.rollback()
        self.take(known)
        self._read_at_s = now_s
        return True

    def is_due(self, now_s: float, speakers: Collection[str] = ()) -> bool:
        """Whether `refresh` would read the registry."""
        if self._read_at_s is None:
            return True
        surprising = any(speaker not in self._sources for speaker in speakers)
        return now_s - self._read_at_s >= (UNKNOWN_REFRESH_S if surprising else REFRESH_S)

    def take(self, known: Mapping[str, RegisteredDevice]) -> None:
        """Know these devices; what decoders remember of an unchanged one is kept."""
        keys = self._known_keys()
        self._sources = {
            device_id: self._sources[device_id]
            if self.devices.get(device_id) == device and keys.get(device_id) == self._keys.get(device_id)
            else _source(device, tuple(keys.get(device_id, ())))
            for device_id, device in known.items()
        }
        self.devices, self._keys = known, keys
        self._channels = {}

    def _known_keys(self) -> Keys:
        """The keys as they are now; those known already when a file that was good has become unreadable."""
        try:
            return self._read_keys()
        except ConfigurationError as error:
            if not self.devices:
                raise
            _log.error("keys of devices are not read again: %s", error)
            return self._keys

    def channel(self, text: str, at: dt.datetime) -> Channel | None:
        """How ordinary messages of a topic are decoded; None when the topic has to be looked at each time."""
        try:
            return self._channels[text]
        except KeyError:
            found = None
        with suppress(RejectError):
            topic = parse_topic(text)
            source = self.source(topic, at)
            if (topic.protocol, topic.stream) == ("json", "data") and self.devices[source.device_id].retired_at is None:
                found = channel_of(source)
            self._channels[text] = found
        return found

    def close_channel(self, text: str) -> None:
        """Look at each message of a topic until the registry is read again: this device's are not ordinary."""
        self._channels[text] = None

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


def _source(device: RegisteredDevice, keys: tuple[bytes, ...]) -> Source:
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
        keys=keys,
    )
