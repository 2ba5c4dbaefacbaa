"""What files say of themselves is read in a bounded number of steps, however they are made up."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import pytest

from opsdesk.exhibits import boxes, formats, trailers
from shops.errors import Refused
from tests.opsdesk.files import box, chunk, ftyp, jpeg, png_of, segment


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda: b"\xff\xd8" + b"\xff" * (20 << 20), id="fillers"),
        pytest.param(lambda: b"\xff\xd8" + b"\xff\xe0\x00\x02" * (5 << 20), id="segments of nothing"),
        pytest.param(lambda: b"\xff\xd8" + b"\xff\xda\x00\x02\x00" * (4 << 20), id="scans of nothing"),
        pytest.param(lambda: b"\xff\xd8\xff\xda\x00\x02" + b"\xff\xd0" * (10 << 20), id="restarts"),
    ],
)
def test_a_picture_of_millions_of_parts_takes_no_longer_than_one_of_some(
    content: Callable[[], bytes],
) -> None:
    assert seconds_of(trailers.refuse_photo, content()) < 1


def test_a_png_of_millions_of_parts_is_not_read_to_its_end() -> None:
    assert seconds_of(formats.refuse_png, png_of(chunk(b"tEXt") * (1 << 20))) < 1


def test_the_boxes_of_a_film_are_counted_on_all_levels_together() -> None:
    tracks = box(b"trak", box(b"mdia", box(b"free") * 1_000)) * 1_000
    film = ftyp() + box(b"moov", box(b"mvhd"), tracks) + box(b"mdat", b"frames")
    assert seconds_of(lambda content: boxes.refuse_mp4(io.BytesIO(content), len(content)), film) < 1


def seconds_of(refuse: Callable[[bytes], None], content: bytes) -> float:
    begun = time.process_time()
    with pytest.raises(Refused):
        refuse(content)
    return time.process_time() - begun


def test_a_picture_of_a_thousand_parts_with_fillers_between_them_is_read() -> None:
    plain = jpeg()
    trailers.refuse_photo(
        plain[:2] + (b"\xff" * 5 + segment(0xFE, b"x")) * 1_000 + plain[2:-2] + b"\xff" * 9 + plain[-2:]
    )
