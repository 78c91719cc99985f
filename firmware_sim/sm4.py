"""The block cipher SM4 (GB/T 32907-2016), encryption only, written from its definition.

The substitution table is computed: an inverse in a field of 256 elements between two affine maps. Devices of the field
have their own code too; the collector uses a library, so that each checks the other.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

BLOCK: Final = 16
_ROUNDS: Final = 32
_MASK: Final = 0xFFFFFFFF
#: System parameter of the key expansion.
_FK: Final = (0xA3B1BAC6, 0x56AA3350, 0x677D9197, 0xB27022DC)
#: x^8 + x^7 + x^6 + x^5 + x^4 + x^2 + 1.
_FIELD: Final = 0x1F5
#: First row of the circulant matrix, and the constant, of the affine map.
_ROW: Final = 0xA7
_CONSTANT: Final = 0xD3


def _product(one: int, other: int) -> int:
    result = 0
    while other:
        if other & 1:
            result ^= one
        one <<= 1
        if one & 0x100:
            one ^= _FIELD
        other >>= 1
    return result


def _inverse(value: int) -> int:
    """The value to the power of 254: its inverse, and 0 of 0."""
    result = 1
    for _ in range(254):
        result = _product(result, value)
    return result


def _affine(value: int) -> int:
    result = 0
    for bit in range(8):
        row = (_ROW << bit | _ROW >> (8 - bit)) & 0xFF
        result |= ((row & value).bit_count() & 1) << bit
    return result ^ _CONSTANT


_TABLE: Final = tuple(_affine(_inverse(_affine(value))) for value in range(256))
_CK: Final = tuple(
    sum(((4 * index + at) * 7 & 0xFF) << (24 - 8 * at) for at in range(4)) for index in range(_ROUNDS)
)  # fmt: skip


def _turned(word: int, bits: int) -> int:
    return (word << bits | word >> (32 - bits)) & _MASK


def _substituted(word: int) -> int:
    return (
        _TABLE[word >> 24] << 24 | _TABLE[word >> 16 & 0xFF] << 16 | _TABLE[word >> 8 & 0xFF] << 8 | _TABLE[word & 0xFF]
    )


@lru_cache(maxsize=1024)
def _round_keys(key: bytes) -> tuple[int, ...]:
    words = [int.from_bytes(key[at : at + 4], "big") ^ _FK[at // 4] for at in range(0, BLOCK, 4)]
    for index in range(_ROUNDS):
        mixed = _substituted(words[-3] ^ words[-2] ^ words[-1] ^ _CK[index])
        words.append(words[-4] ^ mixed ^ _turned(mixed, 13) ^ _turned(mixed, 23))
    return tuple(words[4:])


def encrypted_block(block: bytes, key: bytes) -> bytes:
    """One block of 16 bytes, encrypted with a key of 16 bytes."""
    words = [int.from_bytes(block[at : at + 4], "big") for at in range(0, BLOCK, 4)]
    for round_key in _round_keys(key):
        mixed = _substituted(words[-3] ^ words[-2] ^ words[-1] ^ round_key)
        turned = _turned(mixed, 2) ^ _turned(mixed, 10) ^ _turned(mixed, 18) ^ _turned(mixed, 24)
        words = [*words[-3:], words[-4] ^ mixed ^ turned]
    return b"".join(word.to_bytes(4, "big") for word in words[::-1])
