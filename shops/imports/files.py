"""Where files are kept: each under its SHA-256, the rows that were rejected beside it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _t

from shops.errors import Refused

BLOCK = 1 << 20
UNFINISHED = ".unfinished"
# Nothing that is being written has not been touched for so long.
LEFT_BEHIND = timedelta(days=1)


def path_of(sha256: str) -> Path:
    return Path(default_storage.path(f"imports/{sha256[:2]}/{sha256}"))


def rejected_path(sha256: str, batch_id: int) -> Path:
    """The rejected rows of one reading of the file: what is wrong also hangs on what was known then."""
    return path_of(sha256).with_name(f"{sha256}.rejected-{batch_id}")


def keep(file: IO[bytes]) -> tuple[str, int]:
    """Copy what can be read from `file` to its place; its SHA-256 and size. Refused when it is too large."""
    digest = hashlib.sha256()
    size = 0
    with replacing(Path(default_storage.path("imports")) / "incoming") as (out, place):
        while block := file.read(BLOCK):
            size += len(block)
            if size > settings.IMPORT_MAX_BYTES:
                limit = settings.IMPORT_MAX_BYTES >> 20
                raise Refused(
                    _t("The file is larger than %(limit)s MB. Send it in parts.") % {"limit": limit}
                )
            digest.update(block)
            out.write(block)
        sha256 = digest.hexdigest()
        place(path_of(sha256))
    return sha256, size


@contextmanager
def replacing(path: Path) -> Iterator[tuple[IO[bytes], Any]]:
    """A new file that appears whole or not at all: at `path`, or where it is told to go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{uuid.uuid4().hex}{UNFINISHED}")
    target = [path]
    try:
        with open(unfinished, "wb") as out:
            yield out, lambda other: target.__setitem__(0, other)
            out.flush()
            os.fsync(out.fileno())
        target[0].parent.mkdir(parents=True, exist_ok=True)
        os.replace(unfinished, target[0])
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def workplace() -> Iterator[Path]:
    """A directory for what is needed in between; gone when the block ends."""
    _workplaces().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_workplaces()) as directory:
        yield Path(directory)


def clear_away(*, at: datetime) -> None:
    """Delete what killed processes have left behind, once it has not been touched for LEFT_BEHIND."""
    until = (at - LEFT_BEHIND).timestamp()
    for path in (
        *Path(default_storage.path("imports")).rglob(f"*{UNFINISHED}"),
        *_workplaces().glob("*"),
    ):
        # Some are finished just now.
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < until:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _workplaces() -> Path:
    return Path(default_storage.path("imports/workplaces"))
