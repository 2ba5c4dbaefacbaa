"""Plain functions that make what a test speaks about. Each row has its history; values hold unless given."""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import Group, User
from django.db import connection

from opsdesk import appeals, review
from opsdesk.models import Appeal, Channel, Evidence
from rules import declaring, publishing
from rules.models import Proposal, RuleSet, Simulation, Sweep
from shops import penalties
from shops.models import (
    Alliance,
    Controller,
    DeclaredMetric,
    Enrollment,
    ImportBatch,
    Listing,
    Measure,
    Opening,
    Penalty,
    Product,
    ProductMetrics,
    Qualification,
    Shop,
    ShopMetrics,
    Violation,
)
from tests.opsdesk.files import jpeg

SHANGHAI = ZoneInfo("Asia/Shanghai")
# The day whose metrics count, and a moment of the morning after.
DAY = date(2026, 3, 10)
AT = datetime(2026, 3, 11, 9, 30, tzinfo=SHANGHAI)
DOUYIN, WECHAT = "douyin-featured", "wechat-select"

_count = itertools.count(1)


def make_user(role: str | None = "operator", *, username: str = "", password: str | None = None) -> User:
    """A member of staff in the group `role`; None: of no group. Without a password nobody can sign in."""
    user = User.objects.create_user(
        username or f"{role or 'nobody'}-{next(_count)}", password=password, is_staff=True
    )
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_controller(code: str = "") -> Controller:
    return Controller.objects.create(code=code or f"controller-{next(_count)}")


def make_shop(**values: Any) -> Shop:
    """A normal physical-goods shop that trades under no brand."""
    number = next(_count)
    values.setdefault("code", f"S{number:06d}")
    values.setdefault("name", f"店铺{number}")
    return Shop.objects.create(
        **{
            "name_key": values["name"].lower(),
            "shop_type": Shop.Type.ORDINARY,
            "category": "beauty",
            "goods_kind": Shop.GoodsKind.PHYSICAL,
            "status": Shop.Status.NORMAL,
            "account_ok": True,
            "subject_kind": Shop.SubjectKind.ENTERPRISE,
            "entered_on": date(2024, 1, 15),
            **values,
        }
    )


def make_product(shop: Shop | None = None, **values: Any) -> Product:
    number = next(_count)
    return Product.objects.create(
        **{
            "code": f"G{number:06d}",
            "shop": shop or make_shop(),
            "name": f"商品{number}",
            "category": "beauty",
            "status": Product.Status.ON_SALE,
            **values,
        }
    )


def make_listing(product: Product | None = None, alliance_code: str = WECHAT, **values: Any) -> Listing:
    """A product that is promoted."""
    return Listing.objects.create(
        **{
            "product": product or make_product(),
            "alliance": Alliance.objects.get(code=alliance_code),
            "state": Listing.State.PROMOTED,
            **values,
        }
    )


def make_qualification(shop: Shop, **values: Any) -> Qualification:
    """An accepted brand paper that is valid for a year more."""
    return Qualification.objects.create(
        **{
            "shop": shop,
            "kind": Qualification.Kind.BRAND,
            "brand": "一叶",
            "valid_until": DAY + timedelta(days=365),
            "verdict": Qualification.Verdict.ACCEPTED,
            "received_at": AT - timedelta(days=30),
            **values,
        }
    )


def make_enrollment(
    shop: Shop | None = None,
    alliance_code: str = DOUYIN,
    state: str = Enrollment.State.OPEN,
    openings: int | None = None,
) -> Enrollment:
    """An enrollment and its openings, of which the last is open exactly where `state` is open.

    Without `openings`: one for a shop that is or was in, none for one that has only applied.
    """
    if openings is None:
        openings = 0 if state == Enrollment.State.APPLIED else 1
    enrollment = Enrollment.objects.create(
        shop=shop or make_shop(),
        alliance=Alliance.objects.get(code=alliance_code),
        state=state,
        openings_used=openings,
    )
    for number in range(1, openings + 1):
        closed = number < openings or state != Enrollment.State.OPEN
        opened_on = DAY - timedelta(days=100 * (openings - number + 1))
        Opening.objects.create(
            enrollment=enrollment,
            number=number,
            opened_on=opened_on,
            closed=closed,
            closed_on=opened_on + timedelta(days=50) if closed else None,
            cause=Opening.Cause.METRIC if closed else "",
        )
    return enrollment


def make_batch(kind: str = ImportBatch.Kind.METRICS, *, rows: int = 1, **values: Any) -> ImportBatch:
    """An import that was applied and only created rows."""
    return ImportBatch.objects.create(
        **{
            "kind": kind,
            "state": ImportBatch.State.APPLIED,
            "file_name": f"{kind}.csv",
            "sha256": f"{next(_count):064x}",
            "size": 100,
            "received_at": AT,
            "as_of": AT,
            "finished_at": AT,
            "rows": rows,
            "created": rows,
            **values,
        }
    )


def make_metrics(
    shop: Shop, day: date = DAY, *, batch: ImportBatch | None = None, **values: Any
) -> ShopMetrics:
    """A day's metrics of a shop that holds every rule of both alliances."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT shops_make_month(%s)", [day])
    return ShopMetrics.objects.create(
        **{
            "shop": shop,
            "day": day,
            "batch": batch or make_batch(first_day=day, last_day=day),
            "gmv_30d": "120000.00",
            "paid_orders_30d": 900,
            "shop_score": "4.80",
            "experience_score": "4.60",
            "product_score": "4.60",
            "service_score": "4.60",
            "logistics_score": "4.60",
            "positive_rate": "0.960000",
            "warehouse_passed": True,
            "alliance_connected": True,
            "erp_connected": True,
            "freight_insurance": True,
            **values,
        }
    )


def make_declared(key: str = "care_score", **values: Any) -> DeclaredMetric:
    """A declared metric: a score from 0 to 5 that may be missing yet, unless told otherwise."""
    kind = values.setdefault("type", "score")
    said = {
        "name_en": key.replace("_", " "),
        "name_zh": f"指标{key}",
        "knows_none_yet": kind == "score",
        **values,
    }
    return declaring.declare(declaring.Declaration(key, **said), by=None, at=AT - timedelta(days=60))


def make_product_metrics(
    product: Product, day: date = DAY, *, batch: ImportBatch | None = None, **values: Any
) -> ProductMetrics:
    """A day of a product that is past its observation, with a refund in a hundred orders."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT shops_make_product_month(%s)", [day])
    return ProductMetrics.objects.create(
        **{
            "product": product,
            "day": day,
            "batch": batch or make_batch(ImportBatch.Kind.PRODUCT_METRICS, first_day=day, last_day=day),
            "settled_orders": 120,
            "valid_paid_orders": 100,
            "quality_refunds": 1,
            "sales_amount": "1234.50",
            **values,
        }
    )


def make_sweep(alliance_code: str = DOUYIN, day: date = DAY, **values: Any) -> Sweep:
    """A daily check that is done."""
    return Sweep.objects.create(
        **{
            "alliance": Alliance.objects.get(code=alliance_code),
            "day": day,
            "status": Sweep.Status.DONE,
            "requested_at": AT,
            "started_at": AT,
            "finished_at": AT,
            **values,
        }
    )


def make_proposal(
    enrollment: Enrollment | None = None, *, kind: str = Proposal.Kind.CLEAR, **values: Any
) -> Proposal:
    """An open proposal as a daily check files it: clearance for DF-C1 at 3.49, or admission.

    Without an enrollment one that fits: open for a clearance, applied for an admission.
    """
    clears = kind == Proposal.Kind.CLEAR
    if enrollment is None:
        enrollment = make_enrollment(state=Enrollment.State.OPEN if clears else Enrollment.State.APPLIED)
    alliance = enrollment.alliance
    purpose = RuleSet.Purpose.CLEARANCE if clears else RuleSet.Purpose.ADMISSION
    rule_set = RuleSet.objects.get(alliance=alliance, purpose=purpose, version=1)
    failed = {
        "code": "DF-C1" if alliance.code == DOUYIN else "WS-C1",
        "purpose": purpose.value,
        "metric": "experience_score" if alliance.code == DOUYIN else "shop_score",
        "observed": "3.49" if alliance.code == DOUYIN else "4.19",
        "operator": "<",
        "threshold": "3.5" if alliance.code == DOUYIN else "4.2",
        "outcome": "fails",
        "margin": "-0.01",
        "advisory": False,
    }
    lead = {
        "ground": "metric",
        "failed_rules": [failed["code"]],
        "lead_rule": failed["code"],
        "lead_metric": failed["metric"],
        "observed": failed["observed"],
        "operator": failed["operator"],
        "threshold": failed["threshold"],
        "margin": failed["margin"],
        "failing_since": DAY,
    }
    return Proposal.objects.create(
        **{
            "alliance": alliance,
            "shop": enrollment.shop,
            "enrollment": enrollment,
            "kind": kind,
            "day": DAY,
            "filed_on": DAY + timedelta(days=1),
            "rule_set": rule_set,
            "openings_used": enrollment.openings_used,
            "gmv_30d": "120000.00",
            "evidence": {
                "day": DAY.isoformat(),
                "batch": None,
                "rule_sets": [{"id": rule_set.pk, "purpose": purpose.value, "version": 1}],
                "rules": [failed] if clears else [],
            },
            **(lead if clears else {}),
            **values,
        }
    )


def make_penalty(
    shop: Shop | None = None,
    *,
    violation_code: str = "",
    ground: str = "",
    status: str = Penalty.Status.IMPOSED,
    at: datetime = AT,
    **values: Any,
) -> Penalty:
    """A penalty without measures; for a clearance call penalties.impose. `at`: reported, imposed, ended."""
    penalised = status != Penalty.Status.REPORTED
    return Penalty.objects.create(
        **{
            "shop": shop or make_shop(),
            "violation": Violation.objects.get(code=violation_code) if violation_code else None,
            "ground": ground or ("violation" if violation_code else "judgement"),
            "status": status,
            "reason": "as the platform reports",
            "reported_at": at,
            "imposed_at": at if penalised else None,
            "ended_at": None if status in ("reported", "imposed") else at,
            **values,
        }
    )


def make_published(draft: RuleSet, *, at: datetime = AT) -> None:
    """Have two people submit and publish it, whatever its rules and its day: verbs would ask more of them."""
    draft.submitted_at, draft.submitted_by = at, make_user("rules_editor")
    draft.simulation = make_simulation(draft)
    draft.save()
    draft.published_at, draft.published_by = at, make_user("supervisor")
    draft.save()


def make_simulation(rule_set: RuleSet | None = None, **values: Any) -> Simulation:
    """A simulation that is done, of the rules as they are now; by default of Douyin's clearance."""
    if rule_set is None:
        rule_set = RuleSet.objects.get(alliance__code=DOUYIN, purpose=RuleSet.Purpose.CLEARANCE, version=1)
    return Simulation.objects.create(
        **{
            "rule_set": rule_set,
            "day": (day := values.get("day", DAY)),
            "against": publishing.in_force(rule_set.alliance, rule_set.purpose, day, rule_set.subject),
            "status": Simulation.Status.DONE,
            "requested_at": AT,
            "finished_at": AT,
            "digest": publishing.digest_of(rule_set),
            **values,
        }
    )


def make_imposed(shop: Shop, *measures: Measure, code: str = "V8", **given: Any) -> Penalty:
    """A penalty imposed by its verb: for the violation of that code unless another one, or another ground, is
    given; by the system at AT unless told otherwise.
    """
    given = {"ground": "violation", "reason": "as found", "evidence": {}, "by": None, "at": AT} | given
    if given["ground"] == "violation":
        given.setdefault("violation", Violation.objects.get(code=code))
    return penalties.impose(shop=shop, measures=list(measures), **given)


def make_cleared(
    enrollment: Enrollment | None = None, *, by: User | None = None, at: datetime = AT
) -> Penalty:
    """The penalty of a clearance for a metric, accepted at that moment; by the system unless given."""
    return review.accept(make_proposal(enrollment).pk, by=by, reason="below_bar", at=at).proposal.penalty


def make_cleared_and_warned(
    enrollment: Enrollment | None = None,
    *,
    ground: str = "judgement",
    by: User | None = None,
    at: datetime = AT,
) -> Penalty:
    """A penalty of two measures, imposed past any proposal."""
    enrollment = enrollment or make_enrollment()
    return penalties.impose(
        shop=enrollment.shop,
        alliance=enrollment.alliance,
        ground=ground,
        reason="unsuitable",
        evidence={},
        measures=[Measure(kind=Measure.Kind.CLEAR), Measure(kind=Measure.Kind.WARNING)],
        by=by,
        at=at,
    )


def make_appeal(
    penalty: Penalty | None = None, *, at: datetime = AT + timedelta(days=1), **values: Any
) -> Appeal:
    """An appeal as an officer records it, a day after the decision."""
    return appeals.file(
        **{
            "penalty": penalty or make_cleared(),
            "channel": Channel.MAIL,
            "statement": "评分有误，附物流记录",
            "by": None,
            "at": at,
            **values,
        }
    )


def make_evidence(
    appeal: Appeal | None = None,
    content: bytes = b"",
    *,
    name: str = "proof.jpg",
    at: datetime = AT + timedelta(days=1),
    **values: Any,
) -> Evidence:
    """A file that supports the appeal; a picture unless given."""
    [evidence] = appeals.add(
        (appeal or make_appeal()).pk,
        evidence=[appeals.Offered(name, BytesIO(content or jpeg()))],
        **{"by": None, "at": at, **values},
    )
    return evidence
