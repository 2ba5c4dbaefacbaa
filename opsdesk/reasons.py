"""Why a proposal was accepted or rejected: the table that operators choose from."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops.errors import Refused

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
    "the case no longer bars": _("the case no longer bars"),
    "the case was decided": _("the case was decided"),
    "the shop has come in or gone out": _("the shop has come in or gone out"),
}

REASON_CHOICES = [*ACCEPTING.items(), *REJECTING.items(), *BY_ITSELF.items(), *OTHER.items()]


class ReasonMissing(Refused):
    """A decision came without a reason."""


def resolve(reason: str, note: str, verdict: str) -> tuple[str, str]:
    """The table's code and the note for what was given; `verdict` is "accepted" or "rejected".

    Words that are no code of the table for this verdict count as a reason too: "other", with the words
    leading the note. Raises ReasonMissing where nothing was said.
    """
    reason, note = _clean(reason), _clean(note)
    if reason in (ACCEPTING if verdict == "accepted" else REJECTING):
        return reason, note
    words = [text for text in (reason, note) if text and text not in OTHER]
    if not words or not reason:
        raise ReasonMissing(_("A decision states its reason."))
    return "other", "\n".join(words)


def words_of(reason: str) -> str:
    """A reason that is kept by its code, in words; what people wrote, as they wrote it."""
    return str(dict(REASON_CHOICES).get(reason, reason))


def _clean(text: str) -> str:
    # PostgreSQL holds no NUL.
    return text.replace("\x00", "").strip()
