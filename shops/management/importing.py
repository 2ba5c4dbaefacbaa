"""What the four import commands share: the same path as the admin's import, run here or left to a worker."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.timezone import now
from django.utils.translation import gettext as _t

from shops import imports, jobs
from shops.errors import Refused
from shops.imports.values import moment
from shops.models import ImportBatch


def a_moment(text: str) -> datetime:
    """An option's moment; bad usage where it is none."""
    try:
        return moment(text)
    except ValueError:
        raise ArgumentTypeError("expected a moment such as 2024-08-31T09:00+08:00, or a date") from None


class ImportCommand(BaseCommand):
    """Reads FILE as `kind`. Exit status 0: done, also in part; 2: bad usage, or the whole file refused."""

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
        parser.add_argument("--enqueue", action="store_true", help="Leave it to a worker.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"] and options["enqueue"]:
            raise CommandError("--dry-run and --enqueue exclude each other.", returncode=2)
        try:
            with self._outcome(options) as (batch, rejected):
                if options["errors"] is not None:
                    _write_rejects(batch, rejected, options["errors"])
                self._report(batch, options)
        except OSError as error:
            raise CommandError(f"{error.strerror}: {error.filename}", returncode=2) from error
        except Refused as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        if batch.state == ImportBatch.State.REFUSED:
            sys.exit(2)

    @contextmanager
    def _outcome(self, options: dict[str, Any]) -> Iterator[tuple[ImportBatch, Path]]:
        """The import's record, and where its rejected rows are if there are any."""
        path: Path = options["file"]
        at = now()
        how = {"kind": self.kind, "at": at, "as_of": options["as_of"], "partial": options["partial"]}
        if options["dry_run"]:
            with imports.preview(path=path, **how) as outcome:
                yield outcome
            return
        with open(path, "rb") as file:
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
        errors = imports.errors_of(batch)
        if options["json"]:
            refused = batch.state == ImportBatch.State.REFUSED
            answer = {
                "batch": None if refused else batch.pk,
                "rows": batch.rows,
                "created": batch.created,
                "updated": batch.updated,
                "unchanged": batch.unchanged,
                "rejected": batch.rejected,
                "seconds": None if batch.seconds is None else f"{batch.seconds:.3f}",
                "errors": [
                    {"row": error.row, "column": error.column, "value": error.value, "message": error.message}
                    for error in errors
                ],
            }
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
            return
        self.stdout.write(_summary(batch, dry=options["dry_run"]))
        for error in errors:
            place = " · ".join(filter(None, [f"row {error.row}", error.column, error.value]))
            self.stdout.write(f"  {place}: {error.message}")


def _summary(batch: ImportBatch, *, dry: bool) -> str:
    if batch.state in ImportBatch.UNFINISHED:
        return f"{batch.file_name}: received as import {batch.pk}, left to a worker"
    state = str(batch.get_state_display())
    if dry and batch.state == ImportBatch.State.APPLIED:
        state = _t("could be applied")
    return (
        f"{batch.file_name}: {state}; {batch.rows} rows, {batch.created} created, {batch.updated} updated,"
        f" {batch.unchanged} unchanged, {batch.rejected} rejected, {batch.seconds:.3f} s"
    )


def _write_rejects(batch: ImportBatch, rejected: Path, target: Path) -> None:
    """The rejected rows with their reasons; an empty file where none was rejected."""
    with open(target, "w", encoding="utf-8", newline="") as out:
        if rejected.exists():
            out.writelines(imports.rejects_csv(rejected))
