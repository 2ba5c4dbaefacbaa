"""How far a worker is, told to everybody while its transaction is still open; and being called off."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from types import TracebackType

from shops import sql

# Seconds between two words; what is over sooner needs none.
EVERY = 0.4
# Which share of the whole is done when a phase ends.
READ, JUDGED = 0.5, 0.75


class CalledOff(Exception):
    """A person has asked to stop."""


class Progress(AbstractContextManager["Progress"]):
    """Writes over a connection of its own: what the transaction writes nobody sees before it ends."""

    def __init__(self, batch_id: int) -> None:
        self._batch_id = batch_id
        self._beside: sql.Beside | None = None
        self._told_at = time.monotonic()

    def told(self, share: float) -> None:
        """So much of the whole is done. Raises CalledOff when somebody has asked to stop."""
        if time.monotonic() - self._told_at >= EVERY:
            self.tell(share)

    def tell(self, share: float) -> None:
        """As `told`, whenever the last word was."""
        self._told_at = time.monotonic()
        self._beside = self._beside or sql.Beside()
        cancelled = self._beside.fetch(
            "UPDATE shops_importprogress SET done = %s WHERE batch_id = %s RETURNING cancelled",
            [share, self._batch_id],
        )
        if cancelled == [(True,)]:
            raise CalledOff

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beside is not None:
            self._beside.close()
