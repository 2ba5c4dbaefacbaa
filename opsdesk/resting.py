"""Penalties that rest on what can fall: on a case, for its own shop (CL-1, R19) or for its controller's
others (R6), on one that was stayed meanwhile (R5), on points (R16), or on other penalties that a rule or the
ladder of a violation counted.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from rules.casework import BARRED_AGAIN, BARS_THE_CONTROLLERS_SHOPS, REMOVED_FROM_THE_PLATFORM
from shops import catalogue
from shops.bars import removing
from shops.controllers import barring_cases, was_imposed_as
from shops.models import Ground, Measure, Penalty, Violation

_BARRED = Q(proposal__failed_rules__contains=[BARS_THE_CONTROLLERS_SHOPS])
_REMOVED = Q(proposal__failed_rules__contains=[REMOVED_FROM_THE_PLATFORM])
_AGAIN = Q(proposal__failed_rules__contains=[BARRED_AGAIN])


def on(penalty: Penalty) -> QuerySet[Penalty]:
    """Those in effect that this one has brought about."""
    return in_effect().filter(_BARRED | _REMOVED | _AGAIN, proposal__case=penalty)


def on_its_closing(penalty: Penalty) -> QuerySet[Penalty]:
    """Those of them that fall where its closing is taken back, as its violation alone puts nobody out."""
    stands = penalty.measures.standing().filter(kind=Measure.Kind.CLOSE)
    by_itself = Q(pk__in=[])
    if not was_imposed_as(penalty, "bars_controller", "endangers_transactions"):
        by_itself |= _BARRED
    if not was_imposed_as(penalty, "serious"):
        by_itself |= _REMOVED
    return on(penalty).filter(by_itself) if stands.exists() else Penalty.objects.none()


def falls_with_its_closing(penalty: Penalty) -> str:
    """The same in words, for whoever is about to take a part of it back; empty where nothing falls."""
    found = [f"{one.case_number} ({one.shop})" for one in on_its_closing(penalty)]
    if not found:
        return ""
    told = {"penalties": ", ".join(found)}
    return _("With its closing these are overturned as well: %(penalties)s.") % told


def without_ground() -> QuerySet[Any]:
    """Those whose ground has fallen, and which are in effect all the same: somebody has to decide. Whoever
    decides that one is right keeps it (penalising.keep).

    Their case puts nobody out any longer; or of the points they were imposed for so many were taken back that
    the threshold would not have been reached; or what they had counted fell, and without it they would not
    have been proposed, or would have done less.
    """
    bars, removes = Q(proposal__case__in=barring_cases()), Q(proposal__case__in=removing())
    # Most penalties rest on no points: asked first, so that of those nobody adds any up.
    too_few = Q(proposal__points_threshold__isnull=False, points_then__lt=F("threshold_then"))
    found = in_effect().annotate(
        points_then=Coalesce(Subquery(_points_then()), 0),
        # As it was proposed for: people may have set another since.
        threshold_then=Cast("proposal__evidence__points__threshold", IntegerField()),
    )
    counted = Q(lost_ground_with__isnull=False)
    # Each by its own index: joined, all penalties might be read for the few that are in question.
    penalties = Penalty.objects.order_by().values("pk")
    in_question = penalties.filter(counted).union(
        penalties.filter(_BARRED | _REMOVED | _AGAIN),
        penalties.filter(proposal__points_threshold__isnull=False),
    )
    lost = _BARRED & ~bars | _REMOVED & ~removes | _AGAIN & _kept_out_wrongly() | too_few | counted
    return found.filter(lost, pk__in=in_question, kept_at=None)


def _kept_out_wrongly() -> Q:
    """Where the case that kept the shop out again (R5) was overturned, or put it out of there no longer as a
    violation has to: that it has ended since takes nothing back.
    """
    cleared = Measure.objects.filter(
        penalty=OuterRef("proposal__case"),
        kind=Measure.Kind.CLEAR,
        opening__enrollment=OuterRef("proposal__enrollment"),
        undone_at=None,
    )
    in_part = Q(~Exists(cleared), proposal__case__ground=Ground.VIOLATION)
    return in_part | Q(proposal__case__status__in=Penalty.VOID)


def lost_ground(penalty: Penalty) -> str:
    """On what this penalty rests that has fallen, in words; empty where its ground stands."""
    found = without_ground().filter(pk=penalty.pk).first()
    return told(found) if found is not None else ""


def told(penalty: Any) -> str:
    """The same of one that `without_ground` has found."""
    if (counted := penalty.lost_ground_with) is not None:
        return _("It counted %(case)s, which was taken back, or a part of it.") % {"case": counted}
    case = penalty.proposal.case
    if case is not None:
        return _("It rests on %(case)s of %(shop)s, which bars nobody any longer.") % {
            "case": case.case_number,
            "shop": case.shop,
        }
    return _("It rests on points that were taken back: %(points)s are left of %(threshold)s.") % {
        "points": penalty.points_then,
        "threshold": penalty.threshold_then,
    }


def in_effect() -> QuerySet[Penalty]:
    """Those that were imposed and stand, or have ended with something left of what they did."""
    done = Measure.objects.standing().filter(penalty=OuterRef("pk"))
    ended = [Penalty.Status.LIFTED, Penalty.Status.EXPIRED]
    return (
        Penalty.objects.filter(
            Q(status=Penalty.Status.IMPOSED) | Q(Exists(done), status__in=ended),
        )
        .select_related("shop", "alliance", "proposal__case__shop", "lost_ground_with")
        .order_by("pk")
    )


def steps_beside(penalty: Penalty) -> set[tuple[int, int]]:
    """The later penalties in effect of the same violation and shop, by their keys, each with the step of the
    ladder on which it would be imposed by the cases that count now. The ladder is the one of its day.
    """
    violation = penalty.violation_id
    later = in_effect().filter(shop=penalty.shop_id, violation=violation, imposed_at__gte=penalty.imposed_at)
    found = set()
    for one in later.filter(violation__isnull=False, evidence__has_key="violation").exclude(pk=penalty.pk):
        terms = one.evidence["violation"]
        then = Violation(pk=violation, repeats_within_days=terms["repeats_within_days"])
        assert one.imposed_at is not None
        # It is among the cases of its moment itself.
        number = catalogue.case_number_of(then, one.shop, one.imposed_at) - 1
        reached = [step["from_case"] for step in terms["measures"] if step["from_case"] <= number]
        found.add((one.pk, max(reached, default=0)))
    return found


def _points_then() -> QuerySet[Any]:
    """The points that stood where the threshold counts them as the penalty was imposed, less those undone."""
    return (
        Measure.objects.active(OuterRef("imposed_at"))
        .annotate(counted_in=Coalesce("alliance_id", 0))
        .filter(
            kind=Measure.Kind.POINTS,
            penalty__shop=OuterRef("shop"),
            counted_in=Coalesce(OuterRef("proposal__points_threshold__alliance_id"), 0),
        )
        .order_by()
        .values("penalty__shop")
        .annotate(total=Sum("points"))
        .values("total")
    )
