"""What becomes of a received file: it is checked, then applied in one transaction or shown to a person."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import Max

from shops import sql
from shops.imports import door, files
from shops.imports.applying import apply
from shops.imports.brought import comes_to
from shops.imports.columns import Table
from shops.imports.daily import DAILY
from shops.imports.declared_columns import keys_of, takes
from shops.imports.errors import FileRefused, RowError
from shops.imports.headers import open_csv
from shops.imports.judging import judge
from shops.imports.own_penalties import suspicions_of_own
from shops.imports.planning import Counts, Plan
from shops.imports.preview import changes_of
from shops.imports.profiles import profiles_of
from shops.imports.progress import JUDGED, READ, CalledOff, Progress
from shops.imports.reading import Reading
from shops.imports.refunds import suspicions_of_refunds
from shops.imports.rejects import error_counts, first_errors, keep_rejects
from shops.imports.retired import refuse_retired
from shops.imports.staging import stage
from shops.imports.suspicions import Suspicion, suspicions_of
from shops.imports.tables import TABLES, table_of
from shops.imports.workbooks import readable
from shops.models import DayProfile, ImportBatch, ImportProgress, ImportSource

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = ImportBatch.State
Consent = ImportBatch.Consent

# First half of an advisory lock: a transaction's on a kind of file.
ONE_OF_A_KIND = 7_306_005
# How many errors the batch itself shows.
SHOWN = 20
# A file that has broken this many workers will break the next.
ATTEMPTS = 3


def process(batch_id: int, *, at: datetime) -> ImportBatch:
    """Check a received file and apply it: all of it, its good rows if it is partial, or nothing.

    Where a person is to look first, it is left ready, and nothing written. Safe to call again and at once: an
    import that is finished or waits for a person is left as it is, and one that another session works on.
    What breaks off unexpectedly raises and leaves nothing; after ATTEMPTS times the import is refused.
    """
    with sql.lease(door.IMPORTING, batch_id) as held:
        begun = _begin(batch_id, at) if held else None
        if begun is None:
            return ImportBatch.objects.get(pk=batch_id)
        batch, tries = begun
        started = time.monotonic()

        def refused(by_errors: Sequence[RowError], headers: Sequence[str] = ()) -> ImportBatch:
            def end(batch: ImportBatch) -> None:
                batch.headers = list(headers)
                _refuse(batch, by_errors)
                _stamp(batch, at=at, started=started)

            return _end(batch_id, end)

        if tries > ATTEMPTS:
            return refused([RowError(1, "", "", "kept_dying", {"times": tries - 1})])
        try:
            with Progress(batch.pk) as progress, transaction.atomic():
                _carry_out(batch, progress, at=at)
                _stamp(batch, at=at, started=started)
                # Who calls it off from here on waits for the end, and is told that it was too late.
                door.locked(batch.pk)
                progress.tell(1)
                batch.save_by(None)
            return batch
        except CalledOff:
            by = ImportProgress.objects.get(batch=batch_id).cancelled_by
            return _end(batch_id, door.call_off, by=by, reason="called off")
        except FileRefused as refusal:
            return refused(refusal.errors, refusal.headers)
        # Whatever it was: tried again, and after the last time told to the person instead of raised.
        except Exception as error:
            if tries < ATTEMPTS:
                _end(batch_id, _wait_again)
                raise
            params = {"times": tries, "error": type(error).__name__}
            return refused([RowError(1, "", "", "kept_failing", params)])


@transaction.atomic
def _end(
    batch_id: int, end: Callable[[ImportBatch], object], by: User | None = None, reason: str = ""
) -> ImportBatch:
    """Write down how a try ended that wrote nothing.

    Unless the lease was lost with its connection, and another worker has ended the import since.
    """
    batch = door.locked(batch_id)
    if batch.state in ImportBatch.UNFINISHED:
        end(batch)
        batch.save_by(by, reason)
    return batch


def _wait_again(batch: ImportBatch) -> None:
    batch.state = State.RECEIVED


@contextmanager
def preview(
    *,
    kind: str,
    path: Path,
    at: datetime,
    as_of: datetime | None = None,
    partial: bool = False,
    source: ImportSource | None = None,
) -> Iterator[tuple[ImportBatch, Path]]:
    """What importing the file at `path` would come to: an unsaved record, and its rejected rows.

    Nothing is kept; the rejected rows are gone when the block ends. Refused as by `receive`.
    """
    batch = ImportBatch(
        kind=kind,
        file_name=door.as_text(path.name),
        as_of=door.moment_of_knowledge(as_of, at),
        partial=partial,
        **door.how_to_read(kind, source),
    )
    started = time.monotonic()
    with files.workplace() as directory:
        rejected = directory / "rejected"
        try:
            with transaction.atomic():
                _check(batch, path, rejected, None, at=at)
                transaction.set_rollback(True)
        except FileRefused as refusal:
            _refuse(batch, refusal.errors)
        _stamp(batch, at=at, started=started)
        yield batch, rejected


@transaction.atomic
def _begin(batch_id: int, at: datetime) -> tuple[ImportBatch, int] | None:
    """The import, marked as being worked on, and how many times it has been; None if there is nothing to do.

    Locked meanwhile, so that a person who calls it off is not overlooked.
    """
    batch = door.locked(batch_id)
    if batch.state not in ImportBatch.UNFINISHED:
        return None
    shown = batch.history.filter(state=State.READY).aggregate(last=Max("history_id"))["last"]
    # Counted before this try: one that killed its worker could not count itself.
    tried = batch.history.filter(state__in=ImportBatch.WORKING, history_id__gt=shown or 0).count()
    called_off = ImportProgress.objects.filter(batch=batch, cancelled=True).first()
    if called_off is not None:
        # While a worker was at it that died before it heard.
        door.call_off(batch)
        batch.save_by(called_off.cancelled_by, "called off")
        return None
    if tried < ATTEMPTS:
        batch.state = State.APPLYING if shown else State.CHECKING
        batch.save_by(None)
        ImportProgress.objects.filter(batch=batch).update(done=0, began_at=at)
    return batch, tried + 1


def _carry_out(batch: ImportBatch, progress: Progress, *, at: datetime) -> None:
    """Check the file, and apply it where nobody has to be asked. Saves nothing of the record itself."""
    # A second file of the kind is judged against what the first one has written.
    sql.take_turns(ONE_OF_A_KIND, list(TABLES).index(batch.kind))
    confirmed = batch.state == State.APPLYING
    shown, told = _shown_of(batch), _codes(batch)
    rejected = files.rejected_path(batch.sha256, batch.pk)
    checked = _check(batch, files.path_of(batch.sha256), rejected, progress, at=at)
    changed = _shown_of(batch) != shown
    # Nobody has agreed to what came to be suspicious meanwhile.
    if confirmed and batch.state == State.APPLIED and (changed or not _codes(batch) <= told):
        batch.state = State.READY
        if changed:
            batch.suspicions.insert(0, Suspicion("changed_meanwhile").as_record())
    if batch.state == State.APPLIED:
        progress.tell(JUDGED)
        if batch.kind in DAILY:
            # A check that has counted by the figures of before would file by these.
            sql.take_turns(*sql.READING_METRICS)
        apply(checked.plan, batch, at=at)
        for profile in checked.profiles:
            profile.batch = batch
        DayProfile.objects.bulk_create(checked.profiles)
        # Foreign keys are checked by the commit, of which the record could not tell the time.
        with sql.by_index():
            connection.check_constraints()


@dataclass
class Checked:
    """A file that was staged and judged in this transaction."""

    plan: Plan
    profiles: list[DayProfile]


def _check(
    batch: ImportBatch, path: Path, rejected: Path, progress: Progress | None, *, at: datetime
) -> Checked:
    """Stage and judge the file, and write into the record what is to become of it. Saves nothing."""
    confirmed = batch.state == State.APPLYING
    table = _lasting_table(batch.kind)
    size = path.stat().st_size

    def told(done: int) -> None:
        if progress is not None:
            progress.told(READ * min(1, done / size))

    said = Reading(batch.encoding, batch.delimiter, batch.columns, firm=door.is_firm(batch))
    with readable(path, table, said) as (csv_file, sheet, reading):
        source = open_csv(csv_file, table, reading)
        batch.headers = source.headers
        batch.read_as = " · ".join(
            filter(
                None, [sheet, source.encoding.upper(), {"\t": "TAB"}.get(source.delimiter, source.delimiter)]
            )
        )
        brought = {column.name for column in source.present}
        batch.absent = [
            column.name for column in table.columns if column.name not in brought and takes(column)
        ]
        batch.declared = keys_of(source.present)
        staged = stage(source, table, told)
        refuse_retired(source)
        if progress is not None:
            progress.tell(READ)
        plan, counts = judge(staged, as_of=batch.as_of, at=at)
        batch.errors, batch.error_counts = [], {}
        if counts.rejected:
            batch.errors, batch.error_counts = first_errors(SHOWN), error_counts()
            keep_rejects(source, rejected)
        else:
            # Of an earlier look, before what was missing came in.
            rejected.unlink(missing_ok=True)
    profiles = profiles_of(plan)
    found = suspicions_of(plan, profiles)
    if batch.kind == ImportBatch.Kind.DEPOSITS:
        found += suspicions_of_refunds(at)
    elif batch.kind == ImportBatch.Kind.PENALTIES:
        found += suspicions_of_own()
    batch.suspicions = [suspicion.as_record() for suspicion in found]
    batch.state = State.APPLIED
    asks = batch.consent == Consent.ASK and not confirmed
    unsure = batch.consent == Consent.UNLESS_SUSPICIOUS and batch.suspicions and not confirmed
    if counts.rejected and not batch.partial:
        counts = Counts(rows=counts.rows, rejected=counts.rows)
        batch.state = State.REFUSED
    elif asks or unsure:
        batch.state = State.READY
    # What a person is shown or has agreed to can be told from any other plan.
    batch.changes = changes_of(plan, counts.updated, sealed=confirmed or batch.state == State.READY)
    if batch.kind == ImportBatch.Kind.PENALTIES:
        batch.changes["comes_to"] = comes_to()
    for name, count in vars(counts).items():
        setattr(batch, name, count)
    batch.first_day, batch.last_day = (min(plan.days), max(plan.days)) if plan.days else (None, None)
    return Checked(plan, profiles)


def _lasting_table(kind: str) -> Table:
    """The columns of a kind of file, which stay as they are until the transaction ends."""
    if kind == ImportBatch.Kind.METRICS:
        # Who would define one anew waits, and is then told that figures came in. Another may be declared.
        sql.fetch("SELECT key FROM shops_declaredmetric ORDER BY id FOR SHARE")
    return table_of(kind)


def _shown_of(batch: ImportBatch) -> tuple[object, ...]:
    """What a person was shown of what would be written."""
    counts = (batch.rows, batch.created, batch.updated, batch.unchanged, batch.rejected, batch.left_alone)
    return *counts, batch.changes


def _codes(batch: ImportBatch) -> set[str]:
    """The kinds of what looks suspicious."""
    return {suspicion["code"] for suspicion in batch.suspicions}


def _refuse(batch: ImportBatch, errors: Sequence[RowError]) -> None:
    door.end_with_nothing(batch, State.REFUSED)
    batch.errors = [error.as_record() for error in errors[:SHOWN]]
    batch.error_counts = dict(Counter(error.code for error in errors))


def _stamp(batch: ImportBatch, *, at: datetime, started: float) -> None:
    batch.finished_at = at
    batch.seconds = Decimal(f"{time.monotonic() - started:.3f}")
