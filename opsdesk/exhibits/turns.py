"""So many files are drawn at once on a machine, whoever sends them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from opsdesk.exhibits.notnow import NotNow

# In seconds: so long somebody waits for his turn, and looks again so often.
WAITED, LOOKED_AGAIN = 10.0, 0.05
# The place of who stands first of those who wait.
FIRST = "first"


@contextmanager
def a_turn() -> Iterator[int]:
    """Wait for a turn to draw; the descriptor that holds it. NotNow where none is free for long.

    The next free turn is whose who stands first: who has just had one stands behind him, so that a parcel of
    many files lets others in between.

    A lock on one of as many files, and none of the database's: what drawing takes, cores and memory, belongs
    to the machine. The kernel lets it go with the last process that has the descriptor open, so handed to the
    program that draws it is held until that ends, whatever becomes of who started it.
    """
    until = time.monotonic() + WAITED
    stands_first = _waited_for([FIRST], until)
    try:
        turns = [str(number) for number in range(1, settings.EVIDENCE_DRAWN_AT_ONCE + 1)]
        held = _waited_for(turns, until)
    finally:
        os.close(stands_first)
    try:
        yield held
    finally:
        os.close(held)


def _waited_for(places: Sequence[str], until: float) -> int:
    while (held := _free(places)) is None:
        if time.monotonic() > until:
            raise NotNow(
                _("The desk is drawing other files just now. Nothing was kept: try again in a minute.")
            )
        time.sleep(LOOKED_AGAIN)
    return held


def _free(places: Sequence[str]) -> int | None:
    directory = Path(settings.FILES_ROOT) / "drawing"
    directory.mkdir(parents=True, exist_ok=True)
    for name in places:
        place = os.open(directory / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(place)
        else:
            return place
    return None
