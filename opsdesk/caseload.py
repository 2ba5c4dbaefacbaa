"""Appeals as those see them who hear them: reads alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.timezone import localdate

from opsdesk import worklist
from opsdesk.deadlines import Window, end_of, in_time, next_level, window_of
from opsdesk.models import Appeal, AppealMessage, Decision, Evidence, Notice
from rules.models import Proposal
from shops import enrollments
from shops import measures as effects
from shops.models import Enrollment, Measure, Penalty

if TYPE_CHECKING:
    from django.contrib.auth.models import User

EARLIER_SHOWN = 20
DAYS_SHOWN = 60


def open_ones() -> Q:
    return Q(state__in=[state.value for state in Appeal.OPEN])


def waiting() -> Q:
    return Q(state=Appeal.State.WAITING)


def overdue(at: datetime) -> Q:
    """Whose time is over: the desk has not ruled, or the shop has not answered."""
    return open_ones() & Q(due_at__lt=at.replace(microsecond=0))


def is_overdue(appeal: Appeal, at: datetime) -> bool:
    """Whether this is one of them."""
    return appeal.is_open and not in_time(at, appeal.due_at)


def due_today(at: datetime) -> Q:
    return open_ones() & Q(due_at__gte=at.replace(microsecond=0), due_at__lte=end_of(localdate(at)))


@dataclass(frozen=True)
class Counts:
    """How many appeals are open, and how urgent they are."""

    open: int
    untaken: int
    due_today: int
    overdue: int
    waiting: int


def counts(*, at: datetime) -> Counts:
    """Of all open appeals, in one query."""
    return Counts(
        **Appeal.objects.filter(open_ones()).aggregate(
            open=Count("pk"),
            untaken=Count("pk", filter=Q(taken_by=None)),
            due_today=Count("pk", filter=due_today(at)),
            overdue=Count("pk", filter=overdue(at)),
            waiting=Count("pk", filter=waiting()),
        )
    )


def appeals() -> QuerySet[Appeal]:
    """Appeals as the list shows them."""
    return Appeal.objects.select_related(
        "penalty__shop", "penalty__alliance", "penalty__violation", "taken_by"
    ).defer("penalty__evidence")


@dataclass(frozen=True)
class Effect:
    """A measure of the penalty, in words, and what has become of it by the moment that was asked about."""

    measure: Measure
    told: str
    state: effects.State

    @property
    def can_be_taken_back(self) -> bool:
        """Whether a ruling may undo it: also one that is over has done what it did until then."""
        return self.state not in (effects.State.PLANNED, effects.State.UNDONE)


def effects_of(penalty: Penalty, at: datetime) -> list[Effect]:
    """All that the penalty does or did, as it stands at the moment."""
    related = ("alliance", "opening__enrollment__alliance", "listing__product", "listing__alliance")
    measures = penalty.measures.select_related(*related).prefetch_related("deposit_entries", "top_ups")
    return [
        Effect(measure, effects.describe(measure), effects.state_of(measure, at))
        for measure in measures.order_by("pk")
    ]


def enrollments_of(penalty: Penalty) -> QuerySet[Enrollment]:
    """Where the shop stands in the penalty's alliance, and wherever else a measure of it closed an opening;
    each with its `openings`, by their number.
    """
    closed = penalty.measures.filter(opening__isnull=False)
    concerned = Q(alliance=penalty.alliance_id) | Q(pk__in=closed.values("opening__enrollment"))
    found = Enrollment.objects.filter(concerned, shop=penalty.shop_id).order_by("alliance")
    return enrollments.with_openings(found)


def alike(penalty: Penalty) -> QuerySet[Appeal]:
    """Appeals that were ruled on, against penalties of the same kind; the newest first.

    That is for the same violation, for the same rule (R6-C1 and CL-1 are such), or for points; what rests on
    none of these is like what else was decided on the same ground without any.
    """
    ruled = Appeal.objects.filter(state__in=Appeal.RULED).order_by("-decided_at")
    if penalty.violation_id is not None:
        return ruled.filter(penalty__violation=penalty.violation_id)
    ruled = ruled.filter(penalty__violation=None, penalty__ground=penalty.ground)
    proposal = Proposal.objects.filter(penalty=penalty).only("lead_rule", "points_threshold").first()
    if proposal is not None and proposal.points_threshold_id is not None:
        return ruled.filter(penalty__proposal__points_threshold__isnull=False)
    if proposal is not None and proposal.lead_rule:
        return ruled.filter(penalty__proposal__lead_rule=proposal.lead_rule)
    by_hand = Q(penalty__proposal__lead_rule="", penalty__proposal__points_threshold=None)
    return ruled.filter(Q(penalty__proposal=None) | by_hand)


@dataclass(frozen=True)
class Course:
    """What has become of a metric: the latest days one by one, and the days before them all together."""

    days: list[tuple[date, float | None]]
    earlier: int = 0
    # Of the earlier days with a figure; None where there is none.
    lowest: float | None = None
    highest: float | None = None


def metric_since(proposal: Proposal, until: date) -> Course:
    """The metric that failed, from the day of the proposal on; empty where none is imported."""
    count = max((until - proposal.day).days + 1, 1)
    days = worklist.course_of(proposal, [proposal.day + timedelta(days=after) for after in range(count)])
    earlier, shown = days[:-DAYS_SHOWN], days[-DAYS_SHOWN:]
    figures = [value for _day, value in earlier if value is not None]
    return Course(shown, len(earlier), min(figures, default=None), max(figures, default=None))


def hearing_of(appeal: Appeal, *, at: datetime) -> dict[str, Any]:
    """What a judge looks at: the decision with its evidence as it was, what has happened since, what the
    penalty does today, and how others of this kind ended.
    """
    penalty = appeal.penalty
    proposal = Proposal.objects.filter(penalty=penalty).select_related("case__violation").first()
    earlier = alike(penalty).exclude(penalty=penalty)
    if appeal.decided_at is not None:
        earlier = earlier.filter(decided_at__lt=appeal.decided_at)
    before = Appeal.objects.filter(penalty=penalty, pk__lt=appeal.pk).order_by("pk")
    return {
        "proposal": proposal,
        "decision": Decision.objects.filter(proposal=proposal).first() if proposal else None,
        "judged": worklist.judged_rules(penalty),
        "course": metric_since(proposal, localdate(at)) if proposal else Course([]),
        "notice": Notice.objects.filter(penalty=penalty).first(),
        "effects": effects_of(penalty, at),
        "enrollments": enrollments_of(penalty),
        "penalties": Penalty.objects.filter(shop=penalty.shop_id)
        .exclude(pk=penalty.pk)
        .select_related("alliance", "violation")[:EARLIER_SHOWN],
        "others": Appeal.objects.filter(penalty=penalty).exclude(pk=appeal.pk).order_by("pk"),
        "alike": earlier.select_related("penalty__shop")[:EARLIER_SHOWN],
        "alike_counts": dict(earlier.order_by().values_list("state").annotate(Count("pk"))),
        "said": appeal.messages.select_related("by").order_by("pk"),
        "before": before.select_related("decided_by").prefetch_related(
            Prefetch("evidence", Evidence.objects.select_related("added_by", "struck_by").order_by("pk")),
            Prefetch("messages", AppealMessage.objects.select_related("by").order_by("pk")),
        ),
        "next": next_window(appeal),
    }


def lessened_by(appeal: Appeal) -> list[tuple[str, str, str]]:
    """What its ruling has lessened: the kind of measure, how much it did, and how much it does."""
    measures = Measure.objects.in_bulk([entry["measure"] for entry in appeal.lessened])
    told = []
    for entry in appeal.lessened:
        measure = measures[entry["measure"]]
        before, after = (effects.told_much(measure, entry[key]) for key in ("from", "to"))
        told.append((measure.get_kind_display(), before, after))
    return told


def next_window(appeal: Appeal) -> Window | None:
    """Until when the shop may go to the next level, once its appeal was not granted in full."""
    level = next_level(appeal.penalty) if appeal.state in Appeal.REJECTED else None
    return window_of(appeal.penalty, level) if level else None


def hears(user: User, appeal: Appeal) -> bool:
    """Whether this officer holds the appeal."""
    return appeal.taken_by_id == user.pk
