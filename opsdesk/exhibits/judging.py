"""Whether a file may be evidence: judged by its content, whatever its name and its sender say of it."""

from __future__ import annotations

import hashlib
import logging
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsdesk.exhibits import boxes, drawing, formats, trailers
from opsdesk.exhibits.formats import broken
from opsdesk.exhibits.notnow import NotNow, no_room
from opsdesk.exhibits.turns import a_turn
from shops.errors import Refused

logger = logging.getLogger(__name__)

BLOCK = 1 << 20
# So many times as long as its processor time a file may take by the clock.
PATIENCE = 3
# Signals by which a program is ended for what others do: the machine stops or has no memory left.
OF_OTHERS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM)


class Kind(TextChoices):
    JPEG = "jpeg", "JPEG"
    PNG = "png", "PNG"
    PDF = "pdf", "PDF"
    MP4 = "mp4", "MP4"
    STATEMENT = "statement", gettext_lazy("statement")


# Of the names under which one is saved, the usual one first.
ENDINGS = {
    Kind.JPEG: (".jpg", ".jpeg"),
    Kind.PNG: (".png",),
    Kind.PDF: (".pdf",),
    Kind.MP4: (".mp4", ".m4v"),
}


@dataclass(frozen=True)
class Read:
    """A file that was read byte by byte and is of a kind that may be evidence; its copy lies at `path`."""

    kind: Kind
    sha256: str
    size: int
    path: Path


@dataclass(frozen=True)
class Judged(Read):
    """A file that may be evidence, and what of it is shown, page by page.

    `shown_sha256`: of the views, in their order, and of the small picture last.
    """

    views: tuple[Path, ...] = ()
    small: Path | None = None
    shown_sha256: tuple[str, ...] = ()


def read(file: IO[bytes], directory: Path) -> Read:
    """Copy the file into `directory`, which is empty, and read it there. Refused in words for people.

    Takes a moment at most; `draw` may take as long as EVIDENCE_MAX_SECONDS.
    """
    path = directory / "original"
    sha256, size = _copy(file, path)
    kind = _kind_of(path)
    if size > (limit := _largest(kind)) << 20:
        raise _too_large(limit)
    with open(path, "rb") as copy:
        _refuse_by_bytes(kind, copy, size)
    return Read(kind, sha256, size, path)


def draw(file: Read) -> Judged:
    """Draw what is shown of the file beside its copy. Refused in words where it can't be drawn."""
    of_it = file.kind, file.sha256, file.size, file.path
    if file.kind == Kind.MP4:
        return Judged(*of_it)
    directory = file.path.parent
    count = _draw(file.kind, file.path, directory)
    views = tuple(directory / f"{number}.jpg" for number in range(1, count + 1))
    small = directory / "small.jpg"
    return Judged(*of_it, views, small, tuple(_sha256(view) for view in (*views, small)))


def largest() -> int:
    """How many megabytes the largest file of any kind has."""
    return max(settings.EVIDENCE_MAX_MB, settings.EVIDENCE_FILM_MAX_MB)


def _largest(kind: Kind) -> int:
    return int(settings.EVIDENCE_FILM_MAX_MB if kind == Kind.MP4 else settings.EVIDENCE_MAX_MB)


def _copy(file: IO[bytes], path: Path) -> tuple[str, int]:
    """The SHA-256 and the size of what is copied; no more is read than may be."""
    digest, size, limit = hashlib.sha256(), 0, largest()
    file.seek(0)
    with open(path, "wb") as out:
        while block := file.read(BLOCK):
            size += len(block)
            if size > limit << 20:
                raise _too_large(limit)
            digest.update(block)
            out.write(block)
    if not size:
        raise Refused(_("The file is empty."))
    return digest.hexdigest(), size


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kind_of(path: Path) -> Kind:
    with open(path, "rb") as file:
        head = file.read(16)
    for kind, begins in ((Kind.JPEG, formats.JPEG), (Kind.PNG, formats.PNG), (Kind.PDF, formats.PDF)):
        if head.startswith(begins):
            return kind
    if head[4:8] == b"ftyp" and head[8:12] in boxes.BRANDS:
        return Kind.MP4
    raise Refused(_("This is no JPEG, PNG, PDF or MP4, whatever its name says."))


def _refuse_by_bytes(kind: Kind, file: IO[bytes], size: int) -> None:
    file.seek(max(0, size - formats.ZIP_ENDS_WITHIN))
    tail = file.read()
    file.seek(0)
    formats.refuse_another_inside(file.read(formats.PDF_BEGINS_WITHIN), tail)
    if kind == Kind.MP4:
        boxes.refuse_mp4(file, size)
        return
    file.seek(0)
    refuse = {Kind.JPEG: trailers.refuse_photo, Kind.PNG: formats.refuse_png, Kind.PDF: formats.refuse_pdf}
    refuse[kind](file.read())


def _draw(kind: Kind, path: Path, directory: Path) -> int:
    """How many pages were drawn into the directory.

    While the officer waits, and not later by a worker: who hands something in hears at once whether it is
    taken, and by then it is looked at already.
    """
    pixels, pages = settings.EVIDENCE_MAX_MEGAPIXELS * 1_000_000, settings.EVIDENCE_MAX_PAGES
    seconds = settings.EVIDENCE_MAX_SECONDS
    command = [sys.executable, "-I", drawing.__file__, kind.value, path, directory, pixels, pages, seconds]
    try:
        with a_turn() as held:
            drawn = subprocess.run(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE * seconds,
                # Nothing of the desk's: neither its secrets nor its addresses.
                env={},
                pass_fds=[held],
            )
    except subprocess.TimeoutExpired:
        raise _too_much() from None
    if drawn.returncode == 0:
        return int(drawn.stdout)
    if -drawn.returncode in OF_OTHERS:
        logger.error("a drawing was ended by signal %s", -drawn.returncode)
        raise NotNow(
            _("The drawing of the file was ended from outside. Nothing was kept: try again in a minute.")
        )
    # It has taken more than it may, or its decoder fell over it.
    if drawn.returncode < 0 or drawn.returncode == drawing.TOO_LARGE:
        raise _too_much()
    if drawn.returncode == drawing.NO_ROOM:
        raise no_room()
    if drawn.returncode == drawing.LOCKED:
        raise Refused(_("This PDF is under a password or locked. Send one that everybody can open."))
    if drawn.returncode == drawing.TOO_MANY:
        raise Refused(
            _("This PDF has more than %(count)s pages. Send the ones that matter.") % {"count": pages}
        )
    raise broken()


def _too_large(megabytes: int) -> Refused:
    return Refused(_("The file is larger than %(size)s MB.") % {"size": megabytes})


def _too_much() -> Refused:
    return Refused(
        _("This file has more than %(count)s million pixels or takes too long to draw. Send a smaller one.")
        % {"count": settings.EVIDENCE_MAX_MEGAPIXELS}
    )
