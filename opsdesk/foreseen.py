"""What taking a penalty back would change, in words: found by doing so, and taking that back at once.

So it is told by the verbs that will do it, and can't differ from what they do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from psycopg.errors import LockNotAvailable

from opsdesk import remainders, voiding
from opsdesk.models import Decision
from opsdesk.remainders import Fallen
from rules.models import Proposal
from shops import measures as effects
from shops import money, sql, standing, topups
from shops.errors import Refused
from shops.lessening import Less
from shops.models import Alliance, DepositEntry, Enrollment, Measure, Penalty, Shop

# So long it waits for what others hold: it only tells.
PATIENCE = "3s"
# No record keeps it.
_REASON = "foreseen"


@dataclass(frozen=True)
class Foreseen:
    """What would change, by what it is; and what would not be as before all the same."""

    changes: list[tuple[str, list[str]]]
    not_restored: list[str]

    @property
    def told(self) -> list[tuple[str, list[str]]]:
        """All of it; what is not as before comes last."""
        return [*self.changes, (_("Not as before"), self.not_restored)] if self.not_restored else self.changes


def of_overturning(penalty: Penalty, at: datetime) -> Foreseen:
    """Refused where voiding.overturn is, and while somebody changes the same."""
    return _foreseen(penalty, lambda same: voiding.overturn(same, by=None, at=at, reason=_REASON), at)


def of_undoing(
    penalty: Penalty, measures: Collection[int], at: datetime, less: Mapping[int, Less] | None = None
) -> Foreseen:
    """The same of a part: of these measures, by their keys, and of what others would do less.

    Refused where voiding.undo_measures is, and while somebody changes the same.
    """

    def undo(same: Penalty) -> Fallen:
        chosen = list(same.measures.filter(pk__in=measures))
        return voiding.undo_measures(same, chosen, by=None, at=at, reason=_REASON, less=less)

    return _foreseen(penalty, undo, at)


def _foreseen(penalty: Penalty, undo: Callable[[Penalty], Fallen], at: datetime) -> Foreseen:
    try:
        with transaction.atomic():
            sql.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
            found = _done(penalty, undo, at)
            transaction.set_rollback(True)
            return found
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        raise Refused(_("What it would change is being changed just now: look again in a moment.")) from error


def _done(penalty: Penalty, undo: Callable[[Penalty], Fallen], at: datetime) -> Foreseen:
    """In words, for when it is not so any more."""
    same = Penalty.objects.select_related("shop", "alliance").get(pk=penalty.pk)
    voiding.lock(same)
    shops = {shop.pk: shop for shop in Shop.objects.filter(pk__in=voiding.concerned(same))}
    before = _State.of(shops.values(), at)
    fallen = undo(same)
    after = _State.of(shops.values(), at)
    changes = [
        (label, told) for label, lines in _changes(fallen, shops, before, after) if (told := list(lines))
    ]
    return Foreseen(changes, remainders.told(remainders.of(fallen, at)))


@dataclass(frozen=True)
class _State:
    """Of some shops, what may change as a penalty falls; amounts in fen, all by keys."""

    status: dict[int, str]
    deposit: dict[int, int]
    owed: dict[int, int]
    points: dict[tuple[int, int | None], int]
    enrollments: dict[int, tuple[str, int]]
    waiting: set[int]
    to_execute: dict[int, str]

    @classmethod
    def of(cls, shops: Collection[Shop], at: datetime) -> _State:
        shops = list(shops)
        entries = DepositEntry.objects.filter(shop__in=shops).order_by("shop", "-number").distinct("shop")
        standing_points = Measure.objects.active(at).filter(kind=Measure.Kind.POINTS, penalty__shop__in=shops)
        totals = standing_points.order_by().values_list("penalty__shop", "alliance").annotate(Sum("points"))
        statuses = standing.with_standing(Shop.objects.filter(pk__in=[shop.pk for shop in shops]), at)
        inside = Enrollment.objects.filter(shop__in=shops).values_list("pk", "state", "openings_used")
        decisions = Decision.objects.filter(proposal__shop__in=shops).values_list("pk", "execution")
        waiting = Proposal.objects.filter(shop__in=shops, status__in=Proposal.UNDECIDED)
        return cls(
            status=dict(statuses.values_list("pk", "standing")),
            deposit=dict(entries.values_list("shop", "balance_fen")),
            owed={key: sum(owed) for key, owed in topups.demanded_of(shops).items()},
            points={(shop, alliance): total for shop, alliance, total in totals},
            enrollments={key: (state, used) for key, state, used in inside},
            waiting=set(waiting.values_list("pk", flat=True)),
            to_execute=dict(decisions),
        )


def _changes(
    fallen: Fallen, shops: Mapping[int, Shop], before: _State, after: _State
) -> Iterator[tuple[str, Iterator[str]]]:
    yield _("Taken back"), _taken_back(fallen)
    yield _("Deposit"), _amounts(shops, before.deposit, after.deposit)
    yield _("Owed"), _amounts(shops, before.owed, after.owed)
    yield pgettext("penalty", "Points"), _points(shops, before, after)
    yield pgettext("shop", "Standing"), _statuses(shops, before, after)
    yield _("Alliances"), _enrollments(before, after)
    yield _("Overturned with it"), (f"{one.case_number} ({one.shop})" for one in fallen.with_it)
    yield _("Proposals withdrawn"), _proposals(before.waiting - after.waiting)
    yield _("Proposals filed"), _proposals(after.waiting - before.waiting)
    yield _("On the platform"), _executions(before, after)


def _changed(before: Mapping[Any, Any], after: Mapping[Any, Any], none: Any) -> list[tuple[Any, Any, Any]]:
    """What is another than before, in order; `none` where there is nothing of it."""
    pairs = [(key, before.get(key, none), after.get(key, none)) for key in {**before, **after}]
    return [(key, was, now) for key, was, now in pairs if was != now]


def _taken_back(fallen: Fallen) -> Iterator[str]:
    """The measures, as they were before."""
    keys = [one.pk for one in fallen.taken_back]
    related = ("alliance", "opening__enrollment__alliance", "listing__product", "listing__alliance")
    for measure in Measure.objects.filter(pk__in=keys).select_related("penalty", *related).order_by("pk"):
        measure.undone_at = None
        yield effects.describe(measure)


def _amounts(shops: Mapping[int, Shop], before: dict[int, int], after: dict[int, int]) -> Iterator[str]:
    for key, was, now in _changed(before, after, 0):
        yield _moved(shops[key], (money.told(was), money.told(now)))


def _points(shops: Mapping[int, Shop], before: _State, after: _State) -> Iterator[str]:
    alliances = Alliance.objects.in_bulk()
    for (shop, alliance), was, now in _changed(before.points, after.points, 0):
        where = alliances[alliance] if alliance is not None else _("the platform")
        yield _moved(f"{shops[shop]} · {where}", (was, now))


def _statuses(shops: Mapping[int, Shop], before: _State, after: _State) -> Iterator[str]:
    for key, *moved in _changed(before.status, after.status, ""):
        yield _moved(shops[key], [Shop.Status(one).label for one in moved])


def _enrollments(before: _State, after: _State) -> Iterator[str]:
    changed = _changed(before.enrollments, after.enrollments, ("", 0))
    found = Enrollment.objects.select_related("shop", "alliance").in_bulk(
        [key for key, _was, _now in changed]
    )
    for key, *moved in changed:
        told = [
            _("%(state)s, opening %(number)s") % {"state": Enrollment.State(state).label, "number": used}
            for state, used in moved
        ]
        yield _moved(found[key], told)


def _proposals(keys: set[int]) -> Iterator[str]:
    for one in Proposal.objects.select_related("shop", "product").filter(pk__in=keys).order_by("pk"):
        yield f"{one}"


def _executions(before: _State, after: _State) -> Iterator[str]:
    changed = _changed(before.to_execute, after.to_execute, "")
    related = ("proposal__shop", "proposal__product")
    found = Decision.objects.select_related(*related).in_bulk([key for key, _was, _now in changed])
    for key, *moved in changed:
        yield _moved(found[key].proposal, [Decision.Execution(one).label for one in moved])


def _moved(what: object, states: Iterable[object]) -> str:
    return f"{what}{pgettext('before a reason', ': ')}{' → '.join(map(str, states))}"
