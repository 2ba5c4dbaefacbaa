"""What a form has shown of its whole effect, before anybody has it done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256

from django.http import HttpRequest
from django.utils.translation import gettext as _

from shops.errors import Refused

# What would change, line by line by what it is.
Told = list[tuple[str, list[str]]]
# The field by which a form says what it has shown.
SHOWN = "shown"


class Otherwise(Refused):
    """The effect is not the one that was shown: `told` is what it would be now."""

    def __init__(self, told: Told) -> None:
        self.told = told
        super().__init__(
            _("What would change is not what was shown to you: your choice or the facts are others now.")
        )


def word_of(told: Told) -> str:
    """Names an effect: another once anything of it is otherwise."""
    lines = [[str(name), [str(line) for line in lines]] for name, lines in told]
    return sha256(json.dumps(lines).encode()).hexdigest()[:32]


def word_shown(request: HttpRequest, told: Told | None) -> str | None:
    """What a page that tells this effect says it has shown; one that tells none, what was shown before it: he
    who has looked is held to that, whatever else was wrong with his form.
    """
    if told:
        return word_of(told)
    sent = request.POST.get(SHOWN, "")
    return sent if re.fullmatch(r"[0-9a-f]{32}", sent) else None


def hold_to_what_was_shown(request: HttpRequest, look: Callable[[], Told]) -> Told:
    """Otherwise, where the form that was sent has shown another effect than `look` tells now. Returns the
    effect; nothing where none was shown: nobody is held to any.

    Called in the transaction of the verb: what `look` has looked at it keeps locked.
    """
    sent = request.POST.get(SHOWN)
    if sent is None:
        return []
    told = look()
    if sent != word_of(told):
        raise Otherwise(told)
    return told
