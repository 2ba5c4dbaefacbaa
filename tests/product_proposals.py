"""Proposals about products as a daily check files them, and warnings of what observed products sold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rules.models import Proposal, RuleSet
from shops.models import Enrollment, Listing
from tests.factories import DAY, WECHAT, make_enrollment, make_listing, make_proposal

# How the listing stands of which a daily check files a proposal of the kind, and the rule that it names.
OF_PRODUCTS = {
    Proposal.Kind.STOP: (
        Listing.State.PROMOTED,
        "PR-C1",
        "quality_refund_rate",
        "0.08",
        ">",
        "0.05",
        "-0.03",
    ),
    Proposal.Kind.OBSERVE: (Listing.State.APPLIED, "WS-O1", "settled_orders", "12", "<", "30", "-18"),
    Proposal.Kind.ADMIT: (Listing.State.APPLIED,),
    Proposal.Kind.RESUME: (Listing.State.OBSERVED,),
}


def make_product_proposal(
    listing: Listing | None = None, *, kind: str = Proposal.Kind.STOP, **values: Any
) -> Proposal:
    """An open proposal about a product as a daily check files it; without a listing one that fits.

    Its shop is open in the alliance, unless it stands otherwise already.
    """
    state, *failed = OF_PRODUCTS[Proposal.Kind(kind)]
    listing = listing or make_listing(state=state)
    shop, alliance = listing.product.shop, listing.alliance
    enrollment = shop.enrollments.filter(alliance=alliance).first() or make_enrollment(shop, alliance.code)
    rule_set = RuleSet.objects.get(alliance=alliance, subject="shop", purpose="clearance", version=1)
    entries, lead = [], {}
    if failed:
        names = ("code", "metric", "observed", "operator", "threshold", "margin")
        entry = dict(zip(names, failed, strict=True))
        entries = [{**entry, "purpose": "clearance", "outcome": "fails", "advisory": False}]
        lead = {f"lead_{name}" if name == "metric" else name: entry[name] for name in names[1:]}
        lead |= {"ground": "metric", "failed_rules": [entry["code"]], "lead_rule": entry["code"]}
        lead |= {"failing_since": DAY}
    return Proposal.objects.create(
        **{
            "alliance": alliance,
            "shop": shop,
            "product": listing.product,
            "enrollment": enrollment,
            "kind": kind,
            "day": DAY,
            "filed_on": DAY + timedelta(days=1),
            "rule_set": rule_set,
            "openings_used": enrollment.openings_used,
            "evidence": {
                "day": DAY.isoformat(),
                "batch": None,
                "rule_sets": [{"id": rule_set.pk, "purpose": "clearance", "version": 1}],
                "rules": entries,
            },
            **lead,
            **values,
        }
    )


def make_sales_warning(enrollment: Enrollment | None = None, **values: Any) -> Proposal:
    """A shop is warned of what its observed products sold on the day (WS-O2)."""
    enrollment = enrollment or make_enrollment(alliance_code=WECHAT)
    failed = ("WS-O2", "observed_sales", "5000.01", ">", "5000", "-0.01")
    code, metric, observed, operator, threshold, margin = failed
    lead = {"observed": observed, "operator": operator, "threshold": threshold, "margin": margin}
    entry = {"code": code, "purpose": "observation", "metric": metric, "outcome": "fails", "advisory": False}
    return make_proposal(
        enrollment,
        kind=Proposal.Kind.WARN,
        **{
            "ground": "metric",
            "failed_rules": [code],
            "lead_rule": code,
            "lead_metric": metric,
            **lead,
            "evidence": {
                "day": DAY.isoformat(),
                "batch": None,
                "rule_sets": [],
                "rules": [entry | lead],
                "products": [
                    {"code": "G1", "name": "新品一号", "sales": "4000.01"},
                    {"code": "G2", "name": "新品二号", "sales": "1000.00"},
                ],
                "more_products": 3,
            },
            **values,
        },
    )
