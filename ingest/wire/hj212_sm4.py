"""Encrypted content of HJ 212-2025 frames: SM4-128, ECB without padding, over the characters between the marks of CP.

The content is cut into groups of 16 bytes; each is encrypted and printed as ``{0xE4,0x3E,...}``, what is left over
stays in clear behind them. Length field and checksum are those of the frame in clear. The text of the standard was not
at hand: this follows published implementations of it (docs/wire.md 5.5). Frames whose length and checksum are those of
what is printed are taken too.
"""

from __future__ import annotations

import re
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from domain.error import RejectError

KEY_BYTES: Final = 16
GROUP: Final = 16
_OPENING: Final = b"CP=&&"
_SEALED: Final = re.compile(rb"CP=&&\s*\{\s*0[xX]")
_PRINTED: Final = re.compile(rb"\s*\{([^{}&]*)\}")
_BYTE: Final = re.compile(rb"\s*(?:0[xX])?([0-9A-Fa-f]{2})\s*")
#: A whole encrypted frame, its length field apart.
_FRAME: Final = re.compile(rb"##[0-9]{4}[^&]*CP=&&\s*\{\s*0[xX][^&]*&&[0-9A-Fa-f]{4}\s*")


def is_encrypted(payload: bytes) -> bool:
    """Whether the content of a frame begins with printed ciphertext."""
    return _SEALED.search(payload) is not None


def is_encrypted_frame(content: bytes) -> bool:
    """Whether bytes are one encrypted frame from ``##`` to the checksum; its length field is that of the clear text."""
    return len(content) < (1 << 16) and _FRAME.fullmatch(content) is not None


def in_clear(payload: bytes, key: bytes) -> bytes:
    """The frame with its content decrypted; header, length field and checksum as they were sent.

    Parameters
    ----------
    payload : bytes
        An encrypted frame.
    key : bytes
        16 bytes.

    Returns
    -------
    bytes
        With the wrong key, noise between the marks of CP.

    Raises
    ------
    RejectError
        ``malformed`` when the printed bytes cannot be read or fill no whole groups.
    """
    start = payload.index(_OPENING) + len(_OPENING)
    end = payload.rfind(b"&&")
    if end < start:
        raise RejectError("malformed", "no closing '&&' behind the encrypted content")
    cipher, at = bytearray(), start
    while (found := _PRINTED.match(payload, at, end)) is not None:
        cipher += _printed_bytes(found[1])
        at = found.end()
    if not cipher or len(cipher) % GROUP:
        raise RejectError("malformed", f"{len(cipher)} encrypted bytes; expected whole groups of {GROUP}")
    decryptor = Cipher(algorithms.SM4(key), modes.ECB()).decryptor()  # noqa: S305 - the standard's choice
    return payload[:start] + decryptor.update(bytes(cipher)) + payload[at:]


def _printed_bytes(text: bytes) -> bytes:
    items = [_BYTE.fullmatch(item) for item in text.split(b",")]
    if not all(items):
        wrong = next(item for item, found in zip(text.split(b","), items, strict=True) if found is None)
        raise RejectError("malformed", f"encrypted byte {wrong[:20]!r}; expected for instance 0xE4")
    return bytes(int(found[1], 16) for found in items if found is not None)
