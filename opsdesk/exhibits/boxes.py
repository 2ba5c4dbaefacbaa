"""An MP4 by its boxes: read strictly and never decoded, for the desk only hands it out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import IO

from opsdesk.exhibits.formats import broken

# What a file that begins with one of these is meant for; QuickTime's, pictures and sound alone are left out.
BRANDS = frozenset(
    {b"isom", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash", b"msdh", b"mp71", b"XAVC"}
    | {b"iso%d" % number for number in range(2, 10)}
)
# What may stand at the top.
TOP = frozenset(
    {
        b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"meta", b"moof", b"mfra", b"sidx",
        b"styp", b"pdin", b"prft", b"emsg",
    }
)  # fmt: skip
# On all levels together.
MOST_BOXES = 10_000
# In bytes. The index of a film of hours takes less.
LARGEST_INDEX = 16 << 20


def refuse_mp4(file: IO[bytes], size: int) -> None:
    """Refused unless boxes of known kinds fill the file to its last byte, and one index names a film."""
    index: bytes | None = None
    filmed = False
    counted = count(1)
    for number, (name, begins, ends) in enumerate(_top(file, size, counted)):
        if name not in TOP or (number == 0) != (name == b"ftyp"):
            raise broken()
        if name == b"ftyp":
            file.seek(begins)
            if ends - begins < 8 or file.read(4) not in BRANDS:
                raise broken()
        elif name == b"moov":
            if index is not None or ends - begins > LARGEST_INDEX:
                raise broken()
            file.seek(begins)
            index = file.read(ends - begins)
        filmed = filmed or (name in (b"mdat", b"moof") and ends > begins)
    if index is None or not filmed or not _names_a_film(index, counted):
        raise broken()


def _top(file: IO[bytes], size: int, counted: Iterator[int]) -> Iterator[tuple[bytes, int, int]]:
    """Each box at the top: its name, and from where to where its content reaches."""
    place = 0
    while place < size:
        file.seek(place)
        head = file.read(16)
        name, begins, length = _head(head, size - place)
        if length < begins or place + length > size or next(counted) > MOST_BOXES:
            raise broken()
        yield name, place + begins, place + length
        place += length


def _head(head: bytes, left: int) -> tuple[bytes, int, int]:
    """Of a box: its name, how long its head is, and how long it is as a whole."""
    if len(head) < 8:
        raise broken()
    length, name = int.from_bytes(head[:4], "big"), head[4:8]
    if length == 1:
        if len(head) < 16:
            raise broken()
        return name, 16, int.from_bytes(head[8:16], "big")
    # Zero: to the end of what it stands in.
    return name, 8, length or left


def _within(content: bytes, counted: Iterator[int]) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place < len(content):
        name, begins, length = _head(content[place : place + 16], len(content) - place)
        if length < begins or place + length > len(content) or next(counted) > MOST_BOXES:
            raise broken()
        yield name, content[place + begins : place + length]
        place += length


def _names_a_film(index: bytes, counted: Iterator[int]) -> bool:
    """Whether one of its tracks is of pictures."""
    boxes = list(_within(index, counted))
    if sum(name == b"mvhd" for name, _content in boxes) != 1:
        raise broken()
    media = [
        content
        for name, track in boxes
        if name == b"trak"
        for inner, content in _within(track, counted)
        if inner == b"mdia"
    ]
    handlers = [content for medium in media for name, content in _within(medium, counted) if name == b"hdlr"]
    return any(content[8:12] == b"vide" for content in handlers)
