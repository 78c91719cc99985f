"""Frames in a stream of bytes: sticky, broken, cut, with garbage between them; sync is never lost.

Every `##` with four digits behind it is a candidate whose end is known. Candidates are judged in the order of their
ends, and the first one that is right (length, shape, checksum) wins: a frame cut short never swallows its successor,
and `##` inside the data of a good frame is data. What no frame claims is handed out as broken pieces. All decisions
depend on positions in the stream only, not on how it arrived.
"""

from __future__ import annotations

import heapq
import re
from typing import Final, NamedTuple

from ingest.wire.hj212 import MAX_SEGMENT
from ingest.wire.hj212_crc import hj212_crc
from ingest.wire.hj212_sm4 import is_encrypted_frame

HEAD: Final = 6
TAIL: Final = 4
#: Longest frame; nothing longer waits in the buffer.
MAX_FRAME: Final = HEAD + MAX_SEGMENT + TAIL
#: Broken bytes are handed out in pieces of at most this size.
MAX_PIECE: Final = MAX_FRAME
_CANDIDATE: Final = re.compile(rb"##(?=[0-9]{4})")
_CHECKSUM: Final = re.compile(rb"[0-9A-Fa-f]{4}")
_CUT_HEAD: Final = re.compile(rb"##?[0-9]{0,3}\Z")
_SPACE: Final = b"\r\n\t \x00"


class Piece(NamedTuple):
    """Part of a stream: a frame whose length, shape and checksum are right, or broken bytes.

    Of an encrypted frame only the shape can be told here.
    """

    content: bytes
    good: bool


def is_shaped(frame: bytes) -> bool:
    """Whether a candidate ends as a frame must and has a content; its checksum is not looked at."""
    opening = frame.find(b"CP=&&", HEAD)
    closed = opening >= 0 and frame.endswith(b"&&", opening + 5, len(frame) - TAIL)
    return closed and _CHECKSUM.fullmatch(frame, len(frame) - TAIL) is not None


def is_right(frame: bytes) -> bool:
    """Whether the checksum of a shaped frame is right."""
    return int(frame[-TAIL:], 16) == hj212_crc(frame[HEAD:-TAIL])


class StreamDecoder:
    """Takes bytes as they arrive and hands out pieces, each byte once; space between pieces is dropped."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        #: Position in the stream of the buffer's first byte; everything before is handed out.
        self._base = 0
        self._scanned = 0
        self._ends: list[tuple[int, int]] = []
        #: Candidates that are not judged yet, in order.
        self._live: dict[int, None] = {}
        #: Starts of all candidates from `_base` on, in order: broken bytes are cut there.
        self._heads: dict[int, None] = {}
        #: Frames that are whole but for their checksum: start -> end.
        self._shaped: dict[int, int] = {}

    @property
    def pending(self) -> int:
        """Bytes that wait for more."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Piece]:
        """Take bytes in.

        Parameters
        ----------
        data : bytes
            The next part of the stream.

        Returns
        -------
        list of Piece
            What is complete now, in order.
        """
        self._buffer += data
        self._scan()
        pieces: list[Piece] = []
        length = self._base + len(self._buffer)
        while self._ends and self._ends[0][0] <= length:
            end, start = heapq.heappop(self._ends)
            if start >= self._base:
                self._judge(start, end, pieces)
        self._waste(self._settled(), pieces, final=False)
        return pieces

    def finish(self) -> list[Piece]:
        """The stream has ended: broken bytes that are left; a frame that was cut is left out (it comes again)."""
        pieces: list[Piece] = []
        self._waste(self._settled(), pieces, final=True)
        return pieces

    def _settled(self) -> int:
        """Up to where it is known that no frame begins: the first candidate, or what may become one at the end."""
        tail = _CUT_HEAD.search(self._buffer, max(0, len(self._buffer) - HEAD + 1))
        return next(iter(self._live), self._base + (tail.start() if tail else len(self._buffer)))

    def _scan(self) -> None:
        """Note new candidates; the last bytes are looked at again when more have come."""
        at = self._scanned - self._base
        for found in _CANDIDATE.finditer(self._buffer, at):
            start = found.start()
            size = HEAD + int(self._buffer[start + 2 : start + HEAD]) + TAIL
            start += self._base
            self._live[start] = None
            self._heads[start] = None
            heapq.heappush(self._ends, (start + size, start))
        self._scanned = max(self._scanned, self._base + len(self._buffer) - (HEAD - 1))

    def _judge(self, start: int, end: int, pieces: list[Piece]) -> None:
        self._live.pop(start, None)
        frame = bytes(self._buffer[start - self._base : end - self._base])
        if not is_shaped(frame):
            return
        if not is_right(frame):
            self._shaped[start] = end
            return
        self._waste(start, pieces, final=True)
        pieces.append(Piece(frame, True))
        self._advance(end)

    def _waste(self, limit: int, pieces: list[Piece], *, final: bool) -> None:
        """Hand out what stands before `limit` and belongs to no frame; an open piece stays unless `final`."""
        while self._base < limit:
            cut = self._cut()
            if cut > limit:
                if not final:
                    return
                cut = limit
            content = bytes(self._buffer[: cut - self._base])
            self._advance(cut)
            if content.strip(_SPACE):
                # An encrypted frame states the length of its clear text, so it is found by its line.
                pieces.append(Piece(content, is_encrypted_frame(content)))

    def _cut(self) -> int:
        """Where the broken piece that begins now ends: a frame's own end, a line's end, the next candidate."""
        if (end := self._shaped.get(self._base)) is not None:
            return end
        cuts = [self._base + MAX_PIECE]
        if (line := self._buffer.find(b"\n", 0, MAX_PIECE)) >= 0:
            cuts.append(self._base + line + 1)
        for head in self._heads:
            if head > self._base:
                cuts.append(head)
                break
        return min(cuts)

    def _advance(self, position: int) -> None:
        del self._buffer[: position - self._base]
        self._base = position
        self._scanned = max(self._scanned, position)
        for known in (self._live, self._heads, self._shaped):
            while known and (first := next(iter(known))) < position:
                del known[first]
