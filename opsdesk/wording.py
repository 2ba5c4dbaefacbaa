"""What a notice says to the shop: each line is what it is about and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext, override
from django.utils.translation import gettext as _

from opsdesk.deadlines import said, told_at
from opsdesk.known import Known
from opsdesk.models import AppealTerms
from opsdesk.reasons import words_of
from rules.casework import BARRED_AGAIN, BARS_THE_CONTROLLERS_SHOPS, REMOVED_FROM_THE_PLATFORM
from rules.models import Rule, RuleSet
from rules.values import comparison_of, name_of, value_of
from shops import measures as effects
from shops.bars import AFTER_A_STAY
from shops.calendar import deadline
from shops.models import Ground, Measure, Penalty

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
    Ground.VIOLATION: gettext_lazy("Once this penalty has ended, the shop may apply for its next opening."),
}


def text_of(penalty: Penalty, known: Known, language: str) -> list[list[str]]:
    """The notice of an imposed penalty in that language."""
    with override(language):
        return [[label, said_of] for label, said_of in _lines(penalty, known) if said_of]


def _lines(penalty: Penalty, known: Known) -> Iterator[tuple[str, str]]:
    assert penalty.imposed_at is not None
    measures, appealable = known.measures[penalty.pk], penalty.pk in known.appealable
    yield _("Case"), penalty.case_number
    yield _("Shop"), str(penalty.shop)
    if penalty.product is not None:
        yield _("Product"), str(penalty.product)
    yield _("Alliance"), str(penalty.alliance or _("the platform"))
    yield _("Decision"), "\n".join(_decided(penalty, measures))
    yield _("Ground"), str(penalty.get_ground_display())
    yield _("Reason"), words_of(penalty.reason)
    yield from _grounds(penalty, known)
    yield _("In effect from"), said(penalty.imposed_at)
    kinds = {measure.kind for measure in measures}
    if not penalty.is_the_platforms:
        yield _("Live links and open orders"), "\n".join(_for_links_and_orders(kinds))
    yield _("What would undo it"), "\n".join(_ways_back(penalty, kinds, known))
    yield _("Openings left"), _openings_left(penalty, known)
    if appealable:
        yield _("Appeal"), "\n".join(_how_to_appeal(told_at(penalty, known.at), known.terms))
    else:
        yield _("Appeal"), _("Against this decision no appeal is provided.")


def _decided(penalty: Penalty, measures: list[Measure]) -> Iterator[str]:
    for measure in measures:
        yield effects.describe(measure)
    if penalty.is_the_platforms:
        # Its files have columns for points and deductions, and for nothing else.
        yield _(
            "Imposed by the platform. Whatever else it does there, and to links, the desk was not told: the "
            "platform says so."
        )


def _grounds(penalty: Penalty, known: Known) -> Iterator[tuple[str, str]]:
    """The rules with what was observed, or the violation, and what it rests on."""
    evidence = penalty.evidence
    if penalty.violation is not None:
        number = penalty.violation_version or 0
        violation = known.versions.get(number, penalty.violation)
        yield _("Violation"), str(violation)
        clause = {"source": violation.source, "version": number}
        yield (
            _("Clause"),
            _("%(source)s, version %(version)s of the catalogue's entry") % clause
            if number
            else violation.source,
        )
        yield _("Platform's case number"), penalty.reference
        yield _("Evidence"), evidence.get("statement", "")
        return
    if points := evidence.get("points"):
        yield (
            _("Points"),
            _("%(standing)s points stand; the threshold is %(threshold)s.") % points,
        )
    if evidence.get("case"):
        yield _case_of(penalty, known)
    if stayed := evidence.get(AFTER_A_STAY):
        yield (
            _("Stay"),
            _(
                "The shop was let in on %(opened)s, while that case was stayed, first on %(since)s. The stay "
                "has ended, and the case keeps the shop out again (R5)."
            )
            % {"opened": _day(stayed["opened_on"]), "since": _day(stayed["since"])},
        )
    for entry, rule, version in _failed(penalty, known):
        yield (
            _("Rule %(code)s") % {"code": entry["code"]},
            "\n".join(filter(None, _of_rule(entry, rule, version, evidence.get("day")))),
        )
    yield _("Statement"), evidence.get("statement", "")


def _case_of(penalty: Penalty, known: Known) -> tuple[str, str]:
    """The case for which the shop itself, or another one of its controller's, is put out."""
    case, proposal = penalty.evidence["case"], known.proposals.get(penalty.pk)
    told = {"number": case["number"], "shop": case["shop"]}
    rests_on = _rests_on(penalty, known)
    of_the_shop = rests_on in (_REMOVED, BARRED_AGAIN)
    label = _("Case of the shop") if of_the_shop else _("Case of the controller")
    if violation := case["name_zh" if (get_language() or "").startswith("zh") else "name_en"]:
        return label, _("%(number)s against shop %(shop)s: %(violation)s") % {**told, "violation": violation}
    ground = proposal.case.get_ground_display() if proposal and proposal.case else "–"
    if rests_on == BARRED_AGAIN:
        return label, _("%(number)s against shop %(shop)s, on the ground of %(ground)s") % {
            **told,
            "ground": ground,
        }
    # Otherwise nothing puts a shop out without a violation but that it was closed for good.
    return label, _("%(number)s against shop %(shop)s: closed for good, on the ground of %(ground)s") % {
        **told,
        "ground": ground,
    }


def _rests_on(penalty: Penalty, known: Known) -> str:
    """The rule by which a case puts the shop out, CL-1, R6-C1 or R5; empty where none does."""
    proposal = known.proposals.get(penalty.pk)
    codes = proposal.failed_rules if proposal else []
    return next((code for code in (_REMOVED, _BARRED, BARRED_AGAIN) if code in codes), "")


def _versions(penalty: Penalty) -> dict[str, dict[str, Any]]:
    """The versions of rules by which it was judged, each by what it is for."""
    return {version["purpose"]: version for version in penalty.evidence.get("rule_sets", [])}


def _failed(penalty: Penalty, known: Known) -> list[tuple[dict[str, Any], Rule | None, int | None]]:
    """Each rule for which it was decided, as it was judged, with its words and its set's version."""
    versions, proposal = _versions(penalty), known.proposals.get(penalty.pk)
    failed = [
        entry
        for entry in penalty.evidence.get("rules", [])
        if (entry["code"] in proposal.failed_rules if proposal else entry["outcome"] == "fails")
    ]
    told = []
    for entry in failed:
        version = versions.get(entry["purpose"], {})
        rule = known.rules.get((version.get("id", 0), entry["code"]))
        told.append((entry, rule, version.get("version")))
    return told


def _of_rule(entry: dict[str, Any], rule: Rule | None, version: int | None, day: str | None) -> Iterator[str]:
    if rule is not None:
        yield rule.sentence
    if entry["metric"]:
        yield (
            _("%(metric)s: observed %(observed)s on %(day)s, threshold %(threshold)s")
            % {
                "metric": name_of(entry["metric"]),
                "observed": value_of(entry["metric"], entry["observed"]),
                "day": _day(day) if day else "–",
                "threshold": comparison_of(entry["metric"], entry["operator"], entry["threshold"]),
            }
        )
    if rule is not None:
        yield (
            _("Clause %(source)s, %(rules)s version %(version)s")
            % {
                "source": rule.source,
                "rules": RuleSet.Purpose(entry["purpose"]).label,
                "version": version,
            }
        )


def _for_links_and_orders(kinds: set[str]) -> Iterator[str]:
    if Kind.CLOSE in kinds:
        yield _("From that moment the shop is closed, and links to its products no longer work anywhere.")
    elif Kind.CLEAR in kinds:
        yield _(
            "From that moment links to the shop's products in this alliance no longer work, also in rooms "
            "that are live."
        )
    elif Kind.STOP in kinds:
        yield _("From that moment links to this product in this alliance no longer work, also in live rooms.")
    elif Kind.SUSPEND in kinds:
        yield _("While the shop is suspended, buyers can't open it, and links to its products don't work.")
    elif Kind.RESTRICT_LIVE in kinds:
        yield _("The shop does not sell in live rooms meanwhile; its links elsewhere go on to work.")
    else:
        yield _("Links go on to work.")
    yield _("Orders placed before are shipped, served and settled as usual.")


def _ways_back(penalty: Penalty, kinds: set[str], known: Known) -> Iterator[str]:
    appealable, case = penalty.pk in known.appealable, penalty.evidence.get("case", {})
    rests_on = _rests_on(penalty, known)
    if penalty.pk in known.removing:
        if appealable:
            yield _("Nothing but a granted appeal: the shop is out for ever.")
        else:
            yield _("Nothing: the shop is out for ever.")
    elif rests_on == _REMOVED:
        yield _(
            "Nothing but that case %(number)s is overturned: until then no alliance takes the shop back, "
            "whatever becomes of this decision (CL-1)."
        ) % {"number": case["number"]}
    elif rests_on == _BARRED:
        yield _(
            "Nothing but that case %(number)s of shop %(shop)s is overturned or dismissed: until then no "
            "alliance takes a shop of this controller, whatever becomes of this decision (R6)."
        ) % {"number": case["number"], "shop": case["shop"]}
    elif rests_on == BARRED_AGAIN:
        yield _("Once case %(number)s keeps it out no longer, the shop may apply again (R5).") % {
            "number": case["number"]
        }
    elif Kind.CLEAR in kinds:
        yield str(_BACK_IN[penalty.ground])
    elif Kind.STOP in kinds and penalty.ground == Ground.METRIC:
        yield _("Once the product meets the rules of admission again, it may be promoted again.")
    if penalty.ends_at is not None:
        yield _("What lasts ends by itself on %(ends)s.") % {"ends": said(penalty.ends_at)}
    if not appealable:
        return
    if Kind.CLEAR in kinds and not rests_on:
        yield _("If an appeal is granted, the opening that was closed goes on and no further one is used.")
    if penalty.is_the_platforms:
        yield _("If an appeal is granted, all that the desk knows of this decision is taken back.")
    else:
        yield _("If an appeal is granted, all that this decision did is taken back.")


def _openings_left(penalty: Penalty, known: Known) -> str:
    if penalty.alliance is None:
        return ""
    enrollment = known.enrollments.get((penalty.shop_id, penalty.alliance.pk))
    if enrollment is None:
        return ""
    limit = penalty.alliance.openings_limit
    if limit is None:
        return _("The alliance sets no limit.")
    return _("%(left)s of %(limit)s") % {"left": max(limit - enrollment.openings_used, 0), "limit": limit}


def _how_to_appeal(decided_at: datetime, terms: AppealTerms) -> Iterator[str]:
    yield (
        ngettext(
            "An appeal can be filed within %(days)s day of the delivery of this notice; "
            "where no delivery is recorded, until %(until)s.",
            "An appeal can be filed within %(days)s days of the delivery of this notice; "
            "where no delivery is recorded, until %(until)s.",
            terms.first_days,
        )
        % {"days": terms.first_days, "until": said(deadline(decided_at, terms.first_days))}
    )
    yield _(
        "Write, call or open a ticket with the desk, name the case and say what is contested, with whatever "
        "supports it. Somebody who had no part in the decision hears the appeal."
    )
    yield (
        ngettext(
            "Against a ruling that denies it, a second appeal can be filed within %(days)s day.",
            "Against a ruling that denies it, a second appeal can be filed within %(days)s days.",
            terms.second_days,
        )
        % {"days": terms.second_days}
    )
    yield _("An appeal does not suspend the decision unless the desk says so.")


def _day(kept: str) -> str:
    return date_format(date.fromisoformat(kept))
