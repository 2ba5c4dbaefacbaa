"""Which version of a rule set counts on a day; how a draft becomes one, by two people; how one ends."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils.formats import date_format
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from rules import validity
from rules.contents import declared_in, digest_of, editors_of
from rules.models import Retirement, RuleSet, Simulation
from shops.changes import lock, refuse_unless_seen
from shops.errors import Refused
from shops.models import Alliance, DeclaredMetric
from shops.rights import require
from shops.texts import told_moment

CHANGE = "rules.change_ruleset"
PUBLISH = "rules.publish_ruleset"


def _counting() -> QuerySet[RuleSet]:
    """Published sets. One that was retired before its first day never counts, and its predecessor goes on."""
    return RuleSet.objects.filter(
        Q(retirement=None) | Q(retirement__day__gt=F("in_force_from")), published_at__isnull=False
    )


def in_force(
    alliance: Alliance, purpose: str, day: date, subject: str = RuleSet.Subject.SHOP
) -> RuleSet | None:
    """The published version that is in force on `day`; None before the first, and once it is retired."""
    newest = (
        _counting()
        .filter(alliance=alliance, subject=subject, purpose=purpose, in_force_from__lte=day)
        .select_related("retirement")
        .order_by("-in_force_from", "-version")
        .first()
    )
    return None if newest is None or _retired(newest, day) else newest


def _retired(rule_set: RuleSet, day: date) -> bool:
    retirement = getattr(rule_set, "retirement", None)
    return retirement is not None and retirement.day <= day


class State(models.TextChoices):
    """Where a version stands in its life."""

    DRAFT = "draft", gettext_lazy("draft")
    SUBMITTED = "submitted", gettext_lazy("submitted")
    PUBLISHED = "published", pgettext_lazy("rule set", "published")
    IN_FORCE = "in_force", gettext_lazy("in force")
    SUPERSEDED = "superseded", gettext_lazy("superseded")
    RETIRED = "retired", gettext_lazy("retired")


def with_state(rule_sets: QuerySet[RuleSet], day: date) -> QuerySet[RuleSet]:
    """The sets annotated with `state`, a State: where each stands on `day`."""
    later = (
        _counting()
        .filter(
            Q(in_force_from__gt=OuterRef("in_force_from"))
            | Q(in_force_from=OuterRef("in_force_from"), version__gt=OuterRef("version")),
            alliance=OuterRef("alliance"),
            subject=OuterRef("subject"),
            purpose=OuterRef("purpose"),
            in_force_from__lte=day,
        )
        .order_by()
    )
    return rule_sets.annotate(
        state=Case(
            When(published_at=None, submitted_at=None, then=Value(State.DRAFT)),
            When(published_at=None, then=Value(State.SUBMITTED)),
            When(
                Q(retirement__day__lte=day) | Q(retirement__day__lte=F("in_force_from")),
                then=Value(State.RETIRED),
            ),
            When(in_force_from__gt=day, then=Value(State.PUBLISHED)),
            When(Exists(later), then=Value(State.SUPERSEDED)),
            default=Value(State.IN_FORCE),
            output_field=models.CharField(),
        )
    )


# Verbs


@transaction.atomic
def submit(draft: RuleSet, simulation: Simulation, *, by: User, at: datetime) -> None:
    """Ask for publication, with a simulation of exactly these rules. From now on they stay as they are.

    Refused without evaluable rules, where a rule is wrong, and unless the simulation is done, of the rules as
    they stand and beside the version in force.
    """
    require(by, CHANGE)
    lock(draft)
    if draft.published_at or draft.submitted_at:
        raise Refused(_not_open(draft))
    _refuse_what_cannot_count(draft)
    simulation.refresh_from_db()
    if simulation.rule_set_id != draft.pk or simulation.status != Simulation.Status.DONE:
        raise Refused(_("A submission takes a finished simulation of this draft."))
    _refuse_unless_simulated(draft, simulation, today=localdate(at))
    draft.submitted_at, draft.submitted_by, draft.simulation = at, by, simulation
    draft.save_by(by, "submitted")


@transaction.atomic
def withdraw_submission(draft: RuleSet, *, by: User | None, reason: str) -> None:
    """Back to a draft that can be changed; a rules editor does it, or who may publish sends it back.

    Refused without a reason, and unless it is submitted.
    """
    if by is None or not by.has_perm(PUBLISH):
        require(by, CHANGE)
    lock(draft)
    if draft.published_at or not draft.submitted_at:
        raise Refused(_("%(set)s is not submitted.") % {"set": draft})
    if not reason.strip():
        raise Refused(_("Say why it goes back."))
    draft.submitted_at = draft.submitted_by = draft.simulation = None
    draft.save_by(by, reason.strip())


@transaction.atomic
def publish(
    draft: RuleSet,
    *,
    in_force_from: date,
    short_notice_reason: str = "",
    seen: int | None = None,
    by: User,
    at: datetime,
) -> None:
    """Let a submitted draft be in force from a day on, from tomorrow at the earliest.

    Refused to whoever submitted, drafted or edited it; with less notice than the alliance's without a reason;
    before the first day of a version that is published already; once another version is in force than the one
    that it was simulated beside. `seen`: the history row of the set that the
    page showed.
    """
    require(by, PUBLISH)
    alliance = Alliance.objects.select_for_update(no_key=True).get(pk=draft.alliance_id)
    lock(draft)
    if draft.published_at:
        raise Refused(
            _("%(set)s was published by %(who)s on %(when)s.")
            % {
                "set": draft,
                "who": draft.published_by or _("The system"),
                "when": told_moment(draft.published_at),
            }
        )
    if draft.simulation is None:
        raise Refused(_("%(set)s is not submitted.") % {"set": draft})
    refuse_unless_seen(draft, seen)
    if by.pk == draft.submitted_by_id or by.pk in editors_of(draft):
        raise Refused(_("A second person publishes: you have drafted, edited or submitted these rules."))
    _refuse_what_cannot_count(draft)
    _refuse_unless_simulated(draft, draft.simulation, today=localdate(at))
    reason = short_notice_reason.strip()
    _refuse_day(draft, alliance, in_force_from, today=localdate(at), explained=bool(reason))
    draft.in_force_from, draft.short_notice_reason = in_force_from, reason
    draft.published_at, draft.published_by = at, by
    draft.save_by(by, "published")


@transaction.atomic
def retire(rule_set: RuleSet, *, day: date, reason: str, by: User, at: datetime) -> Retirement:
    """From `day` on the version is in force no longer, and no other takes its place.

    One whose first day is still to come is taken back with that day or an earlier one: then the version
    before it goes on. Refused without a reason, for a day that is over, twice, where a newer version is
    in force by then, and where one that speaks of a retired metric would go on.
    """
    require(by, PUBLISH)
    Alliance.objects.select_for_update(no_key=True).get(pk=rule_set.alliance_id)
    lock(rule_set)
    today = localdate(at)
    first = rule_set.in_force_from
    if rule_set.published_at is None or first is None:
        raise Refused(_("%(set)s is not published.") % {"set": rule_set})
    if not reason.strip():
        raise Refused(_("A retirement states its reason."))
    earlier = Retirement.objects.filter(rule_set=rule_set).first()
    if earlier is not None:
        raise Refused(
            _("%(set)s is retired from %(day)s on.") % {"set": rule_set, "day": date_format(earlier.day)}
        )
    if day < today:
        raise Refused(_("%(day)s is over.") % {"day": date_format(day)})
    if day <= first <= today:
        raise Refused(
            _("%(set)s is in force since today: it can be retired from tomorrow on.") % {"set": rule_set}
        )
    then = in_force(rule_set.alliance, rule_set.purpose, max(day, first), rule_set.subject)
    if then != rule_set:
        raise Refused(
            _("%(set)s is no longer in force on %(day)s.") % {"set": rule_set, "day": date_format(day)}
        )
    retirement = Retirement(rule_set=rule_set, day=day, reason=reason.strip(), retired_at=at, retired_by=by)
    retirement.save_by(by, "retired")
    if day <= first:
        before = in_force(rule_set.alliance, rule_set.purpose, first, rule_set.subject)
        if before is not None:
            _refuse_to_go_on_without_figures(before)
    return retirement


def _refuse_to_go_on_without_figures(rule_set: RuleSet) -> None:
    retired = [str(metric) for metric in _keep_metrics(rule_set) if metric.retired_on]
    if retired:
        raise Refused(
            _("%(set)s would go on, and speaks of retired metrics: %(metrics)s. Publish one without them.")
            % {"set": rule_set, "metrics": ", ".join(retired)}
        )


def _keep_metrics(rule_set: RuleSet) -> list[DeclaredMetric]:
    """The declared metrics that the set speaks of: none is defined anew or retired beside this."""
    return list(declared_in(rule_set).select_for_update(no_key=True))


def _not_open(draft: RuleSet) -> str:
    if draft.published_at:
        return _("%(set)s is published: it never changes. Draft a new version from it.") % {"set": draft}
    return _("%(set)s is submitted: withdraw the submission before you change it.") % {"set": draft}


def refuse_unless_open(draft: RuleSet) -> None:
    """Refused once the set is submitted or published."""
    if not draft.open:
        raise Refused(_not_open(draft))


def _refuse_what_cannot_count(draft: RuleSet) -> None:
    if not draft.rules.exclude(metric="").exists():
        raise Refused(_("%(set)s has no rule that is evaluated.") % {"set": draft})
    errors = validity.errors_of(draft)
    if errors:
        raise Refused(" ".join(errors))


def _refuse_unless_simulated(draft: RuleSet, simulation: Simulation, *, today: date) -> None:
    _keep_metrics(draft)
    if simulation.digest != digest_of(draft):
        raise Refused(_("The draft has changed since it was simulated. Simulate it again."))
    if simulation.against != in_force(draft.alliance, draft.purpose, today, draft.subject):
        raise Refused(
            _(
                "Another version is in force than the one beside which the draft was simulated."
                " Simulate it on a day with metrics on which the version of today was in force."
            )
        )


def _refuse_day(draft: RuleSet, alliance: Alliance, day: date, *, today: date, explained: bool) -> None:
    # Today's check may have run by the rules of yesterday.
    if day <= today:
        raise Refused(_("New rules are in force from tomorrow at the earliest."))
    if day < today + timedelta(days=alliance.notice_days) and not explained:
        raise Refused(
            _("%(alliance)s gives %(days)s days of notice: from %(day)s on, or with a reason why not.")
            % {
                "alliance": alliance,
                "days": alliance.notice_days,
                "day": date_format(today + timedelta(days=alliance.notice_days)),
            }
        )
    later = (
        _counting()
        .filter(alliance=alliance, subject=draft.subject, purpose=draft.purpose, in_force_from__gt=day)
        .order_by("-in_force_from")
        .first()
    )
    if later is not None:
        assert later.in_force_from is not None
        raise Refused(
            _("%(set)s is to be in force from %(day)s: a newer version cannot begin before it.")
            % {"set": later, "day": date_format(later.in_force_from)}
        )
