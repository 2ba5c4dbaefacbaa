"""What a process has put into the store of evidence, and was killed before its row was committed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from opsdesk.exhibits import keeping
from opsdesk.models import Evidence

logger = logging.getLogger(__name__)

# No transaction is open for so long: what nothing names by then, nothing will.
LEFT_BEHIND = timedelta(days=1)


@dataclass(frozen=True)
class LeftOver:
    """Files in a place of the store that no evidence names, and when the last was written."""

    place: str
    files: list[str]
    touched: datetime


def left_over() -> Iterator[LeftOver]:
    """All there are, those among them that are being written just now."""
    # The store first: what is put there in between is not seen, and what is committed in between is named.
    for places in keeping.held():
        named = set(Evidence.objects.filter(place__in=places).values_list("place", flat=True))
        for place in sorted(places.keys() - named):
            touched = keeping.last_touched(places[place])
            # Whoever had put it there may have been refused meanwhile, and has taken it out again.
            if touched is not None:
                yield LeftOver(place, places[place], touched)


def sweep(*, at: datetime) -> Iterator[LeftOver]:
    """Take away what has been left over for LEFT_BEHIND, and say of each what it was."""
    for found in left_over():
        if found.touched > at - LEFT_BEHIND or Evidence.objects.filter(place=found.place).exists():
            continue
        keeping.take_away(found.files)
        logger.warning("taken out of the store of evidence, as nothing names it: %s", found.place)
        yield found
