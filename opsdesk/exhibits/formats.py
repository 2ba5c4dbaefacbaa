"""What a picture or a PDF says of itself, byte by byte: whole, of one kind, and nothing behind its end.

Plain reading within the file's own size; what its pixels and pages come to is `drawing`'s.
"""

from __future__ import annotations

import re
import zlib

from django.utils.translation import gettext as _

from shops.errors import Refused

JPEG, PNG, PDF = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"%PDF-"
# Cameras write small pictures of the same scene behind the first.
MOST_PICTURES = 8
# Nothing else may stand behind a file's end: writers fill up blocks.
_PADDING = b"\0 \t\r\n\f"
_END_OF_PDF = b"%%EOF"
# So far into a file readers look for a PDF's beginning, and from its end for a ZIP's directory.
PDF_BEGINS_WITHIN, ZIP_ENDS_WITHIN = 1024, 22 + 0xFFFF
_ZIP_DIRECTORY = b"PK\x05\x06"
# Pictures have some thousands at most. Each is a turn of a loop, whatever the size of the file.
MOST_PARTS = 20_000
# JPEG's markers that stand alone, and those of frames that Pillow decodes.
_EOI, _SOS, _FRAMES = 0xD9, 0xDA, frozenset({0xC0, 0xC1, 0xC2})
# Within a scan: neither a stuffed byte, nor a restart, nor a filler.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FILLERS = re.compile(rb"\xff*")


def behind_jpeg(content: bytes) -> bytes:
    """What stands behind the JPEG. Refused unless it is whole; several behind each other, as cameras write
    them, are as good as one.
    """
    place = _end_of_jpeg(content, 0)
    for _picture in range(MOST_PICTURES):
        rest = content[place:].lstrip(b"\0")
        if not rest.startswith(JPEG):
            break
        place = _end_of_jpeg(content, len(content) - len(rest))
    return content[place:]


def refuse_png(content: bytes) -> None:
    """Refused unless this is one whole PNG that does not move, each part under its checksum."""
    place = len(PNG)
    seen: set[bytes] = set()
    for _part in range(MOST_PARTS):
        length = int.from_bytes(content[place : place + 4], "big")
        end = place + 12 + length
        name = content[place + 4 : place + 8]
        if len(content) < end or len(name) < 4:
            raise broken()
        if zlib.crc32(content[place + 4 : end - 4]) != int.from_bytes(content[end - 4 : end], "big"):
            raise broken()
        if not seen and (name != b"IHDR" or length != 13):
            raise broken()
        if name == b"acTL":
            raise Refused(_("This picture moves. Send a picture that stands still, or an MP4."))
        seen.add(name)
        place = end
        if name == b"IEND":
            break
    if not {b"IDAT", b"IEND"} <= seen or length:
        raise broken()
    refuse_more(content[place:])


def refuse_pdf(content: bytes) -> None:
    """Refused unless this begins as a PDF and ends as one. What is in between, only drawing it tells."""
    if content[len(PDF) : len(PDF) + 2] not in (b"1.", b"2."):
        raise broken()
    end = content.rfind(_END_OF_PDF)
    if end < 0:
        raise broken()
    refuse_more(content[end + len(_END_OF_PDF) :])


def refuse_another_inside(content: bytes, tail: bytes) -> None:
    """Refused where another program would take the same file for something else.

    `content`: its beginning; `tail`: its last ZIP_ENDS_WITHIN bytes.
    """
    if not content.startswith(PDF) and PDF in content[:PDF_BEGINS_WITHIN]:
        raise two_in_one()
    if _ZIP_DIRECTORY in tail:
        raise two_in_one()


def _end_of_jpeg(content: bytes, begins: int) -> int:
    """Where the JPEG that begins there ends."""
    place, framed, scanned = begins + 2, False, False
    for _part in range(MOST_PARTS):
        if content[place : place + 1] != b"\xff":
            raise broken()
        # Any number of fillers may stand before a marker, and is as good as one.
        fillers = _FILLERS.match(content, place)
        assert fillers is not None  # none at all would match
        place = fillers.end()
        marker = content[place] if place < len(content) else 0
        if marker == _EOI:
            if not framed or not scanned:
                raise broken()
            return place + 1
        length = int.from_bytes(content[place + 1 : place + 3], "big")
        if marker < 0xC0 or 0xD0 <= marker <= 0xD8 or length < 2 or place + 1 + length > len(content):
            raise broken()
        framed = framed or marker in _FRAMES
        place += 1 + length
        if marker == _SOS:
            scanned = True
            following = _MARKER.search(content, place)
            if following is None:
                raise broken()
            place = following.start()
    raise broken()


def refuse_more(rest: bytes) -> None:
    """Refused where anything but padding stands behind a file's end."""
    if rest.strip(_PADDING):
        raise Refused(
            _("Something else stands behind this file's end. Save it anew, or photograph it, and send that.")
        )


def broken() -> Refused:
    return Refused(_("This file is damaged or cut off: it can't be read to its end."))


def two_in_one() -> Refused:
    return Refused(_("This file is two kinds of file in one. Save it anew, or photograph it, and send that."))
