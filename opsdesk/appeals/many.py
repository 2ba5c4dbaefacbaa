"""Appeals that come in many at once: a CSV file, and what supports them, filed as a whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from opsdesk.appeals.contests import Contest, cases_of, held
from opsdesk.appeals.evidence import (
    ADD,
    Looked,
    Offered,
    Skimmed,
    look,
    refuse_the_same,
    refuse_too_many,
    skim,
)
from opsdesk.appeals.filing import file_looked_into, fileable
from opsdesk.appeals.guards import FILE
from opsdesk.appeals.tables import SHOWN, FileOfAppealsRefused, WrongRow, channel_of, moment_of, rows_of
from opsdesk.deadlines import ruling_due
from opsdesk.exhibits import NotNow, Parcel, Shelf, room_for_it, shelf
from opsdesk.models import LONGEST_TEXT, Appeal
from shops.errors import Refused
from shops.imports.files import workplace
from shops.models import Penalty
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Given = TypeVar("Given")
Found = TypeVar("Found")

# Between the names of a row's files, as Chinese keyboards write it, too.
AND = re.compile("[;；]")
LONGEST_REFERENCE = 100
FOR_FILEABLE = ("contest", "channel", "statement", "filed_at")


@dataclass
class Row:
    """A row by its number and its cells by column; the case that it names, and where its files lie."""

    number: int
    cells: dict[str, str]
    penalty: Penalty | None
    paths: list[str] = field(default_factory=list)


def file_many(content: bytes, *, by: User | None, at: datetime, parcel: Parcel | None = None) -> list[Appeal]:
    """File each row of the CSV file, in its order. FileOfAppealsRefused, and nothing is filed, where a row
    can't be, and where a file of the parcel is named by none. NotNow where no row is at fault, but the desk.

    Columns, in English or Chinese: penalty (the desk's case number or the platform's), channel, statement;
    and, where known, level, reference, filed_at (a moment, of Shanghai where it names no zone, or a day),
    evidence (names of files of the parcel, with semicolons between them).
    """
    require(by, FILE)
    read = list(rows_of(content))
    cases = cases_of(cells["penalty"] for _number, cells in read)
    rows = [Row(number, cells, cases.get(cells["penalty"])) for number, cells in read]
    parcel = parcel or Parcel({})
    if parcel.files or any(row.cells["evidence"] for row in rows):
        require(by, ADD)
    wrong: list[WrongRow] = []
    with ExitStack() as stack:
        with room_for_it():
            directory = stack.enter_context(workplace())
        skimmed = _skim(rows, parcel, directory, wrong)
        _check(rows, wrong, by=by, at=at)
        _raise(wrong)
        # Dear, and so only once nothing else speaks against any row.
        looked = _told_by_row(rows, {path: _try(look, file) for path, file in skimmed.items()}, wrong)
        _raise(wrong)
        stack.enter_context(transaction.atomic())
        put = stack.enter_context(shelf())
        filed = _file(rows, looked, put, wrong, by=by, at=at)
        _raise(wrong)
    return filed


def _raise(wrong: list[WrongRow]) -> None:
    if wrong:
        raise FileOfAppealsRefused(sorted(wrong, key=lambda one: one.row))


@contextmanager
def _telling(row: Row, wrong: list[WrongRow]) -> Iterator[None]:
    """What the row is refused for is written down, and the next one follows: of a file all are told."""
    try:
        yield
    except NotNow:
        raise
    except Refused as refusal:
        wrong.append(WrongRow(row.number, str(refusal)))


# The files


def _skim(rows: list[Row], parcel: Parcel, directory: Path, wrong: list[WrongRow]) -> dict[str, Skimmed]:
    """Every file that a row names, read but not drawn; each is read once, however many rows name it."""
    for row in rows:
        with _telling(row, wrong):
            names = [name for part in AND.split(row.cells["evidence"]) if (name := part.strip())]
            # Before they are looked for: a cell has room for thousands.
            refuse_too_many(len(names))
            for name in names:
                with _telling(row, wrong):
                    row.paths.append(parcel.find(name))
    named = dict.fromkeys(path for row in rows for path in row.paths)
    # Somebody has forgotten something.
    wrong += [
        WrongRow(0, _("No row names the file “%(name)s”.") % {"name": path})
        for path in sorted(parcel.files.keys() - named)
    ]
    files = {
        path: _try(partial(_skim_one, parcel, directory / str(number)), path)
        for number, path in enumerate(named)
    }
    read = _told_by_row(rows, files, wrong)
    for row in rows:
        with _telling(row, wrong):
            refuse_the_same([read[path] for path in row.paths if path in read])
    # Each row keeps what it names for itself.
    most = settings.EVIDENCE_PARCEL_MAX_UNPACKED_MB
    if sum(read[path].file.size for row in rows for path in row.paths if path in read) > most << 20:
        told = _("The files come to more than %(size)s MB, each counted for every row: divide the file.")
        wrong.append(WrongRow(0, told % {"size": most}))
    return read


def _skim_one(parcel: Parcel, directory: Path, path: str) -> Skimmed:
    with parcel.open(path) as content:
        return skim(Offered(path, content), directory)


def _try(do: Callable[[Given], Found], given: Given) -> Found | Refused:
    try:
        return do(given)
    except NotNow:
        raise
    except Refused as refusal:
        return refusal


def _told_by_row(
    rows: list[Row], files: dict[str, Found | Refused], wrong: list[WrongRow]
) -> dict[str, Found]:
    """The files that are good; of each that is not, every row that names it is told."""
    good = {path: file for path, file in files.items() if not isinstance(file, Refused)}
    wrong += [
        WrongRow(row.number, str(files[path])) for row in rows for path in row.paths if path not in good
    ]
    return good


# The rows


def _hold(rows: list[Row]) -> dict[int, Contest]:
    """What all rows contest, by the penalties' keys, ours until the transaction ends."""
    return held(row.penalty for row in rows if row.penalty)


def _check(rows: list[Row], wrong: list[WrongRow], *, by: User | None, at: datetime) -> None:
    """Tell every row that could not be filed, whatever its files are. Nothing stays locked."""
    first: dict[int, int] = {}
    with transaction.atomic():
        contests = _hold(rows)
        for row in rows:
            with _telling(row, wrong):
                given = _given(row, contests)
                level, _filed_at = fileable(by=by, at=at, **{name: given[name] for name in FOR_FILEABLE})
                _refuse_another_level(row, level)
                penalty = given["contest"].penalty
                number = first.setdefault(penalty.pk, row.number)
                if number != row.number:
                    raise Refused(
                        _("Row %(row)s appeals against %(case)s already.") % {"row": number, "case": penalty}
                    )


def _file(
    rows: list[Row],
    looked: dict[str, Looked],
    put: Shelf,
    wrong: list[WrongRow],
    *,
    by: User | None,
    at: datetime,
) -> list[Appeal]:
    """File the rows, no two of which are against one penalty; where one is wrong the caller files none."""
    filed = []
    contests, due_at = _hold(rows), ruling_due(at)
    for row in rows:
        with _telling(row, wrong):
            given, files = _given(row, contests), [looked[path] for path in row.paths]
            appeal = file_looked_into(**given, due_at=due_at, looked=files, put=put, by=by, at=at)
            _refuse_another_level(row, appeal.level)
            filed.append(appeal)
    return filed


def _refuse_another_level(row: Row, level: int) -> None:
    said = row.cells["level"]
    if said and said != str(level):
        raise Refused(
            _(
                "The next appeal against %(case)s is one of level %(level)s, and not of “%(said)s”:"
                " correct the cell, or leave it empty."
            )
            % {"case": row.penalty, "level": level, "said": said[:SHOWN]}
        )


def _given(row: Row, contests: dict[int, Contest]) -> dict[str, Any]:
    """What the verb takes, of the row's cells."""
    penalty, cells = row.penalty, row.cells
    if penalty is None:
        raise Refused(_("There is no case “%(case)s”.") % {"case": cells["penalty"][:SHOWN]})
    channel = channel_of(cells["channel"])
    for text, most, too_long in (
        (cells["reference"], LONGEST_REFERENCE, _("The reference has more than %(most)s characters.")),
        (
            cells["statement"],
            LONGEST_TEXT,
            _("The statement has more than %(most)s characters: a longer one is a file."),
        ),
    ):
        if len(text) > most:
            raise Refused(too_long % {"most": most})
    return {
        "contest": contests[penalty.pk],
        "channel": channel,
        "reference": cells["reference"],
        "statement": cells["statement"],
        "filed_at": moment_of(cells["filed_at"]),
    }
