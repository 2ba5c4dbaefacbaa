"""What a notice says to the shop: each line is what it is about and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from opsdesk.deadlines import said, told_at
from opsdesk.known import Known
from opsdesk.models import AppealTerms
from opsdesk.reasons import words_of
from opsdesk.returning import listed, openings_left, reaches_beyond_its_alliance, rests_on, ways_back
from rules.casework import BARRED_AGAIN, REMOVED_FROM_THE_PLATFORM
from rules.models import Rule, RuleSet
from rules.values import comparison_of, name_of, value_of
from shops import measures as effects
from shops import money
from shops.bars import AFTER_A_STAY
from shops.calendar import deadline
from shops.models import Measure, Penalty, TopUp
from shops.texts import in_the_readers_language

Kind = Measure.Kind


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
    if penalty.alliance is not None:
        yield _("Alliance"), str(penalty.alliance)
    else:
        yield _("Where it holds"), _("on the whole platform")
    yield _("Decision"), "\n".join(_decided(penalty, measures))
    yield _("Ground"), str(penalty.get_ground_display())
    yield _("Reason"), words_of(penalty.reason)
    yield from _grounds(penalty, known)
    yield _("In effect from"), said(penalty.imposed_at)
    kinds = {measure.kind for measure in measures}
    if not penalty.is_the_platforms:
        yield _("Live links and open orders"), "\n".join(_for_links_and_orders(penalty, kinds, known))
    yield _("To be paid"), "\n".join(_to_be_paid(measures))
    yield _("What would undo it"), "\n".join(ways_back(penalty, kinds, known))
    yield _("Openings left"), "\n".join(openings_left(penalty, known))
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


def _to_be_paid(measures: list[Measure]) -> Iterator[str]:
    """What the shop owes its deposit for it, until when, and what becomes of it."""
    due = [one for measure in measures for one in measure.top_ups.all() if one.state == TopUp.State.OPEN]
    for top_up in sorted(due, key=lambda one: one.pk):
        yield _("%(amount)s into the deposit, until %(day)s") % {
            "amount": money.told(top_up.amount_fen),
            "day": date_format(top_up.due_on),
        }
    if due:
        yield _(
            "What is paid in counts towards what is due, the earliest first. What is not paid by then stays "
            "due, and meanwhile the deposit is not refunded."
        )


def _grounds(penalty: Penalty, known: Known) -> Iterator[tuple[str, str]]:
    """The rules with what was observed, or the violation, and what it rests on."""
    evidence = penalty.evidence
    if penalty.violation is not None:
        violation, number = known.versions.get(penalty.violation_version or 0, (penalty.violation, 0))
        yield _("Violation"), str(violation)
        clause = {"source": violation.source, "version": number, "entry": violation.code}
        yield (
            _("Clause"),
            _("%(source)s, version %(version)s of %(entry)s") % clause if number else violation.source,
        )
        yield _("Platform's case number"), penalty.reference
        yield _("Evidence"), evidence.get("statement", "")
        return
    if points := evidence.get("points"):
        yield _("Points"), "\n".join(_of_points(penalty, points))
    if evidence.get("case"):
        yield _case_of(penalty, known)
    if stayed := evidence.get(AFTER_A_STAY):
        yield (
            _("Stay"),
            _(
                "The shop was let in on %(opened)s, while that case was stayed, first on %(since)s. The stay "
                "has ended, and the case keeps the shop out again (R5)."
            )
            % {"opened": as_day(stayed["opened_on"]), "since": as_day(stayed["since"])},
        )
    for entry, rule, version in _failed(penalty, known):
        yield (
            _("Rule %(code)s") % {"code": entry["code"]},
            "\n".join(filter(None, _of_rule(entry, rule, version, _day(penalty)))),
        )
    yield _("Statement"), evidence.get("statement", "")


def _of_points(penalty: Penalty, points: dict[str, Any]) -> Iterator[str]:
    yield _("%(standing)s points stood on %(day)s; the threshold is %(threshold)s.") % {
        **points,
        "day": _day(penalty),
    }
    # No document gives one (R16).
    yield _("Clause: the desk's own threshold for points of %(place)s") % {
        "place": penalty.alliance or _("the platform")
    }


def _day(penalty: Penalty) -> str:
    """The day as of which it was judged."""
    day = penalty.evidence.get("day")
    return as_day(day) if day else "–"


def _case_of(penalty: Penalty, known: Known) -> tuple[str, str]:
    """The case for which the shop itself, or another one of its controller's, is put out."""
    case, proposal = penalty.evidence["case"], known.proposals.get(penalty.pk)
    told = {"number": case["number"], "shop": case["shop"]}
    rests = rests_on(penalty, known)
    of_the_shop = rests in (REMOVED_FROM_THE_PLATFORM, BARRED_AGAIN)
    label = _("Case of the shop") if of_the_shop else _("Case of the controller")
    if violation := in_the_readers_language(case["name_en"], case["name_zh"]):
        return label, _("%(number)s against shop %(shop)s: %(violation)s") % {**told, "violation": violation}
    ground = proposal.case.get_ground_display() if proposal and proposal.case else "–"
    if rests == BARRED_AGAIN:
        return label, _("%(number)s against shop %(shop)s, on the ground of %(ground)s") % {
            **told,
            "ground": ground,
        }
    # Otherwise nothing puts a shop out without a violation but that it was closed for good.
    return label, _("%(number)s against shop %(shop)s: closed for good, on the ground of %(ground)s") % {
        **told,
        "ground": ground,
    }


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


def _of_rule(entry: dict[str, Any], rule: Rule | None, version: int | None, day: str) -> Iterator[str]:
    if rule is not None:
        yield rule.sentence
    if entry["metric"]:
        yield (
            _("%(metric)s: observed %(observed)s on %(day)s, threshold %(threshold)s")
            % {
                "metric": name_of(entry["metric"]),
                "observed": value_of(entry["metric"], entry["observed"]),
                "day": day,
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


def _for_links_and_orders(penalty: Penalty, kinds: set[str], known: Known) -> Iterator[str]:
    told = list(_for_links(penalty, kinds, known))
    yield from told or [_("Links go on to work.")]
    yield _("Orders placed before are shipped, served and settled as usual.")


def _for_links(penalty: Penalty, kinds: set[str], known: Known) -> Iterator[str]:
    """A line for each measure that links feel; nothing where none does."""
    if Kind.CLOSE in kinds:
        yield _("From that moment the shop is closed, and links to its products no longer work anywhere.")
        return
    if Kind.CLEAR in kinds and reaches_beyond_its_alliance(penalty, known):
        yield _(
            "From that moment links to the shop's products in %(alliances)s no longer work, also in rooms "
            "that are live."
        ) % {"alliances": listed(map(str, known.cleared_from(penalty)))}
    elif Kind.CLEAR in kinds:
        yield _(
            "From that moment links to the shop's products in this alliance no longer work, also in rooms "
            "that are live."
        )
    if Kind.STOP in kinds:
        yield _("From that moment links to this product in this alliance no longer work, also in live rooms.")
    if Kind.SUSPEND in kinds:
        yield _("While the shop is suspended, buyers can't open it, and links to its products don't work.")
    elif Kind.RESTRICT_LIVE in kinds and kinds & {Kind.CLEAR, Kind.STOP}:
        yield _("While live selling is restricted, the shop does not sell in live rooms.")
    elif Kind.RESTRICT_LIVE in kinds:
        yield _("The shop does not sell in live rooms meanwhile; its links elsewhere go on to work.")


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
    yield from how_to_file(terms)
    yield _("Somebody who had no part in the decision hears the appeal.")
    yield (
        ngettext(
            "Against a ruling that denies it or grants it in part, a second appeal can be filed within"
            " %(days)s day of that ruling.",
            "Against a ruling that denies it or grants it in part, a second appeal can be filed within"
            " %(days)s days of that ruling.",
            terms.second_days,
        )
        % {"days": terms.second_days}
    )
    yield _("An appeal does not suspend the decision unless the desk says so.")


def how_to_file(terms: AppealTerms) -> Iterator[str]:
    """Where the shop sends its appeal to, and what it says in it."""
    if contact := in_the_readers_language(terms.contact_en, terms.contact_zh):
        yield _(
            "Appeal as is said below; name the case, and say what is contested, with whatever supports it."
        )
        yield contact
    else:
        yield _(
            "Appeal through the platform's merchant channel; name the case, and say what is contested, with "
            "whatever supports it."
        )


def as_day(kept: str) -> str:
    """A day as evidence keeps it, in the reader's form."""
    return date_format(date.fromisoformat(kept))
