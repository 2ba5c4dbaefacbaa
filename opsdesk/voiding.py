"""A penalty falls, on its page or by a ruling; with it go the proposals and penalties that rested on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.timezone import localdate

from opsdesk import following, resting
from opsdesk.models import Appeal
from opsdesk.remainders import Fallen
from rules import casework, withdrawing
from rules.models import Proposal
from shops import controllers, lessening, penalties
from shops import measures as effects
from shops.lessening import Less
from shops.locks import lock_standing
from shops.models import Measure, Penalty, Shop

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def lock(penalty: Penalty) -> None:
    """Hold the rows of the penalty's shop and, with them, of every shop of which something was proposed for
    the penalty: what came of that falls with it, also where the shop has changed hands since.
    """
    proposed = Proposal.objects.filter(case=penalty).values_list("shop", flat=True)
    lock_standing(penalty.shop, *proposed)


@transaction.atomic
def overturn(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> Fallen:
    """Undo all that the penalty did, withdraw what rested on it, and file what follows.

    Refused where penalties.overturn is. Whether an appeal is heard the caller has asked.
    """

    def undo() -> list[Measure]:
        active = list(penalty.measures.filter(applied_at__isnull=False, undone_at=None))
        penalties.overturn(penalty, by=by, at=at, reason=reason)
        return active

    why = f"it rested on penalty {penalty.case_number}"
    return _with_what_rests_on(penalty, undo, {}, why, by=by, at=at)


@transaction.atomic
def undo_measures(
    penalty: Penalty,
    measures: Sequence[Measure],
    *,
    by: User | None,
    at: datetime,
    reason: str,
    less: Mapping[int, Less] | None = None,
) -> Fallen:
    """Take a part of the penalty back, have others (by their keys) do less, withdraw what rested on that, and
    file what follows.

    What it cost others that it no longer bars is overturned as when it falls as a whole (R6).

    Refused where lessening.lessen_measures is. Whether an appeal is heard the caller has asked.
    """

    def undo() -> list[Measure]:
        if less:
            return lessening.lessen_measures(penalty, less, undone=measures, by=by, at=at, reason=reason)
        penalties.undo_measures(penalty, measures, by=by, at=at, reason=reason)
        return list(measures)

    why = f"it rested on the closing by penalty {penalty.case_number}"
    return _with_what_rests_on(penalty, undo, less or {}, why, by=by, at=at)


def _with_what_rests_on(
    penalty: Penalty,
    undo: Callable[[], list[Measure]],
    less: Mapping[int, Less],
    why: str,
    *,
    by: User | None,
    at: datetime,
) -> Fallen:
    """Take the penalty back, or a part of it, and see to what had a reason before and has none after.

    Open proposals of which none of the rules that failed still does are withdrawn; what was imposed for such
    a proposal, or as a further case of a violation, is listed. Where another penalty gives the same reason,
    that is one.
    """
    lock(penalty)
    hold_open_proposals(penalty)
    unsteady = {one.pk for one in resting.without_ground().filter(shop__in=concerned(penalty))}
    judged = _judged_by_rules(penalty)
    founded, steps = withdrawing.founded(judged), resting.steps_beside(penalty)
    before = {one.pk: str(effects.much(one)) for one in penalty.measures.filter(pk__in=less).order_by("pk")}
    taken_back = undo()
    undone = {one.pk for one in taken_back}
    lessened: list[dict[str, Any]] = [
        {"measure": key, "from": was, "to": str(less[key])}
        for key, was in before.items()
        if key not in undone
    ]
    with_it = _overturn_what_rests_on(penalty, why, by=by, at=at)
    unfounded = founded - withdrawing.founded(judged.filter(pk__in=founded))
    if unfounded:
        gone = Proposal.objects.filter(pk__in=unfounded)
        withdrawing.withdraw(gone, by=by, at=at, reason=f"penalty {penalty.case_number} was taken back")
    lower = {key for key, _step in steps - resting.steps_beside(penalty)}
    for one in resting.in_effect().filter(Q(proposal__in=unfounded) | Q(pk__in=lower)):
        # Whoever kept it before has not known of this.
        one.lost_ground_with, one.kept_at = penalty, None
        one.save_by(by, f"its ground fell with penalty {penalty.case_number}")
    following.follow(
        concerned(penalty), by=by, at=at, lessened={one["measure"]: one["from"] for one in lessened}
    )
    casework.file_from_facts(at=at, by=by, shops=[penalty.shop, *(one.shop for one in with_it)])
    left = resting.without_ground().filter(shop__in=concerned(penalty)).exclude(pk__in=unsteady)
    return Fallen(taken_back, lessened, with_it, list(left))


def hold_open_proposals(penalty: Penalty) -> None:
    """Hold the undecided proposals about shops that the penalty concerns until the transaction ends."""
    waiting = Proposal.objects.select_for_update(no_key=True)
    waiting = waiting.filter(shop__in=concerned(penalty), status__in=Proposal.UNDECIDED)
    list(waiting.order_by("pk").values_list("pk"))


def concerned(penalty: Penalty) -> QuerySet[Any]:
    """The keys of its shop, its controller's others, and those of which something was proposed for it."""
    own = Shop.objects.filter(pk=penalty.shop_id).order_by().values("pk")
    of_the_controller = controllers.others_of(penalty.shop).order_by().values("pk")
    # Each by its own index: asked with an or, all that is on record of any shop might be read.
    return own.union(of_the_controller, Proposal.objects.filter(case=penalty).order_by().values("shop"))


def _judged_by_rules(penalty: Penalty) -> QuerySet[Proposal]:
    """What checks have proposed since of shops that it concerns, and what is open of that or in effect."""
    known = [moment for moment in (penalty.reported_at, penalty.imposed_at) if moment is not None]
    decided = Q(penalty__in=resting.in_effect().order_by().values("pk"))
    return Proposal.objects.filter(
        Q(status__in=Proposal.UNDECIDED) | decided,
        shop__in=concerned(penalty),
        sweep__isnull=False,
        day__gte=localdate(min(known)),
    )


def _overturn_what_rests_on(penalty: Penalty, why: str, *, by: User | None, at: datetime) -> list[Penalty]:
    """Overturn what the penalty, as it is now, puts nobody out for any longer: of its own shop, and of the
    controller's others (R6), also what was lifted since. What another case bars as well stays, and what an
    appeal is heard about: both are listed for somebody to decide (`resting`).
    """
    found = list(resting.without_ground().filter(proposal__case=penalty))
    heard = set(Appeal.open_against(*found).values_list("penalty", flat=True))
    barred = controllers.barred_shops().filter(pk__in={one.shop_id for one in found})
    still_barred = set(barred.values_list("pk", flat=True))
    fallen = [one for one in found if one.pk not in heard and one.shop_id not in still_barred]
    for one in fallen:
        penalties.overturn(one, by=by, at=at, reason=why)
    return fallen
