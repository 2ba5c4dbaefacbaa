"""A file of appeals as it comes: CSV, read strictly and within bounds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from opsdesk.models import Channel
from shops.calendar import NAMEABLE, NAMEABLE_MOMENTS
from shops.errors import Refused
from shops.imports.columns import Column, Table, Type, spoken
from shops.imports.values import day_or_moment

APPEALS = Table(
    "appeals",
    (
        Column("penalty", "案件编号", Type.ID, ("案件", "平台案件编号", "处罚单号"), required=True),
        Column("level", "申诉级别", Type.NUMBER, ("级别", "申诉层级")),
        Column(
            "channel",
            "申诉渠道",
            Type.CHOICE,
            ("渠道",),
            required=True,
            words={
                Channel.PHONE: ("电话",),
                Channel.MAIL: ("信函", "信件", "邮件", "邮寄"),
                Channel.TICKET: ("工单",),
                Channel.OTHER: ("其他渠道", "其他"),
            },
        ),
        Column("reference", "渠道编号", Type.TEXT, ("编号", "来函编号", "工单编号", "工单号")),
        Column("filed_at", "提交时间", Type.MOMENT, ("申诉时间", "提交日期", "申诉日期")),
        Column("statement", "申诉陈述", Type.TEXT, ("陈述", "申诉理由", "申诉内容"), required=True),
        Column("evidence", "证据文件", Type.TEXT, ("证据", "附件")),
    ),
    key=("penalty",),
)
CHANNELS = next(column.words for column in APPEALS.columns if column.name == "channel")
MOST_ROWS = 1_000
# So much of a cell is quoted, in characters.
SHOWN = 60
# In bytes.
LARGEST = 5 << 20
# The year leads: whatever the country, a month follows it, and then the day.
_SAVED = re.compile(r"\A([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})(?: ([0-9]{1,2})(:[0-9]{2}(?::[0-9]{2})?))?\Z")
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
        header = [name.strip() for name in next(reader, ())]
        for number, cells in enumerate(reader, start=2):
            if any(map(str.strip, cells)):
                rows.append((number, cells))
            # No more is read than is taken.
            if len(rows) > MOST_ROWS:
                raise refused(_("At most %(count)s appeals at once: divide the file.") % {"count": MOST_ROWS})
    except csv.Error as error:
        raise refused(_broken(error, reader.line_num)) from None
    if not content.strip():
        raise refused(_("The file is empty."))
    columns = _columns(header)
    odd = [
        WrongRow(number, _("This row has another number of cells than the first."))
        for number, cells in rows
        if len(cells) != len(header)
    ]
    if odd:
        raise FileOfAppealsRefused(odd)
    for number, cells in rows:
        found = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
        yield number, {column.name: found.get(column.name, "") for column in APPEALS.columns}


def channel_of(cell: str) -> str:
    """The channel that a cell names, in either language. Refused where it names none."""
    words = {spoken(word): value for value, other in CHANNELS.items() for word in (value, *other)}
    if spoken(cell) not in words:
        raise Refused(
            _("“%(value)s” is no channel. Write one of: %(choices)s.")
            % {"value": cell[:SHOWN], "choices": told_channels()}
        )
    return words[spoken(cell)]


def moment_of(cell: str) -> date | datetime | None:
    """The moment, of Shanghai where it names no zone, or the day alone; None for an empty cell. By the
    grammar of imports, and as spreadsheets save what was written by it: 2026/3/12 9:30. Refused for others.
    """
    if not cell:
        return None
    try:
        told = day_or_moment(_SAVED.sub(_as_written, cell))
    except ValueError:
        told = None
    # From the first and the last years nothing could be reckoned.
    if isinstance(told, datetime):
        known = NAMEABLE_MOMENTS.holds(told)
    else:
        known = told is not None and NAMEABLE.holds(told)
    if not known:
        raise Refused(_("“%(value)s” is no moment. Write it as 2026-03-12 10:00.") % {"value": cell[:SHOWN]})
    return told


def _as_written(saved: re.Match[str]) -> str:
    """With noughts and hyphens, as it was before a spreadsheet saved it."""
    year, month, day, hour, rest = saved.groups()
    return f"{year}-{month:0>2}-{day:0>2}" + (f" {hour:0>2}{rest}" if hour else "")


def told_columns(*, needed: bool) -> str:
    """The columns that a file must have, or may, by their names in both languages."""
    return ", ".join(
        f"{column.name} ({column.name_zh})" for column in APPEALS.columns if column.required == needed
    )


def told_channels() -> str:
    """The words for channels, in both languages."""
    return ", ".join(f"{value} ({other[0]})" for value, other in CHANNELS.items())


def _columns(header: list[str]) -> list[str]:
    """What the headers mean, by the columns' names; refused with all that is wrong with them."""
    found = [APPEALS.find(name) for name in header]
    meant = [column.name for column in found if column]
    wrong = [
        _("“%(header)s” is no column of this file.") % {"header": name[:SHOWN]}
        for name, column in zip(header, found, strict=True)
        if column is None
    ]
    wrong += [
        _("The column %(column)s stands in the first row more than once.") % {"column": column}
        for column in dict.fromkeys(meant)
        if meant.count(column) > 1
    ]
    wrong += [
        _("The column %(column)s is missing.") % {"column": f"{column.name} ({column.name_zh})"}
        for column in APPEALS.columns
        if column.required and column.name not in meant
    ]
    if wrong:
        told = _("The first row names the columns: %(needed)s, and where known %(others)s.")
        wrong.append(told % {"needed": told_columns(needed=True), "others": told_columns(needed=False)})
        raise FileOfAppealsRefused([WrongRow(0, told) for told in wrong])
    return meant


def _broken(error: csv.Error, line: int) -> str:
    """The library has its words in English alone."""
    if "field limit" in str(error):
        told = _(
            "A cell holds more than %(most)s characters by line %(line)s. Look for a quotation mark without"
            " its pair before it."
        )
        return told % {"line": line, "most": csv.field_size_limit()}
    told = _(
        "The quotation marks of the row that ends in line %(line)s don't match. Put a cell that holds a"
        ' quotation mark between quotation marks and double the one inside: "a ""quoted"" word".'
    )
    return told % {"line": line}


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
