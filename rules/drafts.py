"""Drafts of rule sets: made from a version, changed rule by rule, thrown away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from rules import validity
from rules.contents import COMPARED, EDITED, SAID
from rules.models import Alternative, Rule, RuleSet
from rules.publishing import CHANGE, refuse_unless_open
from shops.changes import lock, refuse_unless_seen
from shops.errors import Invalid, Refused
from shops.models import Alliance
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ADD = "rules.add_ruleset"
# What becomes part of names elsewhere.
CODE = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*")


# Sets


@transaction.atomic
def draft_from(rule_set: RuleSet, *, by: User | None, at: datetime) -> RuleSet:
    """A copy of a published version, with the next version number, that can be changed.

    Of an older one it is the way back to it. Refused while another draft for the same is open.
    """
    require(by, ADD)
    _refuse_second_draft(rule_set.alliance, rule_set.subject, rule_set.purpose)
    lock(rule_set)
    if rule_set.published_at is None:
        raise Refused(_("%(set)s is a draft itself.") % {"set": rule_set})
    versions = RuleSet.objects.filter(
        alliance=rule_set.alliance, subject=rule_set.subject, purpose=rule_set.purpose
    )
    draft = RuleSet(
        alliance=rule_set.alliance,
        subject=rule_set.subject,
        purpose=rule_set.purpose,
        version=versions.aggregate(newest=Max("version"))["newest"] + 1,
        mode=rule_set.mode,
        based_on=rule_set,
        drafted_by=by,
        drafted_at=at,
    )
    draft.save_by(by, "drafted")
    for rule in rule_set.rules.order_by("position", "pk").prefetch_related("alternatives"):
        copy = Rule(rule_set=draft, position=rule.position, **{field: getattr(rule, field) for field in SAID})
        copy.save_by(by, "drafted")
        for alternative in rule.alternatives.all():
            Alternative(
                rule=copy,
                position=alternative.position,
                **{field: getattr(alternative, field) for field in COMPARED},
            ).save_by(by, "drafted")
    return draft


@transaction.atomic
def draft_empty(alliance: Alliance, *, subject: str, purpose: str, by: User | None, at: datetime) -> RuleSet:
    """The first set of an alliance for a purpose, without any rule. Refused where there is one already."""
    require(by, ADD)
    _refuse_second_draft(alliance, subject, purpose)
    if RuleSet.objects.filter(alliance=alliance, subject=subject, purpose=purpose).exists():
        raise Refused(_("There is a version already: draft the next one from it."))
    draft = RuleSet(
        alliance=alliance, subject=subject, purpose=purpose, version=1, drafted_by=by, drafted_at=at
    )
    try:
        draft.full_clean()
    except ValidationError:
        raise Refused(
            _("Nothing is called %(purpose)s of a %(subject)s.")
            % {"purpose": draft.get_purpose_display(), "subject": draft.get_subject_display()}
        ) from None
    draft.save_by(by, "drafted")
    return draft


@transaction.atomic
def change_settings(
    draft: RuleSet, *, mode: str, note: str, seen: int | None = None, by: User | None
) -> None:
    """Say what becomes of what the rules find, and why there is a new version.

    Refused once it is submitted, and where somebody changed it after the history row `seen`.
    """
    _open(draft, by)
    refuse_unless_seen(draft, seen)
    if mode not in RuleSet.Mode.values:
        raise Refused(_("“%(mode)s” is no mode.") % {"mode": mode})
    changed = draft.mode != mode
    if changed or draft.note != note.strip():
        draft.mode, draft.note = mode, note.strip()
        draft.save_by(by, EDITED if changed else "noted")


@transaction.atomic
def discard(draft: RuleSet, *, by: User | None, reason: str) -> None:
    """Throw a draft away, with its rules and its simulations; history keeps what it was.

    Refused once it is submitted or published, and without a reason.
    """
    _open(draft, by)
    if not reason.strip():
        raise Refused(_("Say why it is thrown away."))
    for rule in draft.rules.prefetch_related("alternatives"):
        _delete(rule, by, reason.strip())
    draft.delete_by(by, reason.strip())


# Rules


@transaction.atomic
def add_rule(
    draft: RuleSet, rule: Rule, alternatives: Sequence[Alternative] = (), *, by: User | None
) -> Rule:
    """Put a new rule at the end of the draft. Invalid (a Refused) where anything about it is wrong."""
    _open(draft, by)
    rule.rule_set = draft
    rule.position = (draft.rules.aggregate(last=Max("position"))["last"] or 0) + 1
    if not CODE.fullmatch(rule.code):
        raise Invalid({"code": _("Capital letters and digits, in groups with hyphens, as in DF-A5.")})
    _refuse_wrong(rule, alternatives)
    rule.save_by(by, EDITED)
    _write_alternatives(rule, alternatives, by)
    return rule


@transaction.atomic
def edit_rule(
    rule: Rule, alternatives: Sequence[Alternative] | None = None, *, seen: int | None = None, by: User | None
) -> None:
    """Save what `rule` says now, and its alternatives unless they are None. Its code and place stay.

    Refused once the draft is submitted and where somebody changed the rule after the history row `seen`;
    Invalid where anything about it is wrong. Without a difference nothing is recorded.
    """
    draft, stored = _open_rule(rule, seen, by)
    rule.rule_set, rule.position, rule.code = draft, stored.position, stored.code
    standing = list(stored.alternatives.order_by("position", "pk"))
    said = standing if alternatives is None else list(alternatives)
    _refuse_wrong(rule, said)
    if _said(rule, SAID) == _said(stored, SAID) and [_said(a, COMPARED) for a in said] == [
        _said(a, COMPARED) for a in standing
    ]:
        return
    # Also where its alternatives alone have changed: whoever has its page open is to notice.
    rule.save_by(by, EDITED)
    if alternatives is not None:
        _write_alternatives(rule, said, by)


@transaction.atomic
def remove_rule(rule: Rule, *, seen: int | None = None, by: User | None) -> None:
    """Take the rule out of its draft. Refused as edit_rule is."""
    _draft, stored = _open_rule(rule, seen, by)
    _delete(stored, by, EDITED)


@transaction.atomic
def move(rule: Rule, *, to: int, by: User | None) -> None:
    """Put the rule in the place `to` (from 1) of its draft's order; beyond the last it is the last."""
    draft, stored = _open_rule(rule, None, by)
    order = list(draft.rules.order_by("position", "pk"))
    order.remove(stored)
    order.insert(max(to, 1) - 1, stored)
    for position, each in enumerate(order, start=1):
        if each.position != position:
            each.position = position
            each.save_by(by, EDITED)


def _open(draft: RuleSet, by: User | None) -> None:
    """The set's own lock guards its rules too: all that changes one of them takes it first."""
    require(by, CHANGE)
    lock(draft)
    refuse_unless_open(draft)


def _open_rule(rule: Rule, seen: int | None, by: User | None) -> tuple[RuleSet, Rule]:
    draft = RuleSet(pk=rule.rule_set_id)
    _open(draft, by)
    stored = Rule.objects.filter(pk=rule.pk, rule_set=draft).first()
    if stored is None:
        raise Refused(_("Somebody has removed this rule."))
    refuse_unless_seen(stored, seen)
    stored.rule_set = draft
    return draft, stored


def _refuse_second_draft(alliance: Alliance, subject: str, purpose: str) -> None:
    # Whoever asks at the same moment waits here, and is told.
    Alliance.objects.select_for_update(no_key=True).get(pk=alliance.pk)
    other = RuleSet.objects.filter(
        alliance=alliance, subject=subject, purpose=purpose, published_at=None
    ).first()
    if other is not None:
        raise Refused(_("%(set)s is still open: publish or discard it first.") % {"set": other})


def _refuse_wrong(rule: Rule, alternatives: Sequence[Alternative]) -> None:
    for position, alternative in enumerate(alternatives, start=1):
        alternative.position = position
    errors = dict(validity.check_rule(rule, alternatives, rule.rule_set))
    records = ((rule, ["rule_set"]), *((each, ["rule"]) for each in alternatives))
    for record, ignored in records:
        try:
            record.full_clean(exclude=ignored, validate_constraints=False)
        except ValidationError as wrong:
            for field, sentences in wrong.message_dict.items():
                errors.setdefault(field if record is rule else NON_FIELD_ERRORS, " ".join(sentences))
    # What has been said of a field need not be said of the whole again.
    for record, _ignored in records if not errors else ():
        try:
            record.validate_constraints()
        except ValidationError as wrong:
            errors[NON_FIELD_ERRORS] = " ".join(wrong.messages)
    if errors:
        raise Invalid(errors)


def _write_alternatives(rule: Rule, said: Sequence[Alternative], by: User | None) -> None:
    standing = list(rule.alternatives.order_by("position", "pk"))
    for place, alternative in enumerate(said):
        if place >= len(standing):
            Alternative(rule=rule, position=place + 1, **_said(alternative, COMPARED)).save_by(by, EDITED)
        elif _said(standing[place], COMPARED) != _said(alternative, COMPARED):
            for field, value in _said(alternative, COMPARED).items():
                setattr(standing[place], field, value)
            standing[place].save_by(by, EDITED)
    for left in standing[len(said) :]:
        left.delete_by(by, EDITED)


def _delete(rule: Rule, by: User | None, reason: str) -> None:
    for alternative in rule.alternatives.all():
        alternative.delete_by(by, reason)
    rule.delete_by(by, reason)


def _said(record: Rule | Alternative, fields: Sequence[str]) -> dict[str, object]:
    return {field: getattr(record, field) for field in fields}
