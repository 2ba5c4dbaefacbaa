"""How far a worker is, told to everybody while its transaction is still open; and being called off."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, suppress
from types import TracebackType

from django.db import Error

from shops import sql

logger = logging.getLogger(__name__)

# Seconds between two words; what is over sooner needs none.
EVERY = 0.4
# Which share of the whole is done when a phase ends.
READ, JUDGED = 0.5, 0.75


class CalledOff(Exception):
    """A person has asked to stop."""


class Progress(AbstractContextManager["Progress"]):
    """Writes over a connection of its own: what the transaction writes nobody sees before it ends.

    An import does not fail for it. While there is no such connection nothing is told and nobody is heard.
    """

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
        try:
            cancelled = self._beside.fetch(
                "UPDATE shops_importprogress SET done = %s WHERE batch_id = %s RETURNING cancelled",
                [share, self._batch_id],
            )
        except Error as problem:
            logger.warning("progress of import %s is not told: %s", self._batch_id, problem)
            self._hang_up()
            return
        if cancelled == [(True,)]:
            raise CalledOff

    def _hang_up(self) -> None:
        """The next word begins with another connection."""
        beside, self._beside = self._beside, None
        if beside is not None:
            with suppress(Error):
                beside.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()
