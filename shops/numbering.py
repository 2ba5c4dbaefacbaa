"""The platform's own number of a case that the desk decided by itself: by it the platform's files know it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from shops import cases, money, returns
from shops.errors import Refused
from shops.locks import lock
from shops.models import Measure, Penalty
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# As long as files have them.
LONGEST = 64


def may_be_numbered(penalty: Penalty) -> bool:
    """Whether the platform's number of it is not known yet."""
    return penalty.imposed_at is not None and not penalty.reference


@transaction.atomic
def record_number(penalty: Penalty, number: str, *, by: User | None, at: datetime) -> None:
    """Keep the number that the platform has given a penalty of the desk's, once. What was deducted under it
    counts once: it goes back where the penalty has deducted it itself, or has come to nothing. The same
    number again changes nothing.

    Refused for no number and one that is none, where it has another or another case has that, and where more
    was deducted under it, or given back, than the penalty deducted.
    """
    require(by, "shops.impose_penalty")
    number = number.strip()
    if not number or len(number) > LONGEST or not number.isprintable():
        raise Refused(_("Name the platform's number of the case: 64 characters at most."))
    lock(penalty)
    if penalty.reference == number:
        return
    if not may_be_numbered(penalty):
        raise Refused(
            _("Case %(penalty)s has the platform's number already, or was not imposed.")
            % {"penalty": penalty.case_number}
        )
    other = cases.named(number)
    if other is not None:
        raise Refused(_taken(number, other))
    penalty.reference = number
    try:
        with transaction.atomic():
            penalty.save_by(by, "numbered")
    except IntegrityError as error:
        # Somebody recorded it of another shop a moment ago, whose row is not ours to lock.
        if "reference_is_used_once" not in str(error):
            raise
        raise Refused(_taken(number, Penalty.objects.get(reference=number))) from error
    _count_once(penalty, by=by, at=at)


def _count_once(penalty: Penalty, *, by: User | None, at: datetime) -> None:
    deducts = penalty.measures.filter(kind=Measure.Kind.DEDUCT, applied_at__isnull=False)
    if penalty.status in Penalty.VOID:
        returns.give_back_of_case(penalty, by=by, at=at)
    elif deducts:
        own = sum(measure.amount_fen or 0 for measure in deducts)
        for moved in (cases.deducted(cases.moved_for(penalty)), cases.given_back_for(penalty)):
            if moved > own:
                raise Refused(
                    _(
                        "The ledger has %(moved)s moved under this number, more than the %(own)s that the"
                        " penalty deducted: set that right first."
                    )
                    % {"moved": money.told(moved), "own": money.told(own)}
                )
        returns.count_case_once(penalty, by=by, at=at)


def _taken(number: str, other: Penalty) -> str:
    return _(
        "Case %(other)s goes by the number %(number)s already. Where both are one, overturn the one that was"
        " imposed again."
    ) % {"other": other.case_number, "number": number}
