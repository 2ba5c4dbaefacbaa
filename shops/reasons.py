"""Why a record was changed, as its history keeps it: by a code where the desk itself says so, which has words
for whoever reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# What the verbs write as a history row's reason, in words; a number or a day in it is %(what)s, and what
# follows a colon, another of these or what people said, %(why)s.
WRITTEN = {
    "admitted": _("admitted"),
    "an earlier opening is void": _("an earlier opening is void"),
    "an opening is void": _("an opening is void"),
    "applied": _("applied"),
    "called off": _("called off"),
    "cleared": _("cleared"),
    "confirmed": _("confirmed"),
    "continued": pgettext_lazy("opening", "continued"),
    "continued in place of the next": _("continued in place of the next"),
    "demonstration": _("demonstration"),
    "dismissed": _("dismissed"),
    "import %(what)s": _("import %(what)s"),
    "imposed": _("imposed"),
    "left": _("left"),
    "lessened": pgettext_lazy("measure", "lessened"),
    "lifted": _("lifted"),
    "opening continued": _("opening continued"),
    "overturned": _("overturned"),
    "promoted": _("promoted"),
    "promoted again": _("promoted again"),
    "put under observation": _("put under observation"),
    "closed by itself": _("closed by itself"),
    "closed by itself since": _("closed by itself since"),
    "expired": _("expired"),
    "it rested on penalty P%(what)s": _("it rested on penalty P%(what)s, which was overturned"),
    "it rested on the closing by penalty P%(what)s": _(
        "it rested on the closing by penalty P%(what)s, which was taken back"
    ),
    "its ground fell with penalty P%(what)s": _("its ground fell with penalty P%(what)s"),
    "its time is over": _("its time is over"),
    "kept: %(why)s": _("kept: %(why)s"),
    "lapsed": _("lapsed"),
    "reported": _("reported"),
    "numbered": _("platform's number recorded"),
    "on appeal": _("on appeal"),
    "returned": _("returned"),
    "undone": _("undone"),
    "shipped": _("shipped"),
    "stay ended: %(why)s": _("stay ended: %(why)s"),
    "stayed: %(why)s": _("stayed: %(why)s"),
    "stop undone": _("stop undone"),
    "the opening it closed is part of an earlier one": _("the opening it closed is part of an earlier one"),
    "void: the clearance before it was wrong": _("void: the clearance before it was wrong"),
}
# A measure is not applied as a shop applies to an alliance.
OF_MEASURES = WRITTEN | {"applied": pgettext_lazy("measure", "applied")}
OF_TOP_UPS = WRITTEN | {
    "demanded": _("demanded"),
    "reminded": _("reminded"),
    "settled": pgettext_lazy("top-up", "settled"),
    "cancelled": pgettext_lazy("top-up", "cancelled"),
    "reopened": _("due again: a payment was taken back"),
}
_VARYING = re.compile(r"\d{4}-\d\d-\d\d|\d+")


def told(reason: str | None, words: Mapping[str, Any]) -> str:
    """A history row's reason in the reader's language; as it stands where people wrote it."""
    text = reason or ""
    varying = _VARYING.search(text)
    known = words.get(_VARYING.sub("%(what)s", text, count=1))
    if known is not None:
        return str(known) % {"what": varying and varying[0]}
    verb, colon, why = text.partition(": ")
    led = words.get(f"{verb}: %(why)s") if colon else None
    return text if led is None else str(led) % {"why": told(why, words)}
