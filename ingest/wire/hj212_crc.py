"""The checksum of HJ 212-2017 (annex A): not Modbus, though it shares the polynomial.

Each step throws the low byte of the register away before it takes the next byte in, so the state that travels is one
byte, and the step on it is linear over GF(2). Applied eight times that step is the identity: message words of eight
bytes may be combined by exclusive or before a single word runs through the table.
"""

from __future__ import annotations

from typing import Final

_POLYNOMIAL: Final = 0xA001


def _shifted(byte: int) -> int:
    register = byte
    for _ in range(8):
        register = (register >> 1) ^ (_POLYNOMIAL if register & 1 else 0)
    return register


_TABLE: Final = tuple(_shifted(byte) for byte in range(256))


def hj212_crc(segment: bytes) -> int:
    """Checksum of a data segment by HJ 212-2017 annex A.

    Parameters
    ----------
    segment : bytes
        The data segment, from ``QN=`` to the closing ``&&``; not empty.

    Returns
    -------
    int
        16 bits; printed as four hexadecimal digits, high byte first.
    """
    size = len(segment)
    if not size:
        return 0xFFFF
    words = 1 << max(0, ((size + 7) // 8 - 1).bit_length())
    folded = int.from_bytes(segment, "big") ^ (0xFF << 8 * (size - 1))
    while words > 1:
        words >>= 1
        shift = 64 * words
        folded = (folded >> shift) ^ (folded & ((1 << shift) - 1))
    register = 0
    for byte in folded.to_bytes(8, "big"):
        register = _TABLE[(register >> 8) ^ byte]
    return register


def modbus_crc(segment: bytes) -> int:
    """Modbus checksum, which some devices send by mistake; used only to name that mistake."""
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ _TABLE[(register ^ byte) & 0xFF]
    return register
