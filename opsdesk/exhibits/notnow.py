"""What is said where the desk itself is at fault: the disk is full, the store does not answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _

from shops.errors import Refused

logger = logging.getLogger(__name__)


class NotNow(Refused):
    """The desk can't take or hand out a file just now; nothing is wrong with that."""


def no_room() -> NotNow:
    return NotNow(
        _("The desk has no room for files just now. Nothing was kept: try again later, and tell who runs it.")
    )


@contextmanager
def room_for_it() -> Iterator[None]:
    """A failing disk, in words."""
    try:
        yield
    except OSError as error:
        logger.exception("no room for files")
        raise no_room() from error


@contextmanager
def the_store_takes_it() -> Iterator[None]:
    """A failing store, in words."""
    try:
        yield
    # Each kind of store has errors of its own, and a library's behind them.
    except Exception as error:
        logger.exception("the store of evidence takes nothing")
        raise NotNow(
            _("The store takes no files just now. Nothing was kept: try again later, and tell who runs it.")
        ) from error


@contextmanager
def the_store_answers() -> Iterator[None]:
    """The same for what is read. FileNotFoundError stays what it is: the store answers, and has lost it."""
    try:
        yield
    except FileNotFoundError:
        raise
    # Here too each kind of store has errors of its own.
    except Exception as error:
        logger.exception("the store of evidence hands nothing out")
        raise NotNow(
            _("The store hands out no files just now: try again later, and tell who runs it.")
        ) from error
