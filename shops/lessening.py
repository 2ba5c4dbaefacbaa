"""A penalty that was right but went too far: a part of it is taken back, and another lessened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from shops import measures as effects
from shops import penalties
from shops.errors import Refused
from shops.locks import lock
from shops.models import Measure, Penalty
from shops.rights import require

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# Fewer points, less of the experience score, a smaller sum in fen, or an earlier end.
Less = int | Decimal | datetime


@transaction.atomic
def lessen_measures(
    penalty: Penalty,
    less: Mapping[int, Less],
    *,
    by: User | None,
    at: datetime,
    reason: str,
    undone: Sequence[Measure] = (),
) -> list[Measure]:
    """Have measures of the penalty (by their keys) do less, and take `undone` back; the penalty stands on.
    Returns what was taken back: what is lessened to nothing is, as well.

    Refused where penalties.undo_measures is, for what is taken back or over, for what can't be less, and for
    anything that isn't less than it is.
    """
    require(by, "shops.overturn_penalty")
    lock(penalty)
    own = {measure.pk: measure for measure in penalty.measures.filter(applied_at__isnull=False)}
    if not less.keys() <= own.keys():
        raise Refused(_("Choose among the measures of this penalty."))
    if not reason.strip():
        raise Refused(_("Lessening a measure takes a reason."))
    if penalty.status not in Penalty.PENALISED:
        raise Refused(penalties.not_standing(penalty))
    if less.keys() & {measure.pk for measure in undone}:
        raise Refused(_("A measure is either taken back or lessened."))
    nothing = [own[pk] for pk, value in less.items() if effects.is_nothing(value)]
    taken_back = [*undone, *nothing]
    if taken_back:
        penalties.undo_measures(penalty, taken_back, by=by, at=at, reason=reason)
    rest = {pk: value for pk, value in less.items() if not effects.is_nothing(value)}
    standing = list(penalty.measures.filter(applied_at__isnull=False, undone_at=None).order_by("pk"))
    stated = penalty.ends_at != effects.ends_at(standing)
    still = {measure.pk: measure for measure in standing}
    for pk, value in rest.items():
        effects.lessen(still.get(pk, own[pk]), value, by=by, at=at)
    if rest and not stated:
        # Where its platform has said when it ends, that stays.
        penalty.ends_at = effects.ends_at(standing)
        penalty.save_by(by, reason)
    return taken_back
