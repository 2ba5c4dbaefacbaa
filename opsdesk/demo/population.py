"""Shops as a platform has them: most in order, some in each kind of trouble."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from opsdesk.demo import names
from opsdesk.demo.shops import EARLIER, DemoShop, Standing, Walk
from shops.models import Enrollment, Opening, Penalty, Qualification, Shop

State, Cause = Enrollment.State, Opening.Cause
PREFIX = {"douyin-featured": "DY", "wechat-select": "WX"}


def ordinary(count: int, last_day: date) -> Iterator[DemoShop]:
    """`count` shops as they stand on `last_day`, the same each time. Made one by one, never all at once."""
    random = Random("opsdesk")
    controllers = 0
    shared: list[str] = []
    for number in range(count):
        if random.random() < 0.22 and shared:
            controller = shared.pop()
        else:
            controllers += 1
            controller = f"C{controllers:06d}" if random.random() > 0.03 else ""
            if controller and random.random() < 0.12:
                shared += [controller] * random.randint(1, 4)
        shop = _shop(random, number, controller, last_day)
        _enroll(random, shop, last_day)
        _certify(random, shop, number, last_day)
        _measure(random, shop)
        _trouble(random, shop)
        _case(random, shop, last_day)
        yield shop


def _ago(random: Random, day: date, least: int, most: int) -> date:
    return day - timedelta(days=random.randint(least, most))


def _one_of(random: Random, shares: dict[str, float], otherwise: str) -> str:
    """A key by its share of 1, else `otherwise`."""
    drawn = random.random()
    for key, share in shares.items():
        drawn -= share
        if drawn < 0:
            return key
    return otherwise


def _shop(random: Random, number: int, controller: str, last_day: date) -> DemoShop:
    alliance = _one_of(random, {"wechat-select": 0.4}, "douyin-featured")
    if alliance == "wechat-select" and random.random() < 0.05:
        category = names.LOCAL_LIFE
    else:
        [category] = random.choices(names.CATEGORIES, names.CATEGORY_WEIGHTS)
    branded: dict[str, float] = {
        Shop.Type.FLAGSHIP: 0.16,
        Shop.Type.EXCLUSIVE: 0.1,
        Shop.Type.MULTI_BRAND: 0.08,
    }
    shop_type = Shop.Type(_one_of(random, branded, Shop.Type.ORDINARY))
    if category is names.LOCAL_LIFE:
        shop_type = Shop.Type.ORDINARY
    status = _one_of(random, {"suspended": 0.012, "preparing": 0.01, "closed": 0.012}, "normal")
    shop = DemoShop(
        code=f"{PREFIX[alliance]}{100_001 + number}",
        wechat_shop=alliance == "wechat-select",
        name=names.shop_name(number, shop_type, random.choice(category.words)),
        seed=random.randrange(1, 2**31 - 1),
        shop_type=shop_type,
        category=category.name,
        goods_kind=Shop.GoodsKind.MIXED if random.randrange(100) < category.mixed else category.goods_kind,
        status=status,
        account_ok={"no": False, "unknown": None}.get(
            _one_of(random, {"no": 0.01, "unknown": 0.004}, "yes"), True
        ),
        subject_kind=_one_of(random, {"sole_trader": 0.35}, "enterprise")
        if shop_type == Shop.Type.ORDINARY
        else "enterprise",
        controller=controller,
        contact="店铺负责人",
        phone=names.phone(number),
        account_manager=random.choice(names.ACCOUNT_MANAGERS),
    )
    shop.email = names.email(shop.code)
    if status == Shop.Status.CLOSED:
        shop.closed_on = _ago(random, last_day, 45, 300)
        shop.closed_cause = _one_of(random, {"violation": 0.5}, "voluntary")
    return shop


def _enroll(random: Random, shop: DemoShop, last_day: date) -> None:
    standing = Standing(
        _one_of(random, {"": 0.02, State.APPLIED: 0.09, State.CLEARED: 0.07, State.LEFT: 0.04}, State.OPEN)
    )
    if shop.category == names.LOCAL_LIFE.name:
        standing.state = _one_of(random, {State.APPLIED: 0.5}, "")
    if shop.status in (Shop.Status.PREPARING, Shop.Status.CLOSED) and standing.state:
        standing.state = State.APPLIED if shop.status == Shop.Status.PREPARING else State.LEFT
    if standing.state == State.APPLIED:
        standing.openings = int(_one_of(random, {"1": 0.2, "2": 0.07, "3": 0.02}, "0"))
        if shop.status == Shop.Status.PREPARING or shop.category == names.LOCAL_LIFE.name:
            standing.openings = 0
    elif standing.state:
        standing.openings = int(_one_of(random, {"2": 0.17, "3": 0.06}, "1"))
    if standing.openings:
        standing.opened_on = _ago(random, shop.closed_on or last_day, 140, 400)
        if standing.state != State.OPEN:
            standing.closed_on = standing.opened_on + timedelta(days=random.randint(40, 95))
            standing.cause = Cause.METRIC
            if standing.state == State.LEFT:
                standing.cause = Cause.VOLUNTARY
            elif standing.state == State.CLEARED:
                standing.cause = _one_of(
                    random, {Cause.QUALIFICATION: 0.15, Cause.JUDGEMENT: 0.05}, Cause.METRIC
                )
    # Each earlier opening is taken to have begun EARLIER before the next.
    first = (standing.opened_on or shop.closed_on or last_day) - max(0, standing.openings - 1) * EARLIER
    shop.entered_on = _ago(random, first, 10, 900)
    if shop.wechat_shop:
        shop.wechat = standing
        return
    shop.douyin = standing
    if standing.state == State.OPEN and random.random() < 0.03:
        shop.wechat = replace(standing, openings=1)


def _certify(random: Random, shop: DemoShop, number: int, last_day: date) -> None:
    if random.random() < 0.3:
        shop.licence_until = last_day + timedelta(days=random.randint(200, 2500))
    if shop.shop_type not in Shop.BRANDED:
        return
    shop.brand = names.brand(number)
    shop.paper_verdict = Qualification.Verdict.ACCEPTED
    shop.paper_until = last_day + timedelta(days=random.randint(32, 900))
    state = {
        "missing": 0.007,
        "expired": 0.018,
        "rejected": 0.012,
        "pending": 0.014,
        "soon": 0.05,
        "new": 0.05,
    }
    match _one_of(random, state, ""):
        case "missing":
            shop.paper_verdict, shop.paper_until = "", None
        case "expired":
            shop.paper_until = _ago(random, last_day, 1, 50)
        case "rejected":
            shop.paper_verdict = Qualification.Verdict.REJECTED
        case "pending":
            shop.paper_verdict = Qualification.Verdict.PENDING
        case "soon":
            # The home page counts what expires within 30, 15, 7 and 1 days.
            shop.paper_until = last_day + timedelta(days=random.choice((1, 2, 4, 7, 10, 15, 22, 29)))
        case "new":
            shop.paper_before = _ago(random, last_day, 3, 30)


def _measure(random: Random, shop: DemoShop) -> None:
    """Healthy metrics: scores between a little above the bars and the top, sales over four orders of size."""
    score = min(4.98, max(4.26, random.gauss(4.66, 0.17)))
    shop.shop_score = Walk(int(score * 10_000), random.randint(-15, 20))
    experience = min(4.97, max(3.68, score - 0.15 + random.gauss(0, 0.2)))
    shop.experience = Walk(int(experience * 10_000), random.randint(-20, 20))
    shop.positive = Walk(
        int(min(0.995, max(0.79, random.gauss(0.94, 0.035))) * 10_000), random.randint(-3, 3)
    )
    shop.wobble = random.randint(60, 160)
    shop.gmv_fen = int(random.lognormvariate(14.6, 1.5))
    shop.basket_fen = int(random.lognormvariate(8.9, 0.6))
    if shop.goods_kind == Shop.GoodsKind.VIRTUAL:
        shop.warehouse_passed = shop.alliance_connected = shop.erp_connected = None


def _trouble(random: Random, shop: DemoShop) -> None:
    """A few percent slid under a bar some days ago, have gaps in their data, or no score yet."""
    applied = State.APPLIED in (shop.douyin.state, shop.wechat.state)
    if applied and random.random() < 0.35:
        match random.choice(("score", "positive", "warehouse", "erp", "sales")):
            case "score":
                shop.shop_score = Walk(random.randint(37500, 41900), random.randint(0, 60))
            case "positive":
                shop.positive = Walk(random.randint(6400, 7480))
            case "warehouse" if shop.goods_kind != Shop.GoodsKind.VIRTUAL:
                shop.warehouse_passed = False
            case "erp":
                shop.erp_connected = False
            case _:
                shop.gmv_fen = 0
        shop.freight_insurance = random.random() < 0.6
    match _one_of(random, {"slide": 0.035, "scare": 0.02, "blank": 0.006, "absent": 0.008, "new": 0.02}, ""):
        case "slide":
            # So much a day, and so many days under the bar, most of them few.
            drift, days = -random.randint(60, 300), random.choice((0, 0, 0, 1, 1, 2, 3, 4, 6, 9))
            under = drift * days + drift // 2
            shop.experience, shop.shop_score = Walk(35_000 + under, drift), Walk(42_000 + under, drift)
        case "scare":
            # Under the bar a while ago, and since recovered.
            shop.experience = Walk(random.randint(35_300, 37_500), random.randint(30, 120))
            shop.shop_score = Walk(random.randint(42_300, 43_500), random.randint(10, 60))
        case "blank":
            shop.experience.blank = shop.shop_score.blank = random.randint(1, 6)
        case "absent":
            shop.absent = random.randint(1, 5)
        case "new":
            shop.score_none = True
            shop.gmv_fen //= 50


def _case(random: Random, shop: DemoShop, last_day: date) -> None:
    """A penalty, or a case that was only reported. A serious one has closed the shop (CL-1)."""
    if shop.closed_cause == Shop.ClosedCause.VIOLATION:
        shop.violation = "V10" if shop.wechat_shop else random.choice(("V2", "V4", "V10"))
        shop.penalty_status, shop.penalty_on = Penalty.Status.IMPOSED, shop.closed_on
        for standing in (shop.douyin, shop.wechat):
            if standing.openings:
                standing.state, standing.cause = State.CLEARED, Cause.VIOLATION
                standing.closed_on = shop.closed_on
        return
    if shop.wechat_shop:
        if random.random() < 0.012:
            shop.violation = random.choice(("WS-V1", "WS-V2", "WS-V3", "WS-V4", "WS-V5"))
            shop.penalty_status, shop.penalty_on = Penalty.Status.IMPOSED, _ago(random, last_day, 45, 300)
        return
    match _one_of(
        random, {"V9": 0.008, "V9 before": 0.006, "minor": 0.012, "lifted": 0.004, "V11": 0.002}, ""
    ):
        case "V9":
            shop.violation, shop.penalty_on = "V9", _ago(random, last_day, 45, 360)
        case "V9 before":
            shop.violation, shop.penalty_on = "V9", _ago(random, last_day, 370, 800)
        case "minor":
            shop.violation = random.choice(("V1", "V3", "V5", "V6", "V7", "V8"))
            shop.penalty_on = _ago(random, last_day, 45, 700)
        case "lifted":
            shop.violation, shop.penalty_on = (
                random.choice(("V7", "V8", "V9")),
                _ago(random, last_day, 45, 300),
            )
            shop.penalty_status = Penalty.Status.LIFTED
        case "V11":
            shop.violation, shop.penalty_on = "V11", _ago(random, last_day, 45, 500)
            shop.penalty_status = Penalty.Status.REPORTED
    if shop.violation and not shop.penalty_status:
        shop.penalty_status = Penalty.Status.IMPOSED
