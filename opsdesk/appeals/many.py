"""Appeals that come in many at once: a CSV file, and what supports them, filed as a whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from opsdesk.appeals.evidence import ADD, Looked, Offered, looked_into
from opsdesk.appeals.filing import case_of, file_looked_into
from opsdesk.appeals.guards import FILE
from opsdesk.deadlines import next_level
from opsdesk.exhibits import Parcel, Shelf, shelf
from opsdesk.models import Appeal, Channel
from shops.calendar import NAMEABLE, NAMEABLE_MOMENTS, SHANGHAI
from shops.errors import Refused
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

COLUMNS = ("penalty", "level", "channel", "reference", "filed_at", "statement", "evidence")
NEEDED = ("penalty", "channel", "statement")
MOST_ROWS = 1_000
# Between the names of a row's files.
AND = ";"
# In bytes.
LARGEST = 5 << 20


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


def file_many(content: bytes, *, by: User | None, at: datetime, parcel: Parcel | None = None) -> list[Appeal]:
    """File each row of the CSV file, in its order. FileOfAppealsRefused, and nothing is filed, where a row
    can't be, and where a file of the parcel is named by none.

    Columns: penalty (the desk's case number or the platform's), channel, statement; and, where known, level,
    reference, filed_at (a moment, of Shanghai where it names no zone, or a day), evidence (names of files of
    the parcel, with semicolons between them).
    """
    require(by, FILE)
    rows = list(_rows(content))
    parcel = parcel or Parcel({})
    if parcel.files or any(row["evidence"] for _number, row in rows):
        require(by, ADD)
    filed: list[Appeal] = []
    wrong: list[WrongRow] = []
    with ExitStack() as stack:
        # Before anything is locked.
        judged: dict[str, Looked | Refused] = {}
        looked = {number: _looked_into(row, number, parcel, judged, wrong, stack) for number, row in rows}
        # Somebody has forgotten something.
        wrong += [
            WrongRow(0, _("No row names the file “%(name)s”.") % {"name": path})
            for path in sorted(parcel.files.keys() - judged.keys())
        ]
        stack.enter_context(transaction.atomic())
        put = stack.enter_context(shelf())
        for number, row in rows:
            try:
                # Each row by itself: of a file all wrong rows are told.
                with transaction.atomic():
                    filed.append(_file(row, looked[number], put, by=by, at=at))
            except Refused as refusal:
                wrong.append(WrongRow(number, str(refusal)))
        if wrong:
            raise FileOfAppealsRefused(sorted(wrong, key=lambda one: one.row))
    return filed


def _names(row: dict[str, str]) -> list[str]:
    return [name for part in row["evidence"].split(AND) if (name := part.strip())]


def _looked_into(
    row: dict[str, str],
    number: int,
    parcel: Parcel,
    judged: dict[str, Looked | Refused],
    wrong: list[WrongRow],
    stack: ExitStack,
) -> list[Looked]:
    """The row's files; each that is no good is told. What another row named as well is `judged` already."""
    found = []
    for name in _names(row):
        try:
            path = parcel.find(name)
            if path not in judged:
                judged[path] = _judge(path, parcel, stack)
            one = judged[path]
            if isinstance(one, Refused):
                raise one
            found.append(one)
        except Refused as refusal:
            wrong.append(WrongRow(number, str(refusal)))
    return found


def _judge(path: str, parcel: Parcel, stack: ExitStack) -> Looked | Refused:
    try:
        with open(parcel.files[path], "rb") as content:
            [looked] = stack.enter_context(looked_into([Offered(path, content)]))
    except Refused as refusal:
        return refusal
    return looked


def _file(row: dict[str, str], looked: list[Looked], put: Shelf, *, by: User | None, at: datetime) -> Appeal:
    penalty = case_of(row["penalty"])
    if penalty is None:
        raise Refused(_("There is no case “%(case)s”.") % {"case": row["penalty"]})
    level = next_level(penalty)
    if row["level"] and row["level"] != str(level):
        raise Refused(
            _("An appeal of level %(level)s can't be filed against %(case)s now.")
            % {"level": row["level"], "case": penalty}
        )
    if row["channel"] not in Channel.values:
        raise Refused(
            _("“%(value)s” is no channel. Write one of: %(choices)s.")
            % {"value": row["channel"], "choices": ", ".join(Channel.values)}
        )
    return file_looked_into(
        penalty=penalty,
        channel=row["channel"],
        reference=row["reference"][:100],
        statement=row["statement"],
        filed_at=_moment(row["filed_at"]),
        looked=looked,
        put=put,
        by=by,
        at=at,
    )


def _moment(text: str) -> datetime | date | None:
    """The moment, or the day alone, as ticket systems write it."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is not None and NAMEABLE.holds(day):
        return day
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
    # From the first and the last years nothing could be reckoned.
    if moment is None or not NAMEABLE_MOMENTS.holds(moment):
        raise Refused(_("“%(value)s” is no moment. Write it as 2026-03-12 10:00.") % {"value": text[:60]})
    return moment


def _rows(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row's number and its cells by column, without spaces around them; empty rows are left out."""
    try:
        lines = list(csv.reader(io.StringIO(_text(content), newline=""), strict=True))
    except csv.Error as error:
        raise _refused(_("The file is no table: %(why)s.") % {"why": error}) from None
    if not lines:
        raise _refused(_("The file is empty."))
    header = [name.strip().lower() for name in lines[0]]
    if len(set(header)) != len(header) or not set(NEEDED) <= set(header) <= set(COLUMNS):
        raise _refused(_("The first row names the columns: %(columns)s.") % {"columns": ", ".join(COLUMNS)})
    rows = [(number, cells) for number, cells in enumerate(lines[1:], start=2) if any(map(str.strip, cells))]
    if len(rows) > MOST_ROWS:
        raise _refused(_("At most %(count)s appeals at once: divide the file.") % {"count": MOST_ROWS})
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
        raise _refused(_("The file is larger than %(size)s MB.") % {"size": LARGEST >> 20})
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise _refused(_("The file is no text in UTF-8 or GB18030."))


def _refused(message: str) -> FileOfAppealsRefused:
    return FileOfAppealsRefused([WrongRow(0, message)])
