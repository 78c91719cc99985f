"""The streaming decoder: whatever stands between frames and however they arrive, every whole frame comes out, once."""

from __future__ import annotations

import itertools
import random
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.gateway.stream import MAX_FRAME, Piece, StreamDecoder
from ingest.wire.hj212 import encode_frame

SEED = 20261123


def frame(number: int, extra: str = "") -> bytes:
    """One good frame without its line end; `extra` goes into the data."""
    head = f"QN=20261123080000{number:03d};ST=22;CN=2051;PW=123456;MN=M{number};Flag=5"
    return encode_frame(f"{head};CP=&&DataTime=20261123080000;a34004-Avg=35.1,a34004-Flag=N{extra}&&").rstrip()


def decoded(*parts: bytes) -> list[Piece]:
    decoder = StreamDecoder()
    return [piece for part in parts for piece in decoder.feed(part)] + decoder.finish()


def good(pieces: list[Piece]) -> list[bytes]:
    return [piece.content for piece in pieces if piece.good]


def broken(pieces: list[Piece]) -> list[bytes]:
    return [piece.content for piece in pieces if not piece.good]


def with_length(content: bytes, length: int) -> bytes:
    return b"##%04d" % length + content[6:]


#: Bytes that hold no frame and end as none: what may stand between two frames.
garbage = st.one_of(
    st.binary(max_size=40).filter(lambda noise: b"#" not in noise),
    st.sampled_from(
        [b"\r\n", b"##", b"#", b"###", b"##12", b"##0003", b"##9999", b"##0101QN=1", b"GET / HTTP/1.1\r\n"]
    ),
    st.builds(lambda number, cut: frame(number)[:cut], st.integers(0, 99), st.integers(1, 60)),
    st.builds(
        lambda number, length: with_length(frame(number), length), st.integers(0, 99), st.sampled_from([0, 20, 900])
    ),
)
data = st.sampled_from(["", ";x-Info=##", ";x-Info=##0012", ";x-Info=#", ";x-Info=##9999", ";x-Info=&&0000", ";&&"])
frames = st.builds(frame, st.integers(0, 999), data)


@settings(max_examples=200, deadline=None)
@given(
    parts=st.lists(
        st.one_of(frames.map(lambda each: (True, each)), garbage.map(lambda each: (False, each))), max_size=10
    ),
    cuts=st.lists(st.integers(0, 3000), max_size=20),
)
def test_any_split_of_frames_and_garbage_yields_the_same_frames(
    parts: list[tuple[bool, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(content for _, content in parts)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = decoded(*(stream[low:high] for low, high in itertools.pairwise(edges)))
    assert good(pieces) == [content for is_frame, content in parts if is_frame]
    assert pieces == decoded(stream)
    assert pieces == decoded(*(stream[at : at + 1] for at in range(len(stream))))


def test_sticky_frames_come_out_one_by_one() -> None:
    expected = [frame(number) for number in range(500)]
    assert decoded(b"\r\n".join(expected)) == [Piece(each, True) for each in expected]
    assert good(decoded(b"".join(expected))) == expected


def test_a_frame_cut_short_does_not_swallow_the_next() -> None:
    decoder = StreamDecoder()
    assert decoder.feed(frame(1)[:100]) == []
    assert decoder.feed(frame(2)) == [Piece(frame(1)[:100], False), Piece(frame(2), True)]


def test_a_wrong_checksum_costs_its_frame_only_and_at_once() -> None:
    wrong = frame(1)[:-4] + b"0000"
    assert StreamDecoder().feed(wrong) == [Piece(wrong, False)]
    assert decoded(wrong + frame(2)) == [Piece(wrong, False), Piece(frame(2), True)]


def test_wrong_length_fields_are_survived_in_both_directions() -> None:
    for length in (0, 12, 130, 9999):
        wrong = with_length(frame(1), length)
        pieces = decoded(wrong + b"\r\n" + frame(2) + b"\r\n" + frame(3))
        assert good(pieces) == [frame(2), frame(3)], length
        assert b"".join(broken(pieces)) == wrong + b"\r\n"


def test_a_line_without_a_frame_is_handed_out_when_it_ends() -> None:
    decoder = StreamDecoder()
    assert decoder.feed(b"HELO ") == []
    assert decoder.feed(b"logger\r\nmore") == [Piece(b"HELO logger\r\n", False)]
    assert decoder.finish() == [Piece(b"more", False)]


def test_a_cut_frame_at_the_end_is_no_broken_one() -> None:
    for cut in (1, 2, 5, 6, 50, 120):
        assert decoded(frame(1) + b"\r\n" + frame(2)[:cut]) == [Piece(frame(1), True)]


def test_mutated_streams_end_in_frames_that_were_sent_and_every_byte_is_accounted_for() -> None:
    random_source = random.Random(SEED)
    sent = [frame(number, ";x-Info=##0012" if number % 3 else "") for number in range(60)]
    known, whole = set(sent), 0
    for _ in range(3000):
        chosen = random_source.sample(sent, 4)
        stream = bytearray(b"\r\n".join(chosen))
        for _ in range(random_source.randrange(6)):
            at = random_source.randrange(len(stream))
            kind = random_source.randrange(4)
            if kind == 0:
                stream[at] = random_source.randrange(256)
            elif kind == 1:
                del stream[at : at + random_source.randrange(1, 60)]
            elif kind == 2:
                stream[at:at] = random_source.choice([b"##", b"##0099", b"&&", b"\r\n", b"0", b"CP=&&"])
            else:
                stream[at:at] = stream[at : at + random_source.randrange(200)]
        step = random_source.choice([1, 7, 64, 4096])
        pieces = decoded(*(bytes(stream[low : low + step]) for low in range(0, len(stream), step)))
        found = good(pieces)
        assert set(found) <= known
        assert set(chosen) - set(found) <= {each for each in chosen if bytes(stream).count(each) == 0}
        assert sum(len(piece.content) for piece in pieces) <= len(stream)
        whole += len(found)
    assert whole > 3000, "the mutations leave too little to find"


def test_memory_stays_bounded_whatever_comes() -> None:
    began = time.monotonic()
    for unit in (b"#", b"##9999", b"##0999CP=&&&&0000", b"x", b"##12", b"CP=&&"):
        decoder = StreamDecoder()
        for _ in range(30):
            decoder.feed(unit * (8192 // len(unit)))
            assert decoder.pending <= 2 * MAX_FRAME + 16
            assert len(decoder._live) + len(decoder._heads) + len(decoder._shaped) + len(decoder._ends) < 4 * MAX_FRAME
    assert time.monotonic() - began < 20
