"""The one way in for files, and what people do with one that came in: confirm, call off, read anew."""

from __future__ import annotations

from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _t

from shops import sql
from shops.errors import Refused
from shops.imports import files
from shops.imports.errors import MESSAGES, RowError
from shops.imports.headers import told_apart
from shops.imports.planning import Counts
from shops.imports.reading import Reading
from shops.imports.suspicions import Suspicion
from shops.imports.tables import table_of
from shops.imports.values import EARLIEST
from shops.models import ImportBatch, ImportProgress, ImportSource
from shops.rights import require
from shops.texts import in_the_readers_language

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = ImportBatch.State
IMPORT = "shops.import_data"
# Money is entered by finance alone, also from files.
RIGHTS = {ImportBatch.Kind.DEPOSITS: "shops.enter_deposit"}
READ_ANEW = frozenset({State.REFUSED, State.CANCELLED})

# First half of an advisory lock: a session's on the import that it works on.
IMPORTING = 7_306_004


def receive(
    *,
    kind: str,
    file: IO[bytes],
    file_name: str,
    by: User | None,
    at: datetime,
    as_of: datetime | None = None,
    partial: bool = False,
    consent: ImportBatch.Consent = ImportBatch.Consent.GIVEN,
    source: ImportSource | None = None,
    reading: Reading | None = None,
) -> ImportBatch:
    """Keep a file that came in and open its record; nothing of it is looked at yet.

    `as_of`: of what moment its knowledge is (by default `at`). `partial`: take the good rows even if others
    are bad. `consent`: whether what was checked is also applied. `source`: where it comes from, which tells
    how it is to be read; `reading` overrules that. Refused when the file is too large, claims to know the
    future, or is of another kind than its source.
    """
    require(by, right_to(kind))
    read = how_to_read(kind, source, reading)
    as_of = moment_of_knowledge(as_of, at)
    sha256, size = files.keep(file)
    batch = ImportBatch(
        kind=ImportBatch.Kind(kind),
        file_name=as_text(file_name)[-255:],
        sha256=sha256,
        size=size,
        received_at=at,
        as_of=as_of,
        received_by=by,
        partial=partial,
        consent=consent,
        **read,
    )
    _open(batch, by)
    return batch


def right_to(kind: str) -> str:
    """The permission that importing files of the kind takes."""
    return RIGHTS.get(ImportBatch.Kind(kind), IMPORT)


def how_to_read(kind: str, source: ImportSource | None, reading: Reading | None = None) -> dict[str, Any]:
    """A record's fields that say how its file is read: as its source tells, unless `reading` overrules that.

    Refused where files of the source hold something else.
    """
    if source is not None and source.kind != kind:
        raise Refused(_t("Files of “%(source)s” hold something else.") % {"source": source})
    of_source = Reading(source.encoding, source.delimiter, source.columns) if source else Reading()
    chosen = reading or Reading()
    return {
        "source": source,
        "encoding": chosen.encoding or of_source.encoding,
        "delimiter": chosen.delimiter or of_source.delimiter,
        "columns": {**of_source.columns, **chosen.columns},
    }


@transaction.atomic
def confirm(batch_id: int, *, by: User | None) -> ImportBatch:
    """Have an import applied that was checked and shown. Refused where it does not wait for that, or where
    every row is rejected.
    """
    batch = locked(batch_id)
    require(by, right_to(batch.kind))
    if batch.state != State.READY:
        raise Refused(_t("This import does not wait to be applied: it is %(state)s.") % _state_of(batch))
    if batch.holds_nothing_good:
        raise Refused(_t("Every row of this file is rejected: there is nothing to apply."))
    # How it was to be asked for stays on record: what was shown before is applied.
    batch.state = State.RECEIVED
    batch.save_by(by, "confirmed")
    ImportProgress.objects.filter(batch=batch).update(cancelled=False, cancelled_by=None)
    return batch


@transaction.atomic
def cancel(batch_id: int, *, by: User | None) -> ImportBatch:
    """Call an import off before anything of it is written; one that a worker is at ends as soon as it hears.

    Refused where it has ended already.
    """
    batch = locked(batch_id)
    require(by, right_to(batch.kind))
    if batch.state not in ImportBatch.CANCELLABLE:
        raise Refused(_t("This import can't be called off any more: it is %(state)s.") % _state_of(batch))
    ImportProgress.objects.filter(batch=batch).update(cancelled=True, cancelled_by=by)
    # Nobody is at it, or a worker that died: nothing will hear of it.
    if batch.state not in ImportBatch.WORKING or batch.pk not in sql.leases(IMPORTING):
        call_off(batch)
        batch.save_by(by, "called off")
    return batch


@transaction.atomic
def read_anew(
    batch_id: int, *, reading: Reading, remember_as: str = "", by: User | None, at: datetime
) -> ImportBatch:
    """Take the file of an import that was refused or called off once more, to be read as `reading` says.

    `remember_as`: the name of a source that is to be read so from now on, an earlier one of that name too.
    Refused where the import has not ended so, and where files of that source hold something else.
    """
    before = ImportBatch.objects.get(pk=batch_id)
    require(by, right_to(before.kind))
    if before.state not in READ_ANEW:
        raise Refused(
            _t("Only a file that was refused is read anew: this one is %(state)s.") % _state_of(before)
        )
    batch = ImportBatch(
        kind=before.kind,
        file_name=before.file_name,
        sha256=before.sha256,
        size=before.size,
        received_at=at,
        as_of=before.as_of,
        received_by=by,
        partial=before.partial,
        # It was never shown in this reading.
        consent=ImportBatch.Consent.ASK,
        earlier=before,
        source=_remember(remember_as.strip(), before.kind, reading, by)
        if remember_as.strip()
        else before.source,
        encoding=reading.encoding,
        delimiter=reading.delimiter,
        columns=dict(reading.columns),
    )
    _open(batch, by)
    return batch


def _remember(name: str, kind: str, reading: Reading, by: User | None) -> ImportSource:
    """The source of that name, in which what is said now stands beside what was said of other headers."""
    source = ImportSource(
        name=name,
        kind=kind,
        encoding=reading.encoding,
        delimiter=reading.delimiter,
        columns=dict(reading.columns),
    )
    try:
        # Somebody may be saving the same name: the second adds to what the first has said.
        with transaction.atomic():
            source.save_by(by)
        return source
    except IntegrityError:
        source = ImportSource.objects.select_for_update(no_key=True).get(name=name)
    if source.kind != kind:
        raise Refused(_t("Files of “%(source)s” hold something else.") % {"source": source})
    source.encoding = reading.encoding or source.encoding
    source.delimiter = reading.delimiter or source.delimiter
    source.columns = {**source.columns, **reading.columns}
    source.save_by(by)
    return source


def is_firm(batch: ImportBatch) -> bool:
    """Whether a person has said of this very file how it is written, or only of all from its source."""
    source = batch.source
    said = (batch.encoding, batch.delimiter)
    return source is None or said != (source.encoding, source.delimiter)


def unfinished() -> list[int]:
    """Imports that wait for a worker, or whose worker died: nobody works on them now."""
    waiting = ImportBatch.objects.filter(state__in=ImportBatch.UNFINISHED).order_by("pk")
    return sorted(set(waiting.values_list("pk", flat=True)) - sql.leases(IMPORTING))


def column_names(kind: str) -> dict[str, str]:
    """The columns of a kind of file by their names in the reader's language."""
    columns = table_of(kind).columns
    return {column.name: in_the_readers_language(column.name, column.name_zh) for column in columns}


def absent_of(batch: ImportBatch) -> list[str]:
    """The columns that the file did not bring, by their names in the reader's language (R1)."""
    names = column_names(batch.kind)
    return [names[name] for name in batch.absent if name in names]


def same_before(batch: ImportBatch) -> ImportBatch | None:
    """The last applied import of the very same file, if there is one."""
    return (
        ImportBatch.objects.filter(kind=batch.kind, sha256=batch.sha256, state=State.APPLIED, pk__lt=batch.pk)
        .order_by("-pk")
        .first()
    )


def meanings_of(batch: ImportBatch) -> dict[str, str]:
    """What each header of the file, told apart, is taken to mean as of now: a column's name, or nothing."""
    table = table_of(batch.kind)
    found = zip(told_apart(batch.headers), map(table.find, batch.headers), strict=True)
    return {told: batch.columns.get(told, column.name if column else "") for told, column in found}


def errors_of(batch: ImportBatch) -> list[RowError]:
    """The first errors of an import, ready to be told in the reader's language."""
    return [RowError.of_record(record) for record in batch.errors]


def suspicions_of(batch: ImportBatch) -> list[Suspicion]:
    """What looks suspicious about an import, ready to be told in the reader's language."""
    return [Suspicion.of_record(record) for record in batch.suspicions]


def as_text(name: str) -> str:
    """A disk's name for a file may be any bytes, such as Chinese that is not UTF-8."""
    return name.encode(errors="replace").decode()


def moment_of_knowledge(as_of: datetime | None, at: datetime) -> datetime:
    """`at` unless the file names its own. Refused where that can't be."""
    if as_of is None:
        return at
    if as_of > at:
        raise Refused(_t("A file can't know what is still to come: its moment lies in the future."))
    # The calendar's first day in Shanghai is no day at all in UTC, and the record could not be read again.
    if as_of.date() < EARLIEST:
        raise Refused(str(MESSAGES["too_early"]) % {"earliest": EARLIEST.isoformat()})
    return as_of


def _open(batch: ImportBatch, by: User | None) -> None:
    with transaction.atomic():
        batch.save_by(by)
        ImportProgress.objects.create(batch=batch)


def locked(batch_id: int) -> ImportBatch:
    return ImportBatch.objects.select_for_update(no_key=True).get(pk=batch_id)


def _state_of(batch: ImportBatch) -> dict[str, str]:
    return {"state": str(batch.get_state_display())}


def call_off(batch: ImportBatch) -> None:
    """End it, on a person's word, with nothing written."""
    end_with_nothing(batch, State.CANCELLED)


def end_with_nothing(batch: ImportBatch, state: ImportBatch.State) -> None:
    """The import ends, and nothing of its file was written."""
    batch.state = state
    batch.changes = {}
    for name, count in vars(Counts(rows=batch.rows, rejected=batch.rows)).items():
        setattr(batch, name, count)
