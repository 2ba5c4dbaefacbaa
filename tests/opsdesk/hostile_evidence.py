"""Hostile files: what each is, how it is called, and whether the desk refuses it or makes it harmless."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.opsdesk.files import (
    HTML,
    SCRIPT,
    box,
    chunk,
    ftyp,
    header,
    jpeg,
    locked_pdf,
    moov,
    mp4,
    pdf,
    picture,
    png,
    png_of,
    samsungs,
    saved,
    segment,
    stream,
    track,
    with_segment,
    zipped,
)

# Parts of what a refusal says; "" where the file is taken, and what is shown of it is harmless.
UNKNOWN, BROKEN, BEHIND, TWO = "is no JPEG", "damaged or cut off", "stands behind this file", "two kinds"
LOCKED, LARGE, EMPTY, MOVES, PAGES = "password", "million pixels", "is empty", "moves", "more than"


@dataclass(frozen=True)
class Case:
    name: str
    content: bytes
    refusal: str
    file_name: str = "proof.jpg"


def _jpegs() -> list[Case]:
    plain = jpeg()
    exif = Image.Exif()
    exif[0x010E] = SCRIPT.decode()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    known = {b"Image_UTC_Data": b"1773286200000", b"MotionPhoto_Data": mp4()}
    thousand, packed = {b"%d" % number: b"x" for number in range(1000)}, zipped({"a.html": HTML})
    lying = bytearray(plain)
    frame = lying.index(b"\xff\xc0")
    lying[frame + 5 : frame + 9] = struct.pack(">HH", 65_000, 65_000)
    return [
        Case("jpeg with a page behind", plain + HTML, BEHIND),
        Case("jpeg with a zip behind", plain + zipped({"a.html": HTML}), TWO),
        Case("jpeg with a program behind", plain + b"MZ\x90\0" + bytes(500), BEHIND),
        Case("jpeg with a 7z behind", plain + b"7z\xbc\xaf\x27\x1c", BEHIND),
        Case("jpeg with php behind", plain + b"<?php system($_GET[0]); ?>", BEHIND),
        Case("jpeg with zeros behind", plain + bytes(4096), ""),
        Case("jpeg with a preview behind", plain + bytes(10) + jpeg(1), ""),
        Case("jpeg with a film behind", plain + mp4(), ""),
        Case("jpeg with a film of pages behind", plain + mp4(more=box(b"mdat", HTML)), ""),
        Case("jpeg with a film and a page behind", plain + mp4() + HTML, BEHIND),
        Case("jpeg with half a film behind", plain + mp4()[:-3], BEHIND),
        Case("jpeg with a page and a film behind", plain + HTML + mp4(), BEHIND),
        Case("jpeg with a film that is a zip behind", plain + mp4(more=box(b"free", packed)), TWO),
        Case("jpeg with what the camera knew behind", plain + samsungs(known), ""),
        Case("jpeg with a page as what the camera knew", plain + samsungs({b"Note": HTML}), ""),
        Case("jpeg with a page before what the camera knew", plain + HTML + samsungs(known), BEHIND),
        Case("jpeg with a page behind what the camera knew", plain + samsungs(known) + HTML, BEHIND),
        Case("jpeg with a page that is not listed", plain + samsungs(known, gap=HTML), BEHIND),
        Case("jpeg with a list of other blocks", plain + samsungs(known, name=b"\0\0\1\1"), BEHIND),
        Case("jpeg with a list of nothing", plain + samsungs({}), BEHIND),
        Case("jpeg with a list of a thousand", plain + samsungs(thousand), BEHIND),
        Case("jpeg with the end of a list alone", plain + b"\xff\xff\xff\xffSEFT", BEHIND),
        Case("jpeg with a zip as what the camera knew", plain + samsungs({b"Note": packed}), TWO),
        Case("jpeg with ten behind", plain * 11, BEHIND),
        Case("jpeg with a broken one behind", plain + jpeg(1)[:-40], BROKEN),
        Case("jpeg cut in the middle", plain[: len(plain) // 2], BROKEN),
        Case("jpeg without its end", plain[:-2], BROKEN),
        Case("jpeg of a beginning alone", b"\xff\xd8\xff", BROKEN),
        Case("jpeg of beginning and end", b"\xff\xd8\xff\xd9", BROKEN),
        Case("jpeg of fillers", b"\xff\xd8" + b"\xff" * 100_000, BROKEN),
        Case("jpeg with a segment beyond its end", plain[:2] + b"\xff\xe1\xff\xff" + plain[2:], BROKEN),
        Case("jpeg with a segment of length 0", plain[:2] + b"\xff\xe1\0\0" + plain[2:], BROKEN),
        Case("jpeg of rubbish between markers", plain[:2] + segment(0xFE, b"x") + b"zz" + plain[2:], BROKEN),
        Case("jpeg that is a pdf, too", with_segment(0xFE, pdf()), TWO),
        Case("jpeg that is a zip, too", with_segment(0xFE, zipped({"a.html": HTML})), TWO),
        Case("jpeg with a script in its comment", with_segment(0xFE, HTML), ""),
        Case("jpeg with a script in its exif", saved(picture(), "JPEG", exif=exif.tobytes()), ""),
        Case("jpeg with a page as xmp", with_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + HTML), ""),
        Case("jpeg with nonsense as exif", with_segment(0xE1, b"Exif\0\0" + SCRIPT), ""),
        Case("jpeg with nonsense as colours", with_segment(0xE2, b"ICC_PROFILE\0\1\1" + SCRIPT), ""),
        Case("jpeg that claims to be huge", bytes(lying), LARGE),
        Case("jpeg in inks", saved(picture(mode="CMYK"), "JPEG"), ""),
        Case("jpeg drawn step by step", saved(picture(), "JPEG", progressive=True), ""),
        Case("jpeg without an image", b"\xff\xd8" + segment(0xFE, b"x") + b"\xff\xd9", BROKEN),
    ]


def _pngs() -> list[Case]:
    plain = png()
    one, pixels = header(1, 1), chunk(b"IDAT", zlib.compress(b"\0" + bytes(3)))
    end = chunk(b"IEND")
    damaged = bytearray(plain)
    damaged[40] ^= 0xFF
    told = PngInfo()
    told.add_text("comment", SCRIPT.decode())
    bomb = zlib.compress(bytes(200 << 20), 9)
    white = saved(Image.new("1", (9000, 9000)), "PNG")
    moving = saved(picture(), "PNG", save_all=True, append_images=[picture(seed=9)])
    transparent = picture(mode="RGBA")
    transparent.putalpha(0)
    return [
        Case("png with a page behind", plain + HTML, BEHIND),
        Case("png with a zip behind", plain + zipped({"a.html": HTML}), TWO),
        Case("png cut in the middle", plain[: len(plain) // 2], BROKEN),
        Case("png of a signature alone", plain[:8], BROKEN),
        Case("png with a damaged byte", bytes(damaged), BROKEN),
        Case("png that begins with pixels", png_of(pixels, one, end), BROKEN),
        Case("png without pixels", png_of(one, end), BROKEN),
        Case("png without its end", png_of(one, pixels), BROKEN),
        Case("png with something in its end", png_of(one, pixels, chunk(b"IEND", HTML)), BROKEN),
        Case("png with a part beyond its end", png_of(one, b"\xff\xff\xff\xffIDAT"), BROKEN),
        Case("png that claims to be huge", png_of(header(60_000, 60_000), pixels, end), LARGE),
        Case("png that unfolds to too many pixels", white, LARGE),
        Case("png of width 0", png_of(header(0, 1), pixels, end), BROKEN),
        Case("png with too few pixels", png_of(header(500, 500), pixels, end), BROKEN),
        Case("png with pixels that don't unfold", png_of(one, chunk(b"IDAT", HTML), end), BROKEN),
        Case(
            "png with a bomb as text",
            png_of(one, chunk(b"zTXt", b"a\0\0" + bomb), pixels, end),
            BROKEN,
        ),
        Case(
            "png with a bomb as colours",
            png_of(one, chunk(b"iCCP", b"a\0\0" + bomb), pixels, end),
            BROKEN,
        ),
        Case("png of a million parts", png_of(one, chunk(b"tEXt") * 150_000, pixels, end), BROKEN),
        Case("png that moves", moving, MOVES),
        Case("png that is a pdf, too", png_of(one, chunk(b"tEXt", pdf()), pixels, end), TWO),
        Case("png with a script as text", saved(picture(), "PNG", pnginfo=told), ""),
        Case("png of 16 bits", saved(Image.new("I;16", (8, 8), 40_000), "PNG"), ""),
        Case("png that shines through", saved(transparent, "PNG"), ""),
        Case("png of a palette", saved(picture(mode="P"), "PNG", transparency=0), ""),
        Case("png like a thread", saved(Image.new("L", (1, 60_000)), "PNG"), ""),
    ]


def _pdfs() -> list[Case]:
    plain = pdf()
    script = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
    bomb = stream(zlib.compress(b"0 0 m 300 400 l S\n" * 3_000_000, 9), b"/Filter /FlateDecode")
    itself = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >>"
    drawn, named = b"/X Do", b"/Resources << /XObject << /X 5 0 R >> >>"
    huge = b"<< /Type /XObject /Subtype /Image /Width 99999 /Height 99999 /BitsPerComponent 8"
    return [
        Case("pdf with a page behind", plain + HTML, BEHIND, "proof.pdf"),
        Case("pdf with a zip behind", plain + zipped({"a.html": HTML}), TWO, "proof.pdf"),
        Case("pdf behind a page", HTML + plain, UNKNOWN, "proof.pdf"),
        Case("pdf behind a line", b"\n" + plain, UNKNOWN, "proof.pdf"),
        Case("pdf cut in the middle", plain[: len(plain) // 2], BROKEN, "proof.pdf"),
        Case("pdf without its end", plain.replace(b"%%EOF", b"%%EO"), BROKEN, "proof.pdf"),
        Case("pdf of no version", b"%PDF-9.9" + plain[8:], BROKEN, "proof.pdf"),
        Case("pdf of nothing", b"%PDF-1.4\n%%EOF\n", BROKEN, "proof.pdf"),
        Case("pdf of a page inside", b"%PDF-1.4\n" + HTML + b"\n%%EOF\n", BROKEN, "proof.pdf"),
        Case("pdf under a password", locked_pdf(b"secret"), LOCKED, "proof.pdf"),
        Case("pdf locked for everybody", locked_pdf(b""), LOCKED, "proof.pdf"),
        Case("pdf of too many pages", pdf(61), PAGES, "proof.pdf"),
        Case("pdf without pages", pdf(0), BROKEN, "proof.pdf"),
        Case(
            "pdf whose pages hold themselves",
            pdf(kids=b"<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R] >>"),
            BROKEN,
            "proof.pdf",
        ),
        Case("pdf with a script", pdf(catalog=b"/OpenAction " + script), "", "proof.pdf"),
        Case("pdf with a script on its page", pdf(page=b"/AA << /O %s >>" % script), "", "proof.pdf"),
        Case(
            "pdf that starts a program",
            pdf(catalog=b"/OpenAction << /S /Launch /F (cmd.exe) >>"),
            "",
            "proof.pdf",
        ),
        Case(
            "pdf with a page in it",
            pdf(
                catalog=b"/Names << /EmbeddedFiles << /Names [(a.html) 6 0 R] >> >>",
                objects=[
                    stream(HTML, b"/Type /EmbeddedFile"),
                    b"<< /Type /Filespec /F (a.html) /EF << /F 5 0 R >> >>",
                ],
            ),
            "",
            "proof.pdf",
        ),
        Case(
            "pdf that leads away",
            pdf(
                page=b"/Annots [<< /Type /Annot /Subtype /Link /Rect [0 0 300 400]"
                b" /A << /S /URI /URI (javascript:alert\\(1\\)) >> >>]"
            ),
            "",
            "proof.pdf",
        ),
        Case("pdf of a gigantic page", pdf(box=b"0 0 14400 14400"), "", "proof.pdf"),
        Case("pdf of a page like a thread", pdf(box=b"0 0 1 14400"), "", "proof.pdf"),
        Case("pdf of a page without end", pdf(box=b"0 0 1e30 1e30"), "", "proof.pdf"),
        Case("pdf of a page of nothing", pdf(box=b"0 0 0 0"), "", "proof.pdf"),
        Case(
            "pdf whose drawing draws itself",
            pdf(
                content=drawn,
                page=b"/Resources << /XObject << /X 5 0 R >> >>",
                objects=[stream(drawn, itself[2:])],
            ),
            "",
            "proof.pdf",
        ),
        Case(
            "pdf of a picture that claims to be huge",
            pdf(
                content=b"300 0 0 400 0 0 cm /X Do",
                page=named,
                objects=[stream(b"x", huge[2:] + b" /ColorSpace /DeviceRGB")],
            ),
            "",
            "proof.pdf",
        ),
        Case("pdf that draws without end", pdf(objects=[bomb], page=b"/Contents 5 0 R"), LARGE, "proof.pdf"),
    ]


def _films() -> list[Case]:
    plain, frames = mp4(), box(b"mdat", b"frames")
    return [
        Case("film of a head alone", ftyp(), BROKEN, "proof.mp4"),
        Case("film without an index", ftyp() + frames, BROKEN, "proof.mp4"),
        Case("film without frames", ftyp() + moov(), BROKEN, "proof.mp4"),
        Case("film of empty frames", ftyp() + moov() + box(b"mdat"), BROKEN, "proof.mp4"),
        Case("film of two indexes", plain + moov(), BROKEN, "proof.mp4"),
        Case("film of sound alone", ftyp() + moov(track(b"soun")) + frames, BROKEN, "proof.mp4"),
        Case("film with a page behind", plain + HTML, BROKEN, "proof.mp4"),
        Case("film with a zip behind", plain + zipped({"a.html": HTML}), TWO, "proof.mp4"),
        Case("film with a zip in a free part", plain + box(b"free", zipped({"a": HTML})), TWO, "proof.mp4"),
        Case("film with a part of its own", plain + box(b"evil", HTML), BROKEN, "proof.mp4"),
        Case("film with a part beyond its end", plain + struct.pack(">I", 99) + b"free", BROKEN, "proof.mp4"),
        Case("film with a part without room", plain + struct.pack(">I", 4) + b"free", BROKEN, "proof.mp4"),
        Case(
            "film with a part without end",
            plain + struct.pack(">I", 1) + b"mdat" + b"\xff" * 8,
            BROKEN,
            "proof.mp4",
        ),
        Case("film with half a head of a part", plain + b"\0\0\0", BROKEN, "proof.mp4"),
        Case("film of ten thousand parts", plain + box(b"free") * 11_000, BROKEN, "proof.mp4"),
        Case("film cut off", plain[:-3], BROKEN, "proof.mp4"),
        Case("film with two heads", plain + ftyp(), BROKEN, "proof.mp4"),
        Case("film with rubbish for an index", ftyp() + box(b"moov", HTML) + frames, BROKEN, "proof.mp4"),
        Case("film with a page in a free part", plain + box(b"free", HTML), "", "proof.mp4"),
        Case("film that is a pdf, too", ftyp() + box(b"free", pdf()) + moov() + frames, TWO, "proof.mp4"),
        Case("film of another house", ftyp(b"qt  ") + moov() + frames, UNKNOWN, "proof.mp4"),
        Case("picture of a telephone in a film's clothes", ftyp(b"heic") + frames, UNKNOWN, "proof.mp4"),
    ]


def _others() -> list[Case]:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=\'PWNED\'">' + SCRIPT + b"</svg>"
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    envelope = b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n"
    kinds = {kind: saved(picture(), kind) for kind in ("GIF", "WEBP", "BMP", "TIFF", "ICO", "PPM")}
    return [
        Case("nothing", b"", EMPTY),
        Case("one byte", b"\xff", UNKNOWN),
        Case("zeros", bytes(2048), UNKNOWN),
        Case("svg", svg, UNKNOWN, "proof.svg"),
        Case("svg called a picture", svg, UNKNOWN, "proof.png"),
        Case("svg behind a declaration", b'<?xml version="1.0"?>' + svg, UNKNOWN, "proof.svg"),
        Case("a page", HTML, UNKNOWN, "proof.html"),
        Case("a page called a picture", HTML, UNKNOWN),
        Case("a page behind a mark", b"\xef\xbb\xbf" + HTML, UNKNOWN, "proof.pdf"),
        Case("a page in two bytes", HTML.decode().encode("utf-16"), UNKNOWN, "proof.pdf"),
        Case("a script", b"document.title='PWNED'", UNKNOWN, "proof.js"),
        Case("xml that reads files", entity, UNKNOWN, "proof.xml"),
        Case("a shell's script", b"#!/bin/sh\nrm -rf /\n", UNKNOWN),
        Case("a program of windows", b"MZ" + bytes(200), UNKNOWN, "proof.jpg.exe"),
        Case("a program of linux", b"\x7fELF" + bytes(200), UNKNOWN),
        Case("a zip", zipped({"a.html": HTML}), UNKNOWN, "proof.zip"),
        Case("a document of an office", zipped({"[Content_Types].xml": b"<x/>"}), UNKNOWN, "proof.docx"),
        Case("a page in an envelope", envelope + HTML, UNKNOWN),
        Case("flash", b"FWS\x09" + bytes(200), UNKNOWN),
        Case("postscript", b"%!PS-Adobe-3.0\n", UNKNOWN, "proof.pdf"),
        Case(
            "a gif that is a script, too", b"GIF89a/*" + bytes(20) + b"*/=1;" + SCRIPT, UNKNOWN, "proof.gif"
        ),
        *(Case(f"a picture as {kind}", content, UNKNOWN, "proof.png") for kind, content in kinds.items()),
    ]


def corpus() -> list[Case]:
    return [*_jpegs(), *_pngs(), *_pdfs(), *_films(), *_others()]


# What a file is called, and what is left of it.
NAMES = {
    "../../../etc/passwd": "passwd",
    "..\\..\\windows\\win.ini": "win.ini",
    "/etc/cron.d/job.jpg": "job.jpg",
    "C:\\fakepath\\发票.jpg": "发票.jpg",
    'a.jpg"\r\nSet-Cookie: x=1\r\n\r\n<script>': 'a.jpg" Set-Cookie: x=1 <script>',
    "a\r\nContent-Type: text: html.jpg": "a Content-Type: text: html.jpg",
    "nul\0.jpg": "nul .jpg",
    "\u202egpj.exe": "gpj.exe",
    "a\u200b\u2066b.png": "a b.png",
    "<script>alert(1)</script>.png": "script>.png",
    "...": "file",
    "": "file",
    ".htaccess": "htaccess",
    "a\u2028b\ud800c.jpg": "a b c.jpg",
    "长" * 300 + ".pdf": "长" * 196 + ".pdf",
    "x" * 500: "x" * 200,
}
