"""The drop folder: what other systems leave in `<DROP_FOLDER>/<kind>/` is taken in by itself."""

from __future__ import annotations

import itertools
import logging
import os
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from shops import sql
from shops.errors import Refused
from shops.imports.door import receive
from shops.models import ImportBatch

logger = logging.getLogger(__name__)

# A session's advisory lock.
COLLECTING = (7_306_010, 0)
# A file that was touched since may still be growing.
STILL_FOR = timedelta(seconds=10)
TAKING, TAKEN, REFUSED = "taking", "taken", "refused"
# How others name a file that is not whole yet.
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
PROBE = ".probe"


def collect(*, at: datetime) -> list[ImportBatch]:
    """Receive what lies there, each file once it has been still for a while.

    It is applied unless something looks suspicious; then it waits for a person. A file goes through `taking/`
    to `taken/`, or to `refused/` if it can't be received. Should this end between the two, the file comes in
    once more, and the second time changes nothing. Nothing is received while somebody else is at it.
    """
    if not settings.DROP_FOLDER:
        return []
    with sql.lease(*COLLECTING) as alone:
        return _collected(at) if alone else []


def _collected(at: datetime) -> list[ImportBatch]:
    received: list[ImportBatch | None] = []
    for kind in ImportBatch.Kind.values:
        folder = Path(settings.DROP_FOLDER) / kind
        # What could not be moved away afterwards would come in again every minute.
        if not folder.is_dir() or not _has_its_places(folder):
            continue
        for path in sorted(folder.glob("*")):
            if _is_whole(path, at):
                _moved(path, folder / TAKING)
        waiting = sorted(filter(_is_itself_a_file, (folder / TAKING).glob("*")), key=_laid_down)
        for place, path in enumerate(waiting):
            # In the order in which they were laid down; of two at once nobody could tell which is right.
            as_of = at - timedelta(microseconds=len(waiting) - 1 - place)
            received.append(_take(path, kind, at, as_of))
    return [batch for batch in received if batch is not None]


def _laid_down(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


def _has_its_places(folder: Path) -> bool:
    """Whether files can be moved to where they go, which is made where it isn't there yet.

    Tried out on the way that files go: permissions alone don't tell of another file system.
    """
    try:
        for place in (TAKING, TAKEN, REFUSED):
            (folder / place).mkdir(exist_ok=True)
        for place in (TAKEN, REFUSED):
            (folder / TAKING / PROBE).touch()
            (folder / TAKING / PROBE).replace(folder / place / PROBE).unlink()
    except OSError as problem:
        logger.warning("drop folder: nothing of %s is taken: %s", folder, problem)
        return False
    return True


def _take(path: Path, kind: str, at: datetime, as_of: datetime) -> ImportBatch | None:
    """Receive a file of `taking/` and move it to where it then belongs."""
    batch = _receive(path, kind, at, as_of)
    if batch is None:
        _moved(path, path.parent.with_name(REFUSED), f"{at:%Y%m%d%H%M%S}-")
    else:
        _moved(path, path.parent.with_name(TAKEN), f"{batch.pk}-")
    return batch


def _receive(path: Path, kind: str, at: datetime, as_of: datetime) -> ImportBatch | None:
    try:
        with path.open("rb") as file:
            return receive(
                kind=kind,
                file=file,
                file_name=path.name,
                by=None,
                at=at,
                as_of=as_of,
                consent=ImportBatch.Consent.UNLESS_SUSPICIOUS,
            )
    except (Refused, OSError) as refusal:
        logger.warning("drop folder: %s is not taken: %s", path, refusal)
        return None


def _is_itself_a_file(path: Path) -> bool:
    """No link to something that people may not read, and no pipe that would be waited for."""
    return path.is_file() and not path.is_symlink()


def _is_whole(path: Path, at: datetime) -> bool:
    if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED) or not _is_itself_a_file(path):
        return False
    return path.stat().st_mtime <= (at - STILL_FOR).timestamp()


def _moved(path: Path, folder: Path, prefix: str = "") -> Path | None:
    """Where the file is now; None where it could not be moved."""
    try:
        return path.replace(_free_place(folder, prefix, path.name))
    except OSError as problem:
        logger.warning("drop folder: %s stays where it is: %s", path, problem)
        return None


def _free_place(folder: Path, prefix: str, name: str) -> Path:
    """Where nothing is yet. Of a name that is too long with what goes before, the end is kept."""
    longest = os.pathconf(folder, "PC_NAME_MAX")
    for number in itertools.count(1):
        before = prefix if number == 1 else f"{prefix}{number}-"
        while len(os.fsencode(before + name)) > longest:
            name = name[1:]
        if not os.path.lexists(folder / (before + name)):
            break
    return folder / (before + name)
