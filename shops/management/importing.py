"""What the import commands share: the same path as the admin's import, run here or left to a worker."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now
from django.utils.translation import gettext as _t

from shops import imports, jobs
from shops.errors import Refused
from shops.imports.values import moment
from shops.models import ImportBatch, ImportSource

# Ended with nothing of the file written: there is no import that others could go by.
NOT_DONE = frozenset({ImportBatch.State.REFUSED, ImportBatch.State.CANCELLED})


def a_moment(text: str) -> datetime:
    """An option's moment; bad usage where it is none."""
    try:
        return moment(text)
    except ValueError:
        raise ArgumentTypeError("expected a moment such as 2024-08-31T09:00+08:00, or a date") from None


class ImportCommand(BaseCommand):
    """Reads FILE as `kind`. Exit status 0: done, also in part; 2: bad usage, or refused or called off."""

    kind: str

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="Print one JSON value and nothing else.")
        parser.add_argument("--dry-run", action="store_true", help="Check and count, write nothing.")
        parser.add_argument("--partial", action="store_true", help="Take the good rows even if some are bad.")
        parser.add_argument(
            "--as-of", type=a_moment, metavar="MOMENT", help="Of what moment the file's knowledge is."
        )
        parser.add_argument("--errors", type=Path, metavar="OUT.csv", help="Write the rejected rows there.")
        parser.add_argument("--source", metavar="NAME", help="A saved source, which tells how to read it.")
        parser.add_argument("--enqueue", action="store_true", help="Leave it to a worker.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"] and options["enqueue"]:
            raise CommandError("--dry-run and --enqueue exclude each other.", returncode=2)
        out: Path | None = options["errors"]
        if out is not None and options["enqueue"]:
            raise CommandError("--errors and --enqueue exclude each other.", returncode=2)
        try:
            # Opened first: where it can't be read, no empty OUT is left behind.
            with options["file"].open("rb") as file:
                if out is not None:
                    if out.exists() and out.samefile(options["file"]):
                        raise CommandError("--errors would overwrite the file itself.", returncode=2)
                    # Found out before anything is imported: that the rejected rows can't be written there.
                    out.open("a").close()
                with self._outcome(file, options) as (batch, rejected):
                    if out is not None:
                        _write_rejects(batch, rejected, out)
                    self._report(batch, options)
        except OSError as error:
            raise CommandError(f"{error.strerror}: {error.filename}", returncode=2) from error
        except Refused as refusal:
            if not options["json"]:
                raise CommandError(str(refusal), returncode=2) from refusal
            self._answer(ImportBatch(state=ImportBatch.State.REFUSED), [(1, "", "", str(refusal))])
            sys.exit(2)
        if batch.state in NOT_DONE:
            sys.exit(2)

    @contextmanager
    def _outcome(self, file: IO[bytes], options: dict[str, Any]) -> Iterator[tuple[ImportBatch, Path]]:
        """The import's record, and where its rejected rows are if there are any."""
        path: Path = options["file"]
        at = now()
        how = {
            "kind": self.kind,
            "at": at,
            "as_of": options["as_of"],
            "partial": options["partial"],
            "source": _source(options["source"]),
        }
        if options["dry_run"]:
            with imports.preview(path=path, **how) as outcome:
                yield outcome
            return
        batch = imports.receive(file=file, file_name=path.name, by=None, **how)
        if options["enqueue"]:
            jobs.ask_for(batch)
        else:
            batch = imports.process(batch.pk, at=at)
            # A worker that looked for unfinished imports just now may have been faster: its result is ours.
            while batch.state in ImportBatch.UNFINISHED:
                time.sleep(0.2)
                batch = imports.process(batch.pk, at=at)
        yield batch, imports.rejected_path(batch.sha256, batch.pk)

    def _report(self, batch: ImportBatch, options: dict[str, Any]) -> None:
        found = imports.errors_of(batch)
        errors = [(error.row, error.column, error.value, error.message) for error in found]
        if options["json"]:
            self._answer(batch, errors)
            return
        self.stdout.write(_summary(batch, dry=options["dry_run"]))
        for suspicion in imports.suspicions_of(batch):
            self.stdout.write(f"  suspicious: {suspicion.message}")
        for row, column, value, message in errors:
            place = " · ".join(filter(None, [f"row {row}", column, value]))
            self.stdout.write(f"  {place}: {message}")

    def _answer(self, batch: ImportBatch, errors: list[tuple[int, str, str, str]]) -> None:
        """The one JSON value. `errors`: row, column, value, message."""
        answer = {
            "batch": None if batch.state in NOT_DONE else batch.pk,
            "rows": batch.rows,
            "created": batch.created,
            "updated": batch.updated,
            "unchanged": batch.unchanged,
            "rejected": batch.rejected,
            "seconds": None if batch.seconds is None else f"{batch.seconds:.3f}",
            "errors": [
                dict(zip(("row", "column", "value", "message"), error, strict=True)) for error in errors
            ],
        }
        self.stdout.write(json.dumps(answer, ensure_ascii=False))


def _source(name: str | None) -> ImportSource | None:
    """The saved source of that name; bad usage where there is none."""
    if name is None:
        return None
    found = ImportSource.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"no source of files is called {name!r}", returncode=2)
    return found


def _summary(batch: ImportBatch, *, dry: bool) -> str:
    if batch.state in ImportBatch.UNFINISHED:
        return f"{batch.file_name}: received as import {batch.pk}, left to a worker"
    state = str(batch.get_state_display())
    if dry and batch.state == ImportBatch.State.APPLIED:
        state = _t("could be applied")
    seconds = "" if batch.seconds is None else f", {batch.seconds:.3f} s"
    absent = f"; not in the file: {', '.join(batch.absent)}" if batch.absent else ""
    return (
        f"{batch.file_name}: {state}; {batch.rows} rows, {batch.created} created, {batch.updated} updated,"
        f" {batch.unchanged} unchanged, {batch.rejected} rejected{seconds}{absent}"
    )


def _write_rejects(batch: ImportBatch, rejected: Path, target: Path) -> None:
    """The rejected rows with their reasons; an empty file where none was rejected."""
    with open(target, "w", encoding="utf-8", newline="") as out:
        if rejected.exists():
            out.writelines(imports.rejects_csv(rejected))
