"""Lists that go out: a short one at once, a long one written by a worker and kept for some days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldError, SuspiciousOperation, ValidationError
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _t

from shops import sql
from shops.declared import read_once
from shops.errors import NotAllowed, Refused
from shops.exports import XLSX_ROWS, csv_lines, write_xlsx
from shops.imports.files import replacing
from shops.models import Export

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = Export.State

# The first half of a session's advisory lock on the export it writes.
EXPORTING = 7_306_009
# More rows than these are left to a worker: the web server's patience ends after half a minute.
AT_ONCE = 20_000
# Between two notes of how far it has come.
NOTED_EVERY = 5_000
ATTEMPTS = 3
KEPT = timedelta(days=7)


class Rows(Protocol):
    """What a queryset can, and what is more than one query can as well."""

    def count(self) -> int: ...

    def iterator(self, chunk_size: int) -> Iterator[Any]: ...


@dataclass(frozen=True)
class Opened:
    """A list's rows as one person may see them: `cells` makes a line of values of each."""

    header: Sequence[str]
    listed: QuerySet | Rows
    cells: Callable[[Any], Sequence[object]]

    def rows(self) -> Iterator[Sequence[object]]:
        """One by one, in the language that is in force now: a download is written after its request's end."""
        language = get_language() or "en"

        def lines() -> Iterator[Sequence[object]]:
            for row in self.listed.iterator(chunk_size=2000):
                with override(language):
                    cells = self.cells(row)
                yield cells

        return lines()

    @property
    def is_long(self) -> bool:
        rows = self.listed
        some = rows.order_by()[: AT_ONCE + 1] if isinstance(rows, QuerySet) else rows
        return some.count() > AT_ONCE


class Source(Protocol):
    """A list that can go out. `query` says which of its rows, as its page's address does."""

    def may_export(self, user: User) -> bool: ...

    def export_title(self, query: str) -> str:
        """What people call it."""

    def opened(self, user: User, query: str, columns: Sequence[str]) -> Opened:
        """Its rows with the columns of these names. NotAllowed where the user may not have them."""


# By their keys, as Export.source keeps them. The pages that show the lists bring them here.
SOURCES: dict[str, Source] = {}


def ask(
    *,
    source: str,
    query: str,
    columns: Sequence[str],
    format: str,
    language: str,
    by: User,
    at: datetime,
) -> Export:
    """Open the record of an export that a worker is to write. NotAllowed for who may not have the list."""
    if not SOURCES[source].may_export(by):
        raise NotAllowed
    return Export.objects.create(
        source=source,
        query=query,
        columns=list(columns),
        format=Export.Format(format),
        language=language,
        asked_by=by,
        asked_at=at,
    )


def write(export_id: int, *, at: datetime) -> None:
    """Write an export's file. Safe to call again and at once; of one that was cleared away nothing is left.

    What breaks off unexpectedly raises and is tried again, ATTEMPTS times in all.
    """
    with sql.lease(EXPORTING, export_id) as held:
        export = Export.objects.select_related("asked_by").filter(pk=export_id).first()
        if export is None or not held or export.state not in Export.UNFINISHED:
            return
        with override(export.language), read_once():
            _attempt(export, at)


def _attempt(export: Export, at: datetime) -> None:
    # Counted before this try: one that killed its worker could not count itself.
    if export.attempts >= ATTEMPTS:
        _finish(export, State.FAILED, at, _t("Writing the file broke off several times. Ask for it again."))
        return
    export.attempts += 1
    export.state = State.RUNNING
    export.started_at, export.written = at, 0
    export.save()
    try:
        _write(export)
    except NotAllowed:
        _finish(export, State.FAILED, at, _t("You may no longer export this list."))
    except (IncorrectLookupParameters, FieldError, ValidationError, SuspiciousOperation):
        # The list's filters changed, or what one of them names was deleted: no attempt mends that.
        problem = _t(
            "A filter of this list no longer works. Open the list, choose filters and export it again."
        )
        _finish(export, State.FAILED, at, problem)
    except Refused as refusal:
        _finish(export, State.FAILED, at, str(refusal))
    else:
        _finish(export, State.DONE, at)


def _write(export: Export) -> None:
    opened = SOURCES[export.source].opened(export.asked_by, export.query, export.columns)
    export.total = opened.listed.count()
    export.save()
    if export.format == Export.Format.XLSX and export.total >= XLSX_ROWS:
        raise Refused(_t("A sheet holds at most %(limit)s rows. Choose CSV.") % {"limit": XLSX_ROWS - 1})
    with replacing(path_of(export)) as (out, _place):
        rows = _noted(export, opened.rows())
        if export.format == Export.Format.XLSX:
            write_xlsx(out, opened.header, rows)
        else:
            out.writelines(line.encode() for line in csv_lines(opened.header, rows))


def _noted(export: Export, rows: Iterator[Sequence[object]]) -> Iterator[Sequence[object]]:
    for row in rows:
        yield row
        export.written += 1
        if export.written % NOTED_EVERY == 0:
            export.save(update_fields=["written"])


def _finish(export: Export, state: State, at: datetime, problem: str = "") -> None:
    export.state, export.finished_at, export.problem = state, at, problem
    if state == State.DONE:
        # Rows may have come or gone since they were counted.
        export.total = export.written
    export.save()


def path_of(export: Export) -> Path:
    """Where its file stands once it is done."""
    return Path(default_storage.path(f"exports/{export.pk}.{export.format}"))


def unfinished() -> list[int]:
    """Exports that wait for a worker, or whose worker died: nobody works on them now."""
    waiting = Export.objects.filter(state__in=Export.UNFINISHED).values_list("pk", flat=True)
    return sorted(set(waiting) - sql.leases(EXPORTING))


def clear_away(*, at: datetime) -> None:
    """Delete what was asked for longer than KEPT ago, and all files as old: those of dead workers too."""
    until = at - KEPT
    Export.objects.filter(asked_at__lt=until).delete()
    for path in Path(default_storage.path("exports")).glob("*"):
        if path.stat().st_mtime < until.timestamp():
            path.unlink(missing_ok=True)
