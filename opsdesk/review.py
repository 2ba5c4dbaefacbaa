"""Deciding on proposals: accept, reject, file by hand."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from opsdesk import consequences, execution, notices, overturned, reasons
from opsdesk.models import Decision
from rules import casework, promotions, publishing, sweeps
from rules.models import Proposal, Rule, RuleSet, Sweep
from shops import enrollments, listings, penalties
from shops.errors import Refused
from shops.locks import lock_standing
from shops.models import Alliance, Enrollment, Ground, Measure, Product, Shop
from shops.rights import name_of, require
from shops.texts import as_written, told_moment

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

# For so long the rest of what a check's automatic rules filed is tried again.
TAKEN_UP_AGAIN = timedelta(hours=1)

DECIDE, FILE = "rules.decide_proposal", "rules.file_proposal"


class AlreadyDecided(Refused):
    """Somebody was faster, or the proposal was withdrawn: its text says who, what and when.

    `decision` is None for a proposal that was withdrawn or has expired.
    """

    def __init__(self, proposal: Proposal) -> None:
        self.proposal = proposal
        self.decision: Decision | None = getattr(proposal, "decision", None)
        newest = proposal.history.order_by("-history_id").first()
        by = self.decision.decided_by if self.decision else newest.history_user
        assert proposal.closed_at is not None
        super().__init__(
            _("This proposal is decided already: %(what)s by %(who)s on %(when)s.")
            % {
                "what": proposal.get_status_display(),
                "who": name_of(by),
                "when": told_moment(proposal.closed_at),
            }
        )


def accept(
    proposal_id: int,
    *,
    by: User | None,
    reason: str,
    note: str = "",
    at: datetime,
    measures: Iterable[Measure] | None = None,
    evidence: dict[str, Any] | None = None,
) -> Decision:
    """Do what the proposal proposes: a clearance becomes a penalty, a warning one that only warns, an
    admission opens the next opening; a product is stopped by a penalty, observed, promoted or promoted again;
    a case or points are penalised, by `measures` where somebody has chosen them.

    Raises Proposal.DoesNotExist, NotAllowed, ReasonMissing, AlreadyDecided, NoLongerHolds, and Refused where
    the shop's standing has changed so that it can't be done any more, or where clearances wait or take a
    supervisor that day.
    """
    require(by, DECIDE)
    code, note = reasons.resolve(reason, note, Decision.Verdict.ACCEPTED)
    return _accept(proposal_id, code, note, by=by, at=at, measures=measures, evidence=evidence)


def accept_automatic(sweep_id: int, *, at: datetime) -> int:
    """Accept what a check has filed by rules in automatic mode, as the system itself; how many were accepted.

    Only of a check of the newest day with metrics that is done and stayed within the brakes, and not where it
    was wrong by itself the last time. Each proposal is a transaction of its own, and one that is decided by
    now or can't be carried out is left as it is: so this can be called again at any time.
    """
    accepted = 0
    for proposal_id in _left_to_rules(at).filter(sweep=sweep_id).values_list("pk", flat=True):
        try:
            _accept(proposal_id, reasons.AUTOMATIC, "", by=None, at=at)
        except Refused as refusal:
            logger.info("proposal %s is not accepted by itself: %s", proposal_id, refusal)
        else:
            accepted += 1
    return accepted


def half_accepted(*, at: datetime) -> list[int]:
    """Checks done of late whose automatic proposals are not all decided: their worker may have died."""
    of_late = _left_to_rules(at).filter(sweep__finished_at__gte=at - TAKEN_UP_AGAIN)
    return sorted({pk for pk in of_late.order_by().values_list("sweep", flat=True).distinct() if pk})


def _left_to_rules(at: datetime) -> QuerySet[Proposal]:
    # What was released, and a day that somebody named, are for people.
    left = Proposal.objects.filter(
        status=Proposal.Status.OPEN,
        rule_set__mode=RuleSet.Mode.AUTOMATIC,
        sweep__status=Sweep.Status.DONE,
        sweep__brakes=[],
        sweep__day__gte=sweeps.newest_day(localdate(at)) or date.min,
    )
    return left.exclude(overturned.wrong_by_itself()).order_by("pk")


def _accept(
    proposal_id: int,
    code: str,
    note: str,
    *,
    by: User | None,
    at: datetime,
    measures: Iterable[Measure] | None = None,
    evidence: dict[str, Any] | None = None,
) -> Decision:
    with transaction.atomic():
        if (fallen := consequences.fallen(proposal_id, by=by, at=at)) is None:
            proposal = _lock(proposal_id)
            if proposal.kind == Proposal.Kind.CLEAR:
                _refuse_on_promotion_days(proposal, by=by, on=localdate(at))
            proposal.penalty = consequences.carry_out(
                proposal, why=note or code, by=by, at=at, measures=measures, evidence=evidence
            )
            decision = _decide(proposal, Decision.Verdict.ACCEPTED, code, note, by=by, at=at)
            if proposal.penalty is not None:
                notices.write(proposal.penalty, by=by, at=at)
            consequences.withdraw_what_fits_no_longer(proposal, by=by, at=at)
    # Once its withdrawal is on record.
    if fallen is not None:
        raise consequences.NoLongerHolds(fallen)
    return decision


@transaction.atomic
def reject(proposal_id: int, *, by: User | None, reason: str, note: str = "", at: datetime) -> Decision:
    """Decide against the proposal; nothing else changes, but that a case which is not penalised is dismissed.

    Raises Proposal.DoesNotExist, NotAllowed, ReasonMissing and AlreadyDecided.
    """
    require(by, DECIDE)
    code, note = reasons.resolve(reason, note, Decision.Verdict.REJECTED)
    proposal = _lock(proposal_id)
    decision = _decide(proposal, Decision.Verdict.REJECTED, code, note, by=by, at=at)
    if proposal.kind == Proposal.Kind.PENALISE and proposal.case is not None:
        penalties.dismiss(proposal.case, by=by, at=at, reason=note or code)
        casework.file_from_facts(at=at, by=by, shops=[proposal.shop])
    return decision


@transaction.atomic
def file_by_hand(
    *,
    shop: Shop,
    alliance: Alliance,
    statement: str,
    by: User | None,
    at: datetime,
    product: Product | None = None,
) -> Proposal:
    """Propose to clear a shop that operators judge unsuitable (DF-C3), or to stop a `product` of it;
    `statement` says why. A clearance is held on a day on which clearances wait.

    Refused without a statement, when the shop is not in, when the product is another shop's or not listed in
    the alliance, or when the same is proposed already.
    """
    require(by, FILE)
    statement = as_written(statement)
    if not statement:
        raise Refused(_("A proposal filed by hand says why."))
    if product is not None:
        if product.shop_id != shop.pk:
            raise Refused(_("%(product)s is not a product of %(shop)s.") % {"product": product, "shop": shop})
        listings.lock(listings.of(product, alliance))
    enrollment = Enrollment.objects.filter(shop=shop, alliance=alliance).first()
    if enrollment is not None:
        enrollments.lock(enrollment)
    if enrollment is None or enrollment.state != Enrollment.State.OPEN:
        raise Refused(_("%(shop)s is not open in %(alliance)s.") % {"shop": shop, "alliance": alliance})
    day = localdate(at)
    rule_set = publishing.in_force(alliance, RuleSet.Purpose.CLEARANCE, day)
    rule = Rule.objects.filter(rule_set=rule_set, ground=Ground.JUDGEMENT).first()
    waits = product is None and promotions.in_effect(alliance, promotions.Effect.WAIT, day)
    proposal = Proposal(
        alliance=alliance,
        shop=shop,
        product=product,
        status=Proposal.Status.HELD if waits else Proposal.Status.OPEN,
        enrollment=enrollment,
        kind=Proposal.Kind.STOP if product else Proposal.Kind.CLEAR,
        ground=Ground.JUDGEMENT,
        filed_by=by,
        day=day,
        filed_on=day,
        rule_set=rule_set,
        failed_rules=[rule.code] if rule else [],
        lead_rule=rule.code if rule else "",
        openings_used=enrollment.openings_used,
        evidence=_evidence_of_a_judgement(statement, day, rule_set, rule),
    )
    try:
        # A daily check may file for the same shop at this moment: the constraint says who was first.
        with transaction.atomic():
            proposal.save_by(by, "filed by hand")
    except IntegrityError as error:
        if "rules_proposal_is_the_only_open_one_for_its_" not in str(error):
            raise
        about_a_product = _("A proposal of this kind is already open for this product.")
        about_a_shop = _("A proposal of this kind is already open for this shop.")
        raise Refused(about_a_product if product else about_a_shop) from error
    return proposal


def _lock(proposal_id: int) -> Proposal:
    """The proposal, undecided and ours until the transaction ends, with its shop, enrollments and listing
    before it.
    """
    proposal = Proposal.objects.select_related("shop", "enrollment", "product").get(pk=proposal_id)
    # What is decided of it may clear it everywhere, and reach its controller's other shops.
    lock_standing(proposal.shop)
    if proposal.enrollment is not None:
        enrollments.lock(proposal.enrollment)
    if proposal.product is not None:
        for listing in proposal.product.listings.filter(alliance=proposal.alliance_id):
            listings.lock(listing)
    # Of two operators the second waits here, and finds what the first has decided.
    proposal = Proposal.objects.select_for_update(no_key=True).get(pk=proposal_id)
    if proposal.status not in Proposal.UNDECIDED:
        raise AlreadyDecided(proposal)
    if proposal.status == Proposal.Status.HELD:
        raise Refused(_("This proposal waits for its release; nobody decides it before."))
    return proposal


def _refuse_on_promotion_days(proposal: Proposal, *, by: User | None, on: date) -> None:
    assert proposal.alliance is not None
    waits = promotions.in_effect(proposal.alliance, promotions.Effect.WAIT, on)
    if waits is not None:
        raise Refused(_("On the days of %(period)s clearances wait.") % {"period": waits})
    if by is not None and by.has_perm(sweeps.RELEASE):
        return
    period = promotions.in_effect(proposal.alliance, promotions.Effect.SUPERVISOR, proposal.day, on)
    if period is not None:
        raise Refused(
            _("On the days of %(period)s a supervisor accepts clearances, and nobody else.")
            % {"period": period}
        )


def _decide(
    proposal: Proposal, verdict: Decision.Verdict, reason: str, note: str, *, by: User | None, at: datetime
) -> Decision:
    accepted = verdict == Decision.Verdict.ACCEPTED
    proposal.status = Proposal.Status.ACCEPTED if accepted else Proposal.Status.REJECTED
    proposal.closed_at = at
    proposal.save_by(by, reason)
    decision = Decision(
        proposal=proposal,
        verdict=verdict,
        reason=reason,
        note=note,
        decided_at=at,
        decided_by=by,
    )
    decision.save_by(by, reason)
    if accepted:
        execution.ask(decision)
    return decision


def _evidence_of_a_judgement(
    statement: str, day: date, rule_set: RuleSet | None, rule: Rule | None
) -> dict[str, Any]:
    """The proposal's evidence in the form that a daily check writes, where nothing was measured."""
    version = rule_set and {"id": rule_set.pk, "purpose": rule_set.purpose, "version": rule_set.version}
    judged = rule and {
        "code": rule.code,
        "purpose": RuleSet.Purpose.CLEARANCE.value,
        "metric": "",
        "observed": None,
        "operator": "",
        "threshold": "",
        "outcome": "fails",
        "margin": None,
        "advisory": False,
    }
    return {
        "day": day.isoformat(),
        "batch": None,
        "rule_sets": [version] if version else [],
        "rules": [judged] if judged else [],
        "statement": statement,
    }
