"""The desk's own numbers, as people quote them."""

from __future__ import annotations

import re
import unicodedata

# No further than the database's numbers go.
LONGEST = 18


def number_in(text: str, letter: str) -> int | None:
    """Which record is meant by P00000086 or A00000007: by `letter` and the number, small or wide and with or
    without its noughts. None for any other text.
    """
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    found = re.fullmatch(rf"{letter}([0-9]{{1,{LONGEST}}})", plain)
    return int(found[1]) if found else None
