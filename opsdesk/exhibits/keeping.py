"""Where evidence lies: in a store of its own, under names that nobody guesses and that say nothing.

What a row names is never taken away: evidence outlasts every deadline, whatever else is given up.
"""

from __future__ import annotations

import hashlib
import io
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO

from django.core.files import File
from django.core.files.storage import Storage, storages
from django.utils.translation import gettext as _

from opsdesk.exhibits.drawing import WRITTEN
from opsdesk.exhibits.judging import BLOCK, Judged
from opsdesk.exhibits.notnow import room_for_it, the_store_answers, the_store_takes_it
from shops.errors import Refused
from shops.imports.files import workplace

# Of a name, in bytes of chance.
CHANCE = 24
SMALL = "small"
_OURS = re.compile(rf"([0-9a-f]{{2}}/[0-9a-f]{{{2 * CHANCE}}})(?:\.(?:\d+|{SMALL})\.jpg)?")


def store() -> Storage:
    return storages["evidence"]


class Shelf:
    """Puts files into the store, and knows which it has put there."""

    def __init__(self) -> None:
        self.put_there: list[str] = []

    def put(self, judged: Judged) -> str:
        """Keep the original and what is shown of it; under which name."""
        chance = secrets.token_hex(CHANCE)
        # No folder holds them all.
        name = f"{chance[:2]}/{chance}"
        self._save(name, judged.path)
        for number, view in enumerate(judged.views, start=1):
            self._save(_view_name(name, str(number)), view)
        if judged.small is not None:
            self._save(_view_name(name, SMALL), judged.small)
        return name

    def _save(self, name: str, path: Path) -> None:
        # Also what is put half.
        self.put_there.append(name)
        with the_store_takes_it(), open(path, "rb") as file:
            store().save(name, File(file))

    def clear(self) -> None:
        for name in self.put_there:
            # What failed before is what people have to hear of.
            with suppress(Exception):
                store().delete(name)


@contextmanager
def shelf() -> Iterator[Shelf]:
    """Inside a transaction: where what is done there fails, what was put into the store is taken out again.

    Not around it: where only the answer to its end is lost, rows may stand, and what they name has to stay.
    """
    put = Shelf()
    try:
        yield put
    except BaseException:
        put.clear()
        raise


class Altered(Refused):
    """The store holds another file than the one that came, or another picture than the desk drew."""


def original_of(name: str, sha256: str, size: int) -> IO[bytes]:
    """A copy of the original, which is gone once it is closed: held against its SHA-256 before anything of it
    is handed out. FileNotFoundError where the store has lost it, Altered where it is another.

    `size`: how many bytes it had when it came; no more are copied.
    """
    digest, left = hashlib.sha256(), size
    with ExitStack() as place, ExitStack() as opened:
        with room_for_it():
            directory = place.enter_context(workplace())
            copy = opened.enter_context(open(directory / "original", "w+b"))
        for block in blocks_of(name):
            digest.update(block)
            left -= len(block)
            if left < 0:
                break
            with room_for_it():
                copy.write(block)
        if left or digest.hexdigest() != sha256:
            told = _(
                "The store holds another file than the one that came. It is not handed out: tell who runs it."
            )
            raise Altered(told)
        with room_for_it():
            copy.seek(0)
        # Its place ends here; what is open in it, with whoever reads it.
        opened.pop_all()
    return copy


def blocks_of(name: str) -> Iterator[bytes]:
    """What lies under that name, in parts. FileNotFoundError where the store has lost it."""
    with the_store_answers():
        file = _opened(name)
    with closing(file):
        while True:
            with the_store_answers():
                block = file.read(BLOCK)
            if not block:
                return
            yield block


def view_of(name: str, page: str, sha256: str) -> IO[bytes]:
    """What is shown of a page, by its number or SMALL: a JPEG that the desk drew itself, held against its
    SHA-256 before it is handed out. FileNotFoundError where the store has lost it, Altered where it is
    another.

    `sha256`: empty where nobody knows it; it is handed out as it lies there. No more is read than is drawn.
    """
    digest, view = hashlib.sha256(), io.BytesIO()
    for block in blocks_of(_view_name(name, page)):
        digest.update(block)
        view.write(block)
        if view.tell() > WRITTEN:
            break
    if view.tell() > WRITTEN or (sha256 and digest.hexdigest() != sha256):
        raise Altered(
            _("The store holds another picture than the desk drew. It is not shown: tell who runs it.")
        )
    view.seek(0)
    return view


def held() -> Iterator[dict[str, list[str]]]:
    """All that the store holds of the desk's, folder by folder: what lies in each place, by the place."""
    with the_store_answers():
        try:
            folders, _files = store().listdir("")
        except FileNotFoundError:
            # Nothing was ever put there.
            folders = []
    for folder in sorted(folders):
        with the_store_answers():
            _folders, files = store().listdir(folder)
        found: dict[str, list[str]] = {}
        for file in sorted(files):
            # What else lies there is none of the desk's.
            if ours := _OURS.fullmatch(name := f"{folder}/{file}"):
                found.setdefault(ours[1], []).append(name)
        yield found


def last_touched(names: Sequence[str]) -> datetime | None:
    """When the newest of these that are still there was written; None where all are gone."""
    return max((touched for name in names if (touched := _touched(name))), default=None)


def _touched(name: str) -> datetime | None:
    with the_store_answers():
        try:
            return store().get_modified_time(name)
        # Each kind of store has an error of its own for what is gone.
        except Exception:
            if store().exists(name):
                raise
            return None


def take_away(names: Sequence[str]) -> None:
    for name in names:
        with the_store_answers():
            store().delete(name)


def _view_name(name: str, page: str) -> str:
    return f"{name}.{page}.jpg"


def _opened(name: str) -> IO[bytes]:
    return store().open(name, "rb")
