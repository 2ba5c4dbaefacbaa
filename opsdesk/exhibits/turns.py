"""So many files are drawn at once on a machine, whoever sends them."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from opsdesk.exhibits.notnow import NotNow

# In seconds: so long somebody waits for his turn, and looks again so often.
WAITED, LOOKED_AGAIN = 10.0, 0.05


@contextmanager
def a_turn() -> Iterator[int]:
    """Wait for a turn to draw; the descriptor that holds it. NotNow where none is free for long.

    A lock on one of as many files, and none of the database's: what drawing takes, cores and memory, belongs
    to the machine. The kernel lets it go with the last process that has the descriptor open, so handed to the
    program that draws it is held until that ends, whatever becomes of who started it.
    """
    until = time.monotonic() + WAITED
    while (held := _free()) is None:
        if time.monotonic() > until:
            raise NotNow(
                _("The desk is drawing other files just now. Nothing was kept: try again in a minute.")
            )
        time.sleep(LOOKED_AGAIN)
    try:
        yield held
    finally:
        os.close(held)


def _free() -> int | None:
    places = Path(settings.FILES_ROOT) / "drawing"
    places.mkdir(parents=True, exist_ok=True)
    for number in range(1, settings.EVIDENCE_DRAWN_AT_ONCE + 1):
        place = os.open(places / str(number), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(place)
        else:
            return place
    return None
