"""One shop's story in the reader's language: all that was recorded of it, in the order in which it came."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Model, Q
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsdesk import reasons
from opsdesk.models import Appeal, Decision, Execution, Notice
from rules import exemptions
from rules.models import Proposal, ShopExemption
from shops import money
from shops.models import (
    Audited,
    Closure,
    DepositEntry,
    Enrollment,
    Listing,
    Measure,
    Opening,
    Penalty,
    Product,
    Qualification,
    Shop,
    TopUp,
)
from shops.reasons import OF_MEASURES, OF_TOP_UPS, WRITTEN
from shops.reasons import told as reason_told


@dataclass(frozen=True)
class Record:
    """Of what model something was recorded, and under what key."""

    model: type[Model]
    pk: int


@dataclass(frozen=True)
class Event:
    """Something that became of a shop: when it was recorded, who did it (None: the system), what, why."""

    at: datetime
    who: User | None
    what: str
    why: str
    record: Record


# What the sentences of the story name, beside the record itself.
RELATED: dict[type[Audited], tuple[str, ...]] = {
    Enrollment: ("alliance",),
    Opening: ("enrollment__alliance",),
    Listing: ("product", "alliance"),
    Proposal: ("product",),
    Decision: ("proposal__product",),
    Execution: ("product",),
    Penalty: ("product",),
    Measure: ("listing__product",),
}
# What their histories keep as reasons by code, in words; the others' are WRITTEN.
REASONS: dict[type[Audited], Mapping[str, Any]] = {
    Listing: reasons.OF_DECISIONS,
    ShopExemption: exemptions.WRITTEN,
    Proposal: reasons.OF_PROPOSALS,
    Decision: reasons.OF_DECISIONS,
    Execution: WRITTEN | Execution.REASONS,
    Penalty: reasons.OF_DECISIONS,
    Measure: OF_MEASURES,
    TopUp: OF_TOP_UPS,
    Notice: reasons.OF_NOTICES,
    Appeal: reasons.OF_APPEALS,
}


def story(shop: Shop, told_of: Callable[[type[Model]], bool] = lambda model: True) -> list[Event]:
    """All that was recorded about the shop and its products' listings, oldest first: from imports to
    proposals, decisions, penalties.

    `told_of`: of which models; the others' records, which a reader may not see, are left out.
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
        (Execution, Q(shop=shop), _of_execution),
        (Penalty, Q(shop=shop), _of_penalty),
        (Measure, Q(penalty__shop=shop), _of_measure),
        (TopUp, Q(shop=shop), _of_top_up),
        (Notice, _notices_of(shop, with_rulings=told_of(Appeal)), _of_notice),
        (Appeal, Q(penalty__shop=shop), _of_appeal),
        (Closure, Q(shop=shop), _of_closure),
    ]
    events = [
        Event(
            at=row.history_date,
            who=row.history_user,
            what=told(row),
            why=reason_told(row.history_change_reason, REASONS.get(model, WRITTEN)),
            record=Record(model, row.id),
        )
        for model, mine, told in records
        if told_of(model)
        for row in model.history.filter(mine)
        .select_related("history_user", *RELATED.get(model, ()))
        .order_by("history_id")
    ]
    if told_of(DepositEntry):
        entries = DepositEntry.objects.filter(shop=shop).select_related("recorded_by").order_by("number")
        events += [
            Event(
                entry.recorded_at,
                entry.recorded_by,
                _of_entry(entry),
                entry.cause,
                Record(DepositEntry, entry.pk),
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
    opening = {"alliance": row.enrollment.alliance, "number": row.number}
    if not row.closed:
        return _("%(alliance)s: opening %(number)s is open") % opening
    closed = opening | {"cause": row.get_cause_display() or "–"}
    return _("%(alliance)s: opening %(number)s is closed: %(cause)s") % closed


def _of_exemption(row: Any) -> str:
    return _("Exempt from %(rule)s until %(until)s") % {
        "rule": row.rule_code,
        "until": date_format(row.until),
    }


def _of_listing(row: Any) -> str:
    return _("%(product)s in %(alliance)s: %(state)s") % {
        "product": row.product,
        "alliance": row.alliance,
        "state": row.get_state_display(),
    }


def _about(product: Product | None, told: str) -> str:
    return _("%(product)s: %(told)s") % {"product": product, "told": told} if product else told


def _of_proposal(row: Any) -> str:
    told = _("Proposal %(number)s, %(what)s: %(status)s") % {
        "number": row.id,
        "what": " ".join([row.get_kind_display(), *row.failed_rules]),
        "status": row.get_status_display(),
    }
    return _about(row.product, told)


def _of_decision(row: Any) -> str:
    told = _("Proposal %(number)s is %(verdict)s: %(reason)s") % {
        "number": row.proposal_id,
        "verdict": row.get_verdict_display(),
        "reason": row.get_reason_display(),
    }
    return _about(row.proposal.product, told)


def _of_execution(row: Any) -> str:
    case = Penalty(pk=row.penalty_id).case_number if row.penalty_id else ""
    told = _("On the platform, %(what)s: %(state)s") % {
        "what": " ".join(filter(None, [row.get_kind_display(), case])),
        "state": _state_of_execution(row),
    }
    return _about(row.product, told)


def _state_of_execution(row: Any) -> str:
    """How far it was, and what a stay asked for then, or the platform did for it."""
    also = ""
    match row.history_change_reason:
        case Execution.STAYED if row.stay_at is not None:
            also = str(Execution.Turn.PAUSE.label)
        case Execution.STAY_ENDED if row.stay_at is not None:
            also = str(Execution.Turn.GO_ON.label)
        case Execution.PAUSED:
            also = _("paused on %(day)s") % {"day": date_format(row.paused_on)}
        case Execution.GOES_ON:
            also = _("resumed on %(day)s") % {"day": date_format(row.resumed_on)}
    return pgettext("list", "; ").join(filter(None, [str(row.get_state_display()), also]))


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
    told = measure
    if row.undone_at:
        told = _("%(measure)s, undone") % {"measure": measure}
    elif row.lapsed_at:
        told = _("%(measure)s, over") % {"measure": measure}
    return _about(row.listing.product if row.listing else None, told)


def _of_entry(entry: DepositEntry) -> str:
    return _("Deposit: %(kind)s %(amount)s, balance %(balance)s") % {
        "kind": entry.get_kind_display(),
        "amount": money.told(entry.amount_fen),
        "balance": money.told(entry.balance_fen),
    }


def _of_top_up(row: Any) -> str:
    return _("Top-up of %(amount)s due on %(day)s: %(state)s") % {
        "amount": money.told(row.amount_fen),
        "day": date_format(row.due_on),
        "state": row.get_state_display(),
    }


def _of_closure(row: Any) -> str:
    if row.returned_at:
        return _("Returned after closing by itself")
    return _("Closed by itself; may return from %(day)s on") % {"day": date_format(row.return_from)}


def _notices_of(shop: Shop, *, with_rulings: bool) -> Q:
    """What became of its appeals concerns those who see appeals."""
    of_decisions = Q(penalty__shop=shop)
    return of_decisions | Q(appeal__penalty__shop=shop) if with_rulings else of_decisions


def _of_notice(row: Any) -> str:
    if row.appeal_id is not None:
        ruled = {"number": Appeal(pk=row.appeal_id).number, "channel": row.get_channel_display()}
        if row.delivered_at is None:
            return _("Notice of the ruling on appeal %(number)s is written") % ruled
        return _("Notice of the ruling on appeal %(number)s is delivered: %(channel)s") % ruled
    case = {"number": Penalty(pk=row.penalty_id).case_number, "channel": row.get_channel_display()}
    if row.delivered_at is None:
        return _("Notice of penalty %(number)s is written") % case
    return _("Notice of penalty %(number)s is delivered: %(channel)s") % case


def _of_appeal(row: Any) -> str:
    return _("Appeal %(number)s against penalty %(case)s: %(state)s") % {
        "number": Appeal(pk=row.id).number,
        "case": Penalty(pk=row.penalty_id).case_number,
        "state": row.get_state_display(),
    }
