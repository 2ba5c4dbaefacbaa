"""Whether the facts that must always hold do hold: each check returns the first broken record in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from django.apps import apps
from django.db.models import Count, Exists, F, Func, OuterRef, Q, QuerySet
from django.utils import timezone

from opsdesk.books import verify_ledger, verify_reversals
from opsdesk.exhibits import Altered, view_of
from opsdesk.exhibits.keeping import blocks_of
from opsdesk.models import ON_APPEAL, Appeal, Decision, Evidence, Execution
from rules.models import Proposal, Sweep
from rules.sql import SWEEPING
from shops import bars
from shops.imports.door import IMPORTING
from shops.models import (
    Audited,
    Enrollment,
    ImportBatch,
    Measure,
    Opening,
    Penalty,
)
from shops.sql import first_unrecorded, leases


def verify_decisions() -> str | None:
    """I1: every decided proposal has exactly one decision, and none exists without its proposal. What the
    platform has to do of it, or has done, is what was not taken back.
    """
    twice = Decision.objects.values("proposal").annotate(n=Count("pk")).filter(n__gt=1)
    undecided = Proposal.objects.filter(status__in=Proposal.DECIDED, decision=None)
    # The words of both are the same: accepted, rejected.
    other = Decision.objects.exclude(verdict=F("proposal__status"))
    orphans = Decision.objects.filter(~Exists(Proposal.objects.filter(pk=OuterRef("proposal_id"))))
    unasked = Decision.objects.filter(verdict=Decision.Verdict.ACCEPTED, execution=None)
    return (
        _first(
            (
                f"decision {row.pk} is on proposal {row.proposal_id}, which is gone"
                for row in _by_key(orphans)
            ),
            (
                f"proposal {row['proposal']} has {row['n']} decisions"
                for row in twice.order_by("proposal")[:1]
            ),
            (f"proposal {row.pk} is {row.status} without a decision" for row in _by_key(undecided)),
            (
                f"decision {row.pk} is {row.verdict}, its proposal {row.proposal_id} is {row.proposal.status}"
                for row in _by_key(other.select_related("proposal"))
            ),
            (
                f"decision {row.pk} is accepted, and the platform is asked for nothing"
                for row in _by_key(unasked)
            ),
        )
        or _executions_astray()
    )


def _executions_astray() -> str | None:
    """What the platform is asked for, or has done, that does not follow from what stands."""
    for_nothing = Execution.objects.filter(decision__verdict=Decision.Verdict.REJECTED)
    State = Execution.State
    of_it = Measure.objects.filter(penalty=OuterRef("penalty"), applied_at__isnull=False)
    # A stop that a resumption took back has fallen by that.
    with_it = ~Exists(of_it) | Exists(of_it.filter(undone_at=F("penalty__ended_at")))
    overturned = Execution.objects.filter(
        Q(state__in=[State.TO_DO, State.FAILED]) | Q(with_it, state=State.DONE),
        penalty__status=Penalty.Status.OVERTURNED,
    )
    unlisted = Penalty.objects.filter(status=Penalty.Status.OVERTURNED, execution=None)
    lifted = Measure.objects.given_up().filter(penalty=OuterRef("penalty"), kind__in=Measure.LASTING)
    goes_on = Execution.objects.filter(
        Exists(lifted.filter(undone_at=None)),
        state=State.DONE,
        executed_on__lt=F("penalty__ended_at__date"),
        penalty__status=Penalty.Status.LIFTED,
    )
    called_off = Q(
        Exists(Measure.objects.standing().filter(penalty=OuterRef("penalty")).exclude(kind="warning")),
        state=State.CALLED_OFF,
    )
    whole = [Penalty.Status.OVERTURNED, Penalty.Status.LIFTED]
    for_nothing_undone = Q(state__in=[State.TO_UNDO, State.UNDONE], changes=[])
    stands = Execution.objects.filter(called_off | for_nothing_undone & ~Q(penalty__status__in=whole))
    never_stayed = Execution.objects.filter(paused_on__isnull=False, penalty__first_stayed_at=None)
    going_on = Measure.objects.active(timezone.now()).filter(penalty=OuterRef("pk"), kind__in=Measure.STAYED)
    unasked = Penalty.objects.filter(
        Exists(going_on) | Q(batch__isnull=False, imposed_by=None), stayed_at__isnull=False, execution=None
    )
    return _first(
        (
            f"execution {row.pk} is of decision {row.decision_id}, which rejects its proposal"
            for row in _by_key(for_nothing)
        ),
        (
            f"execution {row.pk} is {row.state} on the platform, though its penalty was overturned"
            for row in _by_key(overturned)
        ),
        (
            f"penalty {row.pk} is overturned, and the platform is not asked to undo it"
            for row in _by_key(unlisted)
        ),
        (
            f"execution {row.pk} is done on the platform, though its penalty was lifted"
            for row in _by_key(goes_on)
        ),
        (
            f"execution {row.pk} is {row.state} on the platform, though nothing of it was taken back"
            for row in _by_key(stands)
        ),
        (
            f"execution {row.pk} is paused on the platform, though its penalty was never stayed"
            for row in _by_key(never_stayed)
        ),
        (
            f"penalty {row.pk} is stayed, and the platform is not asked to pause what goes on of it"
            for row in _by_key(unasked)
        ),
    )


def verify_history() -> str | None:
    """I5: each live audited row equals its newest history, and none is gone without a record."""
    for model in apps.get_models():
        if issubclass(model, Audited) and (found := first_unrecorded(model)):
            return f"{model._meta.verbose_name_raw} {found[0]} {found[1]}"
    return None


def verify_enrollments() -> str | None:
    """I6: proposals fit where their shops stand, and openings are numbered within the limit. Whoever was let
    in while a penalty was stayed that bars it again (R5) is proposed to be cleared, or was decided on.
    """
    inside = Exists(
        Enrollment.objects.filter(
            shop=OuterRef("shop"), alliance=OuterRef("alliance"), state=Enrollment.State.OPEN
        )
    )
    waiting = Proposal.objects.filter(status__in=Proposal.UNDECIDED)
    for_insiders = Q(kind__in=Proposal.FOR_INSIDERS) | Q(product__isnull=False)
    outsiders = waiting.filter(for_insiders, ~inside)
    insiders = waiting.filter(inside, kind__in=Proposal.FOR_OUTSIDERS, product=None)
    beyond = Enrollment.objects.filter(openings_used__gt=F("alliance__openings_limit"))
    uncounted = Opening.objects.filter(number__gt=F("enrollment__openings_used"))
    astray = Opening.objects.filter(closed=False).exclude(
        enrollment__state=Enrollment.State.OPEN, number=F("enrollment__openings_used")
    )
    without = Enrollment.objects.filter(
        ~Exists(Opening.objects.filter(enrollment=OuterRef("pk"), closed=False)), state=Enrollment.State.OPEN
    )
    asked = Q(status__in=Proposal.UNDECIDED) | Q(
        status__in=Proposal.DECIDED, openings_used__gte=OuterRef("number")
    )
    to_clear = Proposal.objects.filter(asked, enrollment=OuterRef("enrollment"), kind=Proposal.Kind.CLEAR)
    unasked = bars.let_in_while_stayed().filter(~Exists(to_clear))
    return _first(
        (f"proposal {row.pk} ({row.kind}) is open for a shop outside" for row in _by_key(outsiders)),
        (f"proposal {row.pk} ({row.kind}) is open for a shop inside" for row in _by_key(insiders)),
        (
            f"enrollment {row.pk} has used {row.openings_used} openings, more than its alliance allows"
            for row in _by_key(beyond)
        ),
        (f"opening {row.pk} has number {row.number}, which is not counted" for row in _by_key(uncounted)),
        (
            f"opening {row.pk} is open, but is not the one that enrollment {row.enrollment_id} is in"
            for row in _by_key(astray)
        ),
        (f"enrollment {row.pk} is open without an open opening" for row in _by_key(without)),
        (
            f"opening {row.pk} began while penalty {row.barred_by} was stayed, which bars its shop again, and"
            " nobody was asked whether to clear it"
            for row in _by_key(unasked)
        ),
    )


def verify_imports() -> str | None:
    """I7: for each import, rows in the file = created + updated + unchanged + rejected."""
    ended_with_nothing = Q(state__in=[ImportBatch.State.REFUSED, ImportBatch.State.CANCELLED])
    accounted = F("created") + F("updated") + F("unchanged") + F("rejected")
    wrong = ImportBatch.objects.exclude(rows=accounted)
    # The others were applied, or announce what would change.
    claims = ImportBatch.objects.filter(ended_with_nothing).filter(Q(created__gt=0) | Q(updated__gt=0))
    return _first(
        (f"import {row.pk} does not account for its {row.rows} rows" for row in _by_key(wrong)),
        (f"import {row.pk} is {row.state}, yet counts rows as changed" for row in _by_key(claims)),
    )


def verify_appeals() -> str | None:
    """An appeal is heard while its penalty counts; granted, it overturned the penalty at the moment and by
    the judge of the ruling, and nothing that the penalty did is left; granted in part, what was taken back
    is. No other penalty says that it was overturned on appeal.
    """
    against_nothing = Q(state__in=Appeal.OPEN) & ~Q(penalty__status__in=Penalty.PENALISED)
    in_vain = Q(state=Appeal.State.GRANTED) & ~Q(penalty__status=Penalty.Status.OVERTURNED)
    at_odds = Appeal.objects.filter(against_nothing | in_vain).select_related("penalty")
    won = Appeal.objects.filter(state=Appeal.State.GRANTED)
    past_it = won.exclude(penalty__ended_at=F("decided_at"), penalty__ended_by=F("decided_by"))
    left = Measure.objects.filter(penalty__in=won.values("penalty"), applied_at__isnull=False, undone_at=None)
    taken_back = Appeal.objects.annotate(one=Func(F("taken_back"), function="unnest")).values("one")
    kept = Measure.objects.filter(pk__in=taken_back, undone_at=None)
    unearned = Penalty.objects.filter(
        ~Exists(won.filter(penalty=OuterRef("pk"))), status=Penalty.Status.OVERTURNED, ended_reason=ON_APPEAL
    )
    return _first(
        (
            f"appeal {row.pk} is {row.state}, and penalty {row.penalty_id} is {row.penalty.status}"
            for row in _by_key(at_odds)
        ),
        (
            f"appeal {row.pk} is granted, and penalty {row.penalty_id} was overturned by something else"
            for row in _by_key(past_it)
        ),
        (
            f"measure {row.pk} stands, although an appeal against penalty {row.penalty_id} was granted"
            for row in _by_key(left)
        ),
        (f"measure {row.pk} stands, although a ruling has taken it back" for row in _by_key(kept)),
        (f"penalty {row.pk} is overturned on an appeal that nobody granted" for row in _by_key(unearned)),
    )


def verify_evidence() -> str | None:
    """Each file that supports an appeal lies in the store as it came, with all that is shown as it was drawn.

    Reads all of them: as long as that takes.
    """
    kept = Evidence.objects.exclude(place="").order_by("pk")
    return _first(
        f"evidence {piece.pk} of appeal {piece.appeal_id} {lost}"
        for piece in kept.iterator()
        if (lost := _lost_of(piece))
    )


def _lost_of(piece: Evidence) -> str:
    digest = sha256()
    try:
        for block in blocks_of(piece.place):
            digest.update(block)
        for page, known in piece.shown.items():
            view_of(piece.place, page, known).close()
    except FileNotFoundError:
        return "is not whole in the store any more"
    except Altered:
        return "is shown by another picture than the desk drew"
    if digest.hexdigest() != piece.sha256:
        return "is another file than the one that came"
    return "" if all(piece.shown.values()) else "is shown by pictures of which no SHA-256 is known"


def verify_leases() -> str | None:
    """I8: nothing is running without a living session that holds its lease."""
    # The states first: what begins in between is running and has its lease.
    sweeps = list(Sweep.objects.filter(status=Sweep.Status.RUNNING).order_by("pk"))
    imports = list(ImportBatch.objects.filter(state__in=ImportBatch.WORKING).order_by("pk"))
    running, working = leases(SWEEPING), leases(IMPORTING)
    return _first(
        (f"daily check {row.pk} is running, and nobody runs it" for row in sweeps if row.pk not in running),
        (f"import {row.pk} is {row.state}, and nobody is at it" for row in imports if row.pk not in working),
    )


@dataclass(frozen=True)
class Fact:
    """A check by the number that its definition has."""

    number: str
    verify: Callable[[], str | None]


FACTS = {
    "decisions": Fact("I1", verify_decisions),
    "ledger": Fact("I2", verify_ledger),
    "reversals": Fact("I3", verify_reversals),
    "history": Fact("I5", verify_history),
    "enrollments": Fact("I6", verify_enrollments),
    "imports": Fact("I7", verify_imports),
    "leases": Fact("I8", verify_leases),
    "appeals": Fact("A", verify_appeals),
}
# What takes long, because it reads files: asked for by itself.
OF_FILES = {"evidence": Fact("E", verify_evidence)}


def _by_key(rows: QuerySet) -> QuerySet:
    return rows.order_by("pk")[:1]


def _first(*broken: Iterable[str]) -> str | None:
    """The first sentence that any of these yields; the queries behind the others are not asked."""
    return next((sentence for sentences in broken for sentence in sentences), None)
