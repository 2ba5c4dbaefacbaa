"""What an accepted proposal brings about: it is carried out, and what it has settled is withdrawn."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsdesk import following, reasons
from opsdesk.models import Execution
from rules import casework, withdrawing
from rules.models import Proposal, RuleSet
from shops import catalogue, enrollments, listings, penalties, points
from shops import measures as effects
from shops.errors import Refused
from shops.locks import lock_standing
from shops.models import Listing, Measure, Penalty

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = Proposal.Kind

# What accepting a proposal against a shop imposes, and one against a product.
AGAINST_A_SHOP = {Kind.CLEAR: Measure.Kind.CLEAR, Kind.WARN: Measure.Kind.WARNING}
AGAINST_A_PRODUCT = {Kind.STOP: Measure.Kind.STOP}
# What may still be decided of a product once a proposal of the kind was accepted.
LEFT_OPEN: dict[str, frozenset[Kind]] = {
    Kind.STOP: frozenset(),
    Kind.OBSERVE: frozenset({Kind.STOP, Kind.RESUME}),
    Kind.ADMIT: frozenset({Kind.STOP}),
    Kind.RESUME: frozenset({Kind.STOP}),
}


class StillAsked(Refused):
    """A proposal to penalise can't be accepted as it stands: something is to be said of what it does."""

    def __init__(self, proposal: Proposal, asked: str) -> None:
        self.proposal = proposal
        super().__init__(_("Still to be said: %(asked)s.") % {"asked": asked})


class NoLongerHolds(Refused):
    """What the proposal rests on in the desk's own record no longer stands: it is withdrawn, not accepted."""

    def __init__(self, proposal: Proposal) -> None:
        self.proposal = proposal
        newest = proposal.history.order_by("-history_id").first()
        why = reasons.FALLEN.get(newest.history_change_reason, newest.history_change_reason)
        super().__init__(_("Nothing was done, and the proposal is withdrawn: %(why)s.") % {"why": why})


def fallen(proposal_id: int, *, by: User | None, at: datetime) -> Proposal | None:
    """The proposal, where it rests on a case or on points and the record gives no reason for it any longer:
    points have lapsed, or the shop has changed hands, since it was filed and before the timetable looked.

    Holds the shop's rows from here on.
    """
    found = Proposal.objects.select_related("shop").filter(pk=proposal_id, status__in=Proposal.UNDECIDED)
    resting = found.exclude(case=None, points_threshold=None).first()
    if resting is None:
        return None
    lock_standing(resting.shop)
    # Before the proposal's own row: of two, both would withdraw what the other holds.
    casework.file_from_facts(at=at, by=by, shops=[resting.shop])
    return Proposal.objects.filter(pk=proposal_id, status=Proposal.Status.WITHDRAWN).first()


def carry_out(
    proposal: Proposal,
    *,
    why: str,
    by: User | None,
    at: datetime,
    measures: Iterable[Measure] | None = None,
    evidence: dict[str, Any] | None = None,
) -> Penalty | None:
    """Do what the proposal proposes, and return the penalty where it imposes one.

    `measures`: what a penalty is to do, where somebody has chosen it; otherwise what follows by itself. With
    `evidence` that is to stand beside the proposal's. Refused where the standing of its shop or product has
    changed so that it can't be done any more; StillAsked where something is to be said before.
    """
    if proposal.kind == Kind.PENALISE:
        return _penalise(proposal, why, measures, evidence or {}, by, at)
    assert proposal.alliance is not None
    if proposal.product is not None:
        return _of_a_product(proposal, listings.of(proposal.product, proposal.alliance), why, by, at)
    if measure := AGAINST_A_SHOP.get(Kind(proposal.kind)):
        return _impose(proposal, measure, why, by, at)
    if proposal.kind == Kind.ADMIT and proposal.enrollment is not None:
        enrollments.admit(proposal.enrollment, by=by, at=at)
        return None
    raise Refused(_("The desk can't carry out a proposal of this kind."))


def measures_of(proposal: Proposal, at: datetime) -> list[Measure]:
    """What a proposal to penalise imposes by itself, unsaved; what has to be asked is left open."""
    if proposal.points_threshold is not None:
        return points.proposed_by(proposal.points_threshold, at)
    assert proposal.case is not None and proposal.case.violation is not None
    return catalogue.consequences(proposal.case.violation, proposal.shop, at=at)


def still_asked(proposal: Proposal, at: datetime) -> str:
    """What somebody has to say, measure by measure, before a proposal to penalise can be accepted;
    empty where all of it follows by itself.
    """
    return _still_asked(proposal, measures_of(proposal, at))


def _still_asked(proposal: Proposal, measures: list[Measure]) -> str:
    told = []
    would_be = Penalty(shop=proposal.shop, alliance=proposal.alliance, product=proposal.product)
    for measure in measures:
        measure.penalty = would_be
        if lacking := effects.needs(measure):
            told.append(
                _("%(measure)s (%(lacking)s)")
                % {"measure": measure.get_kind_display(), "lacking": effects.in_words(lacking)}
            )
    return pgettext("list", "; ").join(told)


def _penalise(
    proposal: Proposal,
    why: str,
    measures: Iterable[Measure] | None,
    evidence: dict[str, Any],
    by: User | None,
    at: datetime,
) -> Penalty:
    case = proposal.case
    if measures is None:
        measures = measures_of(proposal, at)
        if asked := _still_asked(proposal, measures):
            raise StillAsked(proposal, asked)
    measures = list(measures)
    violation = catalogue.hold(case.violation) if case and case.violation else None
    if violation is not None:
        catalogue.refuse_other_points(violation, proposal.shop, measures, at=at)
    return penalties.impose(
        shop=proposal.shop,
        product=proposal.product,
        ground=proposal.ground,
        violation=violation,
        alliance=proposal.alliance,
        by=by,
        at=at,
        reason=why,
        evidence=proposal.evidence | evidence,
        measures=measures,
        case=case,
    )


def _of_a_product(
    proposal: Proposal, listing: Listing, why: str, by: User | None, at: datetime
) -> Penalty | None:
    if measure := AGAINST_A_PRODUCT.get(Kind(proposal.kind)):
        listings.refuse_unless_shop_is_in(listing)
        return _impose(proposal, measure, why, by, at)
    match proposal.kind:
        case Kind.ADMIT:
            listings.promote(listing, by=by, at=at, reason=why)
        case Kind.OBSERVE:
            listings.observe(listing, by=by, at=at, reason=why)
        case Kind.RESUME:
            observed = _is_still_to_be_observed(proposal)
            if observed and listings.standing(listing) == listings.Standing.OBSERVED:
                # It has come to that since the proposal was filed.
                return None
            penalties.resume(listing, by=by, at=at, reason=why, observed=observed)
            # What it stops is not to be stopped on the platform after that.
            following.call_off_what_is_over(Execution.objects.filter(product=proposal.product), by=by)
        case _:
            raise Refused(_("The desk can't carry out a proposal of this kind."))
    return None


def _is_still_to_be_observed(proposal: Proposal) -> bool:
    """Whether rules of observation that act keep the product back as it is resumed (R11)."""
    versions = [version["id"] for version in proposal.evidence.get("rule_sets", [])]
    observing = RuleSet.objects.filter(pk__in=versions, purpose=RuleSet.Purpose.OBSERVATION)
    return observing.exclude(mode=RuleSet.Mode.SHADOW).exists() and any(
        rule["purpose"] == RuleSet.Purpose.OBSERVATION
        and rule["outcome"] in ("fails", "no_data")
        and not rule["advisory"]
        for rule in proposal.evidence.get("rules", [])
    )


def _impose(proposal: Proposal, measure: Measure.Kind, why: str, by: User | None, at: datetime) -> Penalty:
    return penalties.impose(
        shop=proposal.shop,
        product=proposal.product,
        ground=proposal.ground,
        alliance=proposal.alliance,
        by=by,
        at=at,
        reason=why,
        evidence=proposal.evidence,
        measures=[Measure(kind=measure)],
    )


def withdraw_what_fits_no_longer(accepted: Proposal, *, by: User | None, at: datetime) -> None:
    """Whoever was just put out has nothing left to be warned of, nor have its products; whoever was let in
    need not be admitted; a product that is stopped is neither observed nor resumed.

    A warning changes nothing of any.
    """
    if accepted.kind == Kind.WARN:
        return
    if accepted.kind == Kind.PENALISE:
        # A closing reaches every alliance, and the controller's other shops.
        casework.file_from_facts(at=at, by=by, shops=[accepted.shop])
        return
    if accepted.product_id is not None:
        moot = Q(product=accepted.product_id) & ~Q(kind__in=LEFT_OPEN[accepted.kind])
    elif accepted.kind == Kind.CLEAR:
        moot = Q(kind__in=Proposal.FOR_INSIDERS) | Q(product__isnull=False)
    else:
        moot = Q(kind__in=Proposal.FOR_OUTSIDERS, product=None)
    waiting = Proposal.objects.filter(
        moot, alliance=accepted.alliance_id, shop=accepted.shop_id, status__in=Proposal.UNDECIDED
    )
    withdrawing.withdraw(waiting, by=by, at=at, reason=f"proposal {accepted.pk} was accepted")
