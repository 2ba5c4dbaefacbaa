"""What a penalty does, kind by kind: each effect stands beside its inverse, and each is safe twice.

No measure overwrites a fact: what a shop may do is derived from the facts and the measures that stand
(shops.standing). Everything can be taken back: money that was deducted comes back as a movement of its own,
and an opening that another has followed goes on in its place.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Field

from shops.measures.effect import Effect, in_words
from shops.measures.money import Deduct, DemandTopUp
from shops.measures.promotion import Clear, Stop, continue_what_nothing_keeps, could_go_on
from shops.measures.record import Points, Score, Warn
from shops.measures.state import State, state_of
from shops.measures.together import ends_at, is_over, with_clearances
from shops.measures.trading import Close, ReduceAccount, ReduceRoom, RestrictLive, Suspend
from shops.models import Measure

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = [
    "EFFECTS",
    "Effect",
    "State",
    "apply",
    "can_be_less",
    "complete",
    "continue_what_nothing_keeps",
    "could_go_on",
    "describe",
    "did",
    "ends_at",
    "in_words",
    "is_nothing",
    "is_over",
    "lapse",
    "lessen",
    "much",
    "needs",
    "state_of",
    "told_much",
    "undo",
    "with_clearances",
]

_Kind = Measure.Kind
EFFECTS: dict[str, Effect] = {
    _Kind.WARNING: Warn(),
    _Kind.POINTS: Points(),
    _Kind.DEDUCT: Deduct(),
    _Kind.TOP_UP: DemandTopUp(),
    _Kind.SCORE: Score(),
    _Kind.CLEAR: Clear(),
    _Kind.STOP: Stop(),
    _Kind.REDUCE_ROOM: ReduceRoom(),
    _Kind.REDUCE_ACCOUNT: ReduceAccount(),
    _Kind.RESTRICT_LIVE: RestrictLive(),
    _Kind.SUSPEND: Suspend(),
    _Kind.CLOSE: Close(),
}


def complete(measure: Measure, at: datetime) -> None:
    """Set what the desk's own settings give, as applying it would, where nobody has said otherwise."""
    EFFECTS[measure.kind].complete(measure, at)


def apply(measure: Measure, *, by: User | None, at: datetime) -> None:
    """Let the measure take effect. Refused where it can't, or lacks what it needs."""
    EFFECTS[measure.kind].apply(measure, by=by, at=at)


def undo(measure: Measure, *, by: User | None, at: datetime) -> None:
    """End the measure and take its effect back, as far as nothing else stands in the way."""
    EFFECTS[measure.kind].undo(measure, by=by, at=at)


def lapse(measure: Measure, *, by: User | None, at: datetime) -> None:
    """End the measure without taking anything back: its time is over, or its penalty was lifted."""
    EFFECTS[measure.kind].lapse(measure, by=by, at=at)


def lessen(measure: Measure, less: int | Decimal | datetime, *, by: User | None, at: datetime) -> None:
    """Have the measure do less: fewer points, a smaller sum in fen, an earlier end. Refused for more, and for
    nothing, which is to undo it.
    """
    EFFECTS[measure.kind].lessen(measure, less, by=by, at=at)


def can_be_less(measure: Measure) -> bool:
    """Whether it stands and is of a kind that can be lessened."""
    return EFFECTS[measure.kind].can_be_less(measure)


def much(measure: Measure) -> Any:
    """How much it does, in the field by which it can be lessened; None where it has none, or no end."""
    field = EFFECTS[measure.kind].lessens
    return getattr(measure, field) if field else None


def told_much(measure: Measure, value: str) -> str:
    """Such a value, as it was kept, in words; of an end that there was not, a dash."""
    if value == str(None):
        return "–"
    effect = EFFECTS[measure.kind]
    field = Measure._meta.get_field(effect.lessens)
    assert isinstance(field, Field)
    return effect.amount(field.to_python(value))


def is_nothing(less: int | Decimal | datetime) -> bool:
    """Whether nothing would be left of a measure that is lessened to this."""
    return not isinstance(less, datetime) and less == 0


def describe(measure: Measure) -> str:
    """What the measure does, or did, in a line for people."""
    return EFFECTS[measure.kind].describe(measure)


def did(measure: Measure) -> str:
    """What the measure did, whether or not it still does, in a line for people."""
    return EFFECTS[measure.kind].did(measure)


def needs(measure: Measure) -> list[str]:
    """The names of the fields that have to be asked before the measure can be applied."""
    return EFFECTS[measure.kind].needs(measure)
