"""Why a proposal was accepted or rejected: the table that operators choose from."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ACCEPTING: dict[str, str | Promise] = {
    "below_bar": _("below the bar"),
    "papers_missing": _("papers missing"),
    "papers_expired": _("papers expired"),
    "papers_rejected": _("papers rejected"),
    "judgement": _("judgement"),
    "qualifies": _("qualifies"),
}
REJECTING: dict[str, str | Promise] = {
    "data_late_or_wrong": _("data late or wrong"),
    "recovered": _("recovered"),
    "renewed": _("papers renewed"),
    "exempted": _("exempted"),
    "platform_incident": _("platform incident"),
    "duplicate": _("duplicate"),
    "thin_evidence": _("thin evidence"),
}
# What was written instead of chosen; the words stand in the note.
OTHER: dict[str, str | Promise] = {"other": _("other, see note")}

REASON_CHOICES = [*ACCEPTING.items(), *REJECTING.items(), *OTHER.items()]
