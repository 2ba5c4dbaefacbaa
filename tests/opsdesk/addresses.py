"""Every address that is routed, and one record of each kind that has pages of its own to reach them by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

from django.contrib.auth.models import Group
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from opsdesk import review
from opsdesk.models import AppealTerms, Notice
from rules import drafts, exemptions
from rules.models import RuleSet, SimulatedChange
from shops import imports, topups
from shops.models import (
    Alliance,
    DepositRequirement,
    DepositStep,
    Export,
    ImportBatch,
    ImportSource,
    PointsThreshold,
    Violation,
)
from tests.factories import (
    AT,
    DOUYIN,
    make_appeal,
    make_controller,
    make_declared,
    make_evidence,
    make_listing,
    make_penalty,
    make_proposal,
    make_qualification,
    make_shop,
    make_simulation,
    make_sweep,
    make_user,
)
from tests.shops.accounting import paid_in

LATER = (AT + timedelta(days=3650)).date()


def addresses(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Each routed address, by its name; by its route where it has none."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern, route)
        else:
            yield pattern.name or route, pattern


def forwards_alone(name: str) -> bool:
    """The admin's own addresses without a name: a record's short address, and the one that finds nothing."""
    return name.endswith(("/<path:object_id>/", "/(?P<url>.*)$"))


def an_import_with_a_rejected_row() -> ImportBatch:
    file = BytesIO(b"shop,kind,brand,valid_until,verdict\nnobody,brand,Y,2027-01-01,accepted\n")
    batch = imports.receive(kind="qualifications", file=file, file_name="papers.csv", by=None, at=AT)
    return imports.process(batch.pk, at=AT)


def a_requirement() -> DepositRequirement:
    requirement = DepositRequirement(category="beauty", base_fen=100)
    requirement.save_by(None)
    return requirement


def a_step() -> DepositStep:
    step = DepositStep(sales_fen=100, amount_fen=100)
    step.save_by(None)
    return step


def records() -> dict[str, Any]:
    """One record of each kind that has pages of its own."""
    shop = make_shop(controller=make_controller())
    alliance = Alliance.objects.get(code=DOUYIN)
    accepted = make_proposal()
    return {
        "shops_alliance": alliance,
        "shops_declaredmetric": make_declared(),
        "shops_export": Export.objects.create(
            asked_by=make_user("auditor"),
            asked_at=AT,
            finished_at=AT,
            state=Export.State.DONE,
            source="shops.shop",
            columns=["code"],
            format=Export.Format.CSV,
            language="en",
        ),
        "shops_importsource": ImportSource.objects.create(name="platform", kind="shops"),
        "shops_importbatch": an_import_with_a_rejected_row(),
        "shops_controller": shop.controller,
        "shops_depositentry": paid_in(shop, 100),
        "shops_depositrequirement": a_requirement(),
        "shops_depositstep": a_step(),
        "shops_topup": topups.demand(shop=shop, amount_fen=1, by=None, at=AT, key="owed", due_on=LATER),
        "shops_listing": (listing := make_listing()),
        "shops_penalty": make_penalty(shop),
        "shops_pointsthreshold": PointsThreshold.objects.create(points=12, kinds=["warning"]),
        "shops_product": listing.product,
        "shops_qualification": make_qualification(shop),
        "shops_shop": shop,
        "shops_violation": Violation.objects.get(code="V1"),
        "rules_ruleset": drafts.draft_from(
            RuleSet.objects.get(alliance=alliance, purpose="admission"), by=None, at=AT
        ),
        "rules_shopexemption": exemptions.grant(
            shop=shop,
            alliance=alliance,
            rule_code="DF-A5",
            until=LATER,
            reason="moved",
            by=None,
            at=AT,
        ),
        "rules_simulation": (simulation := make_simulation(status="running", finished_at=None)),
        "rules_simulatedchange": SimulatedChange.objects.create(
            simulation=simulation, shop=shop, change=SimulatedChange.Change.NEWLY_OUT
        ),
        "rules_sweep": make_sweep(status="held"),
        "opsdesk_decision": (decision := review.accept(accepted.pk, by=None, reason="below_bar", at=AT)),
        "opsdesk_execution": decision.execution,
        "opsdesk_notice": Notice.objects.get(penalty=decision.proposal.penalty),
        "opsdesk_appealterms": AppealTerms.current(),
        "opsdesk_appeal": make_evidence(make_appeal(make_penalty(shop, violation_code="V8"))).appeal,
        "rules_proposal": (proposal := make_proposal()),
        "shops_enrollment": proposal.enrollment,
        "auth_user": make_user(None),
        "auth_group": Group.objects.get(name="auditor"),
    }


def address_of(name: str, of: dict[str, Any]) -> str:
    """An address of that name that leads to an existing record."""
    if name in ("home", "set_language"):
        return reverse(name)
    if name in ("check_now", "no_data", "no_data_export"):
        return reverse(f"admin:{name}", args=[DOUYIN])
    if name == "app_list":
        return reverse("admin:app_list", args=["auth"])
    if name.startswith("opsdesk_evidence_"):
        token = of["opsdesk_appeal"].evidence.get().token
        return reverse(f"admin:{name}", args=[token, 1] if name.endswith("_page") else [token])
    model = next((model for model in of if name.startswith(f"{model}_")), None)
    page = name.removeprefix(f"{model}_") if model else name
    if model is None or page in (
        "changelist",
        "add",
        "export",
        "import",
        "metrics",
        "file",
        "codes",
        "compare",
        "rates",
        "many",
        "short",
        "short_export",
    ):
        return reverse(f"admin:{name}")
    subject = of[model]
    if page in ("account", "demand"):
        return reverse(f"admin:{name}", args=[subject.shop_id])
    if page == "enter":
        return reverse(f"admin:{name}", args=[subject.shop_id, "pay_in"])
    if page in ("rule", "rule_move", "rule_remove"):
        return reverse(f"admin:{name}", args=[subject.pk, subject.rules.first().pk])
    if page == "simple_history":
        return reverse(f"admin:{name}", args=[subject.pk, subject.history.first().pk])
    return reverse(f"admin:{name}", args=[subject.pk])
