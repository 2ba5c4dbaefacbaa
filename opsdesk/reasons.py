"""Why a proposal was accepted or rejected: the table that operators choose from; and, with their words, the
codes by which histories keep why the desk's records were changed.
"""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from shops.errors import Refused
from shops.reasons import WRITTEN
from shops.texts import as_written

ACCEPTING: dict[str, str | Promise] = {
    "below_bar": _("below the bar"),
    "papers_missing": _("papers missing"),
    "papers_expired": _("papers expired"),
    "papers_rejected": _("papers rejected"),
    "judgement": _("judgement"),
    "qualifies": _("qualifies"),
    "little_sold": _("little sold yet"),
    "above_limit": _("above the limit"),
    "violation": _("violation established"),
    "points_reached": _("points reached"),
    "controller_barred": _("the controller is barred"),
}
REJECTING: dict[str, str | Promise] = {
    "data_late_or_wrong": _("data late or wrong"),
    "recovered": _("recovered"),
    "renewed": _("papers renewed"),
    "exempted": _("exempted"),
    "platform_incident": _("platform incident"),
    "duplicate": _("duplicate"),
    "thin_evidence": _("thin evidence"),
    "unfounded": _("case unfounded"),
}
# What rules in automatic mode accept by themselves. Nobody chooses it.
AUTOMATIC = "automatic"
BY_ITSELF: dict[str, str | Promise] = {AUTOMATIC: _("by automatic rules")}
# What was written instead of chosen; the words stand in the note.
OTHER: dict[str, str | Promise] = {"other": _("other, see note")}

# Why a proposal from the desk's own record was withdrawn, as its history keeps it.
FALLEN: dict[str, str | Promise] = {
    "its points no longer stand": _("its points no longer stand"),
    "its points are others by now": _("its points are others by now"),
    "the case no longer bars": _("the case no longer bars"),
    "the case was decided": _("the case was decided"),
    "the shop has come in or gone out": _("the shop has come in or gone out"),
}

REASON_CHOICES = [*ACCEPTING.items(), *REJECTING.items(), *BY_ITSELF.items(), *OTHER.items()]

# What histories keep, also those of what a decision brought about.
OF_DECISIONS = WRITTEN | dict(REASON_CHOICES)
OF_PROPOSALS = OF_DECISIONS | {
    "from the desk's record": _("from the desk's record"),
    **FALLEN,
    "daily check %(what)s": _("daily check %(what)s"),
    "import %(what)s reversed": _("import %(what)s reversed"),
    "filed by hand": _("filed by hand"),
    "no longer qualifies on %(what)s": _("no longer qualifies on %(what)s"),
    "penalty P%(what)s was taken back": _("penalty P%(what)s was taken back"),
    "proposal %(what)s was accepted": _("proposal %(what)s was accepted"),
    "recovered on %(what)s": _("recovered on %(what)s"),
    "more rules speak for it on %(what)s": _("more rules speak for it on %(what)s"),
    "no longer founded on %(what)s": _("no longer founded on %(what)s"),
    "waited until %(what)s": _("waited until %(what)s"),
}
OF_NOTICES = WRITTEN | {
    "notice written": _("notice written"),
    "delivery recorded": _("delivery recorded"),
    "delivery corrected": _("delivery corrected"),
}
OF_APPEALS = WRITTEN | {
    "appeal filed": pgettext_lazy("appeal", "filed"),
    "appeal taken": _("taken"),
    "appeal released": _("given back"),
    "material asked for": _("material asked for"),
    "answer recorded": _("answer recorded"),
    "answer complete": _("answer complete"),
    "appeal granted": pgettext_lazy("appeal", "granted"),
    "appeal granted_in_part": _("granted in part"),
    "appeal denied": _("denied"),
    "appeal withdrawn": pgettext_lazy("appeal", "withdrawn"),
}


class ReasonMissing(Refused):
    """A decision came without a reason."""


def resolve(reason: str, note: str, verdict: str) -> tuple[str, str]:
    """The table's code and the note for what was given; `verdict` is "accepted" or "rejected".

    Words that are no code of the table for this verdict count as a reason too: "other", with the words
    leading the note. Raises ReasonMissing where nothing was said.
    """
    reason, note = as_written(reason), as_written(note)
    if reason in (ACCEPTING if verdict == "accepted" else REJECTING):
        return reason, note
    words = [text for text in (reason, note) if text and text not in OTHER]
    if not words or not reason:
        raise ReasonMissing(_("A decision states its reason."))
    return "other", "\n".join(words)


def words_of(reason: str) -> str:
    """A reason that is kept by its code, in words; what people wrote, as they wrote it."""
    return str(dict(REASON_CHOICES).get(reason, reason))
