"""The one way in for files: received and kept, then checked and applied in one transaction."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING

from django.db import connection, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _t

from shops import sql
from shops.errors import Refused
from shops.imports import files
from shops.imports.applying import apply
from shops.imports.columns import TABLES
from shops.imports.errors import MESSAGES, FileRefused, RowError
from shops.imports.judging import Judged, judge
from shops.imports.reading import open_csv
from shops.imports.rejects import first_errors, keep_rejects
from shops.imports.staging import Staged, stage
from shops.imports.values import EARLIEST
from shops.models import ImportBatch
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = ImportBatch.State

# First halves of advisory locks: a session's on the import it works on, a transaction's on its kind.
IMPORTING = 7_306_004
ONE_OF_A_KIND = 7_306_005
# How many errors the batch itself shows.
SHOWN = 20
# A file that has broken this many workers will break the next.
ATTEMPTS = 3


def receive(
    *,
    kind: str,
    file: IO[bytes],
    file_name: str,
    by: User | None,
    at: datetime,
    as_of: datetime | None = None,
    partial: bool = False,
) -> ImportBatch:
    """Keep a file that came in and open its record; nothing of it is looked at yet.

    `as_of`: of what moment its knowledge is (by default `at`). `partial`: take the good rows even if others
    are bad. Refused when the file is too large or claims to know the future.
    """
    require(by, "shops.import_data")
    as_of = _moment_of_knowledge(as_of, at)
    sha256, size = files.keep(file)
    batch = ImportBatch(
        kind=ImportBatch.Kind(kind),
        file_name=_as_text(file_name)[-255:],
        sha256=sha256,
        size=size,
        received_at=at,
        as_of=as_of,
        received_by=by,
        partial=partial,
    )
    batch.save_by(by)
    return batch


def process(batch_id: int, *, at: datetime) -> ImportBatch:
    """Check a received file and apply it: all of it, its good rows if it is partial, or nothing.

    Safe to call again and at once: a finished import is left as it is, and one that another session works on.
    What breaks off unexpectedly raises and leaves nothing; after ATTEMPTS times the import is refused.
    """
    with sql.lease(IMPORTING, batch_id) as held:
        batch = ImportBatch.objects.select_related("received_by").get(pk=batch_id)
        if not held or batch.state not in ImportBatch.UNFINISHED:
            return batch
        started = time.monotonic()
        # Counted before this try: one that killed its worker could not count itself.
        tried = batch.history.filter(state=State.CHECKING).count()
        if tried >= ATTEMPTS:
            _refuse(batch, [RowError(1, "", "", "kept_dying", {"times": tried})])
        else:
            batch.state = State.CHECKING
            batch.save_by(None)
            try:
                with transaction.atomic():
                    # A second file of the kind is judged against what the first one has written.
                    sql.take_turns(ONE_OF_A_KIND, list(TABLES).index(batch.kind))
                    rejected = files.rejected_path(batch.sha256, batch.pk)
                    staged = _check(batch, files.path_of(batch.sha256), rejected)
                    if batch.state == State.APPLIED:
                        apply(staged, batch, at=at)
                        # Foreign keys are checked by the commit, of which the record could not tell the time.
                        connection.check_constraints()
                    _stamp(batch, at=at, started=started)
                    batch.save_by(None)
                return batch
            except FileRefused as refusal:
                batch.refresh_from_db()
                _refuse(batch, refusal.errors)
            # Whatever it was: tried again, and after the last time told to the person instead of raised.
            except Exception as error:
                batch.refresh_from_db()
                if tried + 1 < ATTEMPTS:
                    batch.state = State.RECEIVED
                    batch.save_by(None)
                    raise
                params = {"times": tried + 1, "error": type(error).__name__}
                _refuse(batch, [RowError(1, "", "", "kept_failing", params)])
        _stamp(batch, at=at, started=started)
        batch.save_by(None)
        return batch


@contextmanager
def preview(
    *, kind: str, path: Path, at: datetime, as_of: datetime | None = None, partial: bool = False
) -> Iterator[tuple[ImportBatch, Path]]:
    """What importing the file at `path` would come to: an unsaved record, and its rejected rows.

    Nothing is kept; the rejected rows are gone when the block ends. Refused as by `receive`.
    """
    batch = ImportBatch(
        kind=kind, file_name=_as_text(path.name), as_of=_moment_of_knowledge(as_of, at), partial=partial
    )
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        rejected = Path(directory) / "rejected"
        try:
            with transaction.atomic():
                _check(batch, path, rejected)
                transaction.set_rollback(True)
        except FileRefused as refusal:
            _refuse(batch, refusal.errors)
        _stamp(batch, at=at, started=started)
        yield batch, rejected


def unfinished() -> list[int]:
    """Imports that wait for a worker, or whose worker died: nobody works on them now."""
    waiting = ImportBatch.objects.filter(state__in=ImportBatch.UNFINISHED).order_by("pk")
    return sorted(set(waiting.values_list("pk", flat=True)) - sql.leases(IMPORTING))


def absent_of(batch: ImportBatch) -> list[str]:
    """The columns that the file did not bring, by their names in the reader's language (R1)."""
    chinese = (get_language() or "").startswith("zh")
    columns = {column.name: column for column in TABLES[batch.kind].columns}
    return [columns[name].name_zh if chinese else name for name in batch.absent if name in columns]


def errors_of(batch: ImportBatch) -> list[RowError]:
    """The first errors of an import, ready to be told in the reader's language."""
    return [RowError.of_record(record) for record in batch.errors]


def _as_text(name: str) -> str:
    """A disk's name for a file may be any bytes, such as Chinese that is not UTF-8."""
    return name.encode(errors="replace").decode()


def _moment_of_knowledge(as_of: datetime | None, at: datetime) -> datetime:
    """`at` unless the file names its own. Refused where that can't be."""
    if as_of is None:
        return at
    if as_of > at:
        raise Refused(_t("A file can't know what is still to come: its moment lies in the future."))
    # The calendar's first day in Shanghai is no day at all in UTC, and the record could not be read again.
    if as_of.date() < EARLIEST:
        raise Refused(str(MESSAGES["too_early"]) % {"earliest": EARLIEST.isoformat()})
    return as_of


def _check(batch: ImportBatch, path: Path, rejected: Path) -> Staged:
    """Stage and judge the file, and write into the record what becomes of it. Saves nothing."""
    table = TABLES[batch.kind]
    staged = stage(open_csv(path, table), table)
    brought = {column.name for column in staged.source.present}
    batch.absent = [column.name for column in table.columns if column.name not in brought]
    judged = judge(staged, as_of=batch.as_of)
    if judged.rejected:
        batch.errors = [error.as_record() for error in first_errors(SHOWN)]
        keep_rejects(staged.source, rejected)
    batch.state = State.APPLIED
    if judged.rejected and not batch.partial:
        judged = Judged(judged.rows, created=0, updated=0, unchanged=0, rejected=judged.rows)
        batch.state = State.REFUSED
    batch.rows, batch.rejected = judged.rows, judged.rejected
    batch.created, batch.updated, batch.unchanged = judged.created, judged.updated, judged.unchanged
    batch.first_day, batch.last_day = judged.first_day, judged.last_day
    return staged


def _refuse(batch: ImportBatch, errors: Sequence[RowError]) -> None:
    batch.state = State.REFUSED
    batch.errors = [error.as_record() for error in errors[:SHOWN]]


def _stamp(batch: ImportBatch, *, at: datetime, started: float) -> None:
    batch.finished_at = at
    batch.seconds = Decimal(f"{time.monotonic() - started:.3f}")
