"""Where evidence lies: in a store of its own, under names that nobody guesses and that say nothing.

Nothing here or elsewhere takes a kept file away: evidence outlasts every deadline, whatever else is given up.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from django.core.files import File
from django.core.files.storage import Storage, storages

from opsdesk.exhibits.judging import Judged

# Of a name, in bytes of chance.
CHANCE = 24
SMALL = "small"


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
        with open(path, "rb") as file:
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


def content_of(name: str) -> IO[bytes]:
    """The original. FileNotFoundError where the store has lost it."""
    return _opened(name)


def view_of(name: str, page: str) -> IO[bytes]:
    """What is shown of a page, by its number or SMALL: a JPEG that the desk drew itself."""
    return _opened(_view_name(name, page))


def _view_name(name: str, page: str) -> str:
    return f"{name}.{page}.jpg"


def _opened(name: str) -> IO[bytes]:
    return store().open(name, "rb")
