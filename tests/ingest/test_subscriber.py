"""Bytes of an MQTT connection taken apart in bulk, however they were cut."""

from __future__ import annotations

import datetime as dt
import itertools
import struct

import paho.mqtt.client as mqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion

from ingest.subscriber import Arrival, BulkClient, MalformedStreamError, PacketReader

STAMP = (dt.datetime(2026, 3, 1, tzinfo=dt.UTC), 3)
PUBACK = b"\x40\x02\x00\x07"


def length(number: int) -> bytes:
    digits = b""
    while True:
        number, digit = divmod(number, 128)
        digits += bytes([digit | 128 if number else digit])
        if not number:
            return digits


def publish(topic: str, payload: bytes, mid: int, *, properties: bytes = b"", head: int = 0x32) -> bytes:
    name = topic.encode()
    body = struct.pack(">H", len(name)) + name + struct.pack(">H", mid) + length(len(properties)) + properties + payload
    return bytes([head]) + length(len(body)) + body


def taken(pieces: list[bytes]) -> tuple[list[Arrival], list[tuple[int, int, bytes]]]:
    """Everything a reader finds in pieces that are read one after the other."""
    reader, arrivals, others = PacketReader(), [], []
    for piece in pieces:
        data = piece
        while True:
            found, other = reader.take(data, STAMP)
            arrivals += found
            if other is None:
                break
            others.append(other)
            data = b""
    return arrivals, others


def test_messages_and_other_packets_in_one_read() -> None:
    data = publish("lt/v1/a", b"one", 1) + PUBACK + publish("lt/v1/b", b"two", 65535) + b"\xd0\x00"
    arrivals, others = taken([data])
    assert arrivals == [Arrival("lt/v1/a", b"one", *STAMP[:1], 1, 3), Arrival("lt/v1/b", b"two", STAMP[0], 65535, 3)]
    assert others == [(0x40, 2, b"\x00\x07"), (0xD0, 0, b"")]


def test_other_packet_comes_after_the_messages_before_it() -> None:
    reader = PacketReader()
    first, other = reader.take(publish("a", b"1", 1) + PUBACK + publish("a", b"2", 2), STAMP)
    assert [each.payload for each in first] == [b"1"]
    assert other == (0x40, 2, b"\x00\x07")
    second, other = reader.take(b"", STAMP)
    assert ([each.payload for each in second], other) == ([b"2"], None)


def test_repeated_and_retained_messages_are_messages() -> None:
    data = b"".join(publish("a", b"x", mid, head=head) for mid, head in enumerate((0x32, 0x33, 0x3A, 0x3B), 1))
    assert [each.mid for each in taken([data])[0]] == [1, 2, 3, 4]


@pytest.mark.parametrize("head", [0x30, 0x34])
def test_other_levels_of_quality_go_paho_s_way(head: int) -> None:
    arrivals, others = taken([publish("a", b"x", 1, head=head)])
    assert (arrivals, others[0][0]) == ([], head)


packets = st.lists(
    st.one_of(
        st.builds(
            publish,
            st.text("abc/é", min_size=1, max_size=12),
            st.binary(max_size=300) | st.just(b"x" * 20_000),
            st.integers(1, 65535),
            properties=st.binary(max_size=200),
        ),
        st.just(PUBACK),
        st.just(b"\xd0\x00"),
    ),
    max_size=12,
)


@given(packets, st.lists(st.integers(0, 1 << 16), max_size=30))
def test_cuts_do_not_matter(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    pieces = [data[low:high] for low, high in itertools.pairwise(places)]
    arrivals, others = taken([data]) if data else ([], [])
    assert taken(pieces) == (arrivals, others)
    assert len(arrivals) == sum(part[0] == 0x32 for part in parts)
    assert len(arrivals) + len(others) == len(parts)


@pytest.mark.parametrize(
    "data",
    [
        b"\x32\xff\xff\xff\xff\x01" + bytes(8),
        publish("a", b"", 1, properties=b"x" * 10)[:-11] + b"\x7f" + b"x" * 10,
    ],
    ids=["a length without end", "properties beyond the packet"],
)
def test_what_is_no_mqtt_is_an_error(data: bytes) -> None:
    with pytest.raises(MalformedStreamError):
        taken([data])


def test_paho_still_has_the_names_that_it_does_not_promise() -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, manual_ack=True)
    for name in ("_sock_recv", "_loop_rc_handle", "_packet_handle", "_packet_queue", "_out_packet", "_sock"):
        assert hasattr(client, name), name
    with client._msgtime_mutex:
        assert client._last_bytes_received > 0
    assert {"command", "remaining_length", "packet", "pos"} <= set(client._in_packet)


def test_acknowledgements_are_one_piece_of_whole_packets() -> None:
    client = BulkClient(lambda _: None, lambda: STAMP, CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client._sockpairW = None
    client._thread = object()  # type: ignore[assignment]  - as if it ran
    client.acknowledge([1, 258, 65535])
    (piece,) = client._out_packet
    assert piece["packet"] == b"\x40\x02\x00\x01\x40\x02\x01\x02\x40\x02\xff\xff"
