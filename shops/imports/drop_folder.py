"""The drop folder: what other systems leave in `<DROP_FOLDER>/<kind>/` is taken in by itself."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from shops.errors import Refused
from shops.imports.door import receive
from shops.models import ImportBatch

logger = logging.getLogger(__name__)

# A file that was touched since may still be growing.
STILL_FOR = timedelta(seconds=10)
TAKING, TAKEN, REFUSED = "taking", "taken", "refused"
# How others name a file that is not whole yet.
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")


def collect(*, at: datetime) -> list[ImportBatch]:
    """Receive what lies there, each file once it has been still for a while.

    It is applied unless something looks suspicious; then it waits for a person. A file goes through `taking/`
    to `taken/`, or to `refused/` if it can't be received. Should this end between the two, the file comes in
    once more, and the second time changes nothing.
    """
    if not settings.DROP_FOLDER:
        return []
    received = []
    for kind in ImportBatch.Kind.values:
        folder = Path(settings.DROP_FOLDER) / kind
        for path in sorted(folder.glob("*")):
            if _is_whole(path, at):
                # First of all: what can't be moved away would come in again every minute.
                _move(path, folder / TAKING)
        for path in sorted((folder / TAKING).glob("*")):
            batch = _receive(path, kind, at)
            _move(path, folder / (TAKEN if batch else REFUSED), f"{batch.pk}-" if batch else "")
            if batch:
                received.append(batch)
    return received


def _receive(path: Path, kind: str, at: datetime) -> ImportBatch | None:
    try:
        with path.open("rb") as file:
            return receive(
                kind=kind,
                file=file,
                file_name=path.name,
                by=None,
                at=at,
                consent=ImportBatch.Consent.UNLESS_SUSPICIOUS,
            )
    except (Refused, OSError) as refusal:
        logger.warning("drop folder: %s is not taken: %s", path, refusal)
        return None


def _is_whole(path: Path, at: datetime) -> bool:
    if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED) or path.is_symlink():
        return False
    return path.is_file() and path.stat().st_mtime <= (at - STILL_FOR).timestamp()


def _move(path: Path, folder: Path, prefix: str = "") -> None:
    try:
        folder.mkdir(exist_ok=True)
        path.replace(folder / f"{prefix}{path.name}")
    except OSError as problem:
        logger.warning("drop folder: %s stays where it is: %s", path, problem)
