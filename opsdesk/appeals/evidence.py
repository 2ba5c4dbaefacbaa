"""What supports an appeal comes in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from opsdesk.appeals.guards import (
    AlreadyOver,
    locked,
    refuse_who_took_part,
)
from opsdesk.checklists import Item, items_of
from opsdesk.deadlines import said
from opsdesk.exhibits import Judged, Kind, NotNow, Read, Shelf, as_name, draw, read, room_for_it, shelf
from opsdesk.models import Appeal, Evidence
from shops.errors import Refused
from shops.imports.files import workplace
from shops.rights import name_of, require
from shops.texts import as_written

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ADD, VIEW = "opsdesk.submit_evidence", "opsdesk.view_evidence"
# Of the files that may stand on an appeal: so many times as many may come to it.
MOST_EVER = 3


@dataclass(frozen=True)
class Offered:
    """A file that somebody hands in: what he calls it, and its content."""

    name: str
    content: IO[bytes]


@dataclass(frozen=True)
class Skimmed:
    """A file that was read byte by byte, and not drawn yet."""

    name: str
    file: Read


@dataclass(frozen=True)
class Looked(Skimmed):
    """A file that was looked into and may be evidence."""

    file: Judged


def add(
    appeal_id: int,
    *,
    by: User | None,
    at: datetime,
    evidence: Sequence[Offered] = (),
    text: str = "",
    item: int | None = None,
) -> list[Evidence]:
    """Add files, all of them or none, and a statement, to an open appeal.

    `item`: which item of the violation's checklist they answer, counted from 0. Refused in words for the
    first file that is no good, that is on the appeal already, or that is one too many, for a statement that
    is on it already, and to whoever had a part in the decision: he doesn't speak for the shop.
    """
    require(by, ADD)
    if not evidence and not as_written(text):
        raise Refused(_("Choose a file or write a statement."))
    appeal = Appeal.objects.get(pk=appeal_id)
    if not appeal.is_open:
        raise AlreadyOver(appeal)
    refuse_who_took_part(appeal, by)
    item_of(appeal, item)
    with looked_into(evidence, appeal) as looked, transaction.atomic(), shelf() as put:
        appeal = locked(appeal_id)
        answers = item_of(appeal, item)
        added = []
        if as_written(text):
            _refuse_what_was_said(appeal, as_written(text), answers)
            said_so = Evidence(appeal=appeal, kind=Kind.STATEMENT, text=as_written(text))
            added.append(_write(said_so, answers, by=by, at=at))
        return added + lay(appeal, looked, put, by=by, at=at, answers=answers)


@contextmanager
def looked_into(files: Sequence[Offered], appeal: Appeal | None = None) -> Iterator[list[Looked]]:
    """Each file judged, before anything is locked for it. Refused for the first that is no good, by name.

    `appeal`: to which they are added; None: to a new one. Drawing is dear: whatever else speaks against any
    of the files is asked before the first is drawn, and must be asked again once the appeal is locked.
    """
    if not files:
        yield []
        return
    refuse_too_many(len(files), appeal)
    with ExitStack() as stack:
        with room_for_it():
            directory = stack.enter_context(workplace())
        skimmed = [skim(file, directory / str(number)) for number, file in enumerate(files)]
        refuse_the_same(skimmed, appeal)
        yield [look(file) for file in skimmed]


def skim(file: Offered, directory: Path) -> Skimmed:
    """Read the file in a directory of its own, which is made. Refused with its name before the reason."""
    name = as_name(file.name)
    with _named(name), room_for_it():
        directory.mkdir()
        return Skimmed(name, read(file.content, directory))


def look(file: Skimmed) -> Looked:
    """Draw it. Refused with its name before the reason."""
    with _named(file.name), room_for_it():
        return Looked(file.name, draw(file.file))


def refuse_too_many(more: int, appeal: Appeal | None = None) -> None:
    """Refused where the appeal, or a new one, would have more files than it takes.

    Those that were struck stay in the store: with them it takes MOST_EVER times as many.
    """
    most = settings.EVIDENCE_MAX_FILES
    has = _standing(appeal).count() if appeal else 0
    if more and has + more > most:
        raise Refused(
            _("An appeal has at most %(most)s files: %(has)s are on it, and %(more)s would come.")
            % {"most": most, "has": has, "more": more}
        )
    had = _files(appeal).count() if appeal else 0
    if more and had + more > MOST_EVER * most:
        raise Refused(
            _("An appeal has at most %(most)s files with those that were struck: %(had)s have come already.")
            % {"most": MOST_EVER * most, "had": had}
        )


def refuse_the_same(files: Sequence[Skimmed], appeal: Appeal | None = None) -> None:
    """Refused for the first of the files that is another of them, or stands on the appeal already."""
    standing = _standing(appeal).select_related("added_by") if appeal else Evidence.objects.none()
    known = {one.sha256: one for one in standing}
    seen: dict[str, str] = {}
    for file in files:
        sha256 = file.file.sha256
        if (same := known.get(sha256)) is not None:
            raise Refused(
                _("“%(name)s” is on this appeal already, as “%(same)s” of %(when)s by %(who)s.")
                % {
                    "name": file.name,
                    "same": same,
                    "when": said(same.added_at),
                    "who": name_of(same.added_by),
                }
            )
        if sha256 in seen:
            raise Refused(
                _("“%(name)s” and “%(same)s” are one and the same file.")
                % {"name": file.name, "same": seen[sha256]}
            )
        seen[sha256] = file.name


def lay(
    appeal: Appeal,
    looked: Sequence[Looked],
    put: Shelf,
    *,
    by: User | None,
    at: datetime,
    answers: Item | None = None,
) -> list[Evidence]:
    """Put the files on a shelf and write them down, on an appeal that is locked or new."""
    if not looked:
        return []
    refuse_too_many(len(looked), appeal)
    refuse_the_same(looked, appeal)
    added = []
    for file in looked:
        evidence = Evidence(
            appeal=appeal,
            kind=file.file.kind,
            name=file.name,
            sha256=file.file.sha256,
            size=file.file.size,
            pages=len(file.file.views),
            shown_sha256=list(file.file.shown_sha256),
            place=put.put(file.file),
        )
        added.append(_write(evidence, answers, by=by, at=at))
    return added


def _files(appeal: Appeal) -> QuerySet[Evidence]:
    return Evidence.objects.filter(appeal=appeal).exclude(kind=Kind.STATEMENT)


def _standing(appeal: Appeal) -> QuerySet[Evidence]:
    return _files(appeal).filter(struck_at=None)


@contextmanager
def _named(name: str) -> Iterator[None]:
    try:
        yield
    except NotNow:
        # No file is at fault.
        raise
    except Refused as refusal:
        raise Refused(_("“%(name)s”: %(why)s") % {"name": name, "why": refusal}) from refusal


def item_of(appeal: Appeal, number: int | None) -> Item | None:
    """The item of the checklist with that number, counted from 0. Refused where there is none."""
    if number is None:
        return None
    items = items_of(appeal.penalty)
    if not 0 <= number < len(items):
        raise Refused(_("The checklist has no such item."))
    return items[number]


def _refuse_what_was_said(appeal: Appeal, text: str, answers: Item | None) -> None:
    """A form that is sent twice is one statement."""
    same = Evidence.objects.filter(
        appeal=appeal,
        kind=Kind.STATEMENT,
        text=text,
        item_en=answers.en if answers else "",
        struck_at=None,
    ).first()
    if same is not None:
        raise Refused(
            _("This statement is on the appeal already, of %(when)s by %(who)s.")
            % {"when": said(same.added_at), "who": name_of(same.added_by)}
        )


def _write(evidence: Evidence, answers: Item | None, *, by: User | None, at: datetime) -> Evidence:
    if answers is not None:
        evidence.item_en, evidence.item_zh = answers.en, answers.zh
    evidence.added_at, evidence.added_by = at, by
    evidence.save_by(by, "evidence added")
    return evidence
