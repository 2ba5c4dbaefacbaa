"""The state of the day, as the home page shows it: a handful of queries, whatever the number of shops."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Case, Count, Exists, Min, OuterRef, Q, When
from django.db.models.functions import Coalesce
from django.utils.timezone import localdate, localtime

from opsdesk import caseload, resting
from opsdesk.models import Execution
from rules import sweeps
from rules.brakes import Brake
from rules.models import Proposal, Sweep
from shops import measures
from shops.models import Alliance, ImportBatch, Measure, Penalty, Qualification, TopUp

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

NOON = 12
TREND = 14
REFUSED_SHOWN_FOR = timedelta(days=7)
EXPIRY_WITHIN = (1, 7, 15, 30)


@dataclass(frozen=True)
class Waiting:
    """Open proposals of one alliance and kind; `oldest` is the day on which the first was filed."""

    alliance: Alliance
    kind: str
    label: str
    count: int
    oldest: date


@dataclass(frozen=True)
class Checked:
    """An alliance's last daily check. `late`: noon has passed and none has been done today."""

    alliance: Alliance
    last: Sweep | None
    late: bool
    # Proposals filed by each of the last days' checks, oldest first.
    filed: list[tuple[date, int]]
    waiting: list[Waiting]

    @property
    def running(self) -> bool:
        return self.last is not None and self.last.status in Sweep.UNFINISHED

    @property
    def brakes(self) -> list[Brake]:
        """What tripped in the last one."""
        return [Brake.of_record(record) for record in self.last.brakes] if self.last else []


@dataclass(frozen=True)
class Owed:
    """Top-ups that are due: how many, how many of them too late, and by when the first was to be paid."""

    count: int
    overdue: int
    first: date | None


@dataclass
class State:
    """What the reader may see of the day; what he may not see stays None or empty."""

    today: date
    newest_day: date | None = None
    files: list[ImportBatch] = field(default_factory=list)
    stuck: list[ImportBatch] = field(default_factory=list)
    checked: list[Checked] = field(default_factory=list)
    to_execute: int = 0
    # Of those: what the platform has done and has to undo.
    to_undo: int = 0
    for_a_stay: int = 0
    oldest_to_execute: datetime | None = None
    # What ends by itself soon, and what waits about the platform as a whole.
    ending: list[tuple[Measure, str]] = field(default_factory=list)
    on_the_platform: list[tuple[str, str, int, date]] = field(default_factory=list)
    # Penalties whose ground has fallen, and how.
    without_ground: list[tuple[Penalty, str]] = field(default_factory=list)
    owed: Owed | None = None
    expiring: list[tuple[int, int]] = field(default_factory=list)
    appeals: caseload.Counts | None = None
    sees: frozenset[str] = frozenset()

    @property
    def waits(self) -> bool:
        """Whether anything waits for a decision."""
        return bool(self.on_the_platform or self.without_ground) or any(
            checked.waiting for checked in self.checked
        )

    @property
    def expires(self) -> bool:
        """Whether any paper ends within the longest span."""
        return any(count for _span, count in self.expiring)


SECTIONS = {
    "imports": "shops.view_importbatch",
    "sweeps": "rules.view_sweep",
    "proposals": "rules.view_proposal",
    "executions": "opsdesk.view_execution",
    "papers": "shops.view_qualification",
    "penalties": "shops.view_penalty",
    "enrollments": "shops.view_enrollment",
    "appeals": "opsdesk.view_appeal",
    "deposits": "shops.enter_deposit",
    "run": "rules.run_sweep",
    "release": "rules.release_sweep",
    "import": "shops.import_data",
}


def state_of(user: User | AnonymousUser, *, at: datetime) -> State:
    """The state of the day for this person at this moment."""
    sees = frozenset(section for section, permission in SECTIONS.items() if user.has_perm(permission))
    state = State(today=localdate(at), sees=sees)
    if "imports" in sees or "sweeps" in sees:
        state.newest_day = sweeps.newest_day(state.today)
    if "imports" in sees:
        _imports(state, at)
    if "sweeps" in sees:
        state.checked = _checks(at, with_proposals="proposals" in sees)
    if "executions" in sees:
        to_undo = Q(state=Execution.State.TO_UNDO)
        for_a_stay = Coalesce("stay_at", "penalty__stayed_at", "asked_at")
        since = Case(When(state__in=Execution.WAITING, then="asked_at"), default=for_a_stay)
        found = Execution.objects.waiting().aggregate(
            count=Count("pk"),
            to_undo=Count("pk", filter=to_undo),
            oldest=Min(since),
        )
        state.to_execute, state.to_undo = found["count"], found["to_undo"]
        state.for_a_stay = Execution.objects.for_a_stay().count()
        state.oldest_to_execute = found["oldest"]
    if "proposals" in sees:
        state.on_the_platform = _on_the_platform()
    if "penalties" in sees:
        state.ending = ending(at)
        state.without_ground = [(one, resting.told(one)) for one in resting.without_ground()[:10]]
    if "deposits" in sees:
        state.owed = _owed(state.today)
    if "papers" in sees:
        state.expiring = _expiring(state.today)
    if "appeals" in sees:
        state.appeals = caseload.counts(at=at)
    return state


def _imports(state: State, at: datetime) -> None:
    """Files whose metrics are of the newest day; what was refused lately, is owed or waits for a person."""
    kept = ImportBatch.objects.defer("errors", "changes", "suspicions")
    if state.newest_day is not None:
        applied = kept.filter(kind=ImportBatch.Kind.METRICS, state=ImportBatch.State.APPLIED)
        state.files = list(
            applied.filter(first_day__lte=state.newest_day, last_day__gte=state.newest_day)[:5]
        )
    refused = Q(state=ImportBatch.State.REFUSED, received_at__gte=at - REFUSED_SHOWN_FOR)
    state.stuck = list(kept.filter(Q(state__in=ImportBatch.CANCELLABLE) | refused)[:10])


def _checks(at: datetime, *, with_proposals: bool) -> list[Checked]:
    moment = localtime(at)
    since = moment.date() - timedelta(days=TREND)
    recent: dict[int, list[Sweep]] = {}
    for sweep in Sweep.objects.filter(day__gte=since).order_by("-id")[:200]:
        recent.setdefault(sweep.alliance_id, []).append(sweep)
    waiting: dict[int, list[tuple[str, int, date]]] = {}
    if with_proposals:
        open_ones = Proposal.objects.filter(status=Proposal.Status.OPEN).order_by()
        grouped = open_ones.values_list("alliance", "kind").annotate(Count("pk"), Min("filed_on"))
        for alliance_id, kind, count, oldest in grouped:
            waiting.setdefault(alliance_id, []).append((kind, count, oldest))
    labels = dict(Proposal.Kind.choices)
    checked = []
    for alliance in Alliance.objects.all():
        runs = recent.get(alliance.pk, [])
        done_today = any(
            run.status == Sweep.Status.DONE
            and run.finished_at
            and localdate(run.finished_at) == moment.date()
            for run in runs
        )
        filed: dict[date, int] = {}
        for run in runs:
            if run.status == Sweep.Status.DONE:
                filed[run.day] = filed.get(run.day, 0) + run.filed
        checked.append(
            Checked(
                alliance=alliance,
                last=runs[0] if runs else Sweep.objects.filter(alliance=alliance).order_by("-id").first(),
                late=moment.hour >= NOON and not done_today,
                filed=sorted(filed.items()),
                waiting=[
                    Waiting(alliance, kind, str(labels[kind]), count, oldest)
                    for kind, count, oldest in sorted(waiting.get(alliance.pk, []))
                ],
            )
        )
    return checked


def ending(at: datetime, most: int = 10) -> list[tuple[Measure, str]]:
    """Suspensions and restrictions that end by themselves within the days of the setting, the next first."""
    soon = Measure.objects.active(at).filter(
        kind__in=Measure.LASTING, ends_at__lte=at + timedelta(days=settings.REMINDED_DAYS)
    )
    found = soon.select_related("penalty__shop").order_by("ends_at", "pk")[:most]
    return [(measure, measures.describe(measure)) for measure in found]


def _on_the_platform() -> list[tuple[str, str, int, date]]:
    """Open proposals that concern no single alliance: kind, its name, how many, and the oldest's day."""
    waiting = Proposal.objects.filter(status=Proposal.Status.OPEN, alliance=None).order_by()
    labels = dict(Proposal.Kind.choices)
    grouped = waiting.values_list("kind").annotate(Count("pk"), Min("filed_on"))
    return [(kind, str(labels[kind]), count, oldest) for kind, count, oldest in sorted(grouped)]


def _owed(today: date) -> Owed:
    found = TopUp.objects.filter(state=TopUp.State.OPEN).aggregate(
        count=Count("pk"), overdue=Count("pk", filter=Q(due_on__lt=today)), first=Min("due_on")
    )
    return Owed(**found)


def _expiring(today: date) -> list[tuple[int, int]]:
    """How many accepted papers end within each span of days, unless a later one is on file."""
    later = Qualification.objects.filter(
        Q(valid_until=None) | Q(valid_until__gt=OuterRef("valid_until")),
        shop=OuterRef("shop"),
        kind=OuterRef("kind"),
        brand=OuterRef("brand"),
        verdict=Qualification.Verdict.ACCEPTED,
    )
    ending = Qualification.objects.filter(
        ~Exists(later),
        valid_until__range=(today, today + timedelta(days=max(EXPIRY_WITHIN))),
        verdict=Qualification.Verdict.ACCEPTED,
    ).order_by()
    counts = {
        f"within_{span}": Count("pk", filter=Q(valid_until__lte=today + timedelta(days=span)))
        for span in EXPIRY_WITHIN
    }
    found = ending.aggregate(**counts)
    return [(span, found[f"within_{span}"]) for span in EXPIRY_WITHIN]
