"""A file of appeals as it comes: CSV, read strictly and within bounds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from shops.errors import Refused

COLUMNS = ("penalty", "level", "channel", "reference", "filed_at", "statement", "evidence")
NEEDED = ("penalty", "channel", "statement")
MOST_ROWS = 1_000
# In bytes.
LARGEST = 5 << 20
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_CHINESE_IN_UTF8 = re.compile(rb"[\xe3-\xe9\xef][\x80-\xbf]{2}")


@dataclass(frozen=True)
class WrongRow:
    """What is wrong with a row; the header is row 1, and row 0 stands for the file itself."""

    row: int
    message: str


class FileOfAppealsRefused(Refused):
    """Nothing was filed: `rows` says why, row by row."""

    def __init__(self, rows: list[WrongRow]) -> None:
        self.rows = rows
        super().__init__("; ".join(row.message for row in rows[:5]))


def rows_of(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row's number and its cells by column, without spaces around them; empty rows are left out."""
    reader = csv.reader(io.StringIO(_text(content), newline=""), strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        header = [name.strip().lower() for name in next(reader, ())]
        for number, cells in enumerate(reader, start=2):
            if any(map(str.strip, cells)):
                rows.append((number, cells))
            # No more is read than is taken.
            if len(rows) > MOST_ROWS:
                raise refused(_("At most %(count)s appeals at once: divide the file.") % {"count": MOST_ROWS})
    except csv.Error as error:
        raise refused(_("The file is no table: %(why)s.") % {"why": error}) from None
    if not content.strip():
        raise refused(_("The file is empty."))
    if len(set(header)) != len(header) or not set(NEEDED) <= set(header) <= set(COLUMNS):
        raise refused(_("The first row names the columns: %(columns)s.") % {"columns": ", ".join(COLUMNS)})
    odd = [
        WrongRow(number, _("This row has another number of cells than the first."))
        for number, cells in rows
        if len(cells) != len(header)
    ]
    if odd:
        raise FileOfAppealsRefused(odd)
    for number, cells in rows:
        found = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        yield number, {column: found.get(column, "") for column in COLUMNS}


def _text(content: bytes) -> str:
    if len(content) > LARGEST:
        raise refused(_("The file is larger than %(size)s MB.") % {"size": LARGEST >> 20})
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse_damaged_utf8(content, error.start)
        text = content.decode("gb18030", errors="surrogateescape")
    if _NO_TEXT.search(text):
        raise refused(_("The file is no text in UTF-8 or GB18030."))
    return text


def _refuse_damaged_utf8(content: bytes, place: int) -> None:
    """What is UTF-8 but for a few bytes would often pass for GB18030, and be filed as gibberish.

    Chinese characters are three bytes each in UTF-8; in Chinese text of GB18030 three bytes hardly ever look
    like one of those.
    """
    in_utf8 = 3 * len(_CHINESE_IN_UTF8.findall(content))
    if 2 * in_utf8 > len(_NOT_ASCII.findall(content)):
        line = content.count(b"\n", 0, place) + 1
        told = _("Line %(line)s is not in UTF-8, as the rest of the file is: save the file anew as UTF-8.")
        raise refused(told % {"line": line})


def refused(message: str) -> FileOfAppealsRefused:
    return FileOfAppealsRefused([WrongRow(0, message)])
