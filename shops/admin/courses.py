"""What became of a penalty and of its measures, a step at a time: what was done, when, by whom and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from shops import measures
from shops.admin.cells import NOTHING
from shops.models import Measure, Penalty
from shops.reasons import WRITTEN, told
from shops.texts import told_moment

Status = Penalty.Status

BECAME = {
    Status.REPORTED: gettext_lazy("case reported"),
    Status.IMPOSED: gettext_lazy("penalty imposed"),
    Status.LIFTED: gettext_lazy("penalty lifted"),
    Status.EXPIRED: gettext_lazy("penalty over"),
    Status.OVERTURNED: gettext_lazy("penalty overturned"),
    Status.DISMISSED: gettext_lazy("case dismissed"),
}
STAYED, STAY_ENDED = pgettext_lazy("penalty", "stayed"), pgettext_lazy("penalty", "stay ended")
TAKEN_BACK = gettext_lazy("a part of the penalty is taken back")
LESSENED = gettext_lazy("a part of the penalty is lessened")
# What history keeps as the reason where it only repeats what the step says.
REPEATED = {"applied", "undone", "lapsed", "lessened", *Status.values}


@dataclass(frozen=True)
class Step:
    """A row of the history of a penalty or of one of its measures, in words; it has its moment and author."""

    row: Any
    what: str
    why: str = ""
    # What it left of a measure that it took back or lessened: the measure, and what it was and is.
    left: tuple[str, str, str] | None = None

    @property
    def of_measure(self) -> bool:
        return hasattr(self.row, "penalty_id")

    def __str__(self) -> str:
        return pgettext("before a reason", ": ").join(filter(None, [self.what, self.why]))


def course_of(penalty: Penalty, words: Mapping[str, Any] = WRITTEN) -> list[Step]:
    """All steps, oldest first. `words`: of reasons that history keeps by code."""
    own: list[Any] = list(penalty.history.select_related("history_user").order_by("history_id"))
    of_measures = Measure.history.filter(penalty_id=penalty.pk).select_related("history_user", "alliance")
    # What the penalty itself became comes before what its measures did; what they did may be all it became.
    lone = [row for before, row in pairwise(own) if not _becomes(row, before)]
    first = [row for row in own if row not in lone]
    rows: list[Any] = [*first, *of_measures.order_by("history_id"), *lone]
    steps: list[Step] = []
    known: dict[int | None, Any] = {}
    for row in sorted(rows, key=lambda row: row.history_date):
        key = row.id if hasattr(row, "penalty_id") else None
        before = known.get(key)
        steps.append(
            _of_penalty(row, before, _since_the_penalty(steps), words)
            if key is None
            else _of_measure(row, before, words)
        )
        known[key] = row
    return steps


def _becomes(row: Any, before: Any) -> bool:
    return (before.status, before.stayed_at) != (row.status, row.stayed_at)


def changed_with(steps: list[Step]) -> dict[int, Step]:
    """Of each row of the penalty's history, by its key, the step."""
    return {step.row.history_id: step for step in steps if not step.of_measure}


def left_by(steps: list[Step], history_id: int) -> list[tuple[str, str, str]]:
    """What became of the measures from the penalty's row before this one until this one."""
    found: list[tuple[str, str, str]] = []
    for step in steps:
        if step.left is not None:
            found.append(step.left)
        if not step.of_measure:
            if step.row.history_id == history_id:
                return found
            found = []
    return found


def _since_the_penalty(steps: list[Step]) -> list[Step]:
    """The steps of measures since the penalty's own last one."""
    return list(takewhile(lambda step: step.of_measure, reversed(steps)))


def _of_penalty(row: Any, before: Any, of_measures: list[Step], words: Mapping[str, Any]) -> Step:
    reason = row.history_change_reason or ""
    if before is None or before.status != row.status:
        if row.status == Status.EXPIRED and row.ends_at is not None and row.ends_at <= row.ended_at:
            # The day on which it ran out, not the one on which that was found.
            return Step(row, _("penalty ran out on %(moment)s") % {"moment": told_moment(row.ends_at)})
        why = row.ended_reason or ("" if reason in REPEATED else reason)
        return Step(row, str(BECAME[row.status]), told(why, words))
    if before.stayed_at != row.stayed_at:
        _verb, _colon, why = reason.partition(": ")
        return Step(row, str(STAYED if row.stayed_at else STAY_ENDED), told(why, words))
    if any(step.row.undone_at for step in of_measures):
        return Step(row, str(TAKEN_BACK), told(reason, words))
    if of_measures:
        return Step(row, str(LESSENED), told(reason, words))
    return Step(row, told(reason, words) or NOTHING)


def _of_measure(row: Any, before: Any, words: Mapping[str, Any]) -> Step:
    name = {"measure": row.get_kind_display()}
    reason = row.history_change_reason or ""
    why = "" if reason in REPEATED else told(reason, words)
    if before is None:
        return Step(row, _("“%(measure)s” takes effect") % name, why)
    if row.undone_at and not before.undone_at:
        much = _much(before)
        was = str(measures.State.STANDING.label) if much == NOTHING else much
        left = (name["measure"], was, str(measures.State.UNDONE.label))
        return Step(row, _("“%(measure)s” is taken back") % name, why, left)
    if row.lapsed_at and not before.lapsed_at:
        if row.ends_at is not None and row.ends_at <= row.lapsed_at:
            ran_out = name | {"moment": told_moment(row.ends_at)}
            return Step(row, _("“%(measure)s” ran out on %(moment)s") % ran_out, why)
        return Step(row, _("“%(measure)s” ends with the penalty") % name, why)
    if reason == "lessened":
        left = (name["measure"], _much(before), _much(row))
        less = name | {"before": left[1], "after": left[2]}
        return Step(row, _("“%(measure)s” is lessened from %(before)s to %(after)s") % less, left=left)
    return Step(row, f"{name['measure']}: {why}" if why else name["measure"])


def _much(row: Any) -> str:
    """How much the measure did then, in words."""
    effect = measures.EFFECTS[row.kind]
    value = getattr(row, effect.lessens) if effect.lessens else None
    return NOTHING if value is None else effect.amount(value)
