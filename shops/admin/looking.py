"""What a form has shown of its whole effect, before anybody has it done."""

from __future__ import annotations

import json
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
        super().__init__(_("The effect is otherwise than it was shown to you. See what it is now."))


def word_of(told: Told) -> str:
    """Names an effect: another once anything of it is otherwise."""
    lines = [[str(name), [str(line) for line in lines]] for name, lines in told]
    return sha256(json.dumps(lines).encode()).hexdigest()[:32]


def hold_to_what_was_shown(request: HttpRequest, look: Callable[[], Told]) -> None:
    """Otherwise, where the form that was sent has shown another effect than `look` tells now. Where it has
    shown none, nobody is held to any.

    Called in the transaction of the verb: what `look` has looked at it keeps locked.
    """
    sent = request.POST.get(SHOWN)
    if sent is not None and sent != word_of(told := look()):
        raise Otherwise(told)
