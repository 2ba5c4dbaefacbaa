from __future__ import annotations

from argparse import ArgumentParser
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from opsdesk import appeals
from opsdesk.appeals.tables import LARGEST
from opsdesk.exhibits import NotNow, Parcel, ParcelRefused, folder, unpacked
from opsdesk.management.answers import AnsweringCommand, bad_usage


class Command(AnsweringCommand):
    help = "File what a CSV file of appeals says, with the evidence that it names: all of it or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path)
        parser.add_argument("--evidence", type=Path, metavar="PATH", help="A folder, or a ZIP.")

    def answer(self, **options: Any) -> tuple[Any, str]:
        try:
            with open(options["file"], "rb") as file:
                content = file.read(LARGEST + 1)
            with _parcel(options["evidence"]) as parcel:
                filed = appeals.file_many(content, by=None, at=timezone.now(), parcel=parcel)
        # What the desk itself can't read or write is told by a refusal.
        except OSError as error:
            bad_usage(f"{error.filename}: {error.strerror}")
        except NotNow as refusal:
            return _refused([{"row": 0, "message": str(refusal)}])
        except ParcelRefused as refusal:
            return _refused([{"row": 0, "message": reason} for reason in refusal.reasons])
        except appeals.FileOfAppealsRefused as refusal:
            return _refused([vars(wrong) for wrong in refusal.rows])
        value = {
            "filed": [
                {
                    "appeal": appeal.number,
                    "penalty": appeal.penalty.case_number,
                    "files": appeal.evidence.count(),
                }
                for appeal in filed
            ]
        }
        return value, "\n".join("{appeal} {penalty} {files}".format(**line) for line in value["filed"])

    def status(self, value: Any) -> int:
        return 1 if "wrong" in value else 0


def _parcel(path: Path | None) -> AbstractContextManager[Parcel | None]:
    if path is None:
        return nullcontext()
    return folder(path) if path.is_dir() else unpacked(path)


def _refused(wrong: list[dict[str, Any]]) -> tuple[Any, str]:
    lines = [
        _("Row %(row)s: %(what)s") % {"row": one["row"], "what": one["message"]}
        if one["row"]
        else one["message"]
        for one in wrong
    ]
    return {"filed": [], "wrong": wrong}, "\n".join(lines)
