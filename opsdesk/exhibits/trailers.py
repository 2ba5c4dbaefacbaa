"""Photos with what telephones write behind their end: the film of the moment, or what the camera knew.

Nothing of that is shown: a picture is drawn anew, and the file as it came only saved, as every other is.
"""

from __future__ import annotations

import io

from opsdesk.exhibits import boxes, formats
from shops.errors import Refused

# Samsung's list begins and ends so. Its head names its version and how many blocks stand before it, each by
# its kind, how far before the list it begins, and how long it is: twelve bytes a block.
_LIST, _END = b"SEFH", b"SEFT"
_HEAD = _ENTRY = 12
MOST_BLOCKS = 200


def refuse_photo(content: bytes) -> None:
    """Refused unless this is a JPEG, or several, and behind it nothing, one whole film, or Samsung's blocks
    with the list of them.
    """
    rest = formats.behind_jpeg(content)
    if not _is_a_film(rest) and not _are_listed_blocks(rest):
        formats.refuse_more(rest)


def _is_a_film(rest: bytes) -> bool:
    if rest[4:8] != b"ftyp":
        return False
    try:
        boxes.refuse_mp4(io.BytesIO(rest), len(rest))
    except Refused:
        return False
    return True


def _are_listed_blocks(rest: bytes) -> bool:
    """Whether the blocks fill it from its beginning to the list of them, and the list to its end."""
    length = int.from_bytes(rest[-8:-4], "little")
    begins = len(rest) - 8 - length
    listed = rest[max(begins, 0) : -8]
    count = int.from_bytes(listed[8:_HEAD], "little")
    if (
        not rest.endswith(_END)
        or begins < 0
        or not listed.startswith(_LIST)
        or not 0 < count <= MOST_BLOCKS
        or length != _HEAD + count * _ENTRY
    ):
        return False
    entries = [listed[place : place + _ENTRY] for place in range(_HEAD, length, _ENTRY)]
    blocks = sorted(
        (begins - int.from_bytes(entry[4:8], "little"), int.from_bytes(entry[8:], "little"), entry[:4])
        for entry in entries
    )
    place = 0
    for start, size, kind in blocks:
        # Each begins with its kind, as the list has it.
        if start != place or size < 8 or rest[start : start + 4] != kind:
            return False
        place += size
    return place == begins
