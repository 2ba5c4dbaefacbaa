"""In what encoding a file is written: strictly, since detectors misjudge short Chinese."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from shops.imports.errors import FileRefused, RowError

ENCODINGS = ("utf-8", "gb18030", "utf-16")
# The longer one first: UTF-32 is not read, and its BOM begins like UTF-16's.
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
BLOCK = 1 << 20
# In bytes.
LONGEST_LINE = 1 << 20

_CHINESE = re.compile("[\u4e00-\u9fff]")


def encoding_of(path: Path, chosen: str = "", *, firm: bool = True) -> str:
    """The one that was chosen, else by the BOM, else UTF-8 if all of it is, else GB18030 if that fits.

    A choice that is not `firm` yields to a BOM. Raises FileRefused where the file is in none of them.
    """
    with open(path, "rb") as file:
        start = file.read(4)
    if not start:
        raise FileRefused(RowError(1, "", "", "empty_file"))
    marked = any(start.startswith(bom) for bom, _encoding in BOMS)
    if chosen and (firm or not marked):
        if broken := _breaks(path, chosen):
            params = {"encoding": chosen.upper(), "row": broken[0]}
            raise FileRefused(RowError(broken[0], "", broken[1], "not_chosen_encoding", params))
        return chosen
    for bom, encoding in BOMS:
        if start.startswith(bom):
            if broken := _breaks(path, encoding):
                params = {"encoding": encoding.removesuffix("-sig").upper(), "row": broken[0]}
                raise FileRefused(RowError(broken[0], "", broken[1], "not_utf", params))
            return encoding
    utf8 = _breaks(path, "utf-8")
    if utf8 is None:
        return "utf-8"
    gb = _breaks(path, "gb18030")
    if gb is None:
        # GB18030 also reads most of UTF-8, as other characters.
        if row := _clearly_utf8(path):
            params = {"utf8_row": row, "row": utf8[0], "byte": utf8[1]}
            raise FileRefused(RowError(utf8[0], "", utf8[1], "mixed_encodings", params))
        return "gb18030"
    params = {"utf8_row": utf8[0], "utf8_byte": utf8[1], "gb_row": gb[0], "gb_byte": gb[1]}
    raise FileRefused(RowError(utf8[0], "", utf8[1], "not_text", params))


def _breaks(path: Path, encoding: str) -> tuple[int, str] | None:
    """The line and the byte at which the file stops being text so encoded. Raises FileRefused for a NUL."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    line = 1
    with open(path, "rb") as file:
        while True:
            block = file.read(BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                broken: bytes = error.object
                before = broken[: error.start]
                line += before.count(b"\n")
                return line, f"0x{broken[error.start]:02X}" if error.start < len(broken) else ""
            except UnicodeError:
                # Chosen by a person: UTF-16 without the mark that tells which of the two it is.
                return line, ""
            if "\0" in text:
                line += text[: text.index("\0")].count("\n")
                raise FileRefused(RowError(line, "", "", "nul"))
            line += text.count("\n")
            if not block:
                return None


def _clearly_utf8(path: Path) -> int | None:
    """The first line that holds Chinese in UTF-8 and in GB18030 would hold characters hardly in use."""
    number = 0
    with open(path, "rb") as file:
        while line := file.readline(LONGEST_LINE):
            number += 1
            if line.isascii():
                continue
            try:
                # Not final: the file may have been cut within a character.
                text, _length = codecs.utf_8_decode(line, "strict", False)
            except UnicodeDecodeError:
                continue
            if _CHINESE.search(text) and not _reads(line, "gb2312"):
                return number
    return None


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
