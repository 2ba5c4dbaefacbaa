"""Files made from nothing: pictures, documents and films as they should be, and the parts of worse ones."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw

# Stands in what must never be run; where it is shown or answered as a page, something is wrong.
SCRIPT = b"<script>document.title='PWNED';fetch('/pwned')</script>"
HTML = b"<!DOCTYPE html><html><body>" + SCRIPT + b"</body></html>"


def picture(size: tuple[int, int] = (64, 48), mode: str = "RGB", seed: int = 0) -> Image.Image:
    image = Image.new("RGB", size, (200, 220, 240))
    ImageDraw.Draw(image).rectangle((4, 4, 20 + seed % 20, 20), fill=(seed * 37 % 256, 80, 60))
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(seed: int = 0, **options: Any) -> bytes:
    return saved(picture(seed=seed), "JPEG", **options)


def png(seed: int = 0, **options: Any) -> bytes:
    return saved(picture(seed=seed), "PNG", **options)


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def with_segment(marker: int, content: bytes) -> bytes:
    """A JPEG with that segment right behind its beginning."""
    plain = jpeg()
    return plain[:2] + segment(marker, content) + plain[2:]


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_of(*chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def header(width: int, height: int, depth: int = 8, colours: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))


def pdf(
    pages: int = 1,
    *,
    catalog: bytes = b"",
    page: bytes = b"",
    box: bytes = b"0 0 300 400",
    content: bytes = b"BT /F1 24 Tf 40 300 Td (evidence) Tj ET",
    objects: Sequence[bytes] = (),
    trailer: bytes = b"",
    kids: bytes | None = None,
    seed: int = 0,
) -> bytes:
    """A document with `objects` from number 5 on. 1 is the catalog, 2 the tree, 3 the content, 4 the font."""
    first = 5 + len(objects)
    leaves = b" ".join(b"%d 0 R" % (first + n) for n in range(pages))
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R " + catalog + b" >>",
        kids or b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, leaves),
        stream(content + b" %% %d" % seed),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *objects,
        *[
            b"<< /Type /Page /Parent 2 0 R /MediaBox [" + box + b"] /Contents 3 0 R"
            b" /Resources << /Font << /F1 4 0 R >> >> " + page + b" >>"
        ]
        * pages,
    ]
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return (
        out
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(bodies) + 1, table)
        + b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(bodies) + 1, trailer, len(out))
    )


def stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), more, content)


def _rc4(key: bytes, content: bytes) -> bytes:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for byte in content:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


_PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def locked_pdf(password: bytes) -> bytes:
    """Encrypted under that password; under none it opens for everybody, but is locked all the same."""
    owner, rights, name = b"o" * 32, -44, b"0123456789abcdef"
    key = hashlib.md5((password + _PAD)[:32] + owner + struct.pack("<i", rights) + name).digest()[:5]
    user = _rc4(key, _PAD)
    encrypt = b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P %d >>" % (
        owner.hex().encode(),
        user.hex().encode(),
        rights,
    )
    return pdf(trailer=b"/Encrypt %s /ID [<%s> <%s>]" % (encrypt, name.hex().encode(), name.hex().encode()))


def box(name: bytes, *content: bytes) -> bytes:
    inner = b"".join(content)
    return struct.pack(">I", 8 + len(inner)) + name + inner


def ftyp(brand: bytes = b"isom") -> bytes:
    return box(b"ftyp", brand + b"\0\0\2\0" + b"isommp41")


def track(handler: bytes = b"vide") -> bytes:
    told = box(b"hdlr", bytes(8) + handler + bytes(12) + b"\0")
    return box(b"trak", box(b"tkhd", bytes(84)), box(b"mdia", box(b"mdhd", bytes(24)), told))


def moov(*tracks: bytes) -> bytes:
    return box(b"moov", box(b"mvhd", bytes(100)), *(tracks or (track(),)))


def mp4(seed: int = 0, more: bytes = b"") -> bytes:
    return ftyp() + moov() + box(b"mdat", b"frames %d" % seed) + more


def samsungs(blocks: dict[bytes, bytes], *, gap: bytes = b"", name: bytes = b"") -> bytes:
    """What telephones of Samsung write behind a photo. `gap`: before the list; `name`: of each, as listed."""
    out, entries = b"", []
    for number, (called, content) in enumerate(blocks.items(), start=1):
        kind = struct.pack("<HH", 0, 0x0A00 + number)
        entries.append((len(out), kind, 8 + len(called) + len(content)))
        out += kind + struct.pack("<I", len(called)) + called + content
    out += gap
    listed = struct.pack("<4sII", b"SEFH", 106, len(entries))
    for begins, kind, size in entries:
        listed += (name or kind) + struct.pack("<II", len(out) - begins, size)
    return out + listed + struct.pack("<I", len(listed)) + b"SEFT"


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()
