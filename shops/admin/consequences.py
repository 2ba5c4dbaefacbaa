"""What follows from a violation, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override, pgettext

from shops import money
from shops.admin.cells import days, percent
from shops.models import DefaultMeasure, Measure, Violation

Kind, Basis = Measure.Kind, Measure.Basis
LANGUAGES = ("en", "zh-hans")


@dataclass(frozen=True)
class Step:
    """A step of the ladder: from which case on, and what is taken then, in each language."""

    from_case: int
    in_english: list[str]
    in_chinese: list[str]


def ladder_of(measures: Iterable[DefaultMeasure], violation: Violation) -> list[Step]:
    """The steps in order; `measures` in their own."""
    steps = []
    for from_case, of_step in groupby(measures, key=lambda measure: measure.from_case):
        taken = list(of_step)
        told = []
        for language in LANGUAGES:
            with override(language):
                told.append([words_of(measure, violation) for measure in taken])
        steps.append(Step(from_case, *told))
    return steps


def told_of(measures: Iterable[DefaultMeasure], violation: Violation) -> str:
    """All that follows, in one line; empty where nothing does."""
    lines = []
    for from_case, of_step in groupby(measures, key=lambda measure: measure.from_case):
        taken = "; ".join(words_of(measure, violation) for measure in of_step)
        lines.append(
            taken
            if from_case == 1
            else _("from case %(number)s: %(measures)s") % {"number": from_case, "measures": taken}
        )
    return " · ".join(lines)


def words_of(measure: DefaultMeasure, violation: Violation) -> str:
    """A measure as the catalogue has it, with what is asked of the operator."""
    told = _what(measure, violation)
    if measure.days:
        return _("%(measure)s for %(days)s") % {"measure": told, "days": days(measure.days)}
    if measure.end_asked:
        return _("%(measure)s, until when is asked") % {"measure": told}
    if measure.kind in Measure.LASTING:
        return _("%(measure)s, without end") % {"measure": told}
    return told


def _what(measure: DefaultMeasure, violation: Violation) -> str:
    match measure.kind:
        case Kind.POINTS:
            return _points(measure)
        case Kind.DEDUCT:
            return _deduction(measure)
        case Kind.TOP_UP:
            return _top_up(measure.amount_fen)
        case Kind.SCORE if measure.score is None:
            return _("deduct experience score, how much is asked")
        case Kind.SCORE:
            return _("deduct %(score)s of the experience score") % {"score": localize(measure.score)}
        case Kind.CLEAR if violation.alliance_id is None:
            return _("clear the shop from every alliance")
        case Kind.CLEAR:
            return _("clear the shop from %(alliance)s") % {"alliance": violation.alliance}
        case Kind.WARNING:
            return pgettext("measure", "warn the shop")
    return str(measure.get_kind_display())


def _top_up(amount_fen: int | None) -> str:
    if amount_fen is None:
        return _("demand a top-up, how much is asked")
    return _("demand a top-up of %(amount)s") % {"amount": money.told(amount_fen)}


def _points(measure: DefaultMeasure) -> str:
    least, most = measure.points_least, measure.points_most
    if least is None or most is None:
        return _("points, how many is asked")
    if least == most:
        return ngettext("%(points)s point", "%(points)s points", least) % {"points": least}
    return _("%(least)s to %(most)s points, how many is asked") % {"least": least, "most": most}


def _deduction(measure: DefaultMeasure) -> str:
    match measure.basis:
        case Basis.ALL:
            return _("forfeit the whole deposit")
        case Basis.ACTUAL_LOSS:
            return _("deduct the actual loss from the deposit, how much is asked")
        case Basis.SHARE if measure.share is None:
            return _("deduct a share of the deposit, which is asked")
        case Basis.SHARE:
            return _("deduct %(share)s of the deposit") % {"share": percent(measure.share)}
    if measure.amount_fen is None:
        return _("deduct from the deposit, how much is asked")
    return _("deduct %(amount)s from the deposit") % {"amount": money.told(measure.amount_fen)}
