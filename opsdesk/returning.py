"""How a shop comes back, as a notice tells it: what would undo the decision, and what else keeps it out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from opsdesk.deadlines import said
from opsdesk.known import Bar, Known, Why
from rules.casework import BARRED_AGAIN, BARS_THE_CONTROLLERS_SHOPS, REMOVED_FROM_THE_PLATFORM
from shops.models import Alliance, Ground, Measure, Penalty, Shop
from shops.standing import told_closed_on_its_platform

Kind = Measure.Kind
_BARRED, _REMOVED = BARS_THE_CONTROLLERS_SHOPS, REMOVED_FROM_THE_PLATFORM

# How a shop that was cleared comes back, by the ground (R5).
_BACK_IN: dict[str, str | Promise] = {
    Ground.METRIC: gettext_lazy(
        "Once the shop meets the rules of admission again, it may apply for its next opening."
    ),
    Ground.QUALIFICATION: gettext_lazy(
        "Once its papers are accepted, the shop may apply for its next opening."
    ),
    Ground.JUDGEMENT: gettext_lazy(
        "Once the desk lifts this decision, the shop may apply for its next opening."
    ),
    Ground.VIOLATION: gettext_lazy("Once this penalty is lifted, the shop may apply for its next opening."),
}
# Grounds that keep out by themselves, until their penalty ends (R5).
_BARRING = frozenset({Ground.JUDGEMENT, Ground.VIOLATION})
_FOR_EVER: dict[Why, str | Promise] = {
    Why.REMOVED: gettext_lazy(
        "Case %(number)s keeps the shop out of every alliance for ever, whatever becomes of this decision,"
        " unless that case is overturned (R5, CL-1)."
    ),
    Why.CONTROLLER: gettext_lazy(
        "Case %(number)s of shop %(shop)s keeps every shop of this controller from being let into any"
        " alliance until that case is overturned or dismissed (R6)."
    ),
}
_UNTIL: dict[Why, str | Promise] = {
    Why.BARRED: gettext_lazy(
        "Even then not before %(until)s: case %(number)s keeps the shop out of %(alliance)s until then (R5)."
    ),
    Why.SUSPENDED: gettext_lazy(
        "Even then not before %(until)s: case %(number)s has the shop suspended until then (CL-3)."
    ),
}
_WITHOUT_END = gettext_lazy(
    "Even then not while case %(number)s stands, which keeps the shop out of %(alliance)s (R5)."
)


def ways_back(penalty: Penalty, kinds: set[str], known: Known) -> Iterator[str]:
    """What would undo the decision, and when what lasts of it ends."""
    appealable, case = penalty.pk in known.appealable, penalty.evidence.get("case", {})
    rests = rests_on(penalty, known)
    if penalty.pk in known.removing:
        if appealable:
            yield _("Nothing but a granted appeal: the shop is out for ever.")
        else:
            yield _("Nothing: the shop is out for ever.")
    elif rests == _REMOVED:
        yield _(
            "Nothing but that case %(number)s is overturned: until then no alliance takes the shop back, "
            "whatever becomes of this decision (CL-1)."
        ) % {"number": case["number"]}
    elif rests == _BARRED:
        yield _(
            "Nothing but a granted appeal, or that case %(number)s of shop %(shop)s is overturned or "
            "dismissed: until then no alliance lets a shop of this controller in (R6)."
        ) % {"number": case["number"], "shop": case["shop"]}
    elif rests == BARRED_AGAIN:
        yield _("Once case %(number)s keeps it out no longer, the shop may apply again (R5).") % {
            "number": case["number"]
        }
    elif Kind.CLEAR in kinds:
        yield from _next_opening(penalty, known)
    elif Kind.STOP in kinds:
        yield _promoted_again(penalty, known)
    if any(measure.ends_at is not None for measure in known.measures[penalty.pk]):
        yield _("Each measure of which the decision names the end ends then by itself.")
    elif penalty.ends_at is not None:
        yield _("As its platform says, the penalty ends on %(ends)s.") % {"ends": said(penalty.ends_at)}
    if any(
        measure.ends_at is None and measure.kind in Measure.LASTING for measure in known.measures[penalty.pk]
    ):
        yield _("What it restricts without naming an end lasts until the penalty is lifted.")
    if not appealable:
        return
    bars = known.bars.get(penalty.pk, [])
    # Whoever goes on is not let in: what bars the controller's shops from that stops nobody (R6).
    out = rests == _REMOVED or _closed_for_a_violation(penalty.shop)
    if Kind.CLEAR in kinds and not out and not any(bar.why is Why.REMOVED for bar in bars):
        several = len(known.cleared_from(penalty)) > 1
        yield (
            _("If an appeal is granted, the openings that were closed go on and no further ones are used.")
            if several
            else _("If an appeal is granted, the opening that was closed goes on and no further one is used.")
        )
    if penalty.is_the_platforms:
        yield _("If an appeal is granted, all that the desk knows of this decision is taken back.")
    else:
        yield _("If an appeal is granted, all that this decision did is taken back.")


def rests_on(penalty: Penalty, known: Known) -> str:
    """The rule by which a case puts the shop out, CL-1, R6-C1 or R5; empty where none does."""
    proposal = known.proposals.get(penalty.pk)
    codes = proposal.failed_rules if proposal else []
    return next((code for code in (_REMOVED, _BARRED, BARRED_AGAIN) if code in codes), "")


def _closed_for_a_violation(shop: Shop) -> bool:
    return (shop.status, shop.closed_cause) == (Shop.Status.CLOSED, Shop.ClosedCause.VIOLATION)


def _end_of_bar(penalty: Penalty, known: Known) -> datetime | None:
    """When the penalty's own bar ends by itself, as `bars.keeping_out` has it: that of a violation with what
    it suspends and restricts, whose points may count for long after; None where it is to be lifted.
    """
    lasting = [one.ends_at for one in known.measures[penalty.pk] if one.kind in Measure.LASTING]
    if penalty.ground != Ground.VIOLATION or not lasting:
        return penalty.ends_at
    ends = [moment for moment in lasting if moment is not None]
    return max(ends) if len(ends) == len(lasting) else None


def _promoted_again(penalty: Penalty, known: Known) -> str:
    """When a product that was stopped may come back."""
    if penalty.ground == Ground.METRIC:
        return _("Once the product meets the rules of admission again, it may be promoted again.")
    if until := _end_of_bar(penalty, known):
        return _("From %(until)s on the desk may have the product promoted again.") % {"until": said(until)}
    return _("Once this decision is lifted, the desk may have the product promoted again.")


def _next_opening(penalty: Penalty, known: Known) -> Iterator[str]:
    """When the shop may apply again, and what keeps it out for longer: no promise that won't be kept."""
    bars, shop = known.bars[penalty.pk], penalty.shop
    until = _end_of_bar(penalty, known) if penalty.ground in _BARRING else None
    for_ever = [str(_FOR_EVER[bar.why]) % _told(bar) for bar in bars if bar.why in _FOR_EVER]
    if _closed_for_a_violation(shop):
        for_ever.append(
            _("Its platform has closed the shop for a violation: no alliance takes it back (DF-A13).")
        )
    yield from for_ever
    if for_ever:
        return
    left = {alliance: _left(penalty, alliance, known) for alliance in known.cleared_from(penalty)}
    if all(number == 0 for number in left.values()):
        yield _("The shop has used all its openings: no further one follows.")
        return
    if until is not None:
        yield _("From %(until)s on the shop may apply for its next opening.") % {"until": said(until)}
    else:
        yield str(_BACK_IN[penalty.ground])
    if closed := told_closed_on_its_platform(shop):
        yield closed
    for bar in bars:
        if bar.alliance is None or left[bar.alliance] != 0:
            yield str(_UNTIL[bar.why] if bar.until else _WITHOUT_END) % _told(bar)
    for measure in known.measures[penalty.pk]:
        if measure.kind != Kind.CLEAR or measure.opening is None or measure.opening.closed_on is None:
            continue
        alliance = measure.opening.enrollment.alliance
        if alliance.cool_down_days and left[alliance] != 0:
            back = measure.opening.closed_on + timedelta(days=alliance.cool_down_days)
            yield _("Even then not before %(back)s: %(alliance)s takes back after %(days)s days (R5).") % {
                "back": date_format(back),
                "alliance": alliance,
                "days": alliance.cool_down_days,
            }


def _told(bar: Bar) -> dict[str, str]:
    return {
        "number": bar.case.case_number,
        "shop": bar.case.shop.code,
        "alliance": str(bar.alliance),
        "until": said(bar.until) if bar.until else "",
    }


def openings_left(penalty: Penalty, known: Known) -> Iterator[str]:
    """How often the shop may be let in again; where other alliances than the penalty's own were closed, in
    each of them.
    """
    if reaches_beyond_its_alliance(penalty, known):
        for alliance in known.cleared_from(penalty):
            left = _left_in_words(penalty, alliance, known)
            yield _("%(alliance)s: %(left)s") % {"alliance": alliance, "left": left}
    elif penalty.product_id is not None and not known.cleared_from(penalty):
        # A product's stop touches no opening.
        return
    elif penalty.alliance is not None and (penalty.shop_id, penalty.alliance.pk) in known.enrollments:
        yield _left_in_words(penalty, penalty.alliance, known)


def reaches_beyond_its_alliance(penalty: Penalty, known: Known) -> bool:
    """Whether it has closed an opening elsewhere than in the alliance that it is of, if it is of one."""
    return any(alliance != penalty.alliance for alliance in known.cleared_from(penalty))


def _left(penalty: Penalty, alliance: Alliance, known: Known) -> int | None:
    """None where the alliance sets no limit."""
    if alliance.openings_limit is None:
        return None
    used = known.enrollments[penalty.shop_id, alliance.pk].openings_used
    return max(alliance.openings_limit - used, 0)


def _left_in_words(penalty: Penalty, alliance: Alliance, known: Known) -> str:
    left = _left(penalty, alliance, known)
    if left is None:
        return _("The alliance sets no limit.")
    return _("%(left)s of %(limit)s") % {"left": left, "limit": alliance.openings_limit}


def listed(names: Iterable[str]) -> str:
    """Several in a sentence."""
    return pgettext("between names", ", ").join(names)
