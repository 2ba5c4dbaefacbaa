"""A picture or a PDF drawn anew: a program of its own, so that a malicious file takes no other's memory.

`drawing.py KIND FILE DIRECTORY PIXELS PAGES SECONDS` writes 1.jpg, 2.jpg … and small.jpg into DIRECTORY and
tells on standard output how many pages there are. Its exit status tells a refusal. What it draws holds the
pixels alone: no name, no place, no camera, no script.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import resource
import sys
from collections.abc import Callable, Iterator

from PIL import Image, ImageOps

# Exit statuses.
BROKEN, LOCKED, TOO_LARGE, TOO_MANY, NO_ROOM = 10, 11, 12, 13, 14

# Of address space, and of one written file, in bytes.
MEMORY, WRITTEN = 1 << 30, 64 << 20
# What is shown is no wider, and has no more pixels: long pictures of chats stay legible.
WIDTH, DRAWN, LONGEST = 1600, 16_000_000, 30_000
SMALL = (320, 320)
# A page is drawn at twice the density of a screen.
DENSITY = 2.0
QUALITY = 85


def main(kind: str, file: str, directory: str, pixels: int, pages: int, seconds: int) -> None:
    bound(seconds)
    try:
        count = 0
        for count, image in enumerate(DRAWN_FROM[kind](file, pixels, pages), start=1):
            image.save(f"{directory}/{count}.jpg", "JPEG", quality=QUALITY)
            if count == 1:
                image.thumbnail(SMALL)
                image.save(f"{directory}/small.jpg", "JPEG", quality=QUALITY)
    except MemoryError:
        sys.exit(TOO_LARGE)
    except OSError as error:
        # Decoders raise it, too, and then it has no number.
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            sys.exit(NO_ROOM)
        sys.exit(TOO_LARGE if error.errno == errno.EFBIG else BROKEN)
    # Whatever a decoder stumbles over: the file is at fault, and nothing of it is shown.
    except Exception:
        sys.exit(BROKEN)
    if not count:
        sys.exit(BROKEN)
    print(count)


def bound(seconds: int) -> None:
    """What the kernel holds this process to, `seconds` of the processor among it."""
    # Those who look at pages come first.
    os.nice(10)
    for what, limit, most in (
        (resource.RLIMIT_AS, MEMORY, MEMORY),
        # At the first the signal says why; the second kills as a machine does that has no memory left.
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_FSIZE, WRITTEN, WRITTEN),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        # macOS doesn't bound the address space.
        with contextlib.suppress(ValueError):
            resource.setrlimit(what, (limit, most))


def picture(file: str, pixels: int, pages: int, *, kind: str) -> Iterator[Image.Image]:
    # The measure is taken below, before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(file, formats=[kind]) as image:
        if image.width * image.height > pixels:
            sys.exit(TOO_LARGE)
        # To the last line: what is cut off raises here.
        image.load()
        small = _within_bounds(_in_full_colours(image))
        # What a camera says of itself may be nonsense; the picture then stands as it was taken.
        with contextlib.suppress(Exception):
            small = ImageOps.exif_transpose(small)
    flat = _flat(small)
    # Beside its pixels, an image carries what its file said.
    flat.info.clear()
    yield flat


def _in_full_colours(image: Image.Image) -> Image.Image:
    """Modes in which a picture can't be made smaller, in one in which it can."""
    if image.mode.startswith("I"):
        # 16 bits a pixel.
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("1", "P", "PA") or "transparency" in image.info:
        return image.convert("RGBA")
    return image


def _within_bounds(image: Image.Image) -> Image.Image:
    scale = shrunk(image.width, image.height)
    if scale >= 1:
        return image
    size = max(1, int(image.width * scale)), max(1, int(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _flat(image: Image.Image) -> Image.Image:
    """In plain colours. What is transparent may hold any colour: it stands on white."""
    if "A" not in image.getbands():
        return image.convert("RGB")
    seen = image.convert("RGBA")
    ground = Image.new("RGB", seen.size, "white")
    ground.paste(seen, mask=seen.getchannel("A"))
    return ground


def shrunk(width: float, height: float) -> float:
    """What sides of this length are multiplied with so that they can be shown; 1 at most."""
    return min(1.0, WIDTH / width, LONGEST / height, math.sqrt(DRAWN / (width * height)))


def document(file: str, pixels: int, pages: int) -> Iterator[Image.Image]:
    import pypdfium2
    from pypdfium2 import raw

    try:
        pdf = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError:
        locked = raw.FPDF_GetLastError() in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        sys.exit(LOCKED if locked else BROKEN)
    # Also one that opens without a password, but forbids this or that.
    if raw.FPDF_GetSecurityHandlerRevision(pdf) != -1:
        sys.exit(LOCKED)
    if len(pdf) > pages:
        sys.exit(TOO_MANY)
    # What is filled into a form's fields is drawn; its scripts find nothing here that would run them.
    pdf.init_forms()
    for page in pdf:
        width, height = page.get_size()
        if not (0 < width < math.inf and 0 < height < math.inf):
            sys.exit(BROKEN)
        scale = DENSITY * shrunk(width * DENSITY, height * DENSITY)
        # A page like a thread has less than a pixel in one direction.
        if min(width, height) * scale < 1:
            sys.exit(BROKEN)
        yield page.render(scale=scale).to_pil().convert("RGB")
        page.close()


def jpeg(file: str, pixels: int, pages: int) -> Iterator[Image.Image]:
    return picture(file, pixels, pages, kind="JPEG")


def png(file: str, pixels: int, pages: int) -> Iterator[Image.Image]:
    return picture(file, pixels, pages, kind="PNG")


DRAWN_FROM: dict[str, Callable[[str, int, int], Iterator[Image.Image]]] = {
    "jpeg": jpeg,
    "png": png,
    "pdf": document,
}


if __name__ == "__main__":
    [_program, kind, file, directory, pixels, pages, seconds] = sys.argv
    main(kind, file, directory, int(pixels), int(pages), int(seconds))
