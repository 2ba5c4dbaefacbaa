"""The record, read back: one shop's story, and whether the facts that must always hold do hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from opsdesk.books import verify_ledger, verify_reversals
from opsdesk.models import Appeal, Decision, Notice
from opsdesk.sentences import of_appeal, of_entry, of_notice, of_top_up
from rules.models import Proposal, ShopExemption, Sweep
from rules.sql import SWEEPING
from shops.imports.door import IMPORTING
from shops.models import (
    Audited,
    DepositEntry,
    Enrollment,
    ImportBatch,
    Listing,
    Measure,
    Opening,
    Penalty,
    Product,
    Qualification,
    Shop,
    TopUp,
)
from shops.sql import first_unrecorded, leases

# One shop's story


@dataclass(frozen=True)
class Event:
    """Something that became of a shop: when it was recorded, who did it (None: the system), what, why."""

    at: datetime
    who: User | None
    what: str
    why: str
    record: tuple[str, int]


# What the sentences of the story name, beside the record itself.
RELATED: dict[type[Audited], tuple[str, ...]] = {
    Enrollment: ("alliance",),
    Listing: ("product", "alliance"),
    Proposal: ("product",),
    Decision: ("proposal__product",),
    Penalty: ("product",),
    Measure: ("listing__product",),
}


def story(shop: Shop) -> list[Event]:
    """All that was recorded about the shop and its products' listings, oldest first: from imports to
    proposals, decisions, penalties.
    """
    records: list[tuple[type[Audited], Q, Callable[[Any], str]]] = [
        (Shop, Q(id=shop.pk), _of_shop),
        (Listing, Q(product__shop=shop), _of_listing),
        (Qualification, Q(shop=shop), _of_qualification),
        (Enrollment, Q(shop=shop), _of_enrollment),
        (Opening, Q(enrollment__shop=shop), _of_opening),
        (ShopExemption, Q(shop=shop), _of_exemption),
        (Proposal, Q(shop=shop), _of_proposal),
        (Decision, Q(proposal__shop=shop), _of_decision),
        (Penalty, Q(shop=shop), _of_penalty),
        (Measure, Q(penalty__shop=shop), _of_measure),
        (Notice, Q(penalty__shop=shop), of_notice),
        (Appeal, Q(penalty__shop=shop), of_appeal),
        (TopUp, Q(shop=shop), of_top_up),
    ]
    events = [
        Event(
            at=row.history_date,
            who=row.history_user,
            what=told(row),
            why=row.history_change_reason or "",
            record=(model._meta.label, row.id),
        )
        for model, mine, told in records
        for row in model.history.filter(mine)
        .select_related("history_user", *RELATED.get(model, ()))
        .order_by("history_id")
    ]
    entries = DepositEntry.objects.filter(shop=shop).select_related("recorded_by").order_by("number")
    events += [
        Event(
            entry.recorded_at, entry.recorded_by, of_entry(entry), entry.cause, (entry._meta.label, entry.pk)
        )
        for entry in entries
    ]
    return sorted(events, key=lambda event: event.at)


def _of_shop(row: Any) -> str:
    return _("Shop: %(status)s, import %(batch)s") % {
        "status": row.get_status_display(),
        "batch": row.batch_id or "–",
    }


def _of_qualification(row: Any) -> str:
    return _("Paper %(kind)s %(brand)s: %(verdict)s") % {
        "kind": row.get_kind_display(),
        "brand": row.brand,
        "verdict": row.get_verdict_display(),
    }


def _of_enrollment(row: Any) -> str:
    return _("%(alliance)s: %(state)s, openings used %(used)s") % {
        "alliance": row.alliance,
        "state": row.get_state_display(),
        "used": row.openings_used,
    }


def _of_opening(row: Any) -> str:
    if not row.closed:
        return _("Opening %(number)s is open") % {"number": row.number}
    return _("Opening %(number)s is closed: %(cause)s") % {
        "number": row.number,
        "cause": row.get_cause_display() or "–",
    }


def _of_exemption(row: Any) -> str:
    return _("Exempt from %(rule)s until %(until)s") % {"rule": row.rule_code, "until": row.until}


def _of_listing(row: Any) -> str:
    return _("%(product)s in %(alliance)s: %(state)s") % {
        "product": row.product,
        "alliance": row.alliance,
        "state": row.get_state_display(),
    }


def _about(product: Product | None, told: str) -> str:
    return _("%(product)s: %(told)s") % {"product": product, "told": told} if product else told


def _of_proposal(row: Any) -> str:
    told = _("Proposal %(number)s, %(kind)s %(rules)s: %(status)s") % {
        "number": row.id,
        "kind": row.get_kind_display(),
        "rules": " ".join(row.failed_rules),
        "status": row.get_status_display(),
    }
    return _about(row.product, told)


def _of_decision(row: Any) -> str:
    told = _("Proposal %(number)s is %(verdict)s: %(reason)s; on the platform: %(execution)s") % {
        "number": row.proposal_id,
        "verdict": row.get_verdict_display(),
        "reason": row.get_reason_display(),
        "execution": row.get_execution_display(),
    }
    return _about(row.proposal.product, told)


def _of_penalty(row: Any) -> str:
    told = _("Penalty %(number)s, %(ground)s: %(status)s") % {
        "number": Penalty(pk=row.id).case_number,
        "ground": row.get_ground_display(),
        "status": row.get_status_display(),
    }
    return _about(row.product, told)


def _of_measure(row: Any) -> str:
    measure = _("Measure %(kind)s of penalty %(number)s") % {
        "kind": row.get_kind_display(),
        "number": Penalty(pk=row.penalty_id).case_number,
    }
    told = _("%(measure)s, undone") % {"measure": measure} if row.undone_at else measure
    return _about(row.listing.product if row.listing else None, told)


# What must always hold (faults): each returns the first broken record in words, or None.


def verify_decisions() -> str | None:
    """I1: every decided proposal has exactly one decision, and none exists without its proposal."""
    twice = Decision.objects.values("proposal").annotate(n=Count("pk")).filter(n__gt=1)
    undecided = Proposal.objects.filter(status__in=Proposal.DECIDED, decision=None)
    # The words of both are the same: accepted, rejected.
    other = Decision.objects.exclude(verdict=F("proposal__status"))
    orphans = Decision.objects.filter(~Exists(Proposal.objects.filter(pk=OuterRef("proposal_id"))))
    return _first(
        (f"decision {row.pk} is on proposal {row.proposal_id}, which is gone" for row in _by_key(orphans)),
        (f"proposal {row['proposal']} has {row['n']} decisions" for row in twice.order_by("proposal")[:1]),
        (f"proposal {row.pk} is {row.status} without a decision" for row in _by_key(undecided)),
        (
            f"decision {row.pk} is {row.verdict}, its proposal {row.proposal_id} is {row.proposal.status}"
            for row in _by_key(other.select_related("proposal"))
        ),
    )


def verify_history() -> str | None:
    """I5: each live audited row equals its newest history, and none is gone without a record."""
    for model in apps.get_models():
        if issubclass(model, Audited) and (found := first_unrecorded(model)):
            return f"{model._meta.verbose_name_raw} {found[0]} {found[1]}"
    return None


def verify_enrollments() -> str | None:
    """I6: proposals fit where their shops stand, and openings are numbered within the limit."""
    inside = Exists(
        Enrollment.objects.filter(
            shop=OuterRef("shop"), alliance=OuterRef("alliance"), state=Enrollment.State.OPEN
        )
    )
    waiting = Proposal.objects.filter(status__in=Proposal.UNDECIDED)
    for_insiders = Q(kind__in=Proposal.FOR_INSIDERS) | Q(product__isnull=False)
    outsiders = waiting.filter(for_insiders, ~inside)
    insiders = waiting.filter(inside, kind__in=Proposal.FOR_OUTSIDERS, product=None)
    beyond = Enrollment.objects.filter(openings_used__gt=F("alliance__openings_limit"))
    uncounted = Opening.objects.filter(number__gt=F("enrollment__openings_used"))
    astray = Opening.objects.filter(closed=False).exclude(
        enrollment__state=Enrollment.State.OPEN, number=F("enrollment__openings_used")
    )
    without = Enrollment.objects.filter(
        ~Exists(Opening.objects.filter(enrollment=OuterRef("pk"), closed=False)), state=Enrollment.State.OPEN
    )
    return _first(
        (f"proposal {row.pk} ({row.kind}) is open for a shop outside" for row in _by_key(outsiders)),
        (f"proposal {row.pk} ({row.kind}) is open for a shop inside" for row in _by_key(insiders)),
        (
            f"enrollment {row.pk} has used {row.openings_used} openings, more than its alliance allows"
            for row in _by_key(beyond)
        ),
        (f"opening {row.pk} has number {row.number}, which is not counted" for row in _by_key(uncounted)),
        (
            f"opening {row.pk} is open, but is not the one that enrollment {row.enrollment_id} is in"
            for row in _by_key(astray)
        ),
        (f"enrollment {row.pk} is open without an open opening" for row in _by_key(without)),
    )


def verify_imports() -> str | None:
    """I7: for each import, rows in the file = created + updated + unchanged + rejected."""
    ended_with_nothing = Q(state__in=[ImportBatch.State.REFUSED, ImportBatch.State.CANCELLED])
    accounted = F("created") + F("updated") + F("unchanged") + F("rejected")
    wrong = ImportBatch.objects.exclude(rows=accounted)
    # The others were applied, or announce what would change.
    claims = ImportBatch.objects.filter(ended_with_nothing).filter(Q(created__gt=0) | Q(updated__gt=0))
    return _first(
        (f"import {row.pk} does not account for its {row.rows} rows" for row in _by_key(wrong)),
        (f"import {row.pk} is {row.state}, yet counts rows as changed" for row in _by_key(claims)),
    )


def verify_leases() -> str | None:
    """I8: nothing is running without a living session that holds its lease."""
    # The states first: what begins in between is running and has its lease.
    sweeps = list(Sweep.objects.filter(status=Sweep.Status.RUNNING).order_by("pk"))
    imports = list(ImportBatch.objects.filter(state__in=ImportBatch.WORKING).order_by("pk"))
    running, working = leases(SWEEPING), leases(IMPORTING)
    return _first(
        (f"daily check {row.pk} is running, and nobody runs it" for row in sweeps if row.pk not in running),
        (
            f"import {row.pk} is {row.state}, and nobody works on it"
            for row in imports
            if row.pk not in working
        ),
    )


@dataclass(frozen=True)
class Fact:
    """A check by the number that its definition has."""

    number: str
    verify: Callable[[], str | None]


FACTS = {
    "decisions": Fact("I1", verify_decisions),
    "ledger": Fact("I2", verify_ledger),
    "reversals": Fact("I3", verify_reversals),
    "history": Fact("I5", verify_history),
    "enrollments": Fact("I6", verify_enrollments),
    "imports": Fact("I7", verify_imports),
    "leases": Fact("I8", verify_leases),
}


def _by_key(rows: QuerySet) -> QuerySet:
    return rows.order_by("pk")[:1]


def _first(*broken: Iterator[str]) -> str | None:
    """The first sentence that any of these yields; the queries behind the others are not asked."""
    return next((sentence for sentences in broken for sentence in sentences), None)
