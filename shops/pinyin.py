"""Chinese names sorted as people expect: no database here has a Chinese collation."""

from __future__ import annotations

import os
import unicodedata
from functools import cache

LONGEST_KEY = 800


class _Readings(dict[int, str]):
    """Each character's first reading, without its tone; found when it's first asked for."""

    def __init__(self, spoken: dict[int, str]) -> None:
        super().__init__()
        self._spoken = spoken

    def __missing__(self, character: int) -> str:
        # Of no reading: itself. str.translate takes the KeyError for just that.
        letters = unicodedata.normalize("NFD", self._spoken[character].split(",")[0])
        reading = "".join(letter for letter in letters if not unicodedata.combining(letter))
        self[character] = reading
        return reading


@cache
def _readings() -> _Readings:
    # Its phrases would take a second and 40 MB, for readings in context, which a sort key can do without.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
    from pypinyin.pinyin_dict import pinyin_dict

    return _Readings(pinyin_dict)


def sort_key(name: str) -> str:
    """What `name` is sorted by: pinyin for Chinese characters, lower case for the rest."""
    if not name.isascii():
        name = name.translate(_readings())
    return name.lower()[:LONGEST_KEY]
