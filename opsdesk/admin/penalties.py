"""Verbs on penalties, shops and enrollments that the desk calls: what follows from each is filed at once."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from opsdesk import foreseen, penalising, remainders, resting
from shops import standing
from shops.admin.enrollments import EnrollmentAdmin
from shops.admin.looking import Told
from shops.admin.penalties import PenaltyAdmin
from shops.admin.shops import ShopAdmin
from shops.admin.verbs import Verb
from shops.enrollments import RECORD
from shops.models import Closure, Enrollment, Measure, Penalty, Shop


def _may_be_lifted(penalty: Penalty) -> bool:
    closed = penalty.measures.standing().filter(kind=Measure.Kind.CLOSE)
    return penalty.status == Penalty.Status.IMPOSED and not closed.exists()


def _may_be_overturned(penalty: Penalty) -> bool:
    return penalty.status in Penalty.PENALISED and penalising.heard(penalty) is None


def _look_at_overturning(penalty: Penalty, by: User | None) -> Told:
    at = timezone.now()

    def overturn(same: Penalty) -> list[dict[str, Any]]:
        return remainders.of(penalising.overturn(same, by=by, at=at, reason=foreseen.REASON), at)

    return foreseen.foresee(penalty, overturn, by=by, at=at).told


def _is_closed(shop: Shop) -> bool:
    return standing.standing(shop, timezone.now()).status == Shop.Status.CLOSED


def _now(verb: Any) -> Any:
    return lambda record, by, reason: verb(record, by=by, at=timezone.now(), reason=reason)


_OF_A_PENALTY: tuple[Verb, ...] = (
    # What it barred it bars no longer; what it closed stays closed (R5).
    Verb(
        "lift",
        permission="shops.lift_penalty",
        title=_("Lift the penalty"),
        note=_("it bars nobody any longer and what lasts is over, but what was done stays done."),
        submit=_("Lift it"),
        done=_("The penalty is lifted."),
        offered=_may_be_lifted,
        call=_now(penalising.lift),
    ),
    Verb(
        "overturn",
        permission="shops.overturn_penalty",
        title=_("Overturn the penalty"),
        note=_("it was wrong: all that it did is undone, to the fen and in the same opening."),
        submit=_("Overturn it"),
        done=_("The penalty is overturned."),
        offered=_may_be_overturned,
        call=_now(penalising.overturn),
        look=_look_at_overturning,
    ),
    Verb(
        "keep",
        permission="shops.overturn_penalty",
        title=_("Keep the penalty"),
        note=_("it is right although what it rests on has fallen: nobody has to decide about it any more."),
        submit=_("Keep it"),
        done=_("The penalty is kept."),
        offered=lambda penalty: bool(resting.lost_ground(penalty)),
        call=_now(penalising.keep),
    ),
)
PenaltyAdmin.verbs = (*_OF_A_PENALTY, *PenaltyAdmin.verbs)
EnrollmentAdmin.verbs = (
    *EnrollmentAdmin.verbs,
    Verb(
        "leave",
        permission=RECORD,
        title=_("Record that it leaves"),
        note=_("it goes by itself, or takes its application back. No wait follows (CL-2)."),
        submit=_("Record it"),
        done=_("It has left."),
        offered=lambda enrollment: enrollment.state in (Enrollment.State.OPEN, Enrollment.State.APPLIED),
        call=_now(penalising.leave),
    ),
)
ShopAdmin.verbs = (
    Verb(
        "close",
        permission=RECORD,
        title=_("Record that it closes"),
        note=_("it stops trading by itself, leaves every alliance, and may return after 6 months (CL-2)."),
        submit=_("Record it"),
        done=_("The shop has closed."),
        offered=lambda shop: not _is_closed(shop),
        call=_now(penalising.close),
    ),
    Verb(
        "return",
        permission=RECORD,
        title=_("Record that it returns"),
        note=_("it trades again, and applies to alliances like every other shop."),
        submit=_("Record it"),
        done=_("The shop has returned."),
        offered=lambda shop: Closure.objects.filter(shop=shop, returned_at=None).exists(),
        call=_now(penalising.come_back),
    ),
)
