"""Encrypted frames of HJ 212-2025: sent with the simulator's own cipher, read with the library's; wrong keys named."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from domain.error import RejectError
from domain.family import FAMILIES
from firmware_sim.frame_hj212 import Header, encrypted_frame, frame, segment
from firmware_sim.sm4 import encrypted_block
from ingest.gateway.stream import StreamDecoder
from ingest.wire.hj212 import decode_frame, encode_frame
from ingest.wire.hj212_reading import decode_hj212
from ingest.wire.hj212_sm4 import in_clear, is_encrypted, is_encrypted_frame
from ingest.wire.reading import Source

#: GB/T 32907-2016, example 1: key and clear text are the same.
VECTOR = bytes.fromhex("0123456789abcdeffedcba9876543210")
CIPHER = bytes.fromhex("681edf34d206965e86b3e94f536e4246")
KEY, OTHER = b"0" * 16, b"1" * 16
BODY = "DataTime=20260301120000;a34004-Rtd=48.5,a34004-Flag=N;a34002-Rtd=96,a34002-Flag=N"
HEADER = Header("20260301120000001", "M1", flag=9)


def sent(body: str = BODY, key: bytes = KEY) -> bytes:
    return encrypted_frame(segment("2011", body, HEADER), key)


def refusal(payload: bytes, *keys: bytes) -> RejectError:
    with pytest.raises(RejectError) as caught:
        decode_frame(payload, keys=keys)
    return caught.value


def test_the_published_vector() -> None:
    assert encrypted_block(VECTOR, VECTOR) == CIPHER
    twice = VECTOR
    for _ in range(100):
        twice = encrypted_block(twice, VECTOR)
    encryptor = Cipher(algorithms.SM4(VECTOR), modes.ECB()).encryptor()
    expected = VECTOR
    for _ in range(100):
        expected = encryptor.update(expected)
    assert twice == expected


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_both_ciphers_agree(block: bytes, key: bytes) -> None:
    assert Cipher(algorithms.SM4(key), modes.ECB()).encryptor().update(block) == encrypted_block(block, key)


def test_only_whole_groups_are_encrypted() -> None:
    payload = sent()
    clear = frame(segment("2011", BODY, HEADER))
    printed = re.search(rb"CP=&&\{([^}]*)\}(.*)&&", payload)
    assert printed is not None
    assert len(printed[1].split(b",")) == len(BODY) // 16 * 16
    assert printed[2].decode() == BODY[len(BODY) // 16 * 16 :]
    # Length field and checksum are those of the clear text (HJ 212-2025).
    assert (payload[:6], payload[-6:]) == (clear[:6], clear[-6:])
    assert in_clear(payload, KEY) == clear


def test_an_encrypted_frame_is_read_like_one_in_clear() -> None:
    source = Source("d1", FAMILIES["air"], mn="M1", units={"a34004": "µg/m³", "a34002": "µg/m³"}, keys=(KEY,))
    decoded = decode_hj212(sent(), source)
    assert decoded.readings == decode_hj212(frame(segment("2011", BODY, HEADER)), source).readings
    assert decoded.answer is not None
    assert b"CN=9014" in decoded.answer and b"Flag=8" in decoded.answer
    assert KEY.hex() not in repr(source) and str(KEY) not in repr(source)


@given(st.text(st.characters(codec="utf-8", exclude_characters="&"), min_size=16, max_size=200))
def test_any_content_comes_back(text: str) -> None:
    clear = frame(segment("2011", text, HEADER))
    assert in_clear(sent(text), KEY) == clear


def test_short_contents_stay_in_clear() -> None:
    payload = sent("a=1")
    assert not is_encrypted(payload)
    assert decode_frame(payload).parameters == [("a", "1")]


def test_the_key_before_the_newest_fits_too() -> None:
    assert decode_frame(sent(), keys=(OTHER, KEY)).data_time == "20260301120000"


def test_wrong_and_missing_keys_are_named_and_no_key_is_told() -> None:
    assert refusal(sent()).reason == "encrypted"
    error = refusal(sent(), OTHER, VECTOR)
    assert (error.reason, "none of 2 registered keys" in error.detail) == ("wrong_key", True)
    assert not any(form in str(error) for key in (OTHER, VECTOR) for form in (key.hex(), str(key)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{0xE4,0x3E}rest", "malformed"),
        ("{0xE4,zz}", "malformed"),
        ("{0xE4", "malformed"),
        ("{" + ",".join(["0xE4"] * 16) + "}", "wrong_key"),
    ],
)
def test_broken_ciphertext(content: str, reason: str) -> None:
    assert refusal(b"##0100" + segment("2011", content, HEADER) + b"1C80", KEY).reason == reason


def test_damage_is_noticed() -> None:
    payload = sent()
    at = payload.index(b"{0x") + 3
    damaged = payload[:at] + (b"A" if payload[at : at + 1] != b"A" else b"B") + payload[at + 1 :]
    assert refusal(damaged, KEY).reason == "wrong_key"


def test_length_and_checksum_of_the_ciphertext_are_taken_too() -> None:
    printed = sent()[6:-6].decode()
    payload = encode_frame(printed)
    assert decode_frame(payload, keys=(KEY,)).data_time == "20260301120000"
    assert refusal(payload, OTHER).reason == "wrong_key"


def test_in_other_spellings() -> None:
    payload = sent()
    spelled = payload.replace(b"{0x", b"{ 0X").replace(b",0x", b", 0x").lower().replace(b"cp=", b"CP=")
    opened = in_clear(spelled, KEY)
    assert b"a34004-Rtd=48.5" in opened
    # One pair of braces for each group of 16.
    start, end = payload.index(b"{"), payload.index(b"}")
    items = payload[start + 1 : end].split(b",")
    groups = b"".join(b"{%s}" % b",".join(items[at : at + 16]) for at in range(0, len(items), 16))
    assert decode_frame(payload[:start] + groups + payload[end + 1 :], keys=(KEY,)).data_time == "20260301120000"


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_encrypted_frames_in_a_stream(size: int) -> None:
    """Their length field is shorter than they are; the gateway finds them by their line."""
    clear = encode_frame("QN=1;ST=22;CN=2011;MN=M1;Flag=4;CP=&&DataTime=20260301120000&&")
    stream = clear + sent() + sent(BODY + ";LA-Rtd=51") + clear + b"noise\r\n" + sent()
    decoder = StreamDecoder()
    pieces = [piece for at in range(0, len(stream), size) for piece in decoder.feed(stream[at : at + size])]
    pieces += decoder.finish()
    good = [piece.content.strip() for piece in pieces if piece.good]
    assert [is_encrypted_frame(content) for content in good] == [False, True, True, False, True]
    assert [decode_frame(content, keys=(KEY,)).data_time for content in good] == ["20260301120000"] * 5
    assert [piece.content for piece in pieces if not piece.good] == [b"noise\r\n"]
