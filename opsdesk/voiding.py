"""A penalty falls, on its page or by a ruling; with it go the proposals and penalties that rested on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from opsdesk import execution, resting
from opsdesk.models import Appeal
from rules import casework
from rules.facts import CONTROLLER_CASES
from rules.metrics import penalties_asked
from rules.models import Proposal
from shops import controllers, lessening, penalties
from shops.lessening import Less
from shops.models import Enrollment, Measure, Penalty

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def lock(penalty: Penalty) -> None:
    """Hold the rows of the penalty's shop and, with them, of every shop of which something was proposed for
    the penalty: what came of that falls with it, also where the shop has changed hands since.
    """
    proposed = Proposal.objects.filter(case=penalty).values_list("shop", flat=True)
    penalties.lock_standing(penalty.shop, *proposed)


@transaction.atomic
def overturn(penalty: Penalty, *, by: User | None, at: datetime, reason: str) -> None:
    """Undo all that the penalty did, withdraw what rested on it, and file what follows.

    Refused where penalties.overturn is. Whether an appeal is heard the caller has asked.
    """
    lock(penalty)
    waiting = hold_open_proposals(penalty)
    penalties.overturn(penalty, by=by, at=at, reason=reason)
    withdraw_what_rested_on(penalty, waiting, by=by, at=at)
    execution.follow(penalty, by=by, at=at)
    casework.file_from_facts(at=at, by=by, shops=[penalty.shop])


@transaction.atomic
def undo_measures(
    penalty: Penalty,
    measures: Sequence[Measure],
    *,
    by: User | None,
    at: datetime,
    reason: str,
    less: Mapping[int, Less] | None = None,
) -> list[Measure]:
    """Take a part of the penalty back, have others (by their keys) do less, withdraw what fits no longer, and
    file what follows. Returns what was taken back.

    What it cost others that it no longer bars is overturned as when it falls as a whole (R6).

    Refused where lessening.lessen_measures is. Whether an appeal is heard the caller has asked.
    """
    lock(penalty)
    waiting = hold_open_proposals(penalty)
    if less:
        undone = lessening.lessen_measures(penalty, less, undone=measures, by=by, at=at, reason=reason)
    else:
        undone = list(measures)
        penalties.undo_measures(penalty, undone, by=by, at=at, reason=reason)
    withdraw_what_fits_no_longer(penalty, waiting, by=by, at=at)
    why = _("It rested on the closing by penalty %(penalty)s, which was taken back.") % {"penalty": penalty}
    _overturn_what_rests_on(penalty, why, by=by, at=at)
    execution.follow(penalty, by=by, at=at)
    casework.file_from_facts(at=at, by=by, shops=[penalty.shop])
    return undone


def hold_open_proposals(penalty: Penalty) -> list[Proposal]:
    """The undecided proposals about the penalty's shop and its controller's others, ours until the end."""
    concerned = Q(shop=penalty.shop_id)
    if penalty.shop.controller_id:
        concerned |= Q(shop__controller=penalty.shop.controller_id)
    waiting = Proposal.objects.select_for_update(no_key=True, of=("self",))
    return list(waiting.filter(concerned, status__in=Proposal.UNDECIDED).order_by("pk"))


def withdraw_what_rested_on(
    penalty: Penalty, waiting: list[Proposal], *, by: User | None, at: datetime
) -> None:
    """Withdraw what was proposed for this penalty alone, and what no longer fits where the shop stands.

    Where another penalty gives the same reason, the next daily check proposes it anew. What was imposed on
    the controller's other shops for it falls with it.
    """
    unfounded = [proposal for proposal in waiting if _rests_on(proposal, penalty)]
    _withdraw(unfounded, penalty, by=by, at=at)
    withdraw_what_fits_no_longer(
        penalty, [proposal for proposal in waiting if proposal not in unfounded], by=by, at=at
    )
    why = _("It rested on penalty %(penalty)s, which was overturned.") % {"penalty": penalty}
    _overturn_what_rests_on(penalty, why, by=by, at=at)


def _overturn_what_rests_on(penalty: Penalty, why: str, *, by: User | None, at: datetime) -> None:
    """Overturn what the penalty, as it is now, puts nobody out for any longer: of its own shop, and of the
    controller's others (R6). What another case bars as well stays, and what an appeal is heard about: both
    are listed for somebody to decide (`resting`).
    """
    for resting_on_it in resting.left_standing().filter(proposal__case=penalty):
        other_cases = controllers.barring_cases().filter(shop__in=controllers.others_of(resting_on_it.shop))
        heard = Appeal.objects.filter(penalty=resting_on_it, state__in=Appeal.OPEN)
        if other_cases.exists() or heard.exists():
            continue
        penalties.overturn(resting_on_it, by=by, at=at, reason=why)
        withdraw_what_fits_no_longer(resting_on_it, hold_open_proposals(resting_on_it), by=by, at=at)


def withdraw_what_fits_no_longer(
    penalty: Penalty, waiting: list[Proposal], *, by: User | None, at: datetime
) -> None:
    """Whoever goes on with an opening need not be admitted."""
    inside = set(
        Enrollment.objects.filter(shop=penalty.shop_id, state=Enrollment.State.OPEN).values_list(
            "alliance", flat=True
        )
    )
    moot = [
        proposal
        for proposal in waiting
        if proposal.shop_id == penalty.shop_id
        and proposal.alliance_id in inside
        and proposal.kind in Proposal.FOR_OUTSIDERS
        and proposal.product_id is None
    ]
    _withdraw(moot, penalty, by=by, at=at)


def _rests_on(proposal: Proposal, penalty: Penalty) -> bool:
    """Whether everything that speaks against the shop counts this penalty."""
    failed = [entry for entry in proposal.evidence.get("rules", []) if entry["code"] in proposal.failed_rules]
    metrics = {
        condition["metric"] for entry in failed for condition in (entry, *entry.get("alternatives", ()))
    }
    return bool(metrics) and all(_counts(metric, proposal, penalty) for metric in metrics)


def _counts(metric: str, proposal: Proposal, penalty: Penalty) -> bool:
    points = {"standing_points": proposal.alliance_id, "platform_points": None}
    if metric in points:
        given = penalty.measures.filter(kind=Measure.Kind.POINTS, alliance=points[metric])
        return proposal.shop_id == penalty.shop_id and given.exists()
    if penalty.violation is None:
        return False
    if metric in CONTROLLER_CASES:
        return proposal.shop_id != penalty.shop_id and controllers.was_imposed_as(
            penalty, *CONTROLLER_CASES[metric]
        )
    asked = penalties_asked(metric)
    return asked is not None and asked[0] == penalty.violation.code and proposal.shop_id == penalty.shop_id


def _withdraw(proposals: list[Proposal], penalty: Penalty, *, by: User | None, at: datetime) -> None:
    for proposal in proposals:
        proposal.status, proposal.closed_at = Proposal.Status.WITHDRAWN, at
        proposal.save_by(by, f"penalty {penalty.pk} was taken back")
