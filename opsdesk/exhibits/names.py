"""What a file was called by whoever sent it: data for people, never a place on a disk."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 200
NAMELESS = "file"
_PARTS = re.compile(r"[/\\]")
# Beside the control characters: what turns the direction of writing or can't be seen makes `gpj.exe` of
# `exe.jpg`; surrogates are in no text.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def to_be_saved_as(name: str, endings: Sequence[str]) -> str:
    """The name with an ending of its kind, the first where it has none: what a file is saved under says with
    what it is opened, and a picture called `proof.hta` would be run.
    """
    return name if name.lower().endswith(tuple(endings)) else f"{name}{endings[0]}"


def as_name(given: str) -> str:
    """The last part of the name, in one line of what can be seen; `file` where nothing is left of it."""
    last = _PARTS.split(given)[-1]
    seen = "".join(" " if unicodedata.category(sign) in _UNSEEN else sign for sign in last)
    name = " ".join(unicodedata.normalize("NFC", seen).split()).strip(". ")
    if len(name) > LONGEST:
        stem, dot, ending = name.rpartition(".")
        # The ending tells people what it is.
        kept = dot + ending if stem and len(ending) <= 10 else ""
        name = name[: LONGEST - len(kept)] + kept
    return name or NAMELESS
